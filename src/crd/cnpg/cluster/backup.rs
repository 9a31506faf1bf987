//! How a cluster is backed up without plugins, and where in any case.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::backup::{BackupTarget, OnlineConfiguration};
use crate::crd::{
    barman_cloud::{BarmanObjectStoreConfiguration, InvalidRetentionPolicy, RetentionPolicy},
    open_enum::open_enum,
};

/// How a cluster is backed up without plugins, and where in any case.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupConfiguration {
    /// The place for the operator's own archiving and backups, by Barman Cloud. Deprecated
    /// upstream for the plugin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub barman_object_store: Option<BarmanObjectStoreConfiguration>,
    /// For how long backups there are kept; without such a place it means nothing. Default: for
    /// ever.
    #[schemars(regex(pattern = "^[1-9][0-9]*[dwm]$"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention_policy: Option<String>,
    /// On which instance backups are made, also those by plugins. Default: `prefer-standby`.
    #[schemars(extend("default" = "prefer-standby"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<BackupTarget>,
    /// Backups by snapshots of the volumes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume_snapshot: Option<VolumeSnapshotConfiguration>,
}

impl BackupConfiguration {
    /// Returns for how long backups are kept as it is written, whether or not it means anything.
    ///
    /// [`Cluster::retention_policy`](super::Cluster::retention_policy) returns what holds.
    pub fn retention_policy(&self) -> Option<Result<RetentionPolicy, InvalidRetentionPolicy>> {
        self.retention_policy.as_deref().map(str::parse)
    }
}

/// Backups by snapshots of the volumes.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VolumeSnapshotConfiguration {
    /// The class of snapshots of data, and of all else that has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class_name: Option<String>,
    /// The class of snapshots of WAL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wal_class_name: Option<String>,
    /// The classes of snapshots of tablespaces, by their names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tablespace_class_name: Option<BTreeMap<String, String>>,
    /// Labels of the snapshots.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
    /// Annotations of the snapshots.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotations: Option<BTreeMap<String, String>>,
    /// What the snapshots are deleted with. Default: `none`.
    #[schemars(extend("default" = "none"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot_owner_reference: Option<SnapshotOwnerReference>,
    /// Whether PostgreSQL runs on meanwhile. Default: `true`.
    #[schemars(extend("default" = true))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub online: Option<bool>,
    /// How a snapshot of a running PostgreSQL begins and ends.
    #[schemars(extend("default" = { "waitForArchive": true, "immediateCheckpoint": false }))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub online_configuration: Option<OnlineConfiguration>,
}

impl VolumeSnapshotConfiguration {
    /// Returns what the snapshots are deleted with. Default: `none`.
    pub fn snapshot_owner_reference(&self) -> SnapshotOwnerReference {
        self.snapshot_owner_reference
            .clone()
            .unwrap_or(SnapshotOwnerReference::None)
    }

    /// Returns whether PostgreSQL runs on meanwhile. Default: `true`.
    pub fn is_online(&self) -> bool {
        self.online.unwrap_or(true)
    }
}

open_enum! {
    /// What a snapshot belongs to, and is deleted with.
    pub enum SnapshotOwnerReference {
        /// To nothing.
        None = "none",
        /// To the cluster.
        Cluster = "cluster",
        /// To the Backup.
        Backup = "backup",
    }
}
