//! One backup of a cluster.

mod options;
mod status;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    options::{BackupMethod, BackupTarget, OnlineConfiguration},
    status::{
        BackupPhase, BackupSnapshotStatus, BackupStatus, InstanceId, SnapshotElement,
        SnapshotElementType,
    },
};
use super::{cluster::Cluster, plugin::BackupPluginConfiguration};
use crate::crd::{core::LocalObjectReference, resource::resource};

resource! {
    /// One backup of a cluster, asked for by a person or by a schedule.
    ///
    /// It is made once; what is asked for cannot be changed afterwards. Deleting the resource
    /// deletes no data.
    pub struct Backup {
        spec: BackupSpec,
        status: BackupStatus,
    }
    "postgresql.cnpg.io" / "v1", "backups",
    column: ("Age", "date", ".metadata.creationTimestamp"),
    column: ("Cluster", "string", ".spec.cluster.name"),
    column: ("Method", "string", ".spec.method"),
    column: ("Phase", "string", ".status.phase"),
    column: ("Error", "string", ".status.error")
}

impl Backup {
    /// Asks a plugin for a backup of `cluster`, on the primary if the plugin needs it there.
    ///
    /// ```
    /// # use walcast::crd::cnpg::{BARMAN_CLOUD, Backup, BackupMethod};
    /// let backup = Backup::for_plugin("before-upgrade", "db", BARMAN_CLOUD);
    ///
    /// assert_eq!(backup.spec.method(), BackupMethod::Plugin);
    /// assert_eq!(backup.spec.cluster.name, "db");
    /// ```
    pub fn for_plugin(
        name: impl Into<String>,
        cluster: impl Into<String>,
        plugin: impl Into<BackupPluginConfiguration>,
    ) -> Self {
        let plugin = plugin.into();
        let spec = BackupSpec {
            method: Some(BackupMethod::Plugin),
            target: plugin.required_target(),
            plugin_configuration: Some(plugin),
            ..BackupSpec::new(cluster)
        };
        Self::new(name, spec)
    }

    /// Returns whether the operator is through with it, for better or for worse.
    pub fn is_done(&self) -> bool {
        let phase = self
            .status
            .as_ref()
            .and_then(|status| status.phase.as_ref());
        phase.is_some_and(BackupPhase::is_final)
    }
}

/// What is wanted of a `Backup`.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[schemars(extend("x-kubernetes-validations" = [
    { "rule": "oldSelf == self", "message": "BackupSpec is immutable once set" },
]))]
#[serde(rename_all = "camelCase")]
pub struct BackupSpec {
    /// The cluster.
    pub cluster: LocalObjectReference,
    /// Who makes it. Default: `barmanObjectStore`.
    #[schemars(extend("default" = "barmanObjectStore"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<BackupMethod>,
    /// The plugin, for the method `plugin`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin_configuration: Option<BackupPluginConfiguration>,
    /// On which instance. Default: what the cluster says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<BackupTarget>,
    /// Whether PostgreSQL runs on meanwhile, for snapshots. Default: what the cluster says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub online: Option<bool>,
    /// How a snapshot of a running PostgreSQL begins and ends. Default: what the cluster says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub online_configuration: Option<OnlineConfiguration>,
}

impl BackupSpec {
    /// Asks for a backup of `cluster` by the default method.
    pub fn new(cluster: impl Into<String>) -> Self {
        Self {
            cluster: LocalObjectReference::new(cluster),
            method: None,
            plugin_configuration: None,
            target: None,
            online: None,
            online_configuration: None,
        }
    }

    /// Returns who makes it. Default: `barmanObjectStore`.
    pub fn method(&self) -> BackupMethod {
        self.method
            .clone()
            .unwrap_or(BackupMethod::BarmanObjectStore)
    }

    /// Returns on which instance of `cluster` it is made: where it says, else where the cluster
    /// says, else on a standby if there is one.
    ///
    /// ```
    /// # use walcast::crd::cnpg::{BackupConfiguration, BackupSpec, BackupTarget, Cluster, ClusterSpec};
    /// let mut cluster = Cluster::new("db", ClusterSpec::default());
    /// let mut backup = BackupSpec::new("db");
    /// assert_eq!(backup.effective_target(&cluster), BackupTarget::PreferStandby);
    ///
    /// cluster.spec.backup = Some(BackupConfiguration {
    ///     target: Some(BackupTarget::Primary),
    ///     ..Default::default()
    /// });
    /// assert_eq!(backup.effective_target(&cluster), BackupTarget::Primary);
    ///
    /// backup.target = Some(BackupTarget::PreferStandby);
    /// assert_eq!(backup.effective_target(&cluster), BackupTarget::PreferStandby);
    /// ```
    pub fn effective_target(&self, cluster: &Cluster) -> BackupTarget {
        effective_target(self.target.as_ref(), cluster)
    }
}

/// Returns the target of a backup or schedule in which `own` is written.
pub(super) fn effective_target(own: Option<&BackupTarget>, cluster: &Cluster) -> BackupTarget {
    own.filter(|target| target.is_chosen())
        .cloned()
        .unwrap_or_else(|| cluster.backup_target())
}
