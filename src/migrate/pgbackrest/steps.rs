//! The order of a move to the pgBackRest plugin.

use serde_json::{Value as Json, json};

use super::{
    super::{
        Choices, Step,
        barman::{sources::parameters, stores::Stores},
        commands::{kubectl, name as name_of, of_cluster},
        desk::Desk,
        entry,
        json::{get, items, remove, set, text},
    },
    Move, Way, around, coverage,
};
use crate::{
    config::PLUGIN as WALCAST,
    crd::{
        cnpg::{BARMAN_CLOUD, PGBACKREST},
        pgbackrest::{PluginConfig, Stanza},
    },
    inventory::Resource,
};

pub(super) fn write<'a>(
    desk: &mut Desk<'a>,
    stores: &Stores<'a>,
    moves: &[Move<'a>],
    choices: &Choices,
) {
    let titles = moves.iter().map(|one| one.cluster.resource.title());
    desk.plan.moved.extend(titles);
    write_stanzas(desk, stores, moves);
    let arrives = |one: &Move<'_>| !matches!(one.way, Way::There(_));
    around::write(desk, moves, moves.iter().any(arrives));
    for one in moves {
        write_cluster(desk, one, choices);
    }
    write_schedules(desk, moves, choices);
    keep(desk, moves);
}

fn write_stanzas<'a>(desk: &mut Desk<'a>, stores: &Stores<'a>, moves: &[Move<'a>]) {
    let mut step = Step::new(
        "Make the Stanzas",
        "One for each Cluster, in a folder beside Barman's: the two layouts know nothing of each \
         other. A stanza's name never changes later, as that would orphan its backups.",
    );
    for (beside, resource) in stores.new_ones() {
        desk.create(&beside, &resource);
    }
    for one in moves {
        let cluster = &one.cluster.resource;
        match &one.way {
            Way::Arrives {
                name,
                configuration,
                ..
            } => {
                let spec = json!({"stanzaConfiguration": configuration});
                let of = (Stanza::API_VERSION, Stanza::KIND);
                let stanza = resource(desk, cluster, of, name, &spec);
                desk.create(cluster, &stanza);
                step = step.check(
                    kubectl(cluster, &format!("get stanza {name}")),
                    "it is there",
                );
            }
            Way::Renamed(repository) => {
                desk.change(repository, to_stanza);
                step = step.check(
                    kubectl(cluster, &format!("get stanza {}", name_of(repository))),
                    "it is there; the Repository of this name can go when no Cluster names it",
                );
            }
            Way::Returns(_) | Way::There(_) => {}
        }
        if let Some((name, spec)) = &one.plugin {
            let of = (PluginConfig::API_VERSION, PluginConfig::KIND);
            let config = resource(desk, cluster, of, name, spec);
            desk.create(cluster, &config);
        }
    }
    desk.step_if_changed(step);
}

fn resource(
    desk: &Desk<'_>,
    cluster: &Resource<'_>,
    (version, kind): (&str, &str),
    name: &str,
    spec: &Json,
) -> Json {
    let mut resource = json!({
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": name},
        "spec": spec,
    });
    if let Some(namespace) = text(desk.json(cluster), &["metadata", "namespace"]) {
        set(&mut resource, &["metadata", "namespace"], namespace);
    }
    resource
}

/// Makes a `Repository` a `Stanza` that does what it did: what was always on then is written,
/// as it is off by default now.
fn to_stanza(json: &mut Json) {
    if text(json, &["kind"]) == Some(Stanza::KIND) {
        return;
    }
    set(json, &["kind"], Stanza::KIND);
    let Some(mut configuration) = remove(json, &["spec", "repoConfiguration"]) else {
        return;
    };
    if let Some(stanza) = remove(&mut configuration, &["stanza"]) {
        set(&mut configuration, &["name"], stanza);
    }
    let were_on: [(&str, Json); 3] = [
        ("delta", json!(true)),
        ("startFast", json!(true)),
        ("logLevel", json!("info")),
    ];
    for (key, value) in were_on {
        if get(&configuration, &[key]).is_none() {
            set(&mut configuration, &[key], value);
        }
    }
    let repositories = configuration.get_mut("s3Repositories");
    for repository in repositories
        .and_then(Json::as_array_mut)
        .into_iter()
        .flatten()
    {
        if get(repository, &["verifyTLS"]).is_none() {
            set(repository, &["verifyTLS"], true);
        }
    }
    set(json, &["spec", "stanzaConfiguration"], configuration);
}

fn write_cluster(desk: &mut Desk<'_>, one: &Move<'_>, choices: &Choices) {
    let cluster = &one.cluster.resource;
    let mut had_barman = false;
    desk.change(cluster, |json| {
        had_barman = entry::entry(json, BARMAN_CLOUD).is_some();
        entry::remove_in_tree(json);
        entry::remove_entries(json, WALCAST);
        if !choices.overlap {
            entry::remove_entries(json, BARMAN_CLOUD);
        }
        let mut parameters = Vec::new();
        match &one.way {
            Way::Arrives { name, .. } | Way::Returns(name) => {
                parameters.push(("stanzaRef", name.clone()));
            }
            Way::Renamed(repository) => parameters.push(("stanzaRef", name_of(repository))),
            Way::There(_) => {}
        }
        if let Some((name, _)) = &one.plugin {
            parameters.push(("pluginConfigRef", name.clone()));
        }
        entry::make_archiver(json, PGBACKREST, &parameters);
        rename_references(json);
        for source in &one.sources {
            entry::make_source(json, source.index, BARMAN_CLOUD, &self::parameters(source));
        }
    });
    let title = cluster.title();
    let step = match (&one.way, had_barman && choices.overlap) {
        (Way::There(_), _) => Step::new(
            format!("Finish {title}"),
            "It is on the plugin already; this is what it lacks, or has no use for any more.",
        ),
        (Way::Renamed(_), _) => Step::new(
            format!("Have {title} name its Stanza"),
            "The released plugin reads `stanzaRef` only: with `repositoryRef` it does nothing, and \
             says nothing.",
        ),
        (Way::Arrives { .. } | Way::Returns(_), true) => Step::new(
            format!("Move {title}, both plugins at once for a while"),
            "CloudNativePG sends WAL to every plugin that is on; only pgBackRest is the archiver. \
             Both must take each segment. When the old backups are not needed any more, plan once \
             more without --overlap: that removes the Barman Cloud plugin.",
        ),
        (Way::Arrives { .. } | Way::Returns(_), false) => Step::new(
            format!("Move {title} in one change"),
            "The archiver changes at once, so no WAL is missed. Point-in-time recovery does not \
             cross the switch: up to it Barman restores, from the first full backup after it \
             pgBackRest. The change rolls all pods: the sidecar is another one.",
        ),
    };
    let step = step.check(
        info(cluster),
        "`status` ok and a WAL archive in every repository, after `pg_switch_wal()` on the primary",
    );
    desk.step_if_changed(step);
    if cluster.is_patched {
        let text = "a patch of the kustomization beside it changes Clusters: look whether it \
                    brings back what this removes";
        desk.lose(&title, text);
    }
}

/// External clusters name Stanzas, too.
fn rename_references(cluster: &mut Json) {
    let keys = ["plugins", "externalClusters"];
    for key in keys {
        let list = cluster.pointer_mut(&format!("/spec/{key}"));
        for one in list.and_then(Json::as_array_mut).into_iter().flatten() {
            let entry = match key {
                "plugins" => Some(one),
                _ => one.get_mut("plugin"),
            };
            let Some(entry) = entry.filter(|entry| text(entry, &["name"]) == Some(PGBACKREST))
            else {
                continue;
            };
            if let Some(name) = remove(entry, &["parameters", "repositoryRef"])
                && get(entry, &["parameters", "stanzaRef"]).is_none()
            {
                set(entry, &["parameters", "stanzaRef"], name);
            }
        }
    }
}

fn info(cluster: &Resource<'_>) -> String {
    let pod = kubectl(
        cluster,
        &format!(
            "get cluster {} -o jsonpath='{{.status.currentPrimary}}'",
            name_of(cluster)
        ),
    );
    kubectl(
        cluster,
        &format!("exec \"$({pod})\" -c plugin-pgbackrest -- pgbackrest info"),
    )
}

fn write_schedules(desk: &mut Desk<'_>, moves: &[Move<'_>], choices: &Choices) {
    let mut first = Step::new(
        "Take a full backup in every repository",
        "WAL goes to all repositories, a backup to one. Until a repository has a full backup of its \
         own it restores nothing, and a first incremental one would become full unplanned.",
    );
    let arrived = moves.iter().filter(|one| !matches!(one.way, Way::There(_)));
    for one in arrived {
        for number in coverage::numbers(desk, one) {
            first = first.run(backup(&one.cluster.resource, number));
        }
        let cluster = &one.cluster.resource;
        first = first
            .check(
                of_cluster(cluster, "get backups", ""),
                "each one is `completed`",
            )
            .check(info(cluster), "a full backup in every repository");
    }
    if !first.commands.is_empty() {
        desk.step(first);
    }
    for one in moves {
        coverage::schedules(desk, one, choices);
    }
    let step = Step::new(
        "Have a schedule for every repository",
        "The plugin backs up to repository 1 unless it is told otherwise, incrementally unless it \
         is told `full`, and on a standby, where pgBackRest finds no primary, unless it is told \
         `primary`.",
    );
    desk.step_if_changed(step);
}

fn backup(cluster: &Resource<'_>, number: usize) -> String {
    let create = kubectl(cluster, "create -f -");
    let name = name_of(cluster);
    format!(
        "{create} <<'END'\napiVersion: postgresql.cnpg.io/v1\nkind: Backup\nmetadata:\n  \
         generateName: {name}-full-{number}-\nspec:\n  cluster:\n    name: {name}\n  \
         method: plugin\n  target: primary\n  pluginConfiguration:\n    name: {PGBACKREST}\n    \
         parameters:\n      backupType: full\n      selectedRepository: \"{number}\"\nEND"
    )
}

/// Says how long what was before is needed.
fn keep(desk: &mut Desk<'_>, moves: &[Move<'_>]) {
    for one in moves {
        let Way::Arrives { before, .. } = &one.way else {
            continue;
        };
        let text = format!(
            "points in time before the switch are in Barman's layout: keep {before} and the Barman \
             Cloud plugin until they are not needed any more; nobody prunes them"
        );
        desk.lose(&one.cluster.resource.title(), text);
        let json = desk.json(&one.cluster.resource);
        if !items(json, &["spec", "externalClusters"]).is_empty() {
            continue;
        }
        let text = "to restore from the time before, a new Cluster needs an external cluster with \
                    the Barman Cloud plugin";
        desk.lose(&one.cluster.resource.title(), text);
    }
}
