//! What a cluster on walcast goes back to.

use serde_json::Value as Json;

use super::super::{
    Asked, Choices,
    commands::name,
    desk::Desk,
    entry::entry,
    json::{get, text},
};
use crate::{
    config::{PLUGIN, Reference, ReferenceKind},
    inventory::{Kind, Resource},
    lint::system::Cluster,
};

/// The destination that stays.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::migrate) struct Back {
    /// Its resource: an `ObjectStore`, or a `Stanza` or `Repository`.
    pub(in crate::migrate) name: String,
    /// The folder, which is a matter of `ObjectStore`s only.
    pub(in crate::migrate) folder: String,
}

/// Returns the destinations that a cluster on walcast lists; nothing if it takes all there are.
pub(in crate::migrate) fn destinations(cluster: &Json) -> Vec<Reference> {
    let plugin = entry(cluster, PLUGIN);
    let list = plugin.and_then(|plugin| text(plugin, &["parameters", "destinations"]));
    let items = list.unwrap_or_default().split(',');
    items.filter_map(|item| item.trim().parse().ok()).collect()
}

/// Returns what a plugin that knows one kind of store goes on with: the answer, else the first of
/// the list, else the only one there is. What it leaves behind is said.
pub(in crate::migrate) fn way_back(
    desk: &mut Desk<'_>,
    cluster: &Cluster<'_>,
    to_store: bool,
    choices: &Choices,
) -> Result<Back, Asked> {
    let resource = &cluster.resource;
    let json = desk.json(resource).clone();
    let fits =
        |reference: &&Reference| matches!(reference.kind, ReferenceKind::ObjectStore) == to_store;
    let listed = destinations(&json);
    let answer = choices.stores.get(&name(resource)).cloned();
    let first = listed.iter().find(fits).map(|one| one.name.clone());
    let Some(kept) = answer.or(first).or_else(|| only(desk, resource, to_store)) else {
        let kind = if to_store { "ObjectStore" } else { "Stanza" };
        let text = format!("which {kind} is it to go on with? Its list of destinations names none");
        let option = format!("--store {}=NAME", name(resource));
        return Err(desk.ask(&resource.title(), text, option));
    };
    let title = resource.title();
    for other in listed
        .iter()
        .filter(|other| other.name != kept || !fits(other))
    {
        let text = format!(
            "`{}` gets no more WAL and no more backups; what it holds stays readable",
            other.destination_name()
        );
        desk.lose(&title, text);
    }
    let plugin = entry(&json, PLUGIN).cloned().unwrap_or_default();
    let parameters = get(&plugin, &["parameters"]).and_then(Json::as_object);
    for key in parameters.into_iter().flat_map(serde_json::Map::keys) {
        if !["destinations", "serverName"].contains(&key.as_str()) {
            let text = format!("`{key}` of walcast's entry has no equal: it goes");
            desk.lose(&title, text);
        }
    }
    if text(&plugin, &["parameters", "dataCompression"]) == Some("zstd") {
        let text = "base backups in zstd are neither restored nor deleted by Barman before 3.20";
        desk.lose(&title, text);
    }
    let folder = text(&plugin, &["parameters", "serverName"]).map(ToOwned::to_owned);
    Ok(Back {
        name: kept,
        folder: folder.unwrap_or_else(|| name(resource)),
    })
}

/// Returns the only store that a cluster may mean.
fn only(desk: &Desk<'_>, cluster: &Resource<'_>, to_store: bool) -> Option<String> {
    let kinds: &[Kind] = if to_store {
        &[Kind::ObjectStore]
    } else {
        &[Kind::Stanza]
    };
    let all = kinds.iter().flat_map(|kind| desk.of_kind(*kind));
    let mut near = all.filter(|one| one.may_share_namespace(cluster));
    let found = near.next().filter(|_| near.next().is_none())?;
    Some(name(&found))
}
