//! What is written is kept: nothing is added, nothing is lost.

use std::{fs, path::PathBuf};

use fastrand::Rng;
use serde_json::{Map, Value};
use walcast::crd::definitions;

use super::{
    KINDS, Kind, document, fixtures,
    instance::{self, Density},
    shared,
};

/// Published documents with something that the types have no place for: file and reason.
const NOT_KEPT: &[(&str, &str)] = &[];

#[test]
fn published_documents_come_back_as_they_are() {
    let mut kept = Vec::new();
    for kind in KINDS {
        for path in published(kind) {
            let name = format!("{}/{}", kind.name, path.file_stem().unwrap().display());
            if NOT_KEPT.iter().any(|(known, _)| *known == name) {
                continue;
            }
            let Some(document) = document(&path) else {
                kept.push(format!("{name} is not YAML"));
                continue;
            };
            match (kind.round_trip)(document.clone()) {
                Ok(written) if same(&document, &written) => {}
                Ok(written) => kept.push(format!("{name}:\n{document}\n{written}")),
                Err(error) => kept.push(format!("{name}: {error}")),
            }
        }
    }

    assert_eq!(kept, [""; 0]);
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

/// Returns the documents of the kind: our own fixtures, and where it is at hand the corpus.
fn published(kind: &Kind) -> Vec<PathBuf> {
    let own = fixtures("documents").join(kind.name);
    let corpus = shared("corpus").map(|corpus| corpus.join(kind.name));
    let mut paths = Vec::new();
    for folder in std::iter::once(own).chain(corpus) {
        let entries = fs::read_dir(&folder).unwrap();
        let before = paths.len();
        paths.extend(entries.map(|entry| entry.unwrap().path()));
        assert!(paths.len() > before, "{} is empty", folder.display());
    }
    paths.sort_unstable();
    paths
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
