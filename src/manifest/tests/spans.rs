//! Every value and key stands where its span says, however it is written.

use proptest::prelude::*;

use super::{root, roots};
use crate::manifest::*;

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
