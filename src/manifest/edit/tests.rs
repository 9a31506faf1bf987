use proptest::prelude::*;

use super::*;
use crate::manifest::Path;

fn root(text: &str) -> Node {
    documents(text).remove(0).root.unwrap()
}

fn added(text: &str, at: &[&str], after: &str, entries: &str) -> Option<String> {
    let root = root(text);
    let mapping = root.get(&at.iter().copied().collect::<Path>()).unwrap();
    let edit = Edit::add(text, mapping, after, entries)?;
    Some(super::edit(text, &[edit]).unwrap())
}

fn removed(text: &str, at: &[&str], key: &str) -> Option<String> {
    let root = root(text);
    let mapping = root.get(&at.iter().copied().collect::<Path>()).unwrap();
    let edit = Edit::remove(text, mapping, key)?;
    Some(super::edit(text, &[edit]).unwrap())
}

#[test]
fn scalars_keep_their_quotes() {
    let cases = [
        ("a: x # c\n", "z", "a: z # c\n"),
        ("a: \"x\" # c\n", "y", "a: \"y\" # c\n"),
        ("a: 'x'\n", "y z", "a: 'y z'\n"),
        ("a: x\n", "yes", "a: \"yes\"\n"),
        ("a: 'x'\n", "it's", "a: it's\n"),
        ("a: x\n", "y", "a: \"y\"\n"),
        ("a: &n x\n", "z", "a: &n z\n"),
        ("{a: x}\n", "z", "{a: z}\n"),
    ];
    for (text, new, expected) in cases {
        let root = root(text);
        let edit = Edit::scalar(text, root.field("a").unwrap(), new).unwrap();
        assert_eq!(super::edit(text, &[edit]).unwrap(), expected);
    }
}

#[test]
fn scalars_that_do_not_stand_there_are_left() {
    for text in [
        "a: ${B}\n",
        "a: |\n  x\n",
        "b: &n x\na: *n\n",
        "a: \"\\x41\"\n",
        "a: x\n  y\n",
    ] {
        let root = root(text);
        assert_eq!(
            Edit::scalar(text, root.field("a").unwrap(), "z"),
            None,
            "{text}"
        );
    }
}

#[test]
fn entries_are_added_in_the_layout_around_them() {
    let cases = [
        (
            "a: 1 # c\nb: 2\n",
            &[][..],
            "a",
            "x: 3",
            "a: 1 # c\nx: 3\nb: 2\n",
        ),
        ("a: 1\nb: 2", &[], "none", "x: 3", "a: 1\nb: 2\nx: 3"),
        (
            "p:\n  a:\n    - 1\n",
            &["p"],
            "a",
            "x: 3",
            "p:\n  x: 3\n  a:\n    - 1\n",
        ),
        ("p: {a: 1}\n", &["p"], "a", "x: 3", "p: {x: 3, a: 1}\n"),
        ("p: {}\n", &["p"], "a", "x: 3", "p: {x: 3}\n"),
        (
            "p:\r\n  a: 1\r\n",
            &["p"],
            "a",
            "x: 3",
            "p:\r\n  a: 1\r\n  x: 3\r\n",
        ),
        (
            "p:\n  a: 1\n",
            &["p"],
            "a",
            "x:\n  y: 3",
            "p:\n  a: 1\n  x:\n    y: 3\n",
        ),
    ];
    for (text, at, after, entries, expected) in cases {
        assert_eq!(added(text, at, after, entries).as_deref(), Some(expected));
    }
}

#[test]
fn entries_of_items_are_added_below_their_dash() {
    let text = "- a: 1\n  b: 2\n";
    let root = root(text);
    let edit = Edit::add(text, &root.items()[0], "a", "x: 3").unwrap();

    assert_eq!(
        super::edit(text, &[edit]).unwrap(),
        "- a: 1\n  x: 3\n  b: 2\n"
    );
}

#[test]
fn nothing_is_added_where_a_mapping_only_is_referred_to() {
    assert_eq!(added("a: &n {b: 1}\nc: *n\n", &["c"], "b", "x: 3"), None);
    assert_eq!(added("a: {b: 1}\n", &["a"], "b", "x:\n  y: 3"), None);
}

#[test]
fn entries_are_removed_and_their_comments_stay() {
    let cases = [
        ("a: 1\nb: 2 # c\nc: 3\n", &[][..], "b", "a: 1\n# c\nc: 3\n"),
        ("a: 1\nb: 2", &[], "b", "a: 1\n"),
        (
            "a: 1\n# above\nb:\n  # in\n  x: 2\nc: 3\n",
            &[],
            "b",
            "a: 1\n# above\n# in\nc: 3\n",
        ),
        ("p: {a: 1, b: 2}\n", &["p"], "a", "p: {b: 2}\n"),
        ("p: {a: 1, b: 2}\n", &["p"], "b", "p: {a: 1}\n"),
        ("a: 1\nb: |\n  x\nc: 3\n", &[], "b", "a: 1\nc: 3\n"),
    ];
    for (text, at, key, expected) in cases {
        assert_eq!(removed(text, at, key).as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn the_only_entry_stays() {
    assert_eq!(removed("a: 1\n", &[], "a"), None);
    assert_eq!(removed("a: 1\nb: 2\n", &[], "c"), None);
}

#[test]
fn the_first_entry_of_an_item_makes_room_for_the_next() {
    let text = "- a: 1\n  b: 2\n";
    let root = root(text);
    let edit = Edit::remove(text, &root.items()[0], "a").unwrap();

    assert_eq!(super::edit(text, &[edit]).unwrap(), "- b: 2\n");
}

#[test]
fn changes_that_meet_lose_or_break_are_refused() {
    let text = "a: 1 # c\nb: 2\n";
    let overlap = [Edit::replace(0..3, "x"), Edit::replace(2..4, "y")];
    assert_eq!(edit(text, &overlap), Err(EditError::Overlap(2)));
    assert_eq!(
        edit(text, &[Edit::replace(5..8, "")]),
        Err(EditError::Comment)
    );
    assert!(matches!(
        edit(text, &[Edit::replace(3..4, "[")]),
        Err(EditError::Breaks(_))
    ));
    let more = [Edit::replace(9..9, "---\n")];
    assert_eq!(
        edit(text, &more),
        Err(EditError::Documents {
            before: 1,
            after: 2
        })
    );
    assert_eq!(
        edit(text, &[Edit::replace(90..91, "")]),
        Err(EditError::OutOfText(91))
    );
    assert_eq!(
        edit("ä: 1\n", &[Edit::replace(1..1, "x")]),
        Err(EditError::OutOfText(1))
    );
}

#[test]
fn equal_changes_are_made_once() {
    let edits = [Edit::replace(0..0, "x: 1\n"), Edit::replace(0..0, "x: 1\n")];

    assert_eq!(edit("a: 1\n", &edits).unwrap(), "x: 1\na: 1\n");
}

/// A mapping of mappings with comments in all places where they may stand.
fn commented() -> impl Strategy<Value = String> {
    let comment = || prop::sample::select(vec!["", " # c", " # ä: [", " #"]);
    let value = prop::sample::select(vec![
        "1",
        "x y",
        "\"a # b\"",
        "'q'",
        "[1, 2]",
        "{k: v}",
        "null",
        "",
    ]);
    let line = (0..2_usize, value, comment(), prop::bool::ANY);
    prop::collection::vec(line, 2..9).prop_map(|lines| {
        let mut text = String::from("# head\n");
        for (index, (depth, value, comment, is_above)) in lines.into_iter().enumerate() {
            let indent = "  ".repeat(depth);
            if is_above {
                text += &indent;
                text += "# above\n";
            }
            let entry = if depth == 0 {
                format!("k{index}: {value}{comment}\n")
            } else {
                format!("p{index}:{comment}\n  k{index}: {value}\n  l{index}: 2{comment}\n")
            };
            text += &entry;
        }
        text
    })
}

/// Returns the ways to all mappings.
fn mappings<'n>(node: &'n Node, found: &mut Vec<&'n Node>) {
    if let Some(mapping) = node.as_mapping() {
        found.push(node);
        for entry in mapping.entries() {
            mappings(&entry.value, found);
        }
    }
}

proptest! {
    #[test]
    fn no_change_loses_a_comment_or_another_value(text in commented(), pick in 0..1000_usize) {
        let document = documents(&text).remove(0);
        prop_assume!(document.root.is_ok());
        let root = document.root.unwrap();
        let mut all = Vec::new();
        mappings(&root, &mut all);
        let mapping = all[pick % all.len()];
        let entries = mapping.as_mapping().unwrap().entries();
        let key = &entries[pick % entries.len()].key.name;

        let added = Edit::add(&text, mapping, key, "new: entry");
        let gone = Edit::remove(&text, mapping, key);

        for (edit, is_removed) in [(added, false), (gone, true)] {
            let Some(edit) = edit else {
                continue;
            };
            let edited = super::edit(&text, &[edit]);
            prop_assert!(edited.is_ok(), "{:?}\n{text}", edited);
            let edited = edited.unwrap();
            prop_assert!(comments::are_kept(&text, &edited));
            let before = root.to_json().to_string();
            let after = self::root(&edited).to_json().to_string();
            let restored = if is_removed {
                prop_assert!(after.len() < before.len());
                continue;
            } else {
                after.replace("\"new\":\"entry\",", "").replace(",\"new\":\"entry\"", "")
                    .replace("\"new\":\"entry\"", "")
            };
            prop_assert_eq!(restored, before);
        }
    }
}

fn rewritten(text: &str, wanted: serde_json::Value) -> Rewritten {
    let change = Change {
        document: 0,
        path: Path::root(),
        wanted,
    };
    rewrite(text, &[change]).unwrap()
}

#[test]
fn only_what_changes_is_written() {
    let text =
        "a: 1 # one\nlist:\n  - name: x # first\n    at: true\n  - name: u\nlast: {k: v} # c\n";
    let wanted = serde_json::json!({
        "a": 2, "list": [{"name": "x", "at": false}, {"name": "u"}, {"name": "z", "k": [1]}],
        "more": {"b": "yes"}, "last": {"k": "w"},
    });

    let expected = "a: 2 # one\nmore:\n  b: \"yes\"\nlist:\n  - name: x # first\n    at: false\n  - name: u\n  - name: z\n    \
                    k:\n      - 1\nlast: {k: w} # c\n";
    let rewritten = rewritten(text, wanted);
    assert_eq!(rewritten.text, expected);
    assert!(rewritten.is_minimal);
}

#[test]
fn what_aliases_stand_for_outlives_their_anchor() {
    let text = "a:\n  x: &m one # c\n  z: 2\nb: *m\nc: [*m]\n";
    let wanted = serde_json::json!({"a": {"z": 2}, "b": "one", "c": ["one"]});

    let rewritten = rewritten(text, wanted);
    assert_eq!(rewritten.text, "a:\n  # c\n  z: 2\nb: one\nc: [one]\n");
}

#[test]
fn a_document_that_cannot_be_edited_is_written_anew_below_its_comments() {
    let text = "a: &m {k: 1} # c\nb:\n  <<: *m\n  # d\n  l: 2\n";
    let wanted = serde_json::json!({"b": {"k": 1, "l": 2}});

    let rewritten = rewritten(text, wanted);
    assert_eq!(rewritten.text, "# c\n# d\nb:\n  k: 1\n  l: 2\n");
    assert!(!rewritten.is_minimal);
}

#[test]
fn placeholders_without_quotes_get_none_but_in_parameters() {
    let text = "c: ${N}\nb: 1\n";
    let wanted = serde_json::json!({
        "b": {"d": "${N}", "m": "${M}", "parameters": {"p": "${N}"}}, "c": "${N}",
    });

    let expected = "c: ${N}\nb:\n  d: ${N}\n  m: \"${M}\"\n  parameters:\n    p: \"${N}\"\n";
    assert_eq!(rewritten(text, wanted).text, expected);
}

#[test]
fn other_documents_and_items_stay_as_they_are() {
    let text = "x: 1 # x\n---\nkind: List\nitems:\n- a: 1 # a\n- b: 1 # b\n";
    let change = Change {
        document: 1,
        path: Path::root().key("items").index(1),
        wanted: serde_json::json!({"c": 2, "b": 1}),
    };

    let expected = format!("{text}  c: 2\n");
    assert_eq!(rewrite(text, &[change]).unwrap().text, expected);
}

/// Changes a value here and there, by the bits of `pick`.
fn altered(value: &mut serde_json::Value, pick: &mut u64) {
    let mut next = || {
        *pick = pick.rotate_right(3) ^ 0x5bd1;
        *pick % 5
    };
    match value {
        serde_json::Value::Object(map) => {
            if next() == 0 {
                let first = map.keys().next().cloned();
                first.and_then(|key| map.remove(&key));
            }
            if next() == 1 {
                map.insert(
                    "added".to_owned(),
                    serde_json::json!({"x": ["y", {"z": null}]}),
                );
            }
            for value in map.values_mut() {
                altered(value, pick);
            }
        }
        serde_json::Value::Array(items) => match next() {
            0 => items.truncate(1),
            1 => items.push(serde_json::json!("more # no comment")),
            _ => {}
        },
        scalar => match next() {
            0 => *scalar = serde_json::json!("other: text"),
            1 => *scalar = serde_json::json!([1, {"k": false}]),
            2 => *scalar = serde_json::json!(7),
            _ => {}
        },
    }
}

proptest! {
    #[test]
    fn a_rewritten_text_says_what_is_wanted_and_has_all_comments(
        text in commented(),
        pick in any::<u64>(),
    ) {
        let document = documents(&text).remove(0);
        prop_assume!(document.root.is_ok());
        let mut wanted = document.root.unwrap().to_json();
        altered(&mut wanted, &mut pick.clone());

        let rewritten = rewritten(&text, wanted.clone());

        prop_assert_eq!(root(&rewritten.text).to_json(), wanted);
        prop_assert!(comments::are_kept(&text, &rewritten.text));
    }
}
