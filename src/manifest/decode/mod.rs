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

/// Reads `node` as a `T` and reports everything that does not fit (up to 100 faults), not only the first.
///
/// Serde stops at the first error, so what is at fault is taken out and the rest is read again.
/// Nulls are what they are in Kubernetes: absent where a list, a mapping or a flag is expected.
/// No error has a value in it except that of an enumeration, so that Secrets can be read.
pub fn decode<T: DeserializeOwned>(node: &Node) -> Decoded<T> {
    let mut attempt = Attempt {
        node,
        rest: node.clone(),
        removed: Vec::new(),
        errors: Vec::new(),
    };
    loop {
        let value = match serde_path_to_error::deserialize(&attempt.rest) {
            Ok(value) => Some(value),
            Err(error) => {
                let path = Path::from(error.path());
                if attempt.take_out(&path, error.into_inner()) {
                    continue;
                }
                None
            }
        };
        return Decoded {
            value,
            errors: attempt.errors,
        };
    }
}

/// Nobody reads more, and each costs a reading of the rest.
const MAX_ERRORS: usize = 100;

struct Attempt<'n> {
    node: &'n Node,
    /// `node` without what is at fault.
    rest: Node,
    /// What is at fault, by its path in `node`.
    removed: Vec<Path>,
    errors: Vec<DecodeError>,
}

impl Attempt<'_> {
    /// Records the fault that serde met at `at` and removes what has it; `false` ends it all.
    ///
    /// Of an unknown field serde gives its own path, of a missing one that of what lacks it, which
    /// is of no use without it.
    fn take_out(&mut self, at: &Path, fault: Fault) -> bool {
        let original = before_removal(at, &self.removed);
        let path = match fault {
            Fault::MissingField(field) => original.clone().key(field),
            _ => original.clone(),
        };
        if !self.removed.contains(&path) {
            let span = span(self.node, &path, &fault);
            self.errors.push(DecodeError { path, span, fault });
        }
        self.removed.push(original);
        self.errors.len() < MAX_ERRORS && self.rest.remove(at).is_some()
    }
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
