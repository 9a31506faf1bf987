//! What people did when they moved to the Barman Cloud plugin, next to what is planned.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::migrate::json::{get, items, text as text_at};

/// Where what people did means something else than what is planned: the pair, what differs, and
/// why.
const DIFFERENCES: &[(&str, &str, &str)] = &[];

/// What a system's backups come to, aspect by aspect.
type Meaning = BTreeMap<String, String>;

fn meaning(inventory: &Inventory) -> Meaning {
    let mut meaning = Meaning::new();
    let index = inventory.index();
    let written = |resource: &crate::inventory::Resource<'_>| {
        let documents = documents(&resource.file.text);
        documents[resource.document].root.as_ref().unwrap().to_json()
    };
    let stores: Vec<Json> = index.of_kind(Kind::ObjectStore).iter().map(&written).collect();
    let store = |name: &str| {
        let mut stores = stores.iter();
        stores.find(|one| text_at(one, &["metadata", "name"]) == Some(name)).cloned()
    };
    for cluster in index.of_kind(Kind::Cluster) {
        let cluster = written(cluster);
        let text = |keys: &[&str]| text_at(&cluster, keys).unwrap_or("-").to_owned();
        meaning.insert("name".into(), text(&["metadata", "name"]));
        meaning.insert("source".into(), text(&["spec", "bootstrap", "recovery", "source"]));
        let in_tree = get(&cluster, &["spec", "backup", "barmanObjectStore"]).is_some();
        meaning.insert("in-tree".into(), in_tree.to_string());
        let snapshots = get(&cluster, &["spec", "backup", "volumeSnapshot"]).is_some();
        meaning.insert("snapshots".into(), snapshots.to_string());
        for (place, plugin) in plugins(&cluster) {
            let parameter = |key| text_at(plugin, &["parameters", key]).unwrap_or("-");
            let archiver = get(plugin, &["isWALArchiver"]) == Some(&Json::Bool(true));
            if place == "own" {
                meaning.insert("own archiver".into(), archiver.to_string());
            }
            meaning.insert(format!("{place} folder"), parameter("serverName").to_owned());
            let store = store(parameter("barmanObjectName")).unwrap_or_default();
            let field = |keys: &[&str]| get(&store, keys).cloned().unwrap_or_default().to_string();
            let path = field(&["spec", "configuration", "destinationPath"]);
            meaning.insert(format!("{place} path"), path.replace("/\"", "\""));
            for (aspect, keys) in [
                ("host", &["spec", "configuration", "endpointURL"][..]),
                ("keys", &["spec", "configuration", "s3Credentials"]),
                ("authority", &["spec", "configuration", "endpointCA"]),
            ] {
                meaning.insert(format!("{place} {aspect}"), field(keys));
            }
            if place == "own" {
                meaning.insert("own wal".into(), field(&["spec", "configuration", "wal"]));
                meaning.insert("own data".into(), field(&["spec", "configuration", "data"]));
                meaning.insert("own policy".into(), field(&["spec", "retentionPolicy"]));
            }
        }
    }
    for schedule in index.of_kind(Kind::ScheduledBackup) {
        let schedule = written(schedule);
        let text = |keys: &[&str]| text_at(&schedule, keys).unwrap_or("-").to_owned();
        let name = text(&["metadata", "name"]);
        let by = [
            text(&["spec", "method"]),
            text(&["spec", "pluginConfiguration", "name"]),
            text(&["spec", "schedule"]),
        ];
        meaning.insert(format!("schedule {name}"), by.join(" "));
    }
    meaning
}

fn plugins(cluster: &Json) -> Vec<(&'static str, &Json)> {
    let own = items(cluster, &["spec", "plugins"]).iter().map(|one| ("own", one));
    let external = items(cluster, &["spec", "externalClusters"]).iter();
    let external = external.filter_map(|one| Some(("source", get(one, &["plugin"])?)));
    own.chain(external).collect()
}

#[test]
fn plans_for_published_manifests_are_what_people_did_or_differ_for_a_reason() {
    let corpus = folder("../shared/corpus/migration-pairs");
    if !corpus.is_dir() {
        // The documents are not part of this repository; the stories beside this are.
        return;
    }
    let mut pairs: Vec<PathBuf> = std::fs::read_dir(corpus)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    pairs.sort_unstable();
    let mut found = BTreeSet::new();
    for pair in &pairs {
        let read = |side: &str| {
            let mut inventory = Inventory::default();
            inventory.read(&pair.join(side)).unwrap();
            inventory
        };
        let before = read("before");
        let choices = Choices::default();
        let plan = plan(&before, Target::BarmanPlugin, &choices);
        let ours = after(&before, &plan);
        assert!(ours.files().iter().all(|file| {
            documents(&file.text).iter().all(|document| document.root.is_ok())
        }));
        assert_arrived(&before, Target::BarmanPlugin, &choices);
        let (ours, theirs) = (meaning(&ours), meaning(&read("after")));
        let number = pair.file_name().unwrap().to_str().unwrap();
        for aspect in ours.keys().chain(theirs.keys()) {
            if ours.get(aspect) != theirs.get(aspect) {
                found.insert((number.to_owned(), aspect.clone()));
            }
        }
    }

    let explained = DIFFERENCES.iter();
    let explained: BTreeSet<_> = explained
        .map(|(pair, aspect, _)| ((*pair).to_owned(), (*aspect).to_owned()))
        .collect();
    let unexplained: Vec<_> = found.difference(&explained).collect();
    let gone: Vec<_> = explained.difference(&found).collect();
    assert!(unexplained.is_empty() && gone.is_empty(), "{unexplained:#?}\n{gone:#?}");
    assert_eq!(pairs.len(), 26);
}
