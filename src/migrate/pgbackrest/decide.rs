//! What becomes of a cluster.

use serde_json::{Value as Json, json};

use super::{
    super::{
        Asked, Choices,
        barman::{
            folder,
            sources::{self, Source},
            stores::{Stores, configuration},
        },
        commands::name,
        desk::Desk,
        entry::entry,
        jobs,
        json::{get, set, text},
        walcast,
    },
    Move, Way,
    convert::{Converted, From, convert},
};
use crate::{
    config::PLUGIN as WALCAST,
    crd::cnpg::{BARMAN_CLOUD, PGBACKREST},
    inventory::{Kind, Resource, Seen},
    lint::system::{Cluster, Plugin},
};

/// Decides about one cluster; `None` if it has nothing to move.
pub(super) fn cluster<'a>(
    desk: &mut Desk<'a>,
    stores: &mut Stores<'a>,
    cluster: &'a Cluster<'a>,
    choices: &Choices,
) -> Result<Option<Move<'a>>, Asked> {
    let resource = &cluster.resource;
    let title = resource.title();
    if cluster.has_hidden_plugins() || cluster.in_tree().is_unknown() {
        let text = "what backs it up cannot be told: give its placeholders a value";
        return Err(desk.ask(&title, text, "--set NAME=VALUE"));
    }
    let json = desk.json(resource).clone();
    let mut plugin = None;
    let way = if let Some(entry) = cluster.plugin(PGBACKREST) {
        there(desk, cluster, entry)
    } else if entry(&json, WALCAST).is_some() {
        Way::Returns(walcast::way_back(desk, cluster, false, choices)?.name)
    } else {
        let arrival = arrival(desk, cluster, &json, choices);
        let Some((way, config)) = arrival? else {
            desk.leave(&title, "it has no backups that could move");
            return Ok(None);
        };
        plugin = config;
        way
    };
    if plugin.is_none() {
        plugin = spool(desk, cluster, &way, choices)?;
    }
    let sources = needed_sources(desk, stores, cluster, choices)?;
    let schedules = jobs::schedules(desk, cluster, &[BARMAN_CLOUD, WALCAST, PGBACKREST]);
    Ok(Some(Move {
        cluster,
        way,
        sources,
        schedules,
        plugin: plugin.map(|spec| (plugin_name(desk, cluster), spec)),
    }))
}

fn plugin_name(desk: &Desk<'_>, cluster: &Cluster<'_>) -> String {
    let own = name(&cluster.resource);
    let mut known = desk.of_kind(Kind::PluginConfig).into_iter();
    if known.any(|one| one.name().is(own.as_str())) {
        format!("{own}-spool")
    } else {
        own
    }
}

fn there<'a>(desk: &mut Desk<'a>, cluster: &Cluster<'a>, entry: &Plugin<'a>) -> Way<'a> {
    let stanza = desk.system.stanza(entry, &cluster.resource);
    let stanza = stanza.map(|stanza| stanza.resource);
    match stanza {
        Some(legacy) if legacy.kind == Kind::Repository => Way::Renamed(legacy),
        Some(stanza) => Way::There(Some(stanza)),
        None => {
            let text = "its Stanza is not in the files: which repositories need schedules cannot \
                        be told";
            desk.leave(&cluster.resource.title(), text);
            Way::There(None)
        }
    }
}

/// Returns the new stanza of a cluster with backups in Barman's layout, and what its
/// `PluginConfig` says.
fn arrival<'a>(
    desk: &mut Desk<'a>,
    cluster: &Cluster<'a>,
    json: &Json,
    choices: &Choices,
) -> Result<Option<(Way<'a>, Option<Json>)>, Asked> {
    let resource = &cluster.resource;
    let Some(stanza) = folder(desk, resource) else {
        return Ok(None);
    };
    let (before, converted) = if let Some(entry) = cluster.plugin(BARMAN_CLOUD) {
        let store = desk.system.store(entry, resource).here();
        let named = entry.parameter("barmanObjectName").name();
        let Some(store) = store else {
            if named == Seen::Absent {
                return Ok(None);
            }
            if named.is_unknown() {
                let text = "which ObjectStore it has is filled in later";
                return Err(desk.ask(&resource.title(), text, "--set NAME=VALUE"));
            }
            let text = "its ObjectStore is not in the files: add the file that has it";
            return Err(desk.obstacle(&resource.title(), text));
        };
        (store.title(), of_store(desk, &store, choices)?)
    } else if let Some(in_tree) = get(json, &["spec", "backup", "barmanObjectStore"]) {
        let retention = get(json, &["spec", "backup", "retentionPolicy"]);
        let from = From {
            about: &resource.title(),
            key: &name(resource),
            configuration: &configuration(Some(in_tree)),
            retention,
            sidecar: None,
        };
        let path = text(in_tree, &["destinationPath"]).unwrap_or_default();
        (format!("what is in {path}"), convert(desk, from, choices)?)
    } else {
        return Ok(None);
    };
    let mut stanza_configuration = converted.configuration;
    set(&mut stanza_configuration, &["name"], stanza);
    let way = Way::Arrives {
        name: name(resource),
        configuration: stanza_configuration,
        before,
    };
    Ok(Some((way, converted.plugin)))
}

fn of_store(
    desk: &mut Desk<'_>,
    store: &Resource<'_>,
    choices: &Choices,
) -> Result<Converted, Asked> {
    let json = desk.json(store).clone();
    let from = From {
        about: &store.title(),
        key: &name(store),
        configuration: &configuration(get(&json, &["spec", "configuration"])),
        retention: get(&json, &["spec", "retentionPolicy"]),
        sidecar: get(&json, &["spec", "instanceSidecarConfiguration"]),
    };
    convert(desk, from, choices)
}

/// Returns the `PluginConfig` that a stanza lacks which archives asynchronously (T33).
fn spool(
    desk: &mut Desk<'_>,
    cluster: &Cluster<'_>,
    way: &Way<'_>,
    choices: &Choices,
) -> Result<Option<Json>, Asked> {
    let (stanza, key) = match way {
        Way::There(Some(stanza)) => (stanza, "stanzaConfiguration"),
        Way::Renamed(stanza) => (stanza, "repoConfiguration"),
        Way::There(None) | Way::Arrives { .. } | Way::Returns(_) => return Ok(None),
    };
    let is_async = stanza.spec().at(&[key, "archive", "async"]).flag().is(true);
    let entry = cluster.plugin(PGBACKREST);
    let has_config = entry.is_some_and(|entry| !entry.parameter("pluginConfigRef").is_absent());
    if !is_async || has_config {
        return Ok(None);
    }
    let Some(class) = &choices.storage_class else {
        let text = format!(
            "{} archives asynchronously, which needs a volume for its spool (T33). Of which \
             storage class?",
            stanza.title()
        );
        return Err(desk.ask(&cluster.resource.title(), text, "--storage-class NAME"));
    };
    Ok(Some(json!({"storageConfig": {"storageClass": class}})))
}

/// Returns the sources with a configuration of their own, which the plugin cannot see without
/// failing at every call (T35): they are left to the Barman Cloud plugin.
fn needed_sources<'a>(
    desk: &mut Desk<'a>,
    stores: &mut Stores<'a>,
    cluster: &Cluster<'a>,
    choices: &Choices,
) -> Result<Vec<Source>, Asked> {
    let resource = &cluster.resource;
    let mut used = cluster.sources().into_iter();
    if used.any(|(_, external)| external.in_tree().is_present()) {
        let text = "what it is restored from stays in Barman's layout, which the Barman Cloud \
                    plugin reads: keep that installed, or remove `bootstrap.recovery`, which has \
                    no use after the first start";
        desk.lose(&resource.title(), text);
        return sources::decide(desk, stores, cluster, choices);
    }
    if cluster.external.iter().any(|one| {
        let plugin = one.plugin();
        plugin.is_some_and(|plugin| plugin.name().is(BARMAN_CLOUD))
    }) {
        let text = "its external clusters stay with the Barman Cloud plugin: pgBackRest cannot \
                    read what Barman wrote";
        desk.lose(&resource.title(), text);
    }
    let json = desk.json(resource);
    if text(
        json,
        &[
            "spec",
            "bootstrap",
            "recovery",
            "recoveryTarget",
            "backupID",
        ],
    )
    .is_some()
    {
        let text = "`recoveryTarget.backupID` is one of Barman's; pgBackRest's labels look like \
                    `20260210-101333F`";
        desk.lose(&resource.title(), text);
    }
    Ok(Vec::new())
}
