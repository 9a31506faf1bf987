//! What became of a plugin.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A plugin that the operator has loaded. Capabilities have the names that CNPG-I gives them.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PluginStatus {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it is there for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Vec<String>>,
    /// What it does for the operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator_capabilities: Option<Vec<String>>,
    /// What it does with WAL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wal_capabilities: Option<Vec<String>>,
    /// What it does for backups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup_capabilities: Option<Vec<String>>,
    /// What it does when a cluster is restored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restore_job_hook_capabilities: Option<Vec<String>>,
    /// What it says of itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
}
