//! What a cluster is restored from or follows.

use serde_json::Value as Json;

use super::{
    super::{
        Asked, Choices,
        desk::Desk,
        json::{get, items, text},
    },
    stores::{Stores, Use, converted},
};
use crate::{
    crd::cnpg::BARMAN_CLOUD,
    inventory::{Resource, Seen},
    lint::system::Cluster,
};

/// An external cluster that is to be restored by a plugin.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::migrate) struct Source {
    /// Its place in `externalClusters`.
    pub(in crate::migrate) index: usize,
    pub(in crate::migrate) store: String,
    pub(in crate::migrate) folder: String,
}

/// Returns the external clusters that are to change.
pub(in crate::migrate) fn decide<'a>(
    desk: &mut Desk<'a>,
    stores: &mut Stores<'a>,
    cluster: &Cluster<'a>,
    choices: &Choices,
) -> Result<Vec<Source>, Asked> {
    find(desk, stores, cluster, choices, false)
}

/// Returns the external clusters in Barman's layout, also those that the plugin would find.
pub(in crate::migrate) fn all<'a>(
    desk: &mut Desk<'a>,
    stores: &mut Stores<'a>,
    cluster: &Cluster<'a>,
    choices: &Choices,
) -> Result<Vec<Source>, Asked> {
    find(desk, stores, cluster, choices, true)
}

fn find<'a>(
    desk: &mut Desk<'a>,
    stores: &mut Stores<'a>,
    cluster: &Cluster<'a>,
    choices: &Choices,
    is_all: bool,
) -> Result<Vec<Source>, Asked> {
    let resource = &cluster.resource;
    let mut sources = Vec::new();
    let mut asked = None;
    for (index, external) in cluster.external.iter().enumerate() {
        let json = desk.json(resource);
        let Some(written) = items(json, &["spec", "externalClusters"]).get(index) else {
            continue;
        };
        let name = text(written, &["name"]).unwrap_or_default().to_owned();
        let in_tree = get(written, &["barmanObjectStore"]).cloned();
        if let Some(in_tree) = in_tree {
            let wanted = converted(desk, resource, external.in_tree(), &in_tree);
            let folder = text(&in_tree, &["serverName"]).unwrap_or(&name).to_owned();
            let store = stores.place(desk, resource, &wanted, None, Use::Source, &name);
            sources.push(Source {
                index,
                store,
                folder,
            });
            continue;
        }
        let plugin = get(written, &["plugin"]).cloned();
        let Some(plugin) = plugin.filter(|one| text(one, &["name"]) == Some(BARMAN_CLOUD)) else {
            continue;
        };
        let Some(store) = text(&plugin, &["parameters", "barmanObjectName"]) else {
            continue;
        };
        let own = text(desk.json(resource), &["metadata", "name"]);
        let named = text(&plugin, &["parameters", "serverName"]);
        let named = named.or_else(|| own.filter(|own| *own == name));
        if let Some(folder) = named {
            if is_all {
                sources.push(Source {
                    index,
                    store: store.to_owned(),
                    folder: folder.to_owned(),
                });
            }
            continue;
        }
        if let Some(folder) = folder_in(desk, resource, store, &name, choices) {
            sources.push(Source {
                index,
                store: store.to_owned(),
                folder,
            });
        } else {
            let own = own.unwrap_or_default();
            let text = format!(
                "which folder of ObjectStore/{store} holds the backups of `{name}`? Without \
                 `serverName` the plugin looks in `{own}`, after the new Cluster"
            );
            let option = format!("--server-name {name}=FOLDER");
            asked = Some(desk.ask(&resource.title(), text, option));
        }
    }
    asked.map_or(Ok(sources), Err)
}

/// Returns the folder in which a store has the backups of an external cluster: that of the cluster
/// that archives there, if it is the only one or has the name.
fn folder_in(
    desk: &Desk<'_>,
    from: &Resource<'_>,
    store: &str,
    name: &str,
    choices: &Choices,
) -> Option<String> {
    if let Some(answer) = choices.server_names.get(name) {
        return Some(answer.clone());
    }
    let archiving = desk.system.clusters.iter().filter(|other| {
        let plugin = other.plugin(BARMAN_CLOUD);
        !other.resource.is(from)
            && other.resource.may_share_namespace(from)
            && plugin.is_some_and(|plugin| plugin.parameter("barmanObjectName").name().is(store))
    });
    let archiving: Vec<_> = archiving.collect();
    let named = archiving.iter().find(|one| one.name() == Seen::Is(name));
    let only = archiving.first().filter(|_| archiving.len() == 1);
    super::folder(desk, &named.or(only)?.resource)
}

/// Returns the parameters of a source.
pub(in crate::migrate) fn parameters(source: &Source) -> [(&'static str, String); 2] {
    [
        ("barmanObjectName", source.store.clone()),
        ("serverName", source.folder.clone()),
    ]
}

/// Returns whether a cluster is said to be restored from a `Backup` that CloudNativePG made
/// itself, which no plugin can.
pub(in crate::migrate) fn restored_backup(cluster: &Json) -> Option<&str> {
    text(
        cluster,
        &["spec", "bootstrap", "recovery", "backup", "name"],
    )
}
