//! Ways from the root of a document to one of its values.

use std::fmt;

/// The way to a value: `spec.plugins[0].name`.
#[derive(Clone, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Path(Vec<Segment>);

/// One step of a [`Path`].
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Segment {
    /// Into a mapping, by key.
    Key(String),
    /// Into a sequence, from 0.
    Index(usize),
}

impl Path {
    /// Returns the empty path, which leads to the root.
    pub fn root() -> Self {
        Self::default()
    }

    /// Appends a key.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.0.push(Segment::Key(key.into()));
        self
    }

    /// Appends an index.
    #[must_use]
    pub fn index(mut self, index: usize) -> Self {
        self.0.push(Segment::Index(index));
        self
    }

    /// Returns the steps.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// Returns the last step and the path without it; `None` for the root.
    pub fn split_last(&self) -> Option<(&Segment, Self)> {
        let (last, parent) = self.0.split_last()?;
        Some((last, Self(parent.to_vec())))
    }

    /// Returns whether it is `other` or leads to something above it.
    pub fn contains(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }
}

impl<K: Into<String>> FromIterator<K> for Path {
    fn from_iter<I: IntoIterator<Item = K>>(keys: I) -> Self {
        Self(
            keys.into_iter()
                .map(|key| Segment::Key(key.into()))
                .collect(),
        )
    }
}

impl From<Vec<Segment>> for Path {
    fn from(segments: Vec<Segment>) -> Self {
        Self(segments)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Key(key) => {
                    let dot = if i == 0 { "" } else { "." };
                    let plain = key.chars().all(|c| c.is_alphanumeric() || "-_".contains(c));
                    if plain && !key.is_empty() {
                        write!(f, "{dot}{key}")?;
                    } else {
                        write!(f, "{dot}{key:?}")?;
                    }
                }
            }
        }
        Ok(())
    }
}
