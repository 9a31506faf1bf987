//! What we back up, the tool verifies, restores and goes on with, and the other way round.

use serde_json::Value;

use super::{Kind, Place, Stanzas, TWO, content, matrix};
use crate::support::postgres::Programs;

/// What the tool calls the backups of a repository, oldest first.
fn labels(stanzas: &Stanzas, kind: &Kind) -> Vec<String> {
    let info = stanzas.tool(kind).info();
    let backups = info["backup"].as_array().unwrap();
    let label = |backup: &Value| backup["label"].as_str().unwrap().to_owned();
    backups.iter().map(label).collect()
}

/// The kinds of backups of a repository, oldest first.
fn types(stanzas: &Stanzas, kind: &Kind) -> Vec<String> {
    let info = stanzas.tool(kind).info();
    let backups = info["backup"].as_array().unwrap();
    let kind = |backup: &Value| backup["type"].as_str().unwrap().to_owned();
    backups.iter().map(kind).collect()
}

#[track_caller]
fn assert_verified(stanzas: &Stanzas, kind: &Kind) {
    let said = stanzas.tool(kind).verify();
    assert!(said.contains("status: ok"), "{kind:?}: {said}");
}

/// Checks that ours has everything that the tool has, under the same names.
#[track_caller]
fn assert_says_all(ours: &Value, theirs: &Value, place: &str) {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            for (key, value) in theirs {
                let place = format!("{place}.{key}");
                let found = ours
                    .get(key)
                    .unwrap_or_else(|| panic!("{place} is missing"));
                assert_says_all(found, value, &place);
            }
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            assert_eq!(ours.len(), theirs.len(), "{place}");
            for (ours, theirs) in ours.iter().zip(theirs) {
                assert_says_all(ours, theirs, place);
            }
        }
        _ => assert_eq!(ours, theirs, "{place}"),
    }
}

#[test]
fn one_pass_serves_both_layouts_and_the_tool_restores_what_is_there() {
    let stanzas = Stanzas::new(&matrix());
    for (number, kind) in (1..).zip(["full", "diff", "incr"]) {
        stanzas.work(number);
        stanzas.back_up(&["--type", kind, "--annotation=why=test", "--name=nightly"]);
    }
    stanzas.work(4);
    stanzas.primary.until_archived();
    let expected = content(&stanzas.primary);

    stanzas.check_restored("barman", None, &expected);
    for kind in &stanzas.kinds {
        assert_eq!(types(&stanzas, kind), ["full", "diff", "incr"]);
        assert_verified(&stanzas, kind);
        let info = stanzas.tool(kind).info();
        if kind.place == Place::Folder {
            let latest = std::fs::read_link(stanzas.latest(kind)).unwrap();
            assert_eq!(latest.to_str(), info["backup"][2]["label"].as_str());
        }
        for backup in info["backup"].as_array().unwrap() {
            assert_eq!(backup["annotation"]["why"], "test", "{backup}");
            assert_eq!(backup["error"], false, "{backup}");
        }
        assert_says_all(&stanzas.described(&kind.destination()), &info, "");
        let incr = &info["backup"][2]["info"];
        let (all, own) = (&incr["size"], &incr["delta"]);
        assert!(own.as_u64().unwrap() * 2 < all.as_u64().unwrap(), "{incr}");
        stanzas.check_restored(&kind.destination(), None, &expected);
        stanzas.check_restored_by_tool(kind, &expected);
    }
}

#[test]
fn both_go_on_with_the_backups_of_the_other() {
    let stanzas = Stanzas::new(&TWO);
    stanzas.work(1);
    stanzas.back_up(&[]);
    stanzas.work(2);
    stanzas.back_up_by_tool(&["--type=incr"]);
    stanzas.work(3);
    stanzas.back_up(&["--type=incr"]);
    stanzas.work(4);
    stanzas.back_up_by_tool(&["--type=full"]);
    stanzas.work(5);
    stanzas.back_up(&["--type=diff", "--checksum"]);
    stanzas.work(6);
    stanzas.primary.until_archived();
    let expected = content(&stanzas.primary);

    for kind in &TWO {
        assert_eq!(
            types(&stanzas, kind),
            ["full", "incr", "incr", "full", "diff"]
        );
        assert_verified(&stanzas, kind);
        stanzas.check_restored_by_tool(kind, &expected);
        for label in labels(&stanzas, kind) {
            stanzas.check_restored(&kind.destination(), Some(&label), &expected);
        }
    }
}

#[test]
fn version_18_is_backed_up_in_the_layout_and_restored() {
    let stanzas = Stanzas::run_by(&Programs::of_version(18), &TWO);
    stanzas.work(1);
    stanzas.back_up(&[]);
    stanzas.work(2);
    stanzas.back_up(&["--type=incr"]);
    stanzas.work(3);
    stanzas.primary.until_archived();
    let expected = content(&stanzas.primary);

    for kind in &TWO {
        stanzas.check_restored(&kind.destination(), None, &expected);
    }
}
