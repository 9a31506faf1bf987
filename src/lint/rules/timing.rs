//! What schedules come to together, and with what is kept.

use std::collections::HashSet;

use jiff::{Timestamp, tz::TimeZone};

use super::schedule::{next_runs, per_day};
use crate::{
    crd::{
        barman_cloud::RetentionPolicy,
        cnpg::{BARMAN_CLOUD, PGBACKREST},
    },
    inventory::{Field, Seen},
    lint::{
        Level, Rule,
        sink::{Draft, Sink},
        system::{Cluster, Job, System},
    },
    schedule::Schedule,
};

pub(super) static SHORT_HISTORY: Rule = Rule {
    id: "T44",
    name: "short-history",
    level: Level::Warning,
    summary: "So many full backups are made that those kept reach back hours, not days.",
    reason: "pgBackRest keeps full backups by their number unless `fullType: time` is set, and WAL \
             follows them. How far back recovery reaches is therefore the number times the time \
             between two full backups; a schedule that runs more often than it was meant to makes \
             it shorter without a word.",
    remedy: "Make full backups less often, keep more of them, or keep them by age: `fullType: time` \
             and `full` in days.",
    source: "§11, §6.4; the field report of this project",
    check: short_history,
};

pub(super) static SAME_TIME: Rule = Rule {
    id: "T46",
    name: "schedules-at-the-same-time",
    level: Level::Warning,
    summary: "Two schedules of one cluster fire at the same moment.",
    reason: "The operator makes one backup of a cluster at a time; others wait as `pending`, oldest \
             first, and one that hangs holds up all. `immediate: true` fires a schedule once when it \
             is created, so two of them meet as well.",
    remedy: "Put some time between them, and set `immediate` on one of them at most.",
    source: "§4.4; C:internal/controller/backup_controller.go",
    check: same_time,
};

pub(super) static OWNED_BACKUPS: Rule = Rule {
    id: "T47",
    name: "backups-owned-by-the-schedule",
    level: Level::Note,
    summary: "Deleting or renaming the schedule deletes its Backup objects.",
    reason: "With `backupOwnerReference: self` the ScheduledBackup owns its Backups, and Kubernetes \
             deletes them with it. A GitOps tool that renames it deletes it. What is stored stays, \
             but snapshots that a Backup owns go too.",
    remedy: "Write `cluster` or `none` if the objects are to outlive the schedule.",
    source: "§2.3; C:docs/src/backup.md",
    check: owned,
};

pub(super) static SPARSE_SCHEDULE: Rule = Rule {
    id: "T50",
    name: "schedule-sparser-than-retention",
    level: Level::Warning,
    summary: "Base backups are farther apart than the window that is to be kept.",
    reason: "A base backup is removed when a newer one is older than the window. If they are farther \
             apart than the window is long, more than a window's WAL is kept and must be replayed, \
             and one failed backup leaves the window open at its beginning.",
    remedy: "Make base backups at least as often as the window is long, better several times in it.",
    source: "§11; B#770; M:barman/retention_policies.py",
    check: sparse,
};

fn short_history(system: &System<'_>, sink: &mut Sink<'_>) {
    for job in system.jobs.iter().filter(|job| job.is_pgbackrest()) {
        let (Some(schedule), Some(cluster)) = (running(job), system.cluster_of(job)) else {
            continue;
        };
        let stanza = cluster.plugin(PGBACKREST);
        let stanza = stanza.and_then(|plugin| system.stanza(plugin, &cluster.resource));
        let (Some(stanza), Seen::Is(number)) = (stanza, job.repository()) else {
            continue;
        };
        let repositories = stanza.repositories();
        let Some(repository) = repositories.get(number.wrapping_sub(1)) else {
            continue;
        };
        let Seen::Is(kept) = repository.retained_fulls() else {
            continue;
        };
        let every = per_day(schedule, system.now);
        let is_full = job.backup_type().is("full");
        if !is_full || !repository.counts_fulls() || every < 2 {
            continue;
        }
        let hours = 24 * kept / i128::from(every);
        if hours >= 7 * 24 {
            continue;
        }
        let message = format!(
            "{every} full backups a day and {kept} of them kept: recovery from {} reaches back \
             {}",
            repository.title(),
            length(hours)
        );
        let draft = Draft::at(&job.resource, &["spec", "schedule"], message)
            .note(format!("next: {}", next_runs(schedule, system.now)));
        sink.add(draft);
    }
}

fn length(hours: i128) -> String {
    match hours {
        0..48 => format!("{hours} hours"),
        hours => format!("{} days", hours / 24),
    }
}

fn same_time(system: &System<'_>, sink: &mut Sink<'_>) {
    for (index, job) in system.jobs.iter().enumerate() {
        let Some(schedule) = running(job) else {
            continue;
        };
        let before = system.jobs[..index].iter();
        let mut others = before.filter(|other| are_of_one_cluster(job, other));
        let met = others.find_map(|other| {
            let run = common_run(running(other)?, schedule, system.now)?;
            Some((other, run))
        });
        if let Some((other, run)) = met {
            let message = format!(
                "it fires together with {} at {}: one of them waits for the other",
                other.resource.title(),
                run.strftime("%Y-%m-%d %H:%M:%S UTC")
            );
            sink.add(Draft::at(&job.resource, &["spec", "schedule"], message));
        }
        let is_immediate = |job: &Job<'_>| job.spec().get("immediate").flag().is(true);
        let before = system.jobs[..index].iter();
        let mut others = before.filter(|other| are_of_one_cluster(job, other));
        if let (true, Some(other)) = (is_immediate(job), others.find(|other| is_immediate(other))) {
            let message = format!(
                "{} has `immediate: true` as well: two backups at once when they are created",
                other.resource.title()
            );
            sink.add(Draft::at(&job.resource, &["spec", "immediate"], message));
        }
    }
}

fn are_of_one_cluster(one: &Job<'_>, other: &Job<'_>) -> bool {
    match (one.cluster.here(), other.cluster.here()) {
        (Some(of_one), Some(of_other)) => of_one.is(&of_other),
        (None, None) => {
            let name = one.cluster_name().known();
            name.is_some()
                && name == other.cluster_name().known()
                && one.resource.folder() == other.resource.folder()
                && one.resource.may_share_namespace(&other.resource)
        }
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// Returns the first run that two schedules have in common, if it is near.
fn common_run(one: &Schedule, other: &Schedule, now: Timestamp) -> Option<Timestamp> {
    const LOOKED_AT: usize = 120;
    let runs: HashSet<Timestamp> = one.runs(now, &TimeZone::UTC).take(LOOKED_AT).collect();
    other
        .runs(now, &TimeZone::UTC)
        .take(LOOKED_AT)
        .find(|run| runs.contains(run))
}

fn owned(system: &System<'_>, sink: &mut Sink<'_>) {
    for job in &system.jobs {
        if job.spec().get("backupOwnerReference").text().is("self") {
            let message = "the Backup objects are deleted when this schedule is deleted or renamed";
            let keys = ["spec", "backupOwnerReference"];
            sink.add(Draft::at(&job.resource, &keys, message));
        }
    }
}

fn sparse(system: &System<'_>, sink: &mut Sink<'_>) {
    for job in &system.jobs {
        let (Some(schedule), Some(cluster)) = (running(job), system.cluster_of(job)) else {
            continue;
        };
        let Some(policy) = window(system, job, cluster) else {
            continue;
        };
        let Some(gap) = longest_gap(schedule, system.now) else {
            continue;
        };
        let window = policy.days();
        let is_only = system.jobs_of(cluster).filter(|job| running(job).is_some());
        if gap <= window || is_only.count() > 1 {
            continue;
        }
        let message = format!(
            "base backups are up to {gap} days apart, the window of recovery is {window} days \
             (`{policy}`): up to {} days of WAL are kept and replayed",
            gap + window
        );
        let draft = Draft::at(&job.resource, &["spec", "schedule"], message)
            .note(format!("next: {}", next_runs(schedule, system.now)));
        sink.add(draft);
    }
}

/// Returns the window that Barman keeps of what a schedule makes.
fn window(system: &System<'_>, job: &Job<'_>, cluster: &Cluster<'_>) -> Option<RetentionPolicy> {
    let field = match job.method() {
        Seen::Is("barmanObjectStore") => {
            let keys = ["backup", "retentionPolicy"];
            cluster.resource.spec().at(&keys)
        }
        Seen::Is("plugin") if job.plugin().is(BARMAN_CLOUD) => {
            let plugin = cluster.plugin(BARMAN_CLOUD)?;
            let store = system.index.find(
                crate::inventory::Kind::ObjectStore,
                plugin.parameter("barmanObjectName").name(),
                &cluster.resource,
            );
            store.here()?.spec().get("retentionPolicy")
        }
        Seen::Is(_) | Seen::Absent | Seen::Unknown => Field::Absent,
    };
    field.text().known()?.parse().ok()
}

/// Returns the days between two runs, at most, among the next ones.
fn longest_gap(schedule: &Schedule, now: Timestamp) -> Option<u64> {
    let runs: Vec<Timestamp> = schedule.runs(now, &TimeZone::UTC).take(6).collect();
    let gaps = runs
        .windows(2)
        .map(|pair| pair[1].as_second() - pair[0].as_second());
    let longest = gaps.max()?;
    Some(longest.unsigned_abs().div_ceil(24 * 60 * 60))
}

/// Returns when a schedule runs, unless it is off.
fn running<'j>(job: &'j Job<'_>) -> Option<&'j Schedule> {
    job.valid_schedule().filter(|_| !job.is_suspended())
}
