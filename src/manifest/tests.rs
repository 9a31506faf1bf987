use proptest::prelude::*;
use serde::Deserialize;

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

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Shape {
    name: String,
    #[serde(default)]
    data: Option<Inner>,
    #[serde(default)]
    list: Vec<Inner>,
    #[serde(default)]
    flag: bool,
    #[serde(default)]
    size: u32,
    #[serde(default)]
    codec: Option<Codec>,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Inner {
    data: i64,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Codec {
    Gzip,
}

#[test]
fn decoding_reports_every_fault_and_keeps_the_rest() {
    let text = "nmae: x
name: z
data: {data: 1, dat: 2}
list:
- {data: 1}
- {}
- {data: yes}
- 5
flag: off
size: -1
codec: xz
";
    let decoded = decode::<Shape>(&root(text));

    let mut faults: Vec<String> = decoded.errors.iter().map(ToString::to_string).collect();
    faults.sort_unstable();
    let expected = [
        "10:7: size: expected a whole number from 0 to 4294967295, found another number",
        "11:8: codec: unknown value `xz`, expected one of `gzip`",
        "1:1: nmae: unknown field `nmae`",
        "3:17: data.dat: unknown field `dat`",
        "6:3: list[1].data: field `data` is missing",
        "7:10: list[2].data: expected a whole number, found a boolean",
        "8:3: list[3]: expected a mapping, found a number",
    ];
    assert_eq!(faults, expected);
    let value = decoded.value.unwrap();
    assert_eq!(value.name, "z");
    assert_eq!(value.data, Some(Inner { data: 1 }));
    assert_eq!(value.list, [Inner { data: 1 }]);
}

#[test]
fn unknown_fields_are_found_whatever_is_above_and_below_them() {
    let decoded = decode::<Shape>(&root(
        "name: x\ndata:\n  data: 1\n  codec: {codec: 2}\nx: {x: 1}\n",
    ));

    let faults: Vec<String> = decoded.errors.iter().map(ToString::to_string).collect();
    let expected = [
        "4:3: data.codec: unknown field `codec`",
        "5:1: x: unknown field `x`",
    ];
    assert_eq!(faults, expected);
}

#[test]
fn what_is_missing_is_said_once() {
    let decoded = decode::<Shape>(&root("data: {}\nname: [1]\n"));

    let faults: Vec<String> = decoded.errors.iter().map(ToString::to_string).collect();
    let expected = [
        "1:1: data.data: field `data` is missing",
        "2:7: name: expected text, found a list",
    ];
    assert_eq!(faults, expected);
    assert_eq!(decoded.value, None);
}

#[test]
fn null_is_absent() {
    let text = "name: x\ndata: ~\nlist:\nflag:\ncodec: null\n";
    let decoded = decode::<Shape>(&root(text));

    assert_eq!(decoded.errors, []);
    let expected = Shape {
        name: "x".to_owned(),
        ..Shape::default()
    };
    assert_eq!(decoded.value, Some(expected));
}

/// A value, written in one of the ways of YAML.
#[derive(Clone, Debug)]
enum Written {
    Plain(String),
    Single(String),
    Double(String),
    Literal(Vec<String>),
    FlowList(Vec<Self>),
    FlowMap(Vec<Self>),
    BlockList(Vec<Self>),
    BlockMap(Vec<Self>),
}

fn scalar() -> impl Strategy<Value = Written> {
    prop_oneof![
        "[a-zäö][a-z0-9 äö]{0,6}[a-z0-9]".prop_map(Written::Plain),
        proptest::sample::select(vec!["yes", "0640", "1.5", "null", "~", "12", ""])
            .prop_map(|text| Written::Plain(text.to_owned())),
        "[a-z: #äö'\\[\\]{},&*-]{0,8}".prop_map(Written::Single),
        "[a-z: #äö\\[\\]{},&*-]{0,8}".prop_map(Written::Double),
    ]
}

fn flow() -> impl Strategy<Value = Written> {
    scalar().prop_recursive(2, 12, 3, |inner| {
        let items = proptest::collection::vec(inner, 0..3);
        prop_oneof![
            items.clone().prop_map(Written::FlowList),
            items.prop_map(Written::FlowMap),
        ]
    })
}

fn block() -> impl Strategy<Value = Written> {
    let literal = proptest::collection::vec("[a-zäö][a-z äö:#]{0,8}", 1..3);
    prop_oneof![flow(), literal.prop_map(Written::Literal)].prop_recursive(4, 40, 4, |inner| {
        let items = proptest::collection::vec(inner, 1..4);
        prop_oneof![
            items.clone().prop_map(Written::BlockList),
            items.prop_map(Written::BlockMap),
        ]
    })
}

impl Written {
    /// Appends it where a value may begin, in a collection indented by `indent`.
    fn render(&self, indent: usize, text: &mut String) {
        match self {
            Self::BlockList(items) => {
                for item in items {
                    *text += &line(indent, "- # note");
                    *text += &line(indent, "  ");
                    item.render(indent + 2, text);
                }
            }
            Self::BlockMap(items) => {
                for (i, item) in items.iter().enumerate() {
                    *text += &line(indent, &format!("\"k{i}\" : "));
                    item.render(indent + 2, text);
                }
            }
            Self::Literal(lines) => {
                *text += "|";
                for content in lines {
                    *text += &line(indent + 2, content);
                }
                *text += "\n";
            }
            other => *text += &other.flow(),
        }
    }

    fn flow(&self) -> String {
        let joined = |items: Vec<String>| items.join(" , ");
        match self {
            Self::Plain(text) => text.clone(),
            Self::Single(text) => format!("'{}'", text.replace('\'', "''")),
            Self::Double(text) => format!("\"{text}\\u00e4\""),
            Self::FlowMap(items) => {
                let entry = |(i, item): (usize, &Self)| format!("k{i}: {}", item.flow());
                format!(
                    "{{{}}}",
                    joined(items.iter().enumerate().map(entry).collect())
                )
            }
            Self::FlowList(items) => {
                // An item that is not there would be no item.
                let item = |item: &Self| Some(item.flow()).filter(|text| !text.is_empty());
                let items = items
                    .iter()
                    .map(|i| item(i).unwrap_or_else(|| "~".to_owned()));
                format!("[{}]", joined(items.collect()))
            }
            Self::Literal(_) | Self::BlockList(_) | Self::BlockMap(_) => unreachable!("not flow"),
        }
    }
}

fn line(indent: usize, content: &str) -> String {
    format!("\n{:indent$}{content}", "")
}

/// Asserts that the text a node covers, read by itself, is that node; and so for all its parts.
fn assert_spans(text: &str, node: &Node, parent: Span) {
    assert_position(text, node.span.start);
    assert_position(text, node.span.end);
    let slice = node.span.slice(text).unwrap();
    assert!(
        parent.start <= node.span.start && node.span.end <= parent.end,
        "{slice:?} in {text}"
    );
    if node.value == Value::Null {
        assert!(["", "~", "null"].contains(&slice), "{slice:?} in {text}");
    } else if !node.as_str().is_some_and(|text| text.contains('\n')) {
        let indent = " ".repeat(node.span.start.column - 1);
        assert_eq!(
            root(&format!("{indent}{slice}")).to_json(),
            node.to_json(),
            "{slice:?} in {text}"
        );
    } else {
        let lines: Vec<&str> = slice.lines().map(str::trim_start).collect();
        let value = node.as_str().unwrap();
        assert_eq!(
            value.lines().collect::<Vec<_>>(),
            lines,
            "{slice:?} in {text}"
        );
    }
    for item in node.items() {
        assert_spans(text, item, node.span);
    }
    for entry in node.as_mapping().into_iter().flat_map(Mapping::entries) {
        let key = entry.key.span.slice(text).unwrap();
        assert_eq!(key.trim_matches('"'), entry.key.name, "in {text}");
        assert!(
            entry.key.span.end <= entry.value.span.start,
            "{key} in {text}"
        );
        assert_spans(text, &entry.value, node.span);
    }
}

fn assert_position(text: &str, position: Position) {
    let before = &text[..position.offset];
    let line = before.rsplit('\n').next().unwrap();
    assert_eq!(
        before.matches('\n').count() + 1,
        position.line,
        "{position:?} in {text:?}"
    );
    assert_eq!(
        line.chars().count() + 1,
        position.column,
        "{position:?} in {text:?}"
    );
}

proptest! {
    #[test]
    fn the_span_of_every_value_and_key_covers_its_text(
        documents in proptest::collection::vec(block(), 1..4),
    ) {
        let mut text = String::from("# head\n");
        for document in &documents {
            text += "--- # a document\n\n";
            document.render(0, &mut text);
            text += "\n";
        }

        let roots = roots(&text);

        prop_assert_eq!(roots.len(), documents.len());
        let whole = Span { start: Position::default(), end: Position { offset: text.len(), line: usize::MAX, column: 0 } };
        for root in &roots {
            assert_spans(&text, root, whole);
        }
    }
}
