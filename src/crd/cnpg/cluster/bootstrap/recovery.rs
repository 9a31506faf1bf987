//! A cluster made from a backup.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::TypedLocalObjectReference;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::RecoveryTarget;
use crate::crd::core::{LocalObjectReference, SecretKeySelector};

/// A cluster made from a backup: of an external cluster, as a Backup, or as snapshots.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BootstrapRecovery {
    /// The external cluster whose backups and WAL are used. With snapshots, the one whose WAL is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// A Backup that the operator made itself; those by plugins cannot be restored this way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup: Option<BackupSource>,
    /// Snapshots or claims to copy the volumes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume_snapshots: Option<DataSource>,
    /// How far WAL is replayed. Default: as far as there is any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovery_target: Option<RecoveryTarget>,
    /// The database of the application. Default: `app`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// The role that owns it. Default: one of its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The password of that role. Default: one that the operator draws.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<LocalObjectReference>,
}

/// A Backup to restore.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct BackupSource {
    /// The Backup.
    pub name: String,
    /// Certificates that the store's address is checked against. Default: those of the Backup.
    #[serde(rename = "endpointCA", skip_serializing_if = "Option::is_none")]
    pub endpoint_ca: Option<SecretKeySelector>,
}

/// `VolumeSnapshot`s or `PersistentVolumeClaim`s to copy volumes from.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DataSource {
    /// For data.
    pub storage: TypedLocalObjectReference,
    /// For WAL, if that has a volume of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wal_storage: Option<TypedLocalObjectReference>,
    /// For tablespaces, by their names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tablespace_storage: Option<BTreeMap<String, TypedLocalObjectReference>>,
}
