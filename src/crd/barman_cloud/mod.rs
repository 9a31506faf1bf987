//! Resources of the Barman Cloud plugin for CloudNativePG (`barmancloud.cnpg.io/v1`).
//!
//! Fields and rules are those of the resource definition of plugin-barman-cloud 0.14.

mod configuration;
mod credentials;
mod retention;

use serde::{Deserialize, Serialize};

pub use self::{
    configuration::{
        BarmanObjectStoreConfiguration, DataBackupConfiguration, DataCompression, Encryption,
        WalBackupConfiguration, WalCompression,
    },
    credentials::{AzureCredentials, GoogleCredentials, S3Credentials},
    retention::{InvalidRetentionPolicy, RetentionPolicy, RetentionUnit},
};
use super::core::ObjectMeta;

/// A place for the backups of one or several clusters.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ObjectStore {
    /// [`Self::API_VERSION`].
    pub api_version: String,
    /// [`Self::KIND`].
    pub kind: String,
    /// Name and namespace.
    pub metadata: ObjectMeta,
    /// What is wanted.
    pub spec: ObjectStoreSpec,
    /// What the plugin last found there; walcast neither reads nor writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<serde_json::Value>,
}

impl ObjectStore {
    /// The group of the resource.
    pub const GROUP: &str = "barmancloud.cnpg.io";
    /// Group and version of the resource.
    pub const API_VERSION: &str = "barmancloud.cnpg.io/v1";
    /// The kind of the resource.
    pub const KIND: &str = "ObjectStore";
}

/// What is wanted of an [`ObjectStore`].
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ObjectStoreSpec {
    /// Where it is and how to write to it.
    pub configuration: BarmanObjectStoreConfiguration,
    /// For how long backups are kept; `None` is for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_policy: Option<RetentionPolicy>,
    /// Settings of the plugin's container; kept as they are, of no use to walcast.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_sidecar_configuration: Option<serde_json::Value>,
}
