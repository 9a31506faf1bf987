//! What the plugin found in an object store.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::crd::core::Time;

/// What the plugin last found in an `ObjectStore`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectStoreStatus {
    /// From when on each cluster can be restored, by server name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_recovery_window: Option<BTreeMap<String, RecoveryWindow>>,
}

/// From when on a cluster can be restored, and how its backups went.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RecoveryWindow {
    /// The earliest moment that can be restored: the end of the oldest backup.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_recoverability_point: Option<Time>,
    /// When the newest backup was complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_successful_backup_time: Option<Time>,
    /// When a backup last failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_failed_backup_time: Option<Time>,
}
