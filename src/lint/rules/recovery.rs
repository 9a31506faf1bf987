//! Where clusters are restored from.

use crate::{
    crd::cnpg::{BARMAN_CLOUD, PGBACKREST},
    inventory::{Kind, Seen},
    lint::{
        Level, Rule,
        sink::{Draft, Sink},
        system::{Archive, Cluster, External, Place, System},
    },
};

pub(super) static RECOVERY_WITHOUT_SERVER_NAME: Rule = Rule {
    id: "T21",
    name: "recovery-without-server-name",
    level: Level::Error,
    summary: "A restore looks in the folder of the new Cluster, not in that of the old one.",
    reason: "The Barman Cloud plugin looks below the store's path in the folder `serverName`, which \
             is the name of the Cluster that is restored unless it says otherwise. In-tree it was the \
             name of the external cluster, so a definition that was moved field by field finds \
             nothing: `no target backup found`.",
    remedy: "Write `serverName` with the folder of the cluster that was backed up, always.",
    source: "§5.1, §9.3; B:internal/cnpgi/operator/config/config.go",
    check: server_name,
};

pub(super) static RECOVERY_FROM_PLUGIN_BACKUP: Rule = Rule {
    id: "T22",
    name: "recovery-from-plugin-backup",
    level: Level::Error,
    summary: "`bootstrap.recovery.backup` names a Backup that a plugin made.",
    reason: "Such a restore takes store and keys from the Backup's status, where only in-tree backups \
             have them. With a plugin's it fails, with messages as odd as `missing Azure \
             credentials`.",
    remedy: "Use `recovery.source` with an external cluster, and `recoveryTarget.backupID`.",
    source: "§9.3; B#510, C#7989",
    check: from_backup,
};

pub(super) static RECOVERY_INTO_SOURCE: Rule = Rule {
    id: "T23",
    name: "recovery-into-source",
    level: Level::Error,
    summary: "A Cluster archives into the very folder that it is restored from.",
    reason: "A restored Cluster goes on with a new timeline. In the folder of the old one it fails at \
             the first segment, `Expected empty archive`; with the check switched off it mixes two \
             histories, and a later restore can take the wrong one.",
    remedy: "Give each generation of a Cluster a `serverName` of its own: `main-v2`.",
    source: "§4.3; C:docs/src/recovery.md; B#350, B#683",
    check: into_source,
};

pub(super) static SOURCE_WITHOUT_PLUGIN: Rule = Rule {
    id: "T35",
    name: "source-without-plugin",
    level: Level::Error,
    summary: "The pgBackRest plugin fails at everything while a source has no plugin.",
    reason: "Dalibo's plugin reads the `plugin` section of the recovery or replica source without \
             looking whether there is one. With a source that has none (in-tree or streaming only) \
             each call panics: hooks of pods, archiving, backups.",
    remedy: "Once the Cluster is bootstrapped remove `bootstrap.recovery`; give the source of a \
             replica a `plugin` section.",
    source: "§6.1; D:internal/config/config.go getRecovParams, getReplicaParams",
    check: without_plugin,
};

fn server_name(system: &System<'_>, sink: &mut Sink<'_>) {
    for cluster in &system.clusters {
        let Seen::Is(own) = cluster.name() else {
            continue;
        };
        for (_, external) in cluster.sources() {
            let Some(plugin) = external.plugin().filter(|one| one.name().is(BARMAN_CLOUD)) else {
                continue;
            };
            let store = plugin.parameter("barmanObjectName").name();
            let is_named = !matches!(plugin.parameter("serverName").name(), Seen::Absent);
            let (Seen::Is(source), Seen::Is(store), false) = (external.name(), store, is_named)
            else {
                continue;
            };
            if source == own || plugin.parameters().is_unknown() {
                continue;
            }
            let folder = folder_of(system, cluster, source);
            let (message, level) = match &folder {
                Some(folder) if folder != own => (
                    format!(
                        "it looks in folder `{own}` of `{store}`; the backups of `{source}` are in \
                         `{folder}`"
                    ),
                    Level::Error,
                ),
                Some(_) => continue,
                None => (
                    format!(
                        "it looks in folder `{own}` of `{store}`, after the new Cluster, not in \
                         `{source}`"
                    ),
                    Level::Warning,
                ),
            };
            let node = plugin.parameter("barmanObjectName").node();
            let folder = folder.as_deref().unwrap_or(source);
            if let Some(node) = node {
                let draft = Draft::on(&cluster.resource, node, message).level(level);
                sink.add(draft.help(format!("Add `serverName: {folder}` if that is its folder.")));
            }
        }
    }
}

/// Returns the folder of a cluster of this name that is in the files.
fn folder_of(system: &System<'_>, from: &Cluster<'_>, name: &str) -> Option<String> {
    let found = system
        .index
        .find(Kind::Cluster, Seen::Is(name), &from.resource);
    let cluster = system.cluster(&found.here()?)?;
    let folder = cluster.folder(cluster.plugin(BARMAN_CLOUD)?);
    folder.known().map(str::to_owned)
}

fn from_backup(system: &System<'_>, sink: &mut Sink<'_>) {
    let keys = ["spec", "bootstrap", "recovery", "backup", "name"];
    for cluster in &system.clusters {
        let Seen::Is(name) = cluster.resource.at(&keys).name() else {
            continue;
        };
        let found = system
            .index
            .find(Kind::Backup, Seen::Is(name), &cluster.resource);
        let method = found.here().map(|backup| {
            let method = backup.spec().get("method").name();
            method.or("barmanObjectStore")
        });
        let (message, level) = match method {
            Some(Seen::Is("plugin")) => (
                format!("Backup/{name} is a plugin's: the restore finds neither store nor keys"),
                Level::Error,
            ),
            None if cluster.storing().next().is_some() && cluster.in_tree().is_absent() => (
                format!("if Backup/{name} is a plugin's, the restore finds neither store nor keys"),
                Level::Warning,
            ),
            Some(_) | None => continue,
        };
        sink.add(Draft::at(&cluster.resource, &keys, message).level(level));
    }
}

fn into_source(system: &System<'_>, sink: &mut Sink<'_>) {
    for cluster in &system.clusters {
        let source = cluster
            .resource
            .at(&["spec", "bootstrap", "recovery", "source"]);
        let Some(external) = cluster.external(source.name()) else {
            continue;
        };
        let Some(from) = source_place(system, cluster, external) else {
            continue;
        };
        let archives = system.archives(cluster);
        let Some(archive) = archives.into_iter().find(|archive| archive.place == from) else {
            continue;
        };
        let check = cluster
            .resource
            .annotation("cnpg.io/skipEmptyWalArchiveCheck");
        let end = if check.text().is("enabled") {
            "and with the check off two histories are mixed there"
        } else {
            "which fails at the first segment: `Expected empty archive`"
        };
        let message = format!("it archives to {from}, where it is restored from, {end}");
        sink.add(Draft::on(&cluster.resource, archive.node, message));
    }
}

/// Returns the place that a cluster is restored from with Barman.
fn source_place(
    system: &System<'_>,
    cluster: &Cluster<'_>,
    external: &External<'_>,
) -> Option<Place> {
    if let Some(plugin) = external.plugin() {
        let is_barman = plugin.name().is(BARMAN_CLOUD);
        let folder = cluster.folder(&plugin);
        let archive = system
            .of_plugin(&plugin, cluster, folder)
            .filter(|_| is_barman);
        return archive.map(|archive: Archive<'_>| archive.place);
    }
    let in_tree = external.in_tree();
    let folder = in_tree.get("serverName").name();
    let folder = folder.or_else(|| external.name());
    let path = in_tree.get("destinationPath");
    let archive = crate::lint::system::in_object_store(in_tree, folder, path)?;
    Some(archive.place)
}

fn without_plugin(system: &System<'_>, sink: &mut Sink<'_>) {
    for cluster in &system.clusters {
        if cluster.plugin(PGBACKREST).is_none() {
            continue;
        }
        for (keys, external) in cluster.sources() {
            if external.plugin().is_some() || external.field.is_unknown() {
                continue;
            }
            let message = format!(
                "the external cluster `{}` has no `plugin` section: each call of the pgBackRest \
                 plugin panics",
                external.name().known().unwrap_or_default()
            );
            sink.add(Draft::at(&cluster.resource, keys, message));
        }
    }
}
