//! Single settings of a Cluster.

use crate::{
    crd::cnpg::PGBACKREST,
    lint::{
        Level, Rule,
        sink::{Draft, Sink},
        system::{Plugin, System},
    },
};

pub(super) static ARCHIVE_CHECK_OFF: Rule = Rule {
    id: "T24",
    name: "archive-check-off",
    level: Level::Warning,
    summary: "The check that a new archive is empty is off for good.",
    reason: "A new Cluster refuses to archive into a folder that has WAL already, which keeps it from \
             overwriting another one's history. The annotation is meant for one bootstrap; left in \
             the manifest it turns the check off for each Cluster that is made from it.",
    remedy: "Remove the annotation after the bootstrap.",
    source: "§4.3; C:docs/src/wal_archiving.md",
    check: check_off,
};

pub(super) static SERVICE_ACCOUNT_NAME: Rule = Rule {
    id: "T38",
    name: "own-service-account",
    level: Level::Error,
    summary: "A Cluster with a plugin runs as another service account than the plugin's role is for.",
    reason: "Both plugins bind their role to the service account that is called like the Cluster. \
             With `serviceAccountName` (since CloudNativePG 1.29) the sidecar is somebody else and \
             may not read its ObjectStore or Stanza.",
    remedy: "Bind the role to that account by hand, or remove the field.",
    source: "§2.2; B:internal/cnpgi/operator/specs/role.go, D:internal/operator/role.go",
    check: service_account,
};

pub(super) static ARCHIVING_OFF: Rule = Rule {
    id: "T48",
    name: "archiving-off",
    level: Level::Error,
    summary: "WAL archiving is switched off and backups are scheduled.",
    reason: "`cnpg.io/skipWalArchiving: enabled` sets `archive_mode = off`. A base backup needs the \
             WAL that is written while it is made; without it the backup fails or cannot be \
             restored.",
    remedy: "Remove the annotation.",
    source: "§2.2; C#10745",
    check: archiving_off,
};

pub(super) static STANDBYS_WITHOUT_SLOTS: Rule = Rule {
    id: "T53",
    name: "standbys-without-slots",
    level: Level::Warning,
    summary: "Standbys can fall behind for good: the pgBackRest plugin gives them no WAL.",
    reason: "Dalibo's plugin restores WAL for a recovery and for the designated primary of a replica \
             cluster; a normal standby gets `recovery not configured`. It catches up by streaming \
             alone, so the primary must keep what it needs: by replication slots, which are on by \
             default, or by `wal_keep_size`.",
    remedy: "Leave `replicationSlots.highAvailability.enabled` on.",
    source: "§6.5; D:internal/instance/wal.go",
    check: slots,
};

pub(super) static HIBERNATION: Rule = Rule {
    id: "T61",
    name: "hibernation-gap",
    level: Level::Note,
    summary: "The last WAL before hibernation may not be archived.",
    reason: "With a plugin the sidecar may be gone before the server has handed over its last \
             segment. Until the Cluster wakes up, recovery reaches the segment before.",
    remedy: "Switch WAL (`SELECT pg_switch_wal()`) and wait for it before hibernating.",
    source: "C#10341",
    check: hibernation,
};

pub(super) static NO_INSTANCES: Rule = Rule {
    id: "T62",
    name: "no-instances",
    level: Level::Warning,
    summary: "`instances: 0` is refused.",
    reason: "A Cluster has at least one instance by its definition. One that is to rest is \
             hibernated.",
    remedy: "Annotate the Cluster with `cnpg.io/hibernation: \"on\"`.",
    source: "§2.2",
    check: instances,
};

pub(super) static EMPTY_BACKUP_SECTION: Rule = Rule {
    id: "T63",
    name: "empty-backup-section",
    level: Level::Warning,
    summary: "`spec.backup` is left with nothing in it.",
    reason: "A migration to a plugin takes `barmanObjectStore` and `retentionPolicy` out of \
             `spec.backup`. What remains (`target`, `volumeSnapshot`) must stay, as plugins' backups \
             use `target` too; if nothing remains, the section says nothing.",
    remedy: "Remove `backup`, or give it back its `target`.",
    source: "§9.3",
    check: empty_backup,
};

pub(super) static IN_TREE: Rule = Rule {
    id: "T65",
    name: "in-tree-barman",
    level: Level::Note,
    summary: "The Cluster backs up by CloudNativePG's own Barman support, which will be removed.",
    reason: "`barmanObjectStore` is deprecated since CloudNativePG 1.26. The admission warning of \
             1.28.4, 1.29.2 and 1.30.0 names 1.31.0 as the release without it.",
    remedy: "Move to the Barman Cloud plugin before 1.31.",
    source: "§9.1; C:internal/webhook/v1/cluster_webhook.go",
    check: in_tree,
};

const SKIP_CHECK: &str = "cnpg.io/skipEmptyWalArchiveCheck";
const SKIP_ARCHIVING: &str = "cnpg.io/skipWalArchiving";

fn check_off(system: &System<'_>, sink: &mut Sink<'_>) {
    for cluster in &system.clusters {
        if cluster.resource.annotation(SKIP_CHECK).text().is("enabled") {
            let message = "nothing keeps this Cluster from archiving into a folder that has another \
                           one's history";
            let keys = ["metadata", "annotations", SKIP_CHECK];
            sink.add(Draft::at(&cluster.resource, &keys, message));
        }
    }
}

fn service_account(system: &System<'_>, sink: &mut Sink<'_>) {
    for cluster in &system.clusters {
        let account = cluster.resource.spec().get("serviceAccountName").name();
        let Some(account) = account.known() else {
            continue;
        };
        let is_own = cluster.name().may_be(account);
        if let (false, Some(plugin)) = (is_own, cluster.storing().next()) {
            let message = format!(
                "the role of `{}` is bound to another account than `{account}`: its sidecar is \
                 forbidden to read its store",
                plugin.name().known().unwrap_or_default()
            );
            let keys = ["spec", "serviceAccountName"];
            sink.add(Draft::at(&cluster.resource, &keys, message));
        }
    }
}

fn archiving_off(system: &System<'_>, sink: &mut Sink<'_>) {
    for cluster in &system.clusters {
        if !cluster
            .resource
            .annotation(SKIP_ARCHIVING)
            .text()
            .is("enabled")
        {
            continue;
        }
        let mut jobs = system.jobs_of(cluster).filter(|job| !job.is_suspended());
        if let Some(job) = jobs.next() {
            let message = format!(
                "no WAL is archived, and {} makes backups that need it",
                job.resource.title()
            );
            let keys = ["metadata", "annotations", SKIP_ARCHIVING];
            sink.add(Draft::at(&cluster.resource, &keys, message));
        }
    }
}

fn slots(system: &System<'_>, sink: &mut Sink<'_>) {
    let keys = ["spec", "replicationSlots", "highAvailability", "enabled"];
    for cluster in &system.clusters {
        let has_plugin = cluster.plugin(PGBACKREST).is_some();
        let has_standbys = cluster.instances().known().is_some_and(|count| count > 1);
        let is_off = cluster.resource.at(&keys).flag().is(false);
        if has_plugin && has_standbys && is_off {
            let message = "without slots a standby that falls behind cannot catch up: the plugin \
                           gives standbys no archived WAL";
            sink.add(Draft::at(&cluster.resource, &keys, message));
        }
    }
}

fn hibernation(system: &System<'_>, sink: &mut Sink<'_>) {
    const ANNOTATION: &str = "cnpg.io/hibernation";
    for cluster in &system.clusters {
        let is_on = cluster.resource.annotation(ANNOTATION).text().is("on");
        if is_on && cluster.storing().next().is_some() {
            let message = "the last segment may stay unarchived until the Cluster wakes up";
            let keys = ["metadata", "annotations", ANNOTATION];
            sink.add(Draft::at(&cluster.resource, &keys, message));
        }
    }
}

fn instances(system: &System<'_>, sink: &mut Sink<'_>) {
    for cluster in &system.clusters {
        if cluster.instances().is(0) {
            let message = "a Cluster with no instances is refused";
            sink.add(Draft::at(
                &cluster.resource,
                &["spec", "instances"],
                message,
            ));
        }
    }
}

fn empty_backup(system: &System<'_>, sink: &mut Sink<'_>) {
    for cluster in &system.clusters {
        let backup = cluster.resource.spec().get("backup");
        let is_empty = backup.node().and_then(|node| node.as_mapping());
        if is_empty.is_some_and(|mapping| mapping.entries().is_empty()) {
            let target = match cluster.plugin(PGBACKREST).map(Plugin::name) {
                Some(_) => "; pgBackRest needs `target: primary` there or in its schedules",
                None => "",
            };
            let message = format!("the section says nothing{target}");
            sink.add(Draft::at(&cluster.resource, &["spec", "backup"], message));
        }
    }
}

fn in_tree(system: &System<'_>, sink: &mut Sink<'_>) {
    for cluster in &system.clusters {
        if cluster.in_tree().is_present() {
            let message = "CloudNativePG 1.31.0 is announced not to back up by itself any more";
            let keys = ["spec", "backup", "barmanObjectStore"];
            sink.add(Draft::at(&cluster.resource, &keys, message));
        }
    }
}
