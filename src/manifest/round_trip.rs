//! The law of [`Typed`]: a document that is read and written again is the same document.

use std::{fs, path::Path as FilePath};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value as Json;

use super::{Documents, Node, Typed, Value, documents, emit};

/// Asserts the law for all documents of the YAML files of a folder; returns what the type does
/// not know or refuses, each as `FILE:LINE:COLUMN: PATH: FAULT`, in alphabetical order.
///
/// Empty documents are passed by. A folder without documents is a mistake, not a success.
pub(crate) fn assert_round_trip<T: DeserializeOwned + Serialize>(folder: &str) -> Vec<String> {
    let mut reports = Vec::new();
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder}: {error}")) {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for document in Documents::new(&text) {
            let root = document
                .root
                .unwrap_or_else(|error| panic!("{}:{error}", path.display()));
            if root.value != Value::Null {
                reports.extend(reports_of::<T>(&root, &path));
                count += 1;
            }
        }
    }
    assert!(count > 0, "{folder} has no documents");
    reports.sort_unstable();
    reports
}

fn reports_of<T: DeserializeOwned + Serialize>(root: &Node, file: &FilePath) -> Vec<String> {
    let decoded = assert_lossless::<T>(root, &file.display().to_string());
    let name = file.file_name().unwrap_or_default().display();
    decoded
        .iter()
        .map(|report| format!("{name}:{report}"))
        .collect()
}

/// Asserts the law for one document; returns what the type does not know or refuses.
pub(super) fn assert_lossless<T: DeserializeOwned + Serialize>(
    root: &Node,
    what: &str,
) -> Vec<String> {
    let decoded = Typed::<T>::decode(root);
    let reports: Vec<String> = decoded
        .errors
        .iter()
        .chain(&decoded.unknown)
        .map(ToString::to_string)
        .collect();
    let Some(typed) = decoded.value else {
        panic!("{what} is not readable: {reports:?}");
    };
    let source = without_nulls(root.to_json());
    assert_eq!(without_nulls(typed.to_json().unwrap()), source, "{what}");
    for text in [typed.to_yaml().unwrap(), emit(&source)] {
        let written = documents(&text).remove(0).root.unwrap();
        assert_eq!(without_nulls(written.to_json()), source, "{what}:\n{text}");
    }
    reports
}

/// To Kubernetes a null is a field that is not there.
pub(super) fn without_nulls(json: Json) -> Json {
    match json {
        Json::Object(map) => map
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key, without_nulls(value)))
            .collect(),
        Json::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}
