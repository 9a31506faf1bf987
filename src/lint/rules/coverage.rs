//! Which repository gets which backups.

use std::fmt::Write;

use crate::{
    crd::cnpg::PGBACKREST,
    inventory::Seen,
    lint::{
        Level, Rule,
        sink::{Draft, Sink},
        system::{Cluster, Job, Repository, Stanza, System},
    },
};

use super::schedule::per_day;

pub(super) static REPOSITORY_WITHOUT_BACKUPS: Rule = Rule {
    id: "T06",
    name: "repository-without-backups",
    level: Level::Error,
    summary: "A repository gets WAL but no base backup.",
    reason: "pgBackRest archives WAL to all repositories of a stanza, and backs up to one: the one \
             that the backup selects, 1 if it says nothing. WAL without a base backup restores \
             nothing.",
    remedy: "Add a schedule for each repository: `selectedRepository: \"N\"`.",
    source: "§6.1, §6.5; D:internal/instance/backup.go",
    check: without_backups,
};

pub(super) static ONE_FULL_BACKUP_EVER: Rule = Rule {
    id: "T10",
    name: "one-full-backup-ever",
    level: Level::Error,
    summary: "A repository gets one full backup and then incremental ones for ever.",
    reason: "Dalibo's plugin hands `backupType` to pgBackRest, whose default is `incr`. The first \
             backup in a repository becomes a full one; each later one depends on all before it. \
             Retention counts full backups, so with one of them nothing ever expires.",
    remedy: "Add a schedule with `backupType: full` for each repository, or write it into this one.",
    source: "§6.4; P:build/config/config.yaml",
    check: one_full,
};

fn without_backups(system: &System<'_>, sink: &mut Sink<'_>) {
    for cluster in &system.clusters {
        let Some(stanza) = stanza(system, cluster) else {
            continue;
        };
        let schedules: Vec<&Job<'_>> = schedules(system, cluster).collect();
        let selected: Option<Vec<usize>> = schedules
            .iter()
            .map(|job| job.repository().known())
            .collect();
        let Some(selected) = selected.filter(|selected| !selected.is_empty()) else {
            continue;
        };
        let repositories = stanza.repositories();
        if stanza.has_hidden_repositories() || repositories.len() < 2 {
            continue;
        }
        for repository in &repositories {
            if selected.contains(&repository.number) {
                continue;
            }
            let message = format!(
                "{} gets WAL and never a base backup: {} of {} selects another one",
                repository.title(),
                each(schedules.len()),
                cluster.resource.title()
            );
            let has_s3 = repositories.iter().any(|one| !one.is_azure);
            sink.add(missing(stanza, repository, message, has_s3));
        }
    }
}

fn missing(
    stanza: &Stanza<'_>,
    repository: &Repository<'_>,
    message: String,
    has_s3: bool,
) -> Draft {
    let draft = match repository.node() {
        Some(node) => Draft::on(&stanza.resource, node, message),
        None => Draft::at(&stanza.resource, &["spec"], message),
    };
    let number = repository.number;
    draft.help(if repository.is_azure && has_s3 {
        "A repository in Azure cannot be chosen beside one in S3: give it a stanza of its own."
            .to_owned()
    } else {
        format!("Add a schedule with `selectedRepository: \"{number}\"` and `backupType: full`.")
    })
}

fn each(count: usize) -> String {
    match count {
        1 => "the only schedule".to_owned(),
        count => format!("each of the {count} schedules"),
    }
}

fn one_full(system: &System<'_>, sink: &mut Sink<'_>) {
    for (index, job) in system.jobs.iter().enumerate() {
        let Seen::Is(number) = job.repository() else {
            continue;
        };
        if !job.is_pgbackrest() || !job.is_schedule() || job.is_suspended() {
            continue;
        }
        let is_alike = |other: &&Job<'_>| {
            other.cluster_name() == job.cluster_name()
                && other.is_pgbackrest()
                && other.resource.may_share_namespace(&job.resource)
                && other.repository().may_be(number)
        };
        let mut alike = system.jobs.iter().filter(is_alike);
        let has_full = alike.any(|other| {
            let is_kept = other.is_schedule() && !other.is_suspended();
            is_kept && !matches!(other.backup_type(), Seen::Is("incr" | "diff"))
        });
        let mut before = system.jobs[..index].iter().filter(is_alike);
        if has_full || before.any(Job::is_schedule) {
            continue;
        }
        let cluster = system.cluster_of(job);
        let stanza = cluster.and_then(|cluster| stanza(system, cluster));
        let draft = Draft::at(
            &job.resource,
            &["spec", "pluginConfiguration", "parameters"],
            consequence(system, job, number, stanza),
        );
        // Other files may have the schedule of full backups.
        let level = if stanza.is_some() {
            Level::Error
        } else {
            Level::Warning
        };
        sink.add(draft.level(level));
    }
}

fn consequence(
    system: &System<'_>,
    job: &Job<'_>,
    number: usize,
    stanza: Option<&Stanza<'_>>,
) -> String {
    let often = job
        .valid_schedule()
        .map_or(0, |one| per_day(one, system.now));
    let chain = match often {
        0 => "a chain that only grows".to_owned(),
        often => format!("a chain of {} after a year", often * 365),
    };
    let mut message =
        format!("repository {number} gets one full backup ever, then incremental ones: {chain}");
    let repositories = stanza.map(Stanza::repositories).unwrap_or_default();
    let kept = repositories
        .get(number.wrapping_sub(1))
        .map(Repository::retained_fulls);
    if let Some(Seen::Is(kept)) = kept {
        write!(
            message,
            "; `retentionPolicy.full: {kept}` never removes anything"
        )
        .expect("a string takes all");
    }
    message
}

/// Returns the stanza of a cluster.
fn stanza<'s, 'a>(system: &'s System<'a>, cluster: &Cluster<'a>) -> Option<&'s Stanza<'a>> {
    system.stanza(cluster.plugin(PGBACKREST)?, &cluster.resource)
}

/// Returns the schedules by which Dalibo's plugin backs a cluster up.
fn schedules<'s, 'a>(
    system: &'s System<'a>,
    cluster: &Cluster<'a>,
) -> impl Iterator<Item = &'s Job<'a>> {
    system
        .jobs_of(cluster)
        .filter(|job| job.is_pgbackrest() && job.is_schedule() && !job.is_suspended())
}
