//! Trees to typed values.
//!
//! A [`Reader`](reader::Reader) is serde's view of a node. It knows its way from the root and shares its
//! [`Findings`](findings::Findings) with all others, so that what a type has no place for is noticed while it is
//! read: keys that are not among the fields of a structure never reach the type, and so it does
//! not matter whether the type would refuse them, pass them by or drop them.
//!
//! The one thing that is lost is an unknown field of a type with `#[serde(flatten)]`: serde does
//! not say what such a type knows.

mod access;
mod fault;
mod findings;
mod read;
mod reader;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::de::DeserializeOwned;

pub use self::{fault::Fault, findings::Reason};
pub(super) use self::{
    findings::Aside,
    read::{Reading, read},
};
use super::{Node, Path, Span};

/// What [`decode`] found.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded<T> {
    /// The value without what is at fault, unknown or held; `None` if something required is
    /// missing or at fault.
    pub value: Option<T>,
    /// What does not fit, in the order of the text; at most 100.
    pub errors: Vec<DecodeError>,
    /// The fields and the values of enumerations that the type does not know, in the order of the
    /// text; at most 100. Values of enumerations that take any text are in `value` as well.
    pub unknown: Vec<DecodeError>,
    /// The placeholders where text does not do, which are therefore not in `value`.
    pub held: Vec<Held>,
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

/// A placeholder (`${…}`) in place of a number, a flag, a list or another thing that is not text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Held {
    /// The way to it.
    pub path: Path,
    /// Where it stands.
    pub span: Span,
}

/// Reads `node` as a `T` and reports everything that does not fit, not only the first.
///
/// Serde stops at the first error, so what is at fault is hidden and the rest is read again.
/// Nulls are what they are in Kubernetes: absent where a list, a mapping or a flag is expected,
/// and where a field is not required. A placeholder where text does not do is no error, unless
/// the type cannot do without a value and zero, `false` or an unknown name cannot stand in.
/// No error has a value in it except that of an enumeration, a placeholder, and what a type says
/// of its own values, so that Secrets can be read.
///
/// ```
/// # use walcast::manifest::{decode, documents};
/// #[derive(serde::Deserialize)]
/// struct Shelf {
///     books: Option<u32>,
/// }
///
/// let documents = documents("books: ${BOOKS}\nlamps: 2\n");
/// let decoded = decode::<Shelf>(documents[0].root.as_ref().unwrap());
/// assert_eq!(decoded.value.unwrap().books, None);
/// assert_eq!(decoded.held[0].path.to_string(), "books");
/// assert_eq!(decoded.unknown[0].to_string(), "2:1: lamps: unknown field `lamps`");
/// ```
pub fn decode<T: DeserializeOwned>(node: &Node) -> Decoded<T> {
    read(node).decoded
}

/// Nobody reads more errors.
const MAX_ERRORS: usize = 100;

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.span.start, self.path, self.fault)
    }
}

impl std::error::Error for DecodeError {}
