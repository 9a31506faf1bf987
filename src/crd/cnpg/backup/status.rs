//! What became of a backup.

use std::collections::BTreeMap;

use k8s_openapi::{ByteString, apimachinery::pkg::apis::meta::v1::Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::BackupMethod;
use crate::{
    crd::{
        barman_cloud::{AzureCredentials, GoogleCredentials, S3Credentials},
        core::SecretKeySelector,
        definition::Int,
        open_enum::open_enum,
    },
    pg::{InvalidLsn, InvalidWalName, Lsn, SegmentName},
};

/// What became of a `Backup`.
///
/// Which fields are there depends on who made it. The Barman Cloud plugin tells neither place nor
/// credentials. The pgBackRest plugin tells its label in `backupName` and leaves `backupId` empty;
/// in which repository it is it does not tell.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupStatus {
    /// How far it is.
    #[schemars(with = "Option<String>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<BackupPhase>,
    /// Who made it.
    #[schemars(with = "Option<String>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<BackupMethod>,
    /// Barman's name of the backup: when it began, as `20260101T000000`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup_id: Option<String>,
    /// The name it was given: `backup-20260101000000` by Barman, the label by pgBackRest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup_name: Option<String>,
    /// Whether PostgreSQL ran meanwhile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub online: Option<bool>,
    /// PostgreSQL's major version.
    #[schemars(with = "Option<Int>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub major_version: Option<i64>,
    /// When the operator took it up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reconciliation_started_at: Option<Time>,
    /// When the operator was through with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reconciliation_terminated_at: Option<Time>,
    /// When the tool began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    /// When the tool ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped_at: Option<Time>,
    /// The segment in which it begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub begin_wal: Option<String>,
    /// The segment in which it ends; without it and those between the backup is worthless.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_wal: Option<String>,
    /// The position at which it begins.
    #[serde(rename = "beginLSN", skip_serializing_if = "Option::is_none")]
    pub begin_lsn: Option<String>,
    /// The position at which it ends.
    #[serde(rename = "endLSN", skip_serializing_if = "Option::is_none")]
    pub end_lsn: Option<String>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What the tool printed when it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command_error: Option<String>,
    /// No longer used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command_output: Option<String>,
    /// Where it was made.
    #[serde(rename = "instanceID", skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<InstanceId>,
    /// What the plugin says of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin_metadata: Option<BTreeMap<String, String>>,
    /// The snapshots that it consists of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot_backup_status: Option<BackupSnapshotStatus>,
    /// The file `backup_label` of a snapshot, in base64.
    #[schemars(with = "Option<String>", extend("format" = "byte"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup_label_file: Option<ByteString>,
    /// The file `tablespace_map` of a snapshot, in base64.
    #[schemars(with = "Option<String>", extend("format" = "byte"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tablespace_map_file: Option<ByteString>,
    /// The place, if the operator made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_path: Option<String>,
    /// The folder there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// The store's own address.
    #[serde(rename = "endpointURL", skip_serializing_if = "Option::is_none")]
    pub endpoint_url: Option<String>,
    /// Certificates that the address is checked against.
    #[serde(rename = "endpointCA", skip_serializing_if = "Option::is_none")]
    pub endpoint_ca: Option<SecretKeySelector>,
    /// What the store encrypts with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption: Option<String>,
    /// Credentials of a place in S3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s3_credentials: Option<S3Credentials>,
    /// Credentials of a place in Azure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub azure_credentials: Option<AzureCredentials>,
    /// Credentials of a place in Google's cloud.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub google_credentials: Option<GoogleCredentials>,
}

impl BackupStatus {
    /// Returns the segment in which the backup begins.
    pub fn begin_wal(&self) -> Option<Result<SegmentName, InvalidWalName>> {
        self.begin_wal.as_deref().map(SegmentName::parse)
    }

    /// Returns the segment in which the backup ends.
    pub fn end_wal(&self) -> Option<Result<SegmentName, InvalidWalName>> {
        self.end_wal.as_deref().map(SegmentName::parse)
    }

    /// Returns the position at which the backup begins.
    pub fn begin_lsn(&self) -> Option<Result<Lsn, InvalidLsn>> {
        self.begin_lsn.as_deref().map(str::parse)
    }

    /// Returns the position at which the backup ends.
    pub fn end_lsn(&self) -> Option<Result<Lsn, InvalidLsn>> {
        self.end_lsn.as_deref().map(str::parse)
    }
}

open_enum! {
    /// How far a backup is.
    pub enum BackupPhase {
        /// It waits: for the cluster, or for another backup of it.
        Pending = "pending",
        /// It was given to an instance.
        Started = "started",
        /// The operator's own tool is at work.
        Running = "running",
        /// Snapshots are taken; the storage is not through with them.
        Finalizing = "finalizing",
        /// It is there.
        Completed = "completed",
        /// It is not there, and is not tried again.
        Failed = "failed",
        /// It waits, because WAL is not archived.
        WalArchivingFailing = "walArchivingFailing",
        /// It cannot be made as it is asked for.
        Invalid = "invalid backup definition",
    }
}

impl BackupPhase {
    /// Returns whether nothing comes after it.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }
}

/// The instance that made a backup.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InstanceId {
    /// Its pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_name: Option<String>,
    /// Its container.
    #[serde(rename = "ContainerID", skip_serializing_if = "Option::is_none")]
    pub container_id: Option<String>,
    /// One run of the instance manager; a backup does not outlive it.
    #[serde(rename = "sessionID", skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
}

/// The snapshots that a backup consists of.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct BackupSnapshotStatus {
    /// One for each volume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elements: Option<Vec<SnapshotElement>>,
}

/// A snapshot of one volume.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotElement {
    /// The `VolumeSnapshot`.
    pub name: String,
    /// What is on the volume.
    #[schemars(with = "String")]
    pub r#type: SnapshotElementType,
    /// The tablespace, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tablespace_name: Option<String>,
}

open_enum! {
    /// What is on a volume.
    pub enum SnapshotElementType {
        /// The data directory.
        Data = "PG_DATA",
        /// WAL.
        Wal = "PG_WAL",
        /// A tablespace.
        Tablespace = "PG_TABLESPACE",
    }
}
