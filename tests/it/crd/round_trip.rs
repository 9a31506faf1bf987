//! What is written is kept: nothing is added, nothing is lost.

use std::{
    fs,
    path::{Path, PathBuf},
};

use fastrand::Rng;
use serde_json::{Map, Value};
use walcast::{crd::definitions, manifest::load};

use super::{
    KINDS, Kind, document, fixtures,
    instance::{self, Density},
    shared,
};

/// Published documents with something that the types have no place for: file and reason.
const NOT_KEPT: &[(&str, &str)] = &[
    (
        "cluster/035",
        "spec.backup.volumeSnapshot.groupSnapshot is not in the definition",
    ),
    (
        "cluster/062",
        "spec.tablespaces is a mapping, and a list in the definition",
    ),
    ("cluster/156", RETENTION),
    (
        "migration-pairs/022/after/objectstore-1",
        "spec.configuration.retentionPolicy is not in the definition",
    ),
    ("migration-pairs/023/before/cluster", RETENTION),
];

const RETENTION: &str =
    "spec.backup.barmanObjectStore.wal.retention and data.retention are not in the definition";

#[test]
fn published_documents_come_back_as_they_are() {
    let mut wrong = Vec::new();
    for kind in KINDS {
        for (name, path) in published(kind) {
            let is_listed = NOT_KEPT.iter().any(|(listed, _)| *listed == name);
            match (comes_back(kind, &path), is_listed) {
                (Ok(()), false) | (Err(_), true) => {}
                (Ok(()), true) => wrong.push(format!("{name} comes back: take it off the list")),
                (Err(error), false) => wrong.push(format!("{name}: {error}")),
            }
        }
    }

    assert_eq!(wrong, [""; 0]);
}

#[test]
fn published_documents_lose_nothing_when_what_is_unknown_is_kept_aside() {
    let mut lost = Vec::new();
    for kind in KINDS {
        for (name, path) in published(kind) {
            let text = fs::read_to_string(path).unwrap();
            let document = load(&text, None).remove(0);
            match document.root {
                Ok(root) => {
                    let kept = (kind.kept)(&root);
                    let is_kept = kept.is_some_and(|kept| same(&root.to_json(), &kept));
                    lost.extend((!is_kept).then_some(name));
                }
                Err(error) => lost.push(format!("{name}: {error}")),
            }
        }
    }

    assert_eq!(lost, [""; 0]);
}

#[test]
fn whatever_the_definition_allows_comes_back_as_it_is() {
    for kind in KINDS {
        let definition = serde_json::to_value((kind.definition)()).unwrap();
        let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        for seed in 0..60 {
            let density = [Density::All, Density::Half, Density::Required][seed % 3];
            let mut document = instance::of(schema, density, &mut Rng::with_seed(seed as u64));
            document["apiVersion"] =
                format!("{}/v1", definition["spec"]["group"].as_str().unwrap()).into();
            document["kind"] = definition["spec"]["names"]["kind"].clone();
            document["metadata"] = serde_json::json!({ "name": "a" });

            let written = (kind.round_trip)(document.clone()).unwrap();

            assert_eq!(written, document, "{}, seed {seed}", kind.name);
        }
    }
}

#[test]
fn every_kind_is_compared() {
    let defined = definitions();
    let mut compared: Vec<_> = KINDS.iter().map(|kind| (kind.definition)()).collect();

    for definition in defined {
        let same = compared.iter().position(|one| *one == definition);
        compared.remove(same.expect("KINDS has it"));
    }
    assert!(compared.is_empty());
}

/// Returns the documents of the kind by name: our own fixtures, and where it is at hand the corpus,
/// in which clusters also stand before and after a migration with what belongs to them.
fn published(kind: &Kind) -> Vec<(String, PathBuf)> {
    let mut documents = files(&fixtures("documents"), kind.name);
    assert!(!documents.is_empty(), "{} has no fixtures", kind.name);
    if let Some(corpus) = shared("corpus") {
        documents.extend(files(&corpus, kind.name));
        for (pair, path) in files(&corpus, "migration-pairs") {
            for time in ["before", "after"] {
                let found = files(&path, time).into_iter();
                let of_kind =
                    found.filter(|(name, _)| name[time.len() + 1..].starts_with(kind.name));
                documents.extend(of_kind.map(|(name, path)| (format!("{pair}/{name}"), path)));
            }
        }
    }
    documents.sort_unstable();
    documents
}

/// Returns what is in a folder, by its name below `root` without its ending.
fn files(root: &Path, folder: &str) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(root.join(folder)).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .map(|path| {
            (
                format!("{folder}/{}", path.file_stem().unwrap().display()),
                path,
            )
        })
        .collect()
}

fn comes_back(kind: &Kind, path: &Path) -> Result<(), String> {
    let read = document(path).ok_or("is not YAML")?;
    let written = (kind.round_trip)(read.clone()).map_err(|error| error.to_string())?;
    if same(&read, &written) {
        return Ok(());
    }
    Err(format!("is another:\n{read}\n{written}"))
}

/// Compares but for nulls, which are absent, and quantities, which come back as texts.
fn same(read: &Value, written: &Value) -> bool {
    match (read, written) {
        (Value::Object(read), Value::Object(written)) => {
            let read = without_null(read);
            read.len() == written.len()
                && read
                    .iter()
                    .all(|(key, value)| written.get(*key).is_some_and(|other| same(value, other)))
        }
        (Value::Array(read), Value::Array(written)) => {
            read.len() == written.len() && read.iter().zip(written).all(|(a, b)| same(a, b))
        }
        (Value::Number(number), Value::String(text)) => number.to_string() == *text,
        _ => read == written,
    }
}

fn without_null(fields: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let entries = fields.iter();
    entries.filter(|(_, value)| !value.is_null()).collect()
}
