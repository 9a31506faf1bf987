//! What becomes of a cluster.

use serde_json::Value as Json;

use super::{
    super::{
        Asked, Choices,
        desk::Desk,
        entry::entry,
        jobs,
        json::{get, text},
        walcast,
    },
    Move, Own, folder, sources,
    stores::{Stores, Use, converted},
};
use crate::{
    config::PLUGIN as WALCAST,
    crd::cnpg::{BARMAN_CLOUD, PGBACKREST},
    inventory::Resource,
    lint::system::Cluster,
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
    let json = desk.json(resource).clone();
    if entry(&json, PGBACKREST).is_some() {
        let text = "it is on the pgBackRest plugin, whose repositories Barman's tools cannot \
                    read: there is no way from there to the Barman Cloud plugin";
        desk.leave(&title, text);
        return Ok(None);
    }
    if cluster.has_hidden_plugins() || cluster.in_tree().is_unknown() {
        let text = "what backs it up cannot be told: give its placeholders a value";
        return Err(desk.ask(&title, text, "--set NAME=VALUE"));
    }
    let own = if entry(&json, WALCAST).is_some() {
        let back = walcast::way_back(desk, cluster, true, choices)?;
        Some(Own {
            store: back.name,
            folder: back.folder,
            is_there: false,
        })
    } else {
        own(desk, stores, cluster, choices)
    };
    let sources = sources::decide(desk, stores, cluster, choices)?;
    let restored = restored(desk, &json, &title, own.as_ref(), choices)?;
    if own.is_none() && sources.is_empty() {
        desk.leave(&title, "it has no backups that could move");
        return Ok(None);
    }
    let keeps = own.as_ref().and_then(|own| policy(desk, cluster, own));
    let schedules = match &own {
        Some(_) => jobs::schedules(desk, cluster, &[BARMAN_CLOUD, WALCAST]),
        None => Vec::new(),
    };
    Ok(Some(Move {
        cluster: *resource,
        own,
        sources,
        schedules,
        keeps,
        restored,
    }))
}

/// Returns where a cluster archives to, by CloudNativePG itself or the plugin.
fn own<'a>(
    desk: &mut Desk<'a>,
    stores: &mut Stores<'a>,
    cluster: &Cluster<'a>,
    choices: &Choices,
) -> Option<Own> {
    let resource = &cluster.resource;
    let title = resource.title();
    let json = desk.json(resource).clone();
    let folder = folder(desk, resource)?;
    let in_tree = get(&json, &["spec", "backup", "barmanObjectStore"]);
    let named = entry(&json, BARMAN_CLOUD)
        .and_then(|plugin| text(plugin, &["parameters", "barmanObjectName"]));
    match (in_tree, named) {
        (Some(in_tree), Some(store)) => {
            let path = text(in_tree, &["destinationPath"]).unwrap_or_default();
            let text = format!(
                "it has the plugin with ObjectStore/{store} already: that stays, and what \
                 CloudNativePG itself wrote to {path} is pruned by nobody any more"
            );
            desk.lose(&title, text);
        }
        (Some(in_tree), None) => {
            let wanted = converted(desk, resource, cluster.in_tree(), in_tree);
            let retention = get(&json, &["spec", "backup", "retentionPolicy"]);
            let name = text(&json, &["metadata", "name"])?;
            let store = match choices.stores.get(name) {
                Some(store) => {
                    let text = format!(
                        "it goes on in ObjectStore/{store}, as you said: backups stay where they \
                         are if that is another place, and the new ones begin a new history"
                    );
                    desk.lose(&title, text);
                    store.clone()
                }
                None => stores.place(desk, resource, &wanted, retention, Use::Archive, name),
            };
            return Some(Own {
                store,
                folder,
                is_there: false,
            });
        }
        (None, Some(_)) => {}
        (None, None) => return None,
    }
    Some(Own {
        store: named?.to_owned(),
        folder,
        is_there: true,
    })
}

/// Returns the store that is to have the retention policy of a `Cluster` on the plugin, where the
/// policy has no effect (T29).
fn policy<'a>(
    desk: &mut Desk<'a>,
    cluster: &Cluster<'a>,
    own: &Own,
) -> Option<(Resource<'a>, Json)> {
    let resource = &cluster.resource;
    let policy = get(desk.json(resource), &["spec", "backup", "retentionPolicy"])?.clone();
    if !own.is_there || cluster.in_tree().is_present() {
        return None;
    }
    let plugin = cluster.plugin(BARMAN_CLOUD)?;
    let store = desk.system.store(plugin, resource).here();
    let title = format!("ObjectStore/{}", own.store);
    let Some(store) = store else {
        let text = format!("it is not in the files: write `retentionPolicy: {policy}` there");
        desk.lose(&title, text);
        return None;
    };
    let users = desk.system.clusters.iter().filter(|other| {
        let plugin = other.plugin(BARMAN_CLOUD);
        let found = plugin.and_then(|plugin| desk.system.store(plugin, &other.resource).here());
        found.is_some_and(|found| found.is(&store))
    });
    let is_shared = users.count() > 1;
    match get(desk.json(&store), &["spec", "retentionPolicy"]).cloned() {
        Some(its) if its == policy => None,
        Some(its) => {
            let text = format!(
                "it keeps {its}, which stays: the {policy} of {} never had an effect",
                resource.title()
            );
            desk.lose(&title, text);
            None
        }
        None if is_shared => {
            let text = format!(
                "{} wants {policy} and other clusters share it: nothing is pruned until it has a \
                 `retentionPolicy` that suits all",
                resource.title()
            );
            desk.lose(&title, text);
            None
        }
        None => Some((store, policy)),
    }
}

/// Returns the server name and the id of the backup that the cluster is restored from, if it says
/// that it is one that CloudNativePG made itself.
fn restored(
    desk: &mut Desk<'_>,
    json: &Json,
    title: &str,
    own: Option<&Own>,
    choices: &Choices,
) -> Result<Option<(String, String)>, Asked> {
    let (Some(backup), Some(_)) = (sources::restored_backup(json), own) else {
        return Ok(None);
    };
    let name = text(json, &["metadata", "name"]).unwrap_or_default();
    let answer = choices
        .backups
        .get(name)
        .and_then(|one| one.split_once('/'));
    if let Some((server, id)) = answer {
        return Ok(Some((server.to_owned(), id.to_owned())));
    }
    let text = format!(
        "it is restored from Backup/{backup}, which a plugin cannot read. Which folder and which \
         id has it? `kubectl get backup {backup} -o \
         jsonpath='{{.status.serverName}}/{{.status.backupId}}'` tells"
    );
    Err(desk.ask(title, text, format!("--backup {name}=FOLDER/ID")))
}

/// Returns the stores that schedules name beside the cluster's own: the plugin ignores them.
pub(in crate::migrate) fn named_elsewhere<'j>(schedule: &'j Json, own: &str) -> Option<&'j str> {
    let named = jobs::parameters(schedule)?
        .get("barmanObjectName")?
        .as_str()?;
    (named != own).then_some(named)
}
