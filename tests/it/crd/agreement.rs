//! Our definitions say what those of the products say, but for listed differences.
//!
//! What the products say is kept in `tests/fixtures/crd/definitions`, flat and compressed. Where
//! their definitions are at hand, the fixtures are compared with them; `UPDATE=1` writes them anew.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    io::{Read, Write as _},
};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use serde_json::{Value, json};

use super::{
    KINDS, Kind, differences::DIFFERENCES, document, facts, facts::Facts, fixtures, shared,
};

#[test]
fn definitions_say_what_those_of_the_products_say() {
    let mut unlisted = Vec::new();
    let mut listed = BTreeSet::new();
    let mut coverage = String::new();
    for kind in KINDS {
        let theirs = theirs(kind);
        let ours = facts::of(&serde_json::to_value((kind.definition)()).unwrap());
        for what in differences(&theirs, &ours) {
            let known = DIFFERENCES
                .iter()
                .position(|known| known.is(kind.name, &what));
            match known {
                Some(known) => _ = listed.insert(known),
                None => unlisted.push(format!("{}: {what}", kind.name)),
            }
        }
        let paths = theirs.keys().filter(|path| facts::is_property(path));
        let agreed = paths
            .clone()
            .filter(|path| theirs.get(*path) == ours.get(*path));
        let (agreed, all) = (agreed.count(), paths.count());
        writeln!(coverage, "{}: {agreed} of {all}", kind.name).unwrap();
    }

    assert_eq!(unlisted, [""; 0]);
    let gone: Vec<&str> = (0..DIFFERENCES.len())
        .filter(|known| !listed.contains(known))
        .map(|known| DIFFERENCES[known].what)
        .collect();
    assert_eq!(gone, [""; 0], "these differences are no more");
    println!("property paths that agree\n{coverage}");
    insta::assert_snapshot!(coverage, @r"
    backup: 90 of 90
    cluster: 1237 of 1237
    database: 90 of 90
    objectstore: 113 of 113
    pluginconfig: 29 of 29
    pooler: 1380 of 1380
    repository: 70 of 70
    scheduledbackup: 26 of 26
    stanza: 107 of 107
    ");
}

#[test]
fn every_difference_has_a_reason() {
    for difference in DIFFERENCES {
        assert!(difference.reason.len() > 10, "{}", difference.what);
    }
}

#[test]
fn differences_are_told_by_path_and_keyword() {
    let flat = |schema| {
        let version = json!({ "schema": { "openAPIV3Schema": schema } });
        facts::of(&json!({ "spec": { "versions": [version] } }))
    };
    let theirs = flat(json!({ "properties": {
        "gone": { "properties": { "below": {} } },
        "list": { "items": { "type": "integer", "minimum": 1 } },
        "same": { "required": ["b", "a"], "description": "theirs" },
    } }));
    let ours = flat(json!({ "properties": {
        "list": { "items": { "type": "integer", "minimum": 2.0 } },
        "map": { "additionalProperties": { "type": "string" } },
        "same": { "required": ["a", "b"], "description": "ours" },
    } }));

    let expected = ["missing .gone", "added .map", ".list[] minimum: 1, ours 2"];
    assert_eq!(differences(&theirs, &ours), expected);
}

/// Returns one line for each difference; of a part that only one has, the topmost path.
fn differences(theirs: &Facts, ours: &Facts) -> Vec<String> {
    let mut differences = Vec::new();
    for path in topmost(theirs, ours) {
        differences.push(format!("missing {path}"));
    }
    for path in topmost(ours, theirs) {
        differences.push(format!("added {path}"));
    }
    for (path, theirs) in theirs {
        let Some(ours) = ours.get(path) else {
            continue;
        };
        let keywords: BTreeSet<&String> = theirs.keys().chain(ours.keys()).collect();
        for keyword in keywords {
            let (theirs, ours) = (theirs.get(keyword), ours.get(keyword));
            if theirs != ours {
                let (theirs, ours) = (text(theirs), text(ours));
                differences.push(format!("{path} {keyword}: {theirs}, ours {ours}"));
            }
        }
    }
    differences
}

fn topmost<'f>(facts: &'f Facts, without: &Facts) -> Vec<&'f str> {
    let mut topmost: Vec<&str> = Vec::new();
    for path in facts.keys().filter(|path| !without.contains_key(*path)) {
        let is_below = |above: &&str| path.strip_prefix(*above).is_some_and(begins_a_part);
        if !topmost.last().is_some_and(is_below) {
            topmost.push(path);
        }
    }
    topmost
}

fn begins_a_part(rest: &str) -> bool {
    rest.starts_with(['.', '[', '{'])
}

fn text(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), Value::to_string)
}

/// Returns the facts of the product's definition, by the fixture.
fn theirs(kind: &Kind) -> Facts {
    let fixture = fixtures("definitions").join(format!("{}.gz", kind.name));
    if let Some(folder) = shared("crds") {
        let upstream = document(&folder.join(format!("{}.yaml", kind.name))).unwrap();
        let upstream = facts::to_text(&facts::of(&upstream));
        if std::env::var_os("UPDATE").is_some() {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
            encoder.write_all(upstream.as_bytes()).unwrap();
            fs::write(&fixture, encoder.finish().unwrap()).unwrap();
        }
        let same = read(&fixture) == upstream;
        assert!(same, "{} is out of date: UPDATE=1", fixture.display());
    }
    facts::from_text(&read(&fixture))
}

fn read(fixture: &std::path::Path) -> String {
    let mut text = String::new();
    let file = fs::File::open(fixture).unwrap();
    GzDecoder::new(file).read_to_string(&mut text).unwrap();
    text
}
