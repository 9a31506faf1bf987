//! Entries of a mapping while it is read.

use std::collections::{HashMap, HashSet};

use granit_parser::{Event, ScalarStyle};

use super::Result;
use crate::manifest::{Entry, Key, Mapping, Node, SyntaxError, Value};

/// Entries as they come; what is merged yields to what is written, whatever the order.
#[derive(Default)]
pub(super) struct RawMapping {
    entries: Vec<(Origin, Entry)>,
    /// The keys that are written, and their lines.
    written: HashMap<String, usize>,
}

#[derive(Eq, PartialEq)]
enum Origin {
    Written,
    Merged,
}

impl RawMapping {
    pub(super) fn insert(&mut self, key: Key, value: Node) -> Result<()> {
        let line = key.span.start.line;
        if let Some(first) = self.written.insert(key.name.clone(), line) {
            return Err(SyntaxError::twice(&key.name, key.span, first));
        }
        self.entries.push((Origin::Written, Entry { key, value }));
        Ok(())
    }

    pub(super) fn merge(&mut self, node: Node) -> Result<()> {
        let sources = match node.value {
            Value::Sequence(items) => items,
            _ => vec![node],
        };
        for source in sources {
            let Value::Mapping(mapping) = source.value else {
                let message = "`<<` takes a mapping or a list of mappings";
                return Err(SyntaxError::new(source.span, message));
            };
            let entries = mapping.into_entries().into_iter();
            self.entries
                .extend(entries.map(|entry| (Origin::Merged, entry)));
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Mapping {
        let mut merged = HashSet::new();
        let mut is_kept = |origin: &Origin, name: &str| {
            *origin == Origin::Written
                || (!self.written.contains_key(name) && merged.insert(name.to_owned()))
        };
        let entries = self.entries.into_iter();
        entries
            .filter(|(origin, entry)| is_kept(origin, &entry.key.name))
            .map(|(_, entry)| entry)
            .collect()
    }
}

/// Whether this key takes in another mapping: `<<`, plain or with the tag that `yq` writes.
pub(super) fn is_merge_key(event: &Event<'_>) -> bool {
    match event {
        Event::Scalar(text, style, _, tag) if text == "<<" => match tag {
            None => *style == ScalarStyle::Plain,
            Some(tag) => tag.original() == "!!merge",
        },
        _ => false,
    }
}

pub(super) fn into_key(node: Node) -> Result<Key> {
    let name = match node.value {
        Value::String(text) | Value::Template(text) => text,
        Value::Bool(flag) => flag.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Null | Value::Sequence(_) | Value::Mapping(_) => {
            let message = format!("{} cannot be a key", node.value.kind());
            return Err(SyntaxError::new(node.span, message));
        }
    };
    Ok(Key {
        name,
        span: node.span,
    })
}
