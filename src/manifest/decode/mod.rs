//! Trees to typed values.

mod deserializer;

use std::fmt;

use serde::de::DeserializeOwned;

pub use self::deserializer::Fault;
use super::{Node, Path, Segment, Span};

/// What [`decode`] found.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded<T> {
    /// The value without what is at fault; `None` if something required is missing or at fault.
    pub value: Option<T>,
    /// Every fault, in the order in which they were met.
    pub errors: Vec<DecodeError>,
}

/// A part of a document that its type has no place for.
#[derive(Clone, Debug, PartialEq)]
pub struct DecodeError {
    /// The way to it; for something missing the way to where it would be.
    pub path: Path,
    /// Where it stands: the key of an unknown field, the value of one at fault, the key of what
    /// lacks a field.
    pub span: Span,
    /// What is wrong with it.
    pub fault: Fault,
}

/// Reads `node` as a `T` and reports everything that does not fit, not only the first.
///
/// Serde stops at the first error, so what is at fault is taken out and the rest is read again.
/// Nulls are what they are in Kubernetes: absent where a list, a mapping or a flag is expected.
/// No error has a value in it except that of an enumeration, so that Secrets can be read.
pub fn decode<T: DeserializeOwned>(node: &Node) -> Decoded<T> {
    let mut rest = node.clone();
    let mut errors: Vec<DecodeError> = Vec::new();
    let mut removed: Vec<Path> = Vec::new();
    loop {
        let error = match serde_path_to_error::deserialize::<_, T>(&rest) {
            Ok(value) => {
                return Decoded {
                    value: Some(value),
                    errors,
                };
            }
            Err(error) => error,
        };
        let parent = Path::from(error.path());
        let (found, fault) = locate(&rest, parent.clone(), error.into_inner());
        let path = before_removal(&found, &removed);
        let is_missing = matches!(fault, Fault::MissingField(_));
        if !(is_missing && removed.contains(&path)) {
            let span = span(node, &path, &fault);
            errors.push(DecodeError { path, span, fault });
        }
        // A value that lacks something is of no use: it goes as a whole.
        let culprit = if is_missing { parent } else { found };
        let original = before_removal(&culprit, &removed);
        if rest.remove(&culprit).is_none() {
            return Decoded {
                value: None,
                errors,
            };
        }
        removed.push(original);
    }
}

/// Serde names the field of these faults, and its path ends at what has or should have it.
fn locate(root: &Node, parent: Path, fault: Fault) -> (Path, Fault) {
    let path = match &fault {
        Fault::MissingField(field) => parent.key(*field),
        Fault::UnknownField { field, .. } => {
            let inside = parent.clone().key(field);
            if root.get(&inside).is_some() {
                inside
            } else {
                parent
            }
        }
        _ => parent,
    };
    (path, fault)
}

/// Returns what `path` was before the items of lists that `removed` leads to were taken out.
fn before_removal(path: &Path, removed: &[Path]) -> Path {
    let mut original = Path::root();
    for segment in path.segments() {
        original = match segment {
            Segment::Key(key) => original.key(key),
            Segment::Index(index) => {
                let is_there = |i: &usize| !removed.contains(&original.clone().index(*i));
                let there = (0..).filter(is_there).nth(*index);
                original.index(there.expect("there are always more indices than removed ones"))
            }
        };
    }
    original
}

fn span(root: &Node, path: &Path, fault: &Fault) -> Span {
    let key = match fault {
        Fault::UnknownField { .. } => root.key_at(path),
        _ => None,
    };
    key.unwrap_or_else(|| root.nearest(path))
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.span.start, self.path, self.fault)
    }
}

impl std::error::Error for DecodeError {}
