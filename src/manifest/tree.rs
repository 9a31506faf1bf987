//! Values that know where they stand.

use std::{collections::HashMap, fmt};

use super::{Path, Position, Segment, Span, SyntaxError};

/// A value and its place.
///
/// The place of an alias (`*name`) is the alias itself; what is inside it stands where the anchor
/// does. Block collections end where their last value ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What it is.
    pub value: Value,
    /// Where it stands.
    pub span: Span,
}

/// What a JSON value can be.
///
/// `Debug` prints no text and no numbers: the manifest may be a Secret.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// Null, written or left out.
    Null,
    /// A boolean.
    Bool(bool),
    /// A whole number from `i64::MIN` to `u64::MAX`.
    Integer(i128),
    /// Any other number; finite.
    Float(f64),
    /// Text.
    String(String),
    /// Text without quotes and with placeholders (`${…}`): what it is shows when they are replaced.
    Template(String),
    /// Values in order.
    Sequence(Vec<Node>),
    /// Values by key.
    Mapping(Mapping),
}

/// The kind of a [`Value`], for messages.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// [`Value::Null`].
    Null,
    /// [`Value::Bool`].
    Bool,
    /// [`Value::Integer`] and [`Value::Float`].
    Number,
    /// [`Value::String`] and [`Value::Template`].
    String,
    /// [`Value::Sequence`].
    Sequence,
    /// [`Value::Mapping`].
    Mapping,
}

/// Entries in the order of the file, each key once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mapping {
    entries: Vec<Entry>,
}

/// One entry of a [`Mapping`].
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: Key,
    /// The value.
    pub value: Node,
}

/// The key of an [`Entry`], always text: JSON has no other (`8080:` is `"8080"`).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Key {
    /// The text.
    pub name: String,
    /// Where it stands.
    pub span: Span,
}

impl Node {
    /// Returns the value at `path`.
    pub fn get(&self, path: &Path) -> Option<&Self> {
        path.segments()
            .iter()
            .try_fold(self, |node, segment| match (segment, &node.value) {
                (Segment::Key(key), Value::Mapping(mapping)) => mapping.get(key),
                (Segment::Index(index), Value::Sequence(items)) => items.get(*index),
                _ => None,
            })
    }

    /// Returns the value under `key`; `None` also if this is not a mapping.
    pub fn field(&self, key: &str) -> Option<&Self> {
        self.as_mapping()?.get(key)
    }

    /// Returns where the value at `path` stands.
    pub fn at(&self, path: &Path) -> Option<Span> {
        self.get(path).map(|node| node.span)
    }

    /// Returns where the key stands that `path` ends with.
    pub fn key_at(&self, path: &Path) -> Option<Span> {
        let (last, parent) = path.split_last()?;
        let Segment::Key(name) = last else {
            return None;
        };
        let entry = self.get(&parent)?.as_mapping()?.entry(name)?;
        Some(entry.key.span)
    }

    /// Returns the place that tells most about `path`: its value, or, if it is not there, the key
    /// of what should contain it.
    pub fn nearest(&self, path: &Path) -> Span {
        if let Some(span) = self.at(path) {
            return span;
        }
        let mut rest = path.clone();
        while let Some((_, parent)) = rest.split_last() {
            if self.get(&parent).is_some() {
                return self
                    .key_at(&parent)
                    .unwrap_or_else(|| self.nearest(&parent));
            }
            rest = parent;
        }
        self.span
    }

    /// Returns the text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) | Value::Template(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the mapping, if it is one.
    pub fn as_mapping(&self) -> Option<&Mapping> {
        match &self.value {
            Value::Mapping(mapping) => Some(mapping),
            _ => None,
        }
    }

    /// Returns the values, if it is a sequence; nothing otherwise.
    pub fn items(&self) -> &[Self] {
        match &self.value {
            Value::Sequence(items) => items,
            _ => &[],
        }
    }

    /// Calls `visit` with each value in it that has no parts, and the way there from `path`.
    pub fn for_each_leaf(&self, path: &Path, visit: &mut impl FnMut(&Path, &Self)) {
        match &self.value {
            Value::Sequence(items) => {
                for (i, item) in items.iter().enumerate() {
                    item.for_each_leaf(&path.clone().index(i), visit);
                }
            }
            Value::Mapping(mapping) => {
                for entry in mapping.entries() {
                    let path = path.clone().key(&entry.key.name);
                    entry.value.for_each_leaf(&path, visit);
                }
            }
            _ => visit(path, self),
        }
    }

    /// Changes all its positions.
    pub(super) fn move_by(&mut self, moved: &impl Fn(&mut Position)) {
        self.span.move_by(moved);
        match &mut self.value {
            Value::Sequence(items) => items.iter_mut().for_each(|item| item.move_by(moved)),
            Value::Mapping(mapping) => {
                for entry in mapping.entries_mut() {
                    entry.key.span.move_by(moved);
                    entry.value.move_by(moved);
                }
            }
            _ => {}
        }
    }

    /// Converts it to JSON.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::{Map, Number, Value as Json};

        match &self.value {
            Value::Null => Json::Null,
            Value::Bool(flag) => Json::Bool(*flag),
            Value::Integer(number) => Number::from_i128(*number).map_or(Json::Null, Json::Number),
            Value::Float(number) => Number::from_f64(*number).map_or(Json::Null, Json::Number),
            Value::String(text) | Value::Template(text) => Json::String(text.clone()),
            Value::Sequence(items) => items.iter().map(Self::to_json).collect(),
            Value::Mapping(mapping) => {
                let entries = mapping.entries().iter();
                entries
                    .map(|entry| (entry.key.name.clone(), entry.value.to_json()))
                    .collect::<Map<_, _>>()
                    .into()
            }
        }
    }
}

impl Mapping {
    pub(super) fn entries_mut(&mut self) -> &mut [Entry] {
        &mut self.entries
    }

    /// Checks that no key is there twice after keys were changed.
    pub(super) fn check_keys(&self) -> Result<(), SyntaxError> {
        let mut lines = HashMap::new();
        for Key { name, span } in self.entries.iter().map(|entry| &entry.key) {
            if let Some(first) = lines.insert(name, span.start.line) {
                return Err(SyntaxError::twice(name, *span, first));
            }
        }
        Ok(())
    }

    /// Returns the entries in the order of the file; those of a merge (`<<`) where it stands.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(super) fn into_entries(self) -> Vec<Entry> {
        self.entries
    }

    /// Returns the entry with this key.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key.name == key)
    }

    /// Returns the value with this key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }
}

impl FromIterator<Entry> for Mapping {
    /// Takes no more memory than it needs: most mappings have few entries, and there are many.
    fn from_iter<I: IntoIterator<Item = Entry>>(entries: I) -> Self {
        let mut entries: Vec<Entry> = entries.into_iter().collect();
        entries.shrink_to_fit();
        Self { entries }
    }
}

impl Value {
    /// Returns the kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Null => Kind::Null,
            Self::Bool(_) => Kind::Bool,
            Self::Integer(_) | Self::Float(_) => Kind::Number,
            Self::String(_) | Self::Template(_) => Kind::String,
            Self::Sequence(_) => Kind::Sequence,
            Self::Mapping(_) => Kind::Mapping,
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sequence(items) => f.debug_list().entries(items).finish(),
            Self::Mapping(mapping) => mapping.fmt(f),
            Self::Null
            | Self::Bool(_)
            | Self::Integer(_)
            | Self::Float(_)
            | Self::String(_)
            | Self::Template(_) => fmt::Debug::fmt(&self.kind(), f),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "null",
            Self::Bool => "a boolean",
            Self::Number => "a number",
            Self::String => "text",
            Self::Sequence => "a list",
            Self::Mapping => "a mapping",
        })
    }
}
