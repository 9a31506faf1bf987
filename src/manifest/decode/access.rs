//! Serde's view of the parts of a value.

use std::slice;

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, value::BorrowedStrDeserializer};

use super::{Fault, reader::Reader};
use crate::manifest::{Entry, Node, Value, trail::Trail};

/// The entries of a mapping.
pub(super) struct Fields<'n, 'r> {
    entries: slice::Iter<'n, Entry>,
    /// The fields of the type; `None` if it takes any key.
    known: Option<&'static [&'static str]>,
    /// The entry whose value is next.
    current: Option<&'n Entry>,
    mapping: Reader<'n, 'r>,
}

/// The items of a sequence.
pub(super) struct Items<'n, 'r> {
    items: std::iter::Enumerate<slice::Iter<'n, Node>>,
    sequence: Reader<'n, 'r>,
}

impl<'n, 'r> Fields<'n, 'r> {
    pub(super) fn new(
        entries: &'n [Entry],
        known: Option<&'static [&'static str]>,
        mapping: Reader<'n, 'r>,
    ) -> Self {
        Self {
            entries: entries.iter(),
            known,
            current: None,
            mapping,
        }
    }

    /// Returns the next entry that is for serde.
    fn next_entry(&mut self) -> Option<&'n Entry> {
        let Self { known, mapping, .. } = *self;
        self.entries.find(|entry| {
            let trail = Trail::Key(mapping.trail, &entry.key.name);
            let reader = mapping.of_entry(entry, &trail);
            if mapping.findings.hides(reader) {
                return false;
            }
            match known {
                Some(known) if !known.contains(&entry.key.name.as_str()) => {
                    mapping.findings.unknown_field(reader, &entry.key, known);
                    false
                }
                Some(_) if is_zero(&entry.value) => {
                    mapping.findings.zero(reader);
                    true
                }
                _ => true,
            }
        })
    }
}

fn is_zero(node: &Node) -> bool {
    match &node.value {
        Value::Bool(flag) => !flag,
        Value::Integer(number) => *number == 0,
        Value::String(text) => text.is_empty(),
        Value::Sequence(items) => items.is_empty(),
        Value::Mapping(mapping) => {
            let mut entries = mapping.entries().iter();
            entries.all(|entry| entry.value.value == Value::Null)
        }
        Value::Null | Value::Float(_) | Value::Template(_) => false,
    }
}

impl<'n> MapAccess<'n> for Fields<'n, '_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'n>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        let Some(entry) = self.next_entry() else {
            return Ok(None);
        };
        self.current = Some(entry);
        let key = BorrowedStrDeserializer::new(&entry.key.name);
        seed.deserialize(key).map(Some).inspect_err(|_| {
            let trail = Trail::Key(self.mapping.trail, &entry.key.name);
            let reader = self.mapping.of_entry(entry, &trail);
            self.mapping.findings.fail(reader, false);
        })
    }

    fn next_value_seed<V: DeserializeSeed<'n>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let entry = self.current.take().expect("serde asks for a key first");
        let trail = Trail::Key(self.mapping.trail, &entry.key.name);
        let reader = self.mapping.of_entry(entry, &trail);
        let is_field = self.known.is_some();
        seed.deserialize(reader)
            .inspect_err(|_| reader.findings.fail(reader, is_field))
    }
}

impl<'n, 'r> Items<'n, 'r> {
    pub(super) fn new(items: &'n [Node], sequence: Reader<'n, 'r>) -> Self {
        Self {
            items: items.iter().enumerate(),
            sequence,
        }
    }
}

impl<'n> SeqAccess<'n> for Items<'n, '_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'n>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Fault> {
        for (index, node) in self.items.by_ref() {
            let trail = Trail::Index(self.sequence.trail, index);
            let reader = self.sequence.of_item(node, &trail);
            if reader.findings.hides(reader) {
                continue;
            }
            let item = seed.deserialize(reader);
            return item
                .map(Some)
                .inspect_err(|_| reader.findings.fail(reader, false));
        }
        Ok(None)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}
