//! Which server a backup is made on.

use crate::{
    crd::cnpg::PGBACKREST,
    inventory::Seen,
    lint::{
        Level, Rule,
        sink::{Draft, Sink, text},
        system::{Cluster, System},
    },
    manifest::Edit,
};

pub(super) static STANDBY_TARGET: Rule = Rule {
    id: "T05",
    name: "pgbackrest-on-a-standby",
    level: Level::Error,
    summary: "A backup by the pgBackRest plugin is sent to a standby, where it fails.",
    reason: "CloudNativePG makes backups on a standby if there is one, also those of plugins. Dalibo's \
             plugin runs pgBackRest with that server alone, and pgBackRest needs the primary: it \
             ends with 56, `unable to find primary cluster`.",
    remedy: "Set `target: primary` in the schedule, or `spec.backup.target: primary` in the Cluster.",
    source: "§6.4; D#54; P:src/db/helper.c",
    check: standby,
};

pub(super) static REPLICA_BACKUP: Rule = Rule {
    id: "T57",
    name: "pgbackrest-of-a-replica-cluster",
    level: Level::Warning,
    summary: "A replica cluster cannot be backed up by the pgBackRest plugin.",
    reason: "pgBackRest needs a primary, and a replica cluster has none: its designated primary is \
             a standby of the source.",
    remedy: "Back up the source cluster.",
    source: "§6.4",
    check: replica,
};

fn standby(system: &System<'_>, sink: &mut Sink<'_>) {
    for job in system.jobs.iter().filter(|job| job.is_pgbackrest()) {
        let cluster = system.cluster_of(job);
        let own = job.spec().get("target").name();
        let inherited = cluster.map(|cluster| {
            let keys = ["spec", "backup", "target"];
            cluster.resource.at(&keys).name()
        });
        let target = own.or_else(|| inherited.unwrap_or(Seen::Unknown));
        if !target.or("prefer-standby").is("prefer-standby") {
            continue;
        }
        // Without the Cluster only what the schedule itself says is known.
        let instances = cluster.map_or(Seen::Unknown, Cluster::instances);
        let (message, level) = match instances {
            Seen::Is(count) if count < 2 => continue,
            Seen::Is(count) => (
                format!(
                    "of {count} servers a standby is chosen, where pgBackRest finds no primary: \
                     every backup fails"
                ),
                Level::Error,
            ),
            Seen::Absent | Seen::Unknown => (
                "with more than one server a standby is chosen, where pgBackRest finds no primary"
                    .to_owned(),
                Level::Warning,
            ),
        };
        let (source, spec) = (text(&job.resource), job.spec());
        let edit = match spec.get("target").node() {
            Some(node) => Edit::scalar(source, node, "primary"),
            None => spec
                .node()
                .and_then(|spec| Edit::add(source, spec, "method", "target: primary")),
        };
        let draft = Draft::at(&job.resource, &["spec", "target"], message)
            .level(level)
            .fix("back up the primary", [edit]);
        sink.add(draft);
    }
}

fn replica(system: &System<'_>, sink: &mut Sink<'_>) {
    for job in system.jobs.iter().filter(|job| job.plugin().is(PGBACKREST)) {
        let Some(cluster) = system.cluster_of(job) else {
            continue;
        };
        if cluster.is_replica() {
            let message = format!(
                "{} is a replica and has no primary: every backup fails",
                cluster.resource.title()
            );
            sink.add(Draft::at(
                &job.resource,
                &["spec", "cluster", "name"],
                message,
            ));
        }
    }
}
