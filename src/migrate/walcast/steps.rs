//! The order of a move to walcast.

use serde_json::{Value as Json, json};

use super::{
    super::{
        Step,
        barman::{decide::named_elsewhere, stores::Stores},
        commands::{kubectl, name, of_cluster},
        desk::Desk,
        entry, jobs,
        json::{get, items, list, set, text},
    },
    Move,
};
use crate::{
    config::PLUGIN,
    crd::cnpg::{BARMAN_CLOUD, PGBACKREST},
};

pub(super) fn write<'a>(desk: &mut Desk<'a>, stores: &Stores<'a>, moves: &[Move<'a>]) {
    let text = "this release has no plugin for CloudNativePG yet: the plan is for the day when the \
                check of its first step holds, and must not be applied before";
    desk.lose("walcast", text);
    let install = Step::new(
        "Install walcast's plugin beside the operator",
        "A Cluster that names a plugin which does not run makes no progress, and its WAL stays \
         where it is.",
    );
    desk.step(install.check(
        format!("kubectl get service -A -l cnpg.io/pluginName={PLUGIN}"),
        "one Service, in the namespace of the operator",
    ));
    let step = Step::new(
        "Make the ObjectStores",
        "walcast reads and writes the stores that the Cluster has now, with the same folders and \
         Secrets.",
    );
    for (beside, resource) in stores.new_ones() {
        desk.create(&beside, &resource);
    }
    desk.step_if_changed(step);
    for one in moves {
        write_cluster(desk, one);
    }
    write_schedules(desk, moves);
}

fn write_cluster(desk: &mut Desk<'_>, one: &Move<'_>) {
    let cluster = &one.cluster.resource;
    let has_store = one
        .destinations
        .iter()
        .any(|one| one.starts_with("ObjectStore/"));
    let mut parameters = vec![("destinations", one.destinations.join(", "))];
    if has_store {
        parameters.push(("serverName", one.folder.clone()));
    }
    desk.change(cluster, |json| {
        entry::remove_in_tree(json);
        entry::remove_entries(json, BARMAN_CLOUD);
        entry::remove_entries(json, PGBACKREST);
        entry::make_archiver(json, PLUGIN, &parameters);
        for source in &one.sources {
            let parameters = [
                ("destinations", format!("ObjectStore/{}", source.store)),
                ("serverName", source.folder.clone()),
            ];
            entry::make_source(json, source.index, PLUGIN, &parameters);
        }
        stanza_sources(json);
    });
    let step = Step::new(
        format!("Move {} in one change", cluster.title()),
        "The archiver changes at once, so no WAL is missed, and walcast goes on in the folders \
         that are there: points in time before and after are in one line, and each store can be \
         read by the tools it was written with.",
    );
    let archiving = format!(
        "get cluster {} -o jsonpath='{{.status.conditions[?(@.type==\"ContinuousArchiving\")].status}}'",
        name(cluster)
    );
    let step = step.check(
        kubectl(cluster, &archiving),
        "True, also after `pg_switch_wal()` on the primary",
    );
    desk.step(step);
}

/// External clusters on pgBackRest's plugin are read from the same Stanza.
fn stanza_sources(cluster: &mut Json) {
    if items(cluster, &["spec", "externalClusters"]).is_empty() {
        return;
    }
    for external in list(cluster, &["spec", "externalClusters"]) {
        let Some(plugin) = get(external, &["plugin"]) else {
            continue;
        };
        let named = [("stanzaRef", "Stanza"), ("repositoryRef", "Repository")]
            .into_iter()
            .find_map(|(key, kind)| {
                let name = text(plugin, &["parameters", key])?;
                Some(format!("{kind}/{name}"))
            });
        if let Some(named) = named.filter(|_| text(plugin, &["name"]) == Some(PGBACKREST)) {
            let plugin = json!({"name": PLUGIN, "parameters": {"destinations": named}});
            set(external, &["plugin"], plugin);
        }
    }
}

fn write_schedules(desk: &mut Desk<'_>, moves: &[Move<'_>]) {
    let mut step = Step::new(
        "Have the schedules use walcast",
        "One backup goes to all destinations in one pass, so one schedule is enough where there \
         was one for each repository.",
    );
    for one in moves {
        let cluster = &one.cluster.resource;
        for schedule in &one.schedules {
            let resource = &schedule.resource;
            let before = desk.json(resource).clone();
            repeated(desk, one, &resource.title(), &before);
            let is_repeated = is_repeated(one, &before) && one.schedules.len() > 1;
            let parameters = jobs::parameters(&before);
            let kind = parameters.and_then(|all| all.get("backupType")?.as_str());
            let kind: Vec<(&str, &str)> =
                kind.map(|kind| ("backupType", kind)).into_iter().collect();
            desk.change(resource, |json| {
                jobs::use_plugin(json, PLUGIN, &kind);
                if is_repeated {
                    set(json, &["spec", "suspend"], true);
                }
            });
            if is_repeated {
                let text = "it is suspended: the other schedule's backups go to its repository, \
                            too. Remove it when you have seen them there";
                desk.lose(&resource.title(), text);
            }
        }
        if !one.schedules.is_empty() {
            let check = of_cluster(cluster, "get backups", "");
            step = step.check(check, "the next one is `completed`");
        }
    }
    desk.step_if_changed(step);
}

/// Says how a store that a schedule names without effect becomes a destination.
fn repeated(desk: &mut Desk<'_>, one: &Move<'_>, title: &str, schedule: &Json) {
    let own = one
        .destinations
        .first()
        .map(String::as_str)
        .unwrap_or_default();
    let own = own.trim_start_matches("ObjectStore/");
    let Some(other) = named_elsewhere(schedule, own) else {
        return;
    };
    let other = format!("ObjectStore/{other}");
    if one.destinations.contains(&other) {
        return;
    }
    let text = format!(
        "it names {other}, which the Barman Cloud plugin never looked at (T01): \
         --also {}={other} makes it a destination",
        name(&one.cluster.resource)
    );
    desk.lose(title, text);
}

/// Returns whether a schedule was there for a repository that every backup goes to now.
fn is_repeated(one: &Move<'_>, schedule: &Json) -> bool {
    let Some(parameters) = jobs::parameters(schedule) else {
        return false;
    };
    let get = |key: &str| parameters.get(key).and_then(Json::as_str);
    let is_second = get("selectedRepository").is_some_and(|number| number != "1");
    let other = get("barmanObjectName").map(|name| format!("ObjectStore/{name}"));
    is_second || other.is_some_and(|other| one.destinations.iter().skip(1).any(|one| *one == other))
}
