//! What can be chosen for a backup, by itself or by the schedule that asks for it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::crd::open_enum::open_enum;

open_enum! {
    /// Who makes a backup.
    pub enum BackupMethod {
        /// The operator itself, by the tools of Barman Cloud; deprecated upstream.
        BarmanObjectStore = "barmanObjectStore",
        /// The storage, by snapshots of the volumes.
        VolumeSnapshot = "volumeSnapshot",
        /// A plugin of the cluster.
        Plugin = "plugin",
    }
}

open_enum! {
    /// On which instance a backup is made.
    pub enum BackupTarget {
        /// On the primary.
        Primary = "primary",
        /// On a standby that is ready, or on the primary if there is none.
        PreferStandby = "prefer-standby",
    }
}

impl BackupTarget {
    /// Returns whether anything was chosen: the operator takes an empty text for nothing.
    pub(in crate::crd::cnpg) fn is_chosen(&self) -> bool {
        !self.as_str().is_empty()
    }
}

/// How PostgreSQL begins and ends a backup that is made while it runs; for snapshots only.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OnlineConfiguration {
    /// Whether the end waits until the WAL that the backup needs is archived. Default: `true`.
    #[schemars(extend("default" = true))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_for_archive: Option<bool>,
    /// Whether the first checkpoint is made as fast as possible, at the price of load. Default:
    /// `false`, at the pace of `checkpoint_completion_target`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub immediate_checkpoint: Option<bool>,
}

impl OnlineConfiguration {
    /// Returns whether the end of the backup waits for its WAL.
    pub fn wait_for_archive(&self) -> bool {
        self.wait_for_archive.unwrap_or(true)
    }

    /// Returns whether the first checkpoint is hurried.
    pub fn immediate_checkpoint(&self) -> bool {
        self.immediate_checkpoint.unwrap_or(false)
    }
}
