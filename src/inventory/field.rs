//! Values that may not be known yet.

use crate::manifest::{Entry, Node, Value};

/// A field of a resource.
#[derive(Clone, Copy, Debug)]
pub enum Field<'a> {
    /// It is not there, or null, which is the same to Kubernetes.
    Absent,
    /// It is there, and a tool fills in its value later; this is what stands there until then.
    Unknown(&'a Node),
    /// A tool fills in what may have it.
    Hidden(&'a Node),
    /// It is there.
    Is(&'a Node),
}

/// What a field says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Seen<T> {
    /// Nothing.
    Absent,
    /// It cannot be told: a tool fills it in later, or it is of a kind that does not belong there.
    Unknown,
    /// This.
    Is(T),
}

impl<'a> Field<'a> {
    /// Looks at a value.
    pub fn of(node: Option<&'a Node>) -> Self {
        match node {
            None => Self::Absent,
            Some(node) => match &node.value {
                Value::Null => Self::Absent,
                Value::String(text) | Value::Template(text) if has_hole(text) => {
                    Self::Unknown(node)
                }
                _ => Self::Is(node),
            },
        }
    }

    /// Returns a field of it.
    #[must_use]
    pub fn get(self, key: &str) -> Self {
        match self {
            Self::Is(node) => match Self::of(node.field(key)) {
                Self::Absent => hidden_entry(node).map_or(Self::Absent, Self::Hidden),
                field => field,
            },
            Self::Unknown(node) => Self::Hidden(node),
            Self::Absent | Self::Hidden(_) => self,
        }
    }

    /// Returns the field at the end of `keys`.
    #[must_use]
    pub fn at(self, keys: &[&str]) -> Self {
        keys.iter().fold(self, |field, key| field.get(key))
    }

    /// Returns where it stands, or what may have it.
    pub fn node(self) -> Option<&'a Node> {
        match self {
            Self::Absent => None,
            Self::Unknown(node) | Self::Hidden(node) | Self::Is(node) => Some(node),
        }
    }

    /// Returns its values, if it is a list; nothing otherwise.
    pub fn items(self) -> &'a [Node] {
        match self {
            Self::Is(node) => node.items(),
            Self::Absent | Self::Unknown(_) | Self::Hidden(_) => &[],
        }
    }

    /// Returns its entries, if it is a mapping; nothing otherwise.
    pub fn entries(self) -> &'a [Entry] {
        match self {
            Self::Is(node) => node.as_mapping().map_or(&[], |mapping| mapping.entries()),
            Self::Absent | Self::Unknown(_) | Self::Hidden(_) => &[],
        }
    }

    /// Returns the text.
    pub fn text(self) -> Seen<&'a str> {
        self.read(|node| node.as_str())
    }

    /// Returns the text; an empty one is nothing.
    pub fn name(self) -> Seen<&'a str> {
        match self.text() {
            Seen::Is("") => Seen::Absent,
            seen => seen,
        }
    }

    /// Returns the flag.
    pub fn flag(self) -> Seen<bool> {
        self.read(|node| match node.value {
            Value::Bool(flag) => Some(flag),
            _ => None,
        })
    }

    /// Returns the whole number.
    pub fn number(self) -> Seen<i128> {
        self.read(|node| match node.value {
            Value::Integer(number) => Some(number),
            _ => None,
        })
    }

    fn read<T>(self, read: impl FnOnce(&'a Node) -> Option<T>) -> Seen<T> {
        match self {
            Self::Absent => Seen::Absent,
            Self::Unknown(_) | Self::Hidden(_) => Seen::Unknown,
            Self::Is(node) => read(node).map_or(Seen::Unknown, Seen::Is),
        }
    }

    /// Returns whether it is certain that nothing is there.
    pub fn is_absent(self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Returns whether it is certain that something is there, known or not.
    pub fn is_present(self) -> bool {
        matches!(self, Self::Unknown(_) | Self::Is(_))
    }

    /// Returns whether it cannot be told yet.
    pub fn is_unknown(self) -> bool {
        matches!(self, Self::Unknown(_) | Self::Hidden(_))
    }
}

impl<T> Seen<T> {
    /// Returns what it says, if it says something.
    pub fn known(self) -> Option<T> {
        match self {
            Self::Is(value) => Some(value),
            Self::Absent | Self::Unknown => None,
        }
    }

    /// Takes `default` for nothing.
    #[must_use]
    pub fn or(self, default: T) -> Self {
        match self {
            Self::Absent => Self::Is(default),
            seen => seen,
        }
    }

    /// Takes `default` for nothing, which may be unknown itself.
    #[must_use]
    pub fn or_else(self, default: impl FnOnce() -> Self) -> Self {
        match self {
            Self::Absent => default(),
            seen => seen,
        }
    }

    /// Returns whether it cannot be told.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }
}

impl<T: PartialEq> Seen<T> {
    /// Returns whether it is certain to say this.
    pub fn is(&self, value: T) -> bool {
        *self == Self::Is(value)
    }

    /// Returns whether it may say this.
    pub fn may_be(&self, value: T) -> bool {
        self.is_unknown() || self.is(value)
    }
}

/// Returns the value of a key that a tool fills in: it may turn out to be any.
fn hidden_entry(node: &Node) -> Option<&Node> {
    let entries = node.as_mapping()?.entries();
    let hidden = entries.iter().find(|entry| has_hole(&entry.key.name));
    hidden.map(|entry| &entry.value)
}

/// Returns whether a tool fills in a part of the text: Flux, `envsubst`, Helm, kustomize, the vault
/// plugin of Argo CD.
fn has_hole(text: &str) -> bool {
    text.contains("${")
        || text.contains("{{")
        || text.contains("$(")
        || (text.starts_with('<') && text.ends_with('>'))
}
