//! Who archives WAL.

use crate::{
    crd::cnpg::BARMAN_CLOUD,
    inventory::Seen,
    lint::{
        Level, Rule,
        sink::{Draft, Sink, text},
        system::{Cluster, Plugin, System},
    },
    manifest::Edit,
};

pub(super) static NO_ARCHIVER: Rule = Rule {
    id: "T13",
    name: "no-wal-archiver",
    level: Level::Error,
    summary: "Backups are made, and nobody is sure to archive WAL.",
    reason: "CloudNativePG hands WAL to each enabled plugin whose sidecar is there, and takes a \
             segment for archived if none is: unless a plugin has `isWALArchiver: true`, a missing \
             sidecar loses WAL without an error, and the Cluster still says \
             `ContinuousArchiving=True`. The metrics of Dalibo's plugin, and of the Barman Cloud \
             plugin before 0.12, need the flag as well. A plugin with the flag and without a store \
             has no sidecar, and then archiving fails.",
    remedy: "Set `isWALArchiver: true` on the plugin that is to archive, and name its store.",
    source: "§4.1, §4.2; C:pkg/management/postgres/archiver/archiver.go; B#184",
    check: none,
};

pub(super) static TWO_ARCHIVERS: Rule = Rule {
    id: "T14",
    name: "two-wal-archivers",
    level: Level::Error,
    summary: "A Cluster has two WAL archivers, and is refused.",
    reason: "At most one enabled plugin may have `isWALArchiver: true`, and none beside \
             `spec.backup.barmanObjectStore`: the webhook refuses the Cluster.",
    remedy: "Keep one. On the way to a plugin, remove `barmanObjectStore` in the same change that \
             adds the plugin.",
    source: "§2.2; C:internal/webhook/v1/cluster_webhook.go",
    check: two,
};

pub(super) static ARCHIVED_TWICE: Rule = Rule {
    id: "T15",
    name: "archived-twice",
    level: Level::Warning,
    summary: "WAL goes to a plugin and to the in-tree store.",
    reason: "A plugin that is enabled archives whether or not it has `isWALArchiver`; without the \
             flag the in-tree archiver goes on after it. Every segment is stored twice, and both \
             must succeed.",
    remedy: "Finish the migration: set `isWALArchiver: true` and remove `barmanObjectStore` in one \
             change.",
    source: "§4.1",
    check: twice,
};

pub(super) static TWO_STORING_PLUGINS: Rule = Rule {
    id: "T16",
    name: "two-storing-plugins",
    level: Level::Warning,
    summary: "Two plugins with stores are enabled: both archive all WAL.",
    reason: "`isWALArchiver` does not choose who archives: each enabled plugin with a sidecar is \
             handed every segment, and one that fails holds up all. That may be meant as an overlap \
             during a migration; it is not how a plugin is switched off.",
    remedy: "Set `enabled: false` on the plugin that is not to archive and remove its store.",
    source: "§4.1; C:pkg/management/postgres/archiver/archiver.go",
    check: both,
};

pub(super) static DISABLED_ENTRY: Rule = Rule {
    id: "T55",
    name: "disabled-entry-is-read",
    level: Level::Error,
    summary: "A disabled entry of the Barman Cloud plugin still counts when the Cluster is restored.",
    reason: "The plugin takes the last entry with its name and does not look at `enabled`; with a \
             recovery the store of that entry is checked, and an archive that is not empty stops it.",
    remedy: "Remove the entry while the Cluster is restored.",
    source: "§5.1; B#350",
    check: disabled,
};

pub(super) static DUPLICATE_ENTRY: Rule = Rule {
    id: "T56",
    name: "duplicate-plugin-entry",
    level: Level::Note,
    summary: "A plugin is listed twice; the last entry wins.",
    reason: "Both plugins take the last entry with their name and read no other.",
    remedy: "Keep one entry.",
    source: "§5.1, §6.1",
    check: duplicate,
};

fn none(system: &System<'_>, sink: &mut Sink<'_>) {
    for cluster in &system.clusters {
        if cluster.has_hidden_plugins() || !cluster.in_tree().is_absent() {
            continue;
        }
        let mut enabled = cluster
            .plugins
            .iter()
            .filter(|one| !one.enabled().is(false));
        let has_foreign = enabled.clone().any(|one| !one.is_known());
        let mut archivers = enabled.clone().filter(|one| !one.is_archiver().is(false));
        if let Some(archiver) = archivers.next() {
            without_store(cluster, archiver, sink);
            continue;
        }
        // What other plugins do is theirs to know.
        if has_foreign {
            continue;
        }
        match enabled.find(|one| !one.reference().is_absent()) {
            Some(plugin) if plugin.reference().is_present() => without_flag(cluster, plugin, sink),
            Some(_) => {}
            None => without_plugin(system, cluster, sink),
        }
    }
}

fn without_store(cluster: &Cluster<'_>, archiver: &Plugin<'_>, sink: &mut Sink<'_>) {
    let is_certain = archiver.is_known() && archiver.is_archiver().is(true);
    if !is_certain || !archiver.reference().is_absent() {
        return;
    }
    if let (Some(node), Seen::Is(name)) = (archiver.node(), archiver.name()) {
        let message = format!(
            "`{name}` is the WAL archiver and names no store: it gets no sidecar, and no segment \
             can be archived"
        );
        sink.add(Draft::on(&cluster.resource, node, message));
    }
}

fn without_flag(cluster: &Cluster<'_>, plugin: &Plugin<'_>, sink: &mut Sink<'_>) {
    let Some(node) = plugin.node() else {
        return;
    };
    let message = "it archives without `isWALArchiver: true`: when its sidecar is missing, segments \
                   count as archived and are lost";
    let source = text(&cluster.resource);
    let flag = plugin.field.get("isWALArchiver");
    let edit = match (flag.node(), plugin.field.node()) {
        (Some(flag), _) => Edit::scalar(source, flag, "true"),
        (None, Some(entry)) => Edit::add(source, entry, "name", "isWALArchiver: true"),
        (None, None) => None,
    };
    // The flag is a flag, not text.
    let edit = edit.map(|edit| match flag.node() {
        Some(_) => Edit::replace(edit.bytes(), "true"),
        None => edit,
    });
    let draft = Draft::on(&cluster.resource, node, message)
        .level(Level::Warning)
        .fix("make it the WAL archiver", [edit]);
    sink.add(draft);
}

fn without_plugin(system: &System<'_>, cluster: &Cluster<'_>, sink: &mut Sink<'_>) {
    let by = |method| {
        let mut jobs = system.jobs_of(cluster);
        jobs.find(|job| job.method().is(method))
    };
    if by("barmanObjectStore").or_else(|| by("plugin")).is_some() {
        // Each of these backups has an error of its own, which says why.
        return;
    }
    if let Some(job) = by("volumeSnapshot") {
        let message = format!(
            "{} makes snapshots and nobody archives WAL: recovery reaches the snapshots and no \
             point in time between them",
            job.resource.title()
        );
        let draft = Draft::at(&cluster.resource, &["spec", "backup"], message);
        sink.add(draft.level(Level::Warning));
    }
}

fn two(system: &System<'_>, sink: &mut Sink<'_>) {
    for cluster in &system.clusters {
        let archivers = cluster
            .plugins
            .iter()
            .filter(|one| one.enabled().is(true) && one.is_archiver().is(true));
        let archivers: Vec<&Plugin<'_>> = archivers.collect();
        let Some(node) = archivers.last().and_then(|last| last.node()) else {
            continue;
        };
        if cluster.in_tree().is_present() {
            let message = "the Cluster is refused: a plugin is the WAL archiver, and \
                           `spec.backup.barmanObjectStore` is set as well";
            sink.add(Draft::on(&cluster.resource, node, message));
        } else if archivers.len() > 1 {
            let count = archivers.len();
            let message =
                format!("the Cluster is refused: {count} plugins have `isWALArchiver: true`");
            sink.add(Draft::on(&cluster.resource, node, message));
        }
    }
}

fn twice(system: &System<'_>, sink: &mut Sink<'_>) {
    for cluster in &system.clusters {
        if cluster.in_tree().is_absent() {
            continue;
        }
        let mut storing = cluster.storing();
        let plugin = storing.find(|one| one.enabled().is(true) && one.is_archiver().is(false));
        if let Some(node) = plugin.and_then(Plugin::node) {
            let message = "it archives every segment, and `spec.backup.barmanObjectStore` stores it \
                           a second time";
            sink.add(Draft::on(&cluster.resource, node, message));
        }
    }
}

fn both(system: &System<'_>, sink: &mut Sink<'_>) {
    for cluster in &system.clusters {
        let storing: Vec<&Plugin<'_>> = cluster.storing().collect();
        let [first, rest @ ..] = &storing[..] else {
            continue;
        };
        let other = rest.iter().find(|one| one.name() != first.name());
        let Some((other, node)) = other.and_then(|other| Some((other, other.node()?))) else {
            continue;
        };
        if let (Seen::Is(one), Seen::Is(other)) = (first.name(), other.name()) {
            let message = format!(
                "`{other}` and `{one}` both archive every segment, and one that fails holds up both"
            );
            sink.add(Draft::on(&cluster.resource, node, message));
        }
    }
}

fn disabled(system: &System<'_>, sink: &mut Sink<'_>) {
    for cluster in &system.clusters {
        let recovery = cluster.resource.spec().at(&["bootstrap", "recovery"]);
        let mut named = cluster
            .plugins
            .iter()
            .filter(|one| one.name().is(BARMAN_CLOUD));
        let Some(last) = named.next_back().filter(|_| recovery.is_present()) else {
            continue;
        };
        let store = last.parameter("barmanObjectName").name();
        if let (true, Seen::Is(store), Some(node)) = (last.enabled().is(false), store, last.node())
        {
            let message =
                format!("it is disabled, and its store `{store}` is checked at the restore");
            sink.add(Draft::on(&cluster.resource, node, message));
        }
    }
}

fn duplicate(system: &System<'_>, sink: &mut Sink<'_>) {
    for cluster in &system.clusters {
        for (index, plugin) in cluster.plugins.iter().enumerate() {
            let (Seen::Is(name), Some(node)) = (plugin.name(), plugin.node()) else {
                continue;
            };
            if cluster.plugins[..index]
                .iter()
                .any(|one| one.name().is(name))
            {
                let message = format!("`{name}` is listed before: this entry wins");
                sink.add(Draft::on(&cluster.resource, node, message));
            }
        }
    }
}
