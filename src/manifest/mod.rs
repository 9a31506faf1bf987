//! Kubernetes manifests as text: documents, values with positions, decoding that finds every fault.
//!
//! A manifest is read once into a tree of [`Node`]s, each of which knows where it stands in the
//! file. Everything that is said about a manifest later (a field that does not exist, a value that
//! makes no sense) finds its line and column there by its [`Path`].
//!
//! Scalars are read as the Kubernetes tools read them, that is as go-yaml 2 does: `yes` and `on`
//! are booleans and `0640` is 416, see [`documents()`]. Positions come from the events of
//! granit-parser, the parser that serde-saphyr is made of.

mod build;
mod decode;
mod documents;
mod path;
mod scalar;
mod span;
#[cfg(test)]
mod tests;
mod tree;

pub use self::{
    decode::{DecodeError, Decoded, Fault, decode},
    documents::{Document, SyntaxError, documents},
    path::{Path, Segment},
    span::{Position, Span},
    tree::{Entry, Key, Kind, Mapping, Node, Value},
};
