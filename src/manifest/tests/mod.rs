mod bad_input;
mod placeholder;
mod spans;

use super::*;

fn roots(text: &str) -> Vec<Node> {
    let documents = documents(text).into_iter();
    documents.map(|document| document.root.unwrap()).collect()
}

fn root(text: &str) -> Node {
    let mut roots = roots(text);
    assert_eq!(roots.len(), 1, "{text}");
    roots.remove(0)
}

fn json(text: &str) -> String {
    root(text).to_json().to_string()
}

fn error(text: &str) -> String {
    documents(text).remove(0).root.unwrap_err().to_string()
}

fn path(keys: &[&str]) -> Path {
    keys.iter().copied().collect()
}

#[test]
fn quotes_and_tags_decide_over_the_look_of_a_scalar() {
    let text =
        "[yes, 'yes', \"0640\", 0640, !!str 12, !!str , ! 5, !!int '7', !!float 2, >-\n  on\n]";
    let expected = r#"[true,"yes","0640",416,"12","","5",7,2,"on"]"#;
    assert_eq!(
        json(&text.replace(">-\n  on\n", "on")),
        expected.replace("\"on\"", "true")
    );
    assert_eq!(json("a: >-\n  on\n"), r#"{"a":"on"}"#);
    assert_eq!(
        json("on: 1\n8080: 2\n1.5: 3\n"),
        r#"{"1.5":3,"8080":2,"true":1}"#
    );
}

#[test]
fn aliases_are_copies_and_stand_where_they_are_written() {
    let text = "name: &n {key: x}\ncopy: *n\n";
    let root = root(text);

    assert_eq!(
        root.to_json().to_string(),
        r#"{"copy":{"key":"x"},"name":{"key":"x"}}"#
    );
    let copy = root.at(&path(&["copy"])).unwrap();
    assert_eq!(copy.slice(text), Some("*n"));
    let inside = root.at(&path(&["copy", "key"])).unwrap();
    assert_eq!((inside.start.line, inside.slice(text)), (1, Some("x")));
}

#[test]
fn merged_keys_yield_to_written_ones_and_earlier_sources_win() {
    let text = "a: &a {x: 1, w: 1}\nb: &b {w: 2, z: 2}\nc:\n  w: 3\n  <<: [*a, *b]\nd:\n  <<: *a\n  x: 4\n";
    let root = root(text);

    let field = |key| root.field(key).unwrap().to_json().to_string();
    assert_eq!(field("c"), r#"{"w":3,"x":1,"z":2}"#);
    assert_eq!(field("d"), r#"{"w":1,"x":4}"#);
    assert_eq!(
        json("a: &a {x: 1}\nb: {!!merge <<: *a}"),
        r#"{"a":{"x":1},"b":{"x":1}}"#
    );
    assert_eq!(json("'<<': 1"), r#"{"<<":1}"#);
}

#[test]
fn what_kubernetes_cannot_hold_is_an_error_with_a_position() {
    let bomb: String = (1..12).fold("a0: &a0 xxxxxxxxxxxxxxxxxxxx\n".to_owned(), |text, i| {
        let aliases = vec![format!("*a{}", i - 1); 10].join(", ");
        format!("{text}a{i}: &a{i} [{aliases}]\n")
    });
    let deep = format!("{}x{}", "[".repeat(101), "]".repeat(101));
    let half = format!("{}x{}", "[".repeat(60), "]".repeat(60));
    let grafted = format!("a: &a {half}\nb: {}*a{}\n", "[".repeat(60), "]".repeat(60));
    let cases = [
        (
            "a: 1\nb: 2\na: 3\n",
            "3:1: key `a` is there already, in line 1",
        ),
        (
            "{a: 1, \"a\": 2}",
            "1:8: key `a` is there already, in line 1",
        ),
        ("~: 1", "1:1: null cannot be a key"),
        ("? [a]\n: 1", "1:3: a list cannot be a key"),
        (
            "a: .inf",
            "1:4: JSON has no number for infinity and no `nan`",
        ),
        (
            "a: !!int x",
            "1:10: the tag says a number, the value is text",
        ),
        ("a: !vault x", "1:11: tag `!vault` means nothing here"),
        (
            "a: &a [*a]",
            "1:8: an alias inside the value that it stands for",
        ),
        ("<<: 1", "1:5: `<<` takes a mapping or a list of mappings"),
        (
            bomb.as_str(),
            "6:15: aliases that expand to more than 4194304 bytes",
        ),
        (deep.as_str(), "1:101: more than 100 levels"),
        (grafted.as_str(), "2:64: more than 100 levels"),
    ];
    for (text, expected) in cases {
        assert_eq!(error(text), expected, "{text}");
    }
}

#[test]
fn a_broken_document_does_not_hide_the_next() {
    let text = "# first\na: 1\n---\nb: [\n---\nc: 1\nc: 2\n---\n---\nd: 4\n";
    let documents = documents(text);

    let seen: Vec<_> = documents
        .iter()
        .map(|document| (document.index, document.line, document.root.is_ok()))
        .collect();
    let expected = [
        (0, 1, true),
        (1, 3, false),
        (2, 5, false),
        (3, 8, true),
        (4, 9, true),
    ];
    assert_eq!(
        seen.iter().map(|s| (s.0, s.2)).collect::<Vec<_>>(),
        expected.map(|e| (e.0, e.2))
    );
    assert_eq!(seen[1..], expected[1..]);
    assert_eq!(documents[4].root.as_ref().unwrap().to_json()["d"], 4);
}

#[test]
fn no_document_is_found_in_nothing() {
    for text in ["", "\n", "# only this\n", "\u{feff}"] {
        assert_eq!(documents(text), [], "{text:?}");
    }
}

#[test]
fn paths_lead_to_values_and_keys() {
    let text = "spec:\n  plugins:\n  - name: a\n    \"x.y\": 1\n";
    let root = root(text);
    let plugin = path(&["spec", "plugins"]).index(0);

    let name = plugin.clone().key("name");
    assert_eq!(root.at(&name).unwrap().slice(text), Some("a"));
    assert_eq!(root.key_at(&name).unwrap().slice(text), Some("name"));
    assert_eq!(root.key_at(&plugin), None);
    assert_eq!(root.at(&plugin.clone().index(0)), None);
    let missing = plugin.clone().key("parameters").key("serverName");
    assert_eq!(root.nearest(&missing), root.at(&plugin).unwrap());
    let missing = path(&["spec", "backup"]);
    assert_eq!(root.nearest(&missing).slice(text), Some("spec"));
    assert_eq!(plugin.key("x.y").to_string(), "spec.plugins[0].\"x.y\"");
}
