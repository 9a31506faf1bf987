//! What people did when they moved to the Barman Cloud plugin, next to what is planned.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::migrate::json::{get, items, text as text_at};

/// Where what people did means something else than what is planned: the pair, what differs, and
/// why.
const DIFFERENCES: &[(&str, &[&str], &str)] = &[
    (
        "001",
        &["own folder", "source", "source folder"],
        GENERATION,
    ),
    (
        "001",
        &["schedule daily-backup-postgres16", "schedule postgres16"],
        RENAMED,
    ),
    ("002", &["own wal"], RETUNED),
    (
        "002",
        &["source folder"],
        "an alias has them restored from the folder they archive to (T23)",
    ),
    (
        "003",
        &["own folder", "source", "source folder"],
        GENERATION,
    ),
    ("003", &["own policy"], RETUNED),
    ("004", &["source", "source folder"], GENERATION),
    ("005", &["source", "source folder"], GENERATION),
    (
        "006",
        &[
            "name",
            "own data",
            "own folder",
            "own path",
            "own policy",
            "own wal",
            "schedule home-ops",
            "schedule home-ops-cold-backup",
            "schedule postgres-v17-daily",
            "snapshots",
        ],
        OTHER,
    ),
    ("008", &["own folder"], FOLDER),
    ("009", &["own folder"], FOLDER),
    ("010", &["own folder"], FOLDER),
    ("012", &["own folder"], FOLDER),
    (
        "012",
        &["own archiver"],
        "without the archiver's flag WAL is lost in silence (T13)",
    ),
    ("012", SOURCE, UNUSED),
    ("013", &["own folder", "source"], GENERATION),
    (
        "013",
        SOURCE,
        "the folder it archives to, under the name of a source (T23)",
    ),
    (
        "016",
        &["name", "schedule postgres", "source", "source folder"],
        OTHER,
    ),
    ("017", &["own wal"], RETUNED),
    (
        "017",
        &["source"],
        "they dropped `bootstrap`, which has no use after the first start",
    ),
    ("018", &["own folder"], FOLDER),
    (
        "018",
        &["own keys"],
        "there were none: they stood in comments",
    ),
    ("018", &["own wal"], RETUNED),
    ("018", SOURCE, UNUSED),
    ("019", &["own wal"], RETUNED),
    (
        "019",
        &["source"],
        "they dropped `bootstrap`, which has no use after the first start",
    ),
    (
        "020",
        &["own data", "own host", "own keys", "own path", "own wal"],
        "their entry names no store, so it archives nothing",
    ),
    ("020", &["own folder", "source"], GENERATION),
    (
        "020",
        SOURCE,
        "they restore the cluster from a folder of an earlier generation",
    ),
    (
        "021",
        &[
            "name",
            "own folder",
            "own keys",
            "own policy",
            "own wal",
            "schedule home-ops",
            "schedule home-ops-daily-backup",
        ],
        OTHER,
    ),
    (
        "022",
        &["own policy"],
        "theirs is in `configuration`, where it is no field (T29)",
    ),
    ("024", &["own wal"], RETUNED),
    ("025", &["own folder", "own path"], FOLDER),
    (
        "025",
        &["source"],
        "they dropped `bootstrap`, which has no use after the first start",
    ),
    ("025", SOURCE, "they dropped the external cluster with it"),
    (
        "026",
        &["own authority", "own host"],
        "they left TLS in the same commit",
    ),
    (
        "026",
        &["schedule daily-backup", "schedule postgres"],
        RENAMED,
    ),
    ("026", SOURCE, UNUSED),
];

const GENERATION: &str = "they began a new generation in the same commit: points in time do not \
                          cross it, and what it is restored from is counted up, too";
const FOLDER: &str = "they began a new folder: earlier backups stay in the old one, and nobody \
                      prunes them";
const RENAMED: &str = "a schedule with another name is another one: with `backupOwnerReference: \
                       self` the Backup objects of the old one go (T47)";
const RETUNED: &str = "they changed the setting in the same commit";
const OTHER: &str = "they made another cluster in the same commit";
const UNUSED: &str = "they added an external cluster that nothing uses";
const SOURCE: &[&str] = &[
    "source authority",
    "source folder",
    "source host",
    "source keys",
    "source path",
];

/// What a system's backups come to, aspect by aspect.
type Meaning = BTreeMap<String, String>;

fn meaning(inventory: &Inventory) -> Meaning {
    let mut meaning = Meaning::new();
    let index = inventory.index();
    let written = |resource: &crate::inventory::Resource<'_>| {
        let documents = documents(&resource.file.text);
        documents[resource.document]
            .root
            .as_ref()
            .unwrap()
            .to_json()
    };
    let stores: Vec<Json> = index
        .of_kind(Kind::ObjectStore)
        .iter()
        .map(&written)
        .collect();
    let store = |name: &str| {
        let mut stores = stores.iter();
        stores
            .find(|one| text_at(one, &["metadata", "name"]) == Some(name))
            .cloned()
    };
    for cluster in index.of_kind(Kind::Cluster) {
        let cluster = written(cluster);
        let text = |keys: &[&str]| text_at(&cluster, keys).unwrap_or("-").to_owned();
        meaning.insert("name".into(), text(&["metadata", "name"]));
        meaning.insert(
            "source".into(),
            text(&["spec", "bootstrap", "recovery", "source"]),
        );
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
            let folder = text_at(plugin, &["parameters", "serverName"]);
            let folder = folder.or_else(|| text_at(&cluster, &["metadata", "name"]));
            meaning.insert(format!("{place} folder"), folder.unwrap_or("-").to_owned());
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
    let own = items(cluster, &["spec", "plugins"])
        .iter()
        .map(|one| ("own", one));
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
            documents(&file.text)
                .iter()
                .all(|document| document.root.is_ok())
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

    let explained = DIFFERENCES.iter().flat_map(|(pair, aspects, _)| {
        let aspects = aspects.iter();
        aspects.map(|aspect| ((*pair).to_owned(), (*aspect).to_owned()))
    });
    let explained: BTreeSet<_> = explained.collect();
    let unexplained: Vec<_> = found.difference(&explained).collect();
    let gone: Vec<_> = explained.difference(&found).collect();
    assert!(
        unexplained.is_empty() && gone.is_empty(),
        "{unexplained:#?}\n{gone:#?}"
    );
    assert_eq!(pairs.len(), 26);
}
