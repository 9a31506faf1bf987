//! What is kept.

use crate::{
    crd::cnpg::BARMAN_CLOUD,
    inventory::{Field, Found, Kind, Resource, Seen},
    lint::{
        Level, Rule,
        sink::{Draft, Sink, text},
        system::{External, System},
    },
    manifest::Edit,
};

pub(super) static MISPLACED_RETENTION: Rule = Rule {
    id: "T29",
    name: "misplaced-retention",
    level: Level::Error,
    summary: "A retention policy stands where nobody reads it.",
    reason: "With the plugin the policy is `ObjectStore.spec.retentionPolicy`. Below `configuration`, \
             where the plugin's concepts page shows it, it is an unknown field; left in \
             `spec.backup` of a Cluster without `barmanObjectStore` it is ignored with a warning.",
    remedy: "Write it into `spec.retentionPolicy` of the ObjectStore.",
    source: "§2.4; B:web/docs/concepts.md; C:internal/webhook/v1/cluster_webhook.go",
    check: misplaced,
};

pub(super) static NO_RETENTION: Rule = Rule {
    id: "T30",
    name: "no-retention",
    level: Level::Warning,
    summary: "Nothing is ever removed from a store.",
    reason: "Without a policy all backups and all WAL stay, for ever: Barman keeps them without a \
             word, pgBackRest warns at each command.",
    remedy: "Set `retentionPolicy`, such as `30d`; for a repository `retentionPolicy.full`.",
    source: "§11; P:src/config/load.c",
    check: none,
};

fn misplaced(system: &System<'_>, sink: &mut Sink<'_>) {
    for store in system.index.of_kind(Kind::ObjectStore) {
        let configuration = store.spec().get("configuration");
        let policy = configuration.get("retentionPolicy");
        if !policy.is_present() {
            continue;
        }
        let message = "nobody reads it below `configuration`: everything is kept for ever";
        let keys = ["spec", "configuration", "retentionPolicy"];
        sink.add(Draft::at(store, &keys, message).fix("move it to `spec`", moved(store, policy)));
    }
    for cluster in &system.clusters {
        let backup = cluster.resource.spec().get("backup");
        let policy = backup.get("retentionPolicy");
        if !policy.is_present() || !cluster.in_tree().is_absent() {
            continue;
        }
        let message = match policy.name() {
            Seen::Is(policy) => format!(
                "`{policy}` is ignored without `barmanObjectStore`: the plugin reads the policy of \
                 its ObjectStore"
            ),
            Seen::Absent | Seen::Unknown => "it is ignored without `barmanObjectStore`".to_owned(),
        };
        let keys = ["spec", "backup", "retentionPolicy"];
        sink.add(Draft::at(&cluster.resource, &keys, message));
    }
}

fn moved(store: &Resource<'_>, policy: Field<'_>) -> Vec<Option<Edit>> {
    let (source, spec) = (text(store), store.spec());
    if !spec.get("retentionPolicy").is_absent() {
        return vec![None];
    }
    let written = policy.node().and_then(|node| node.span.slice(source));
    let entry = written.map(|written| format!("retentionPolicy: {written}"));
    let configuration = spec.get("configuration").node();
    vec![
        configuration.and_then(|node| Edit::remove(source, node, "retentionPolicy")),
        entry.and_then(|entry| Edit::add_first(source, spec.node()?, &entry)),
    ]
}

fn none(system: &System<'_>, sink: &mut Sink<'_>) {
    for store in system.index.of_kind(Kind::ObjectStore) {
        let policy = store.spec().get("retentionPolicy");
        let is_misplaced = store
            .spec()
            .at(&["configuration", "retentionPolicy"])
            .is_present();
        if !policy.is_absent() || is_misplaced || is_only_a_source(system, store) {
            continue;
        }
        let message = "no retention policy: all backups and all WAL are kept for ever";
        sink.add(Draft::at(store, &["spec", "retentionPolicy"], message));
    }
    for cluster in &system.clusters {
        let policy = cluster.resource.spec().at(&["backup", "retentionPolicy"]);
        if cluster.in_tree().is_present() && policy.is_absent() {
            let message = "no retention policy: all backups and all WAL are kept for ever";
            let keys = ["spec", "backup", "retentionPolicy"];
            sink.add(Draft::at(&cluster.resource, &keys, message));
        }
    }
    for stanza in &system.stanzas {
        for repository in stanza.repositories() {
            let policy = repository.field.get("retentionPolicy");
            let full = policy.get("full");
            let (false, true, Some(node)) =
                (policy.is_unknown(), full.is_absent(), repository.node())
            else {
                continue;
            };
            let message = format!(
                "{} has no `retentionPolicy.full`: all backups and all WAL are kept for ever",
                repository.title()
            );
            sink.add(Draft::on(&stanza.resource, node, message));
        }
    }
}

/// Returns whether a store is only restored from, as far as the files tell.
fn is_only_a_source(system: &System<'_>, store: &Resource<'_>) -> bool {
    let refers = |found: Found<'_>| found.here().is_some_and(|found| found.is(store));
    let mut is_source = false;
    for cluster in &system.clusters {
        let archives = cluster.entries(BARMAN_CLOUD);
        if archives
            .into_iter()
            .any(|entry| refers(system.store(entry, &cluster.resource)))
        {
            return false;
        }
        let mut external = cluster.external.iter().filter_map(External::plugin);
        is_source |= external.any(|plugin| refers(system.store(&plugin, &cluster.resource)));
    }
    is_source
}
