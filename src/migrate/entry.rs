//! Plugin entries of a `Cluster`.

use serde_json::{Map, Value as Json, json};

use super::json::{get, items, list, remove, set, text};

const PLUGINS: [&str; 2] = ["spec", "plugins"];

/// Returns the entry of a plugin, which is the last one.
pub(super) fn entry<'j>(cluster: &'j Json, plugin: &str) -> Option<&'j Json> {
    let mut entries = items(cluster, &PLUGINS).iter();
    entries.rfind(|one| text(one, &["name"]) == Some(plugin))
}

/// Makes a plugin the archiver, with these parameters beside those it has; one that was switched
/// off is on. No other plugin is the archiver then: CloudNativePG refuses two.
pub(super) fn make_archiver(cluster: &mut Json, plugin: &str, parameters: &[(&str, String)]) {
    let entries = list(cluster, &PLUGINS);
    for entry in entries.iter_mut() {
        if text(entry, &["name"]) != Some(plugin) {
            remove(entry, &["isWALArchiver"]);
        }
    }
    let is_own = |one: &Json| text(one, &["name"]) == Some(plugin);
    let index = entries.iter().rposition(is_own).unwrap_or_else(|| {
        entries.push(json!({"name": plugin}));
        entries.len() - 1
    });
    let entry = &mut entries[index];
    if get(entry, &["enabled"]) == Some(&Json::Bool(false)) {
        remove(entry, &["enabled"]);
    }
    set(entry, &["isWALArchiver"], true);
    for (key, value) in parameters {
        set(entry, &["parameters", key], value.as_str());
    }
}

/// Removes all entries of a plugin, and the list with the last one.
pub(super) fn remove_entries(cluster: &mut Json, plugin: &str) {
    list(cluster, &PLUGINS).retain(|one| text(one, &["name"]) != Some(plugin));
    if items(cluster, &PLUGINS).is_empty() {
        remove(cluster, &PLUGINS);
    }
}

/// Has an external cluster be restored by a plugin.
pub(super) fn make_source(
    cluster: &mut Json,
    index: usize,
    plugin: &str,
    parameters: &[(&str, String)],
) {
    let Some(external) = list(cluster, &["spec", "externalClusters"]).get_mut(index) else {
        return;
    };
    remove(external, &["barmanObjectStore"]);
    let parameters: Map<String, Json> = parameters
        .iter()
        .map(|(key, value)| ((*key).to_owned(), json!(value)))
        .collect();
    set(
        external,
        &["plugin"],
        json!({"name": plugin, "parameters": parameters}),
    );
}

/// Removes the configuration of CloudNativePG's own backups. What else `backup` has (`target`,
/// `volumeSnapshot`) stays; an empty `backup` goes (T63).
pub(super) fn remove_in_tree(cluster: &mut Json) {
    remove(cluster, &["spec", "backup", "barmanObjectStore"]);
    remove(cluster, &["spec", "backup", "retentionPolicy"]);
    let backup = get(cluster, &["spec", "backup"]);
    if backup.and_then(Json::as_object).is_some_and(Map::is_empty) {
        remove(cluster, &["spec", "backup"]);
    }
}
