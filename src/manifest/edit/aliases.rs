//! Aliases, which lose what they stand for when their anchor changes.

use serde_json::Value as Json;

use super::{Edit, flow_scalar};
use crate::manifest::{Node, Value};

/// Writes what aliases stand for in their place where their anchor is changed or gone.
pub(super) fn keep_aliases(source: &str, root: &Node, edits: &mut Vec<Edit>) {
    let mut aliases = Vec::new();
    find_aliases(source, root, &mut aliases);
    let is_touched = |bytes: &std::ops::Range<usize>| {
        let mut replaced = edits.iter().map(Edit::bytes);
        replaced.any(|edit| edit.start <= bytes.start && bytes.end <= edit.end)
    };
    let mut inlined = Vec::new();
    for node in aliases {
        let bytes = node.span.bytes();
        let Some(name) = source.get(bytes.start + 1..bytes.end) else {
            continue;
        };
        let anchor = format!("&{name}");
        let is_whole = |at: usize| {
            let next = source[at + anchor.len()..].chars().next();
            next.is_none_or(|next| next.is_whitespace() || ",]}".contains(next))
        };
        let before = source.get(..bytes.start).unwrap_or_default();
        let places = before.match_indices(&anchor).map(|(at, _)| at);
        let Some(at) = places.filter(|at| is_whole(*at)).last() else {
            continue;
        };
        let is_scalar = !matches!(node.value, Value::Mapping(_) | Value::Sequence(_));
        let at_anchor = at..at + anchor.len();
        let value = at + anchor.len() + 1;
        let is_changed = edits.iter().any(|edit| edit.bytes().start == value);
        if !is_touched(&bytes) && is_scalar && (is_touched(&at_anchor) || is_changed) {
            let text = match node.to_json() {
                Json::String(text) => flow_scalar(&text),
                other => other.to_string(),
            };
            inlined.push(Edit::replace(bytes, text));
        }
    }
    edits.extend(inlined);
}

fn find_aliases<'n>(source: &str, node: &'n Node, found: &mut Vec<&'n Node>) {
    if is_alias(source, node) {
        found.push(node);
        return;
    }
    match &node.value {
        Value::Sequence(items) => {
            for item in items {
                find_aliases(source, item, found);
            }
        }
        Value::Mapping(mapping) => {
            for entry in mapping.entries() {
                find_aliases(source, &entry.value, found);
            }
        }
        Value::Null
        | Value::Bool(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::String(_)
        | Value::Template(_) => {}
    }
}

pub(super) fn is_alias(source: &str, node: &Node) -> bool {
    let slice = node.span.slice(source);
    slice.is_some_and(|slice| slice.starts_with('*') && !slice.contains(char::is_whitespace))
}
