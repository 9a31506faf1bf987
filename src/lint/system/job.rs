//! Backups that are wanted: schedules and single ones.

use crate::{
    crd::cnpg::PGBACKREST,
    inventory::{Field, Found, Index, Kind, Resource, Seen},
    schedule::{InvalidSchedule, Schedule},
};

/// A `ScheduledBackup` or a `Backup`.
#[derive(Debug)]
pub(crate) struct Job<'a> {
    pub(crate) resource: Resource<'a>,
    /// What it backs up.
    pub(crate) cluster: Found<'a>,
    cluster_name: Seen<&'a str>,
    method: Seen<&'a str>,
    plugin: Seen<&'a str>,
    /// When, if it is a schedule and its text is known.
    pub(crate) schedule: Option<Result<Schedule, InvalidSchedule>>,
}

impl<'a> Job<'a> {
    pub(super) fn new(resource: Resource<'a>, index: &Index<'a>) -> Self {
        let spec = resource.spec();
        let cluster_name = spec.at(&["cluster", "name"]).name();
        let method = spec.get("method").name().or("barmanObjectStore");
        let plugin = match method {
            Seen::Is("plugin") => spec.at(&["pluginConfiguration", "name"]).name(),
            Seen::Is(_) | Seen::Absent => Seen::Absent,
            Seen::Unknown => Seen::Unknown,
        };
        let schedule = match resource.kind {
            Kind::ScheduledBackup => spec.get("schedule").text().known().map(Schedule::parse),
            _ => None,
        };
        Self {
            resource,
            cluster: index.find(Kind::Cluster, cluster_name, &resource),
            cluster_name,
            method,
            plugin,
            schedule,
        }
    }

    pub(crate) fn spec(&self) -> Field<'a> {
        self.resource.spec()
    }

    pub(crate) fn is_schedule(&self) -> bool {
        self.resource.kind == Kind::ScheduledBackup
    }

    /// Returns whether it is certain that it does not run.
    pub(crate) fn is_suspended(&self) -> bool {
        self.spec().get("suspend").flag().is(true)
    }

    pub(crate) fn cluster_name(&self) -> Seen<&'a str> {
        self.cluster_name
    }

    /// Returns the method, which is `barmanObjectStore` unless it says otherwise.
    pub(crate) fn method(&self) -> Seen<&'a str> {
        self.method
    }

    /// Returns the plugin that makes it, if one does.
    pub(crate) fn plugin(&self) -> Seen<&'a str> {
        self.plugin
    }

    pub(crate) fn parameters(&self) -> Field<'a> {
        self.spec().at(&["pluginConfiguration", "parameters"])
    }

    /// Returns whether Dalibo's plugin is certain to make it.
    pub(crate) fn is_pgbackrest(&self) -> bool {
        self.plugin().is(PGBACKREST)
    }

    /// Returns the number of the repository that Dalibo's plugin backs up to.
    pub(crate) fn repository(&self) -> Seen<usize> {
        match self.parameters().get("selectedRepository").name() {
            Seen::Absent => Seen::Is(1),
            Seen::Unknown => Seen::Unknown,
            Seen::Is(text) => text.parse().map_or(Seen::Unknown, Seen::Is),
        }
    }

    /// Returns what Dalibo's plugin backs up: what changed, unless it says otherwise.
    pub(crate) fn backup_type(&self) -> Seen<&'a str> {
        self.parameters().get("backupType").name().or("incr")
    }

    /// Returns when it runs, if that is known.
    pub(crate) fn valid_schedule(&self) -> Option<&Schedule> {
        self.schedule.as_ref()?.as_ref().ok()
    }
}
