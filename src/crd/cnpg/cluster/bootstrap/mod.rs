//! How a cluster comes into being.

mod initdb;
mod recovery;
mod target;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    initdb::{BootstrapInitDb, Import, ImportSource, ImportType, SqlRefs},
    recovery::{BackupSource, BootstrapRecovery, DataSource},
    target::{InvalidTargetTimeline, RecoveryTarget, TargetTimeline},
};
use crate::crd::core::LocalObjectReference;

/// How a cluster comes into being: one of the ways, or an empty one with the database `app`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct BootstrapConfiguration {
    /// Empty, or with what is imported as SQL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initdb: Option<BootstrapInitDb>,
    /// From a backup.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovery: Option<BootstrapRecovery>,
    /// As a copy of a running server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pg_basebackup: Option<BootstrapPgBaseBackup>,
}

impl BootstrapConfiguration {
    /// Restores a backup of an external cluster and all its WAL.
    pub fn recover_from(source: impl Into<String>) -> Self {
        let recovery = BootstrapRecovery {
            source: Some(source.into()),
            ..BootstrapRecovery::default()
        };
        Self {
            recovery: Some(recovery),
            ..Self::default()
        }
    }
}

/// A copy of a running server.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct BootstrapPgBaseBackup {
    /// The external cluster that is copied.
    #[schemars(length(min = 1))]
    pub source: String,
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
