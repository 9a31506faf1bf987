//! Backups of a cluster again and again.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    backup::{
        Backup, BackupMethod, BackupSpec, BackupTarget, OnlineConfiguration, effective_target,
    },
    cluster::Cluster,
    plugin::BackupPluginConfiguration,
};
use crate::{
    crd::{core::LocalObjectReference, open_enum::open_enum, resource::resource},
    schedule::{InvalidSchedule, Schedule},
};

resource! {
    /// Backups of a cluster again and again.
    pub struct ScheduledBackup {
        spec: ScheduledBackupSpec,
        status: ScheduledBackupStatus,
    }
    "postgresql.cnpg.io" / "v1", "scheduledbackups",
    column: ("Age", "date", ".metadata.creationTimestamp"),
    column: ("Cluster", "string", ".spec.cluster.name"),
    column: ("Last Backup", "date", ".status.lastScheduleTime")
}

impl ScheduledBackup {
    /// Asks a plugin for backups of `cluster`, on the primary if the plugin needs it there.
    ///
    /// The first field of `schedule` is the second: `0 0 3 * * *` is every day at three.
    ///
    /// A backup goes to one place. With several repositories each needs schedules of its own, and
    /// with pgBackRest one of them has to be of full backups:
    ///
    /// ```
    /// # use walcast::crd::{
    /// #     cnpg::{BackupPluginConfiguration, BackupTarget, ScheduledBackup},
    /// #     pgbackrest::BackupType,
    /// # };
    /// let fulls = [1, 2].map(|repository| {
    ///     let plugin = BackupPluginConfiguration::pgbackrest(repository)
    ///         .backup_type(BackupType::Full);
    ///     let name = format!("db-full-{repository}");
    ///     ScheduledBackup::for_plugin(name, "db", plugin, format!("0 {repository} 3 * * 0"))
    /// });
    ///
    /// assert_eq!(fulls[1].spec.schedule, "0 2 3 * * 0");
    /// assert_eq!(fulls[1].spec.target, Some(BackupTarget::Primary));
    /// let plugin = fulls[1].spec.plugin_configuration.as_ref().unwrap();
    /// assert_eq!(plugin.get("selectedRepository"), Some("2"));
    /// ```
    pub fn for_plugin(
        name: impl Into<String>,
        cluster: impl Into<String>,
        plugin: impl Into<BackupPluginConfiguration>,
        schedule: impl Into<String>,
    ) -> Self {
        let plugin = plugin.into();
        let spec = ScheduledBackupSpec {
            method: Some(BackupMethod::Plugin),
            target: plugin.required_target(),
            plugin_configuration: Some(plugin),
            ..ScheduledBackupSpec::new(cluster, schedule)
        };
        Self::new(name, spec)
    }

    /// Returns one of the backups that it asks for, under another name.
    ///
    /// ```
    /// # use walcast::crd::cnpg::{BARMAN_CLOUD, ScheduledBackup};
    /// let mut nightly = ScheduledBackup::for_plugin("nightly", "db", BARMAN_CLOUD, "@daily");
    /// nightly.metadata.namespace = Some("shop".to_owned());
    ///
    /// let now = nightly.to_backup("by-hand");
    ///
    /// assert_eq!(now.metadata.namespace.as_deref(), Some("shop"));
    /// assert_eq!(now.spec.plugin_configuration, nightly.spec.plugin_configuration);
    /// ```
    pub fn to_backup(&self, name: impl Into<String>) -> Backup {
        let spec = &self.spec;
        let mut backup = Backup::new(
            name,
            BackupSpec {
                cluster: spec.cluster.clone(),
                method: spec.method.clone(),
                plugin_configuration: spec.plugin_configuration.clone(),
                target: spec.target.clone(),
                online: spec.online,
                online_configuration: spec.online_configuration.clone(),
            },
        );
        backup
            .metadata
            .namespace
            .clone_from(&self.metadata.namespace);
        backup
    }
}

/// What is wanted of a `ScheduledBackup`.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScheduledBackupSpec {
    /// The cluster; it cannot be changed.
    #[schemars(extend("x-kubernetes-validations" = [
        { "rule": "self == oldSelf", "message": "cluster reference is immutable after creation" },
    ]))]
    pub cluster: LocalObjectReference,
    /// When: second, minute, hour, day of the month, month, and, if wanted, day of the week; or
    /// `@daily` and its like. Not what `cron` takes: five fields begin with the second, too.
    pub schedule: String,
    /// Whether nothing is started for the time being. Default: `false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
    /// Whether a backup is made at once, when the schedule is new. Default: `false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub immediate: Option<bool>,
    /// What the Backups go with when it is deleted. Default: `none`.
    #[schemars(extend("default" = "none"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup_owner_reference: Option<BackupOwnerReference>,
    /// Who makes them. Default: `barmanObjectStore`.
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

impl ScheduledBackupSpec {
    /// Reads the schedule as the operator does.
    ///
    /// ```
    /// # use walcast::crd::cnpg::ScheduledBackupSpec;
    /// use jiff::{civil::date, tz::TimeZone};
    ///
    /// let meant_daily = ScheduledBackupSpec::new("db", "0 3 * * *").schedule()?;
    /// assert_eq!(meant_daily.runs_per_day(date(2026, 11, 25), &TimeZone::UTC), 24);
    /// # Ok::<(), walcast::schedule::InvalidSchedule>(())
    /// ```
    ///
    /// # Errors
    /// The operator refuses the text, or it has a placeholder.
    pub fn schedule(&self) -> Result<Schedule, InvalidSchedule> {
        Schedule::parse(&self.schedule)
    }

    /// Asks for backups of `cluster` by the default method.
    pub fn new(cluster: impl Into<String>, schedule: impl Into<String>) -> Self {
        Self {
            cluster: LocalObjectReference::new(cluster),
            schedule: schedule.into(),
            suspend: None,
            immediate: None,
            backup_owner_reference: None,
            method: None,
            plugin_configuration: None,
            target: None,
            online: None,
            online_configuration: None,
        }
    }

    /// Returns who makes them. Default: `barmanObjectStore`.
    pub fn method(&self) -> BackupMethod {
        self.method
            .clone()
            .unwrap_or(BackupMethod::BarmanObjectStore)
    }

    /// Returns what the Backups go with. Default: `none`.
    pub fn backup_owner_reference(&self) -> BackupOwnerReference {
        self.backup_owner_reference
            .clone()
            .unwrap_or(BackupOwnerReference::None)
    }

    /// Returns whether nothing is started for the time being.
    pub fn is_suspended(&self) -> bool {
        self.suspend.unwrap_or(false)
    }

    /// Returns whether a backup is made when the schedule is new.
    pub fn is_immediate(&self) -> bool {
        self.immediate.unwrap_or(false)
    }

    /// Returns on which instance of `cluster` they are made: where it says, else where the cluster
    /// says, else on a standby if there is one.
    pub fn effective_target(&self, cluster: &Cluster) -> BackupTarget {
        effective_target(self.target.as_ref(), cluster)
    }
}

open_enum! {
    /// What the Backups of a schedule belong to, and are deleted with. The data stays.
    pub enum BackupOwnerReference {
        /// To nothing.
        None = "none",
        /// To the schedule.
        Schedule = "self",
        /// To the cluster.
        Cluster = "cluster",
    }
}

/// What the operator knows of a `ScheduledBackup`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScheduledBackupStatus {
    /// When the schedule was last looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_check_time: Option<Time>,
    /// When a backup was last started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_schedule_time: Option<Time>,
    /// When the next one is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_schedule_time: Option<Time>,
    /// Why the operator refuses it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
