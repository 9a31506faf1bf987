//! How large values are.

use crate::manifest::{Key, Node, Value};

/// Roughly the bytes that a copy takes.
pub(super) fn weight(node: &Node) -> usize {
    let own = size_of::<Node>();
    own + match &node.value {
        Value::String(text) | Value::Template(text) => text.len(),
        Value::Sequence(items) => items.iter().map(weight).sum(),
        Value::Mapping(mapping) => {
            let entries = mapping.entries().iter();
            entries
                .map(|entry| entry.key.name.len() + size_of::<Key>() + weight(&entry.value))
                .sum()
        }
        _ => 0,
    }
}

/// The levels.
pub(super) fn height(node: &Node) -> usize {
    1 + match &node.value {
        Value::Sequence(items) => items.iter().map(height).max().unwrap_or(0),
        Value::Mapping(mapping) => {
            let values = mapping.entries().iter().map(|entry| &entry.value);
            values.map(height).max().unwrap_or(0)
        }
        _ => 0,
    }
}
