//! Kubernetes manifests as text: documents, values with positions, types that lose nothing.
//!
//! A manifest is read once into a tree of [`Node`]s, each of which knows where it stands in the
//! file. Everything that is said about a manifest later (a field that does not exist, a value that
//! makes no sense) finds its line and column there by its [`Path`].
//!
//! - Scalars are read as the Kubernetes tools read them, that is as go-yaml 2 does: `yes` and `on`
//!   are booleans and `0640` is 416, see [`documents()`]. Positions come from the events of
//!   granit-parser.
//! - Placeholders (`${NAME}`) are values wherever they stand; [`substitute()`] and [`load`]
//!   replace them by the rules of Flux.
//! - [`decode()`] makes typed values and reports everything that does not fit. [`Typed`] keeps
//!   what the type has no place for, and writes it again.
//! - [`emit()`] writes YAML that every tool reads as the same values, [`edit()`] changes a text and
//!   keeps its comments and layout.
//!
//! Nothing here panics on any text, and no error has more of it than keys, placeholders and names.

mod build;
mod decode;
mod documents;
mod edit;
mod emit;
mod encoding;
mod mask;
mod path;
#[cfg(test)]
pub(crate) mod round_trip;
mod scalar;
mod span;
mod substitute;
#[cfg(feature = "crd")]
mod suggest;
#[cfg(test)]
mod tests;
mod trail;
mod tree;
mod typed;

#[cfg(feature = "crd")]
pub(crate) use self::suggest::closest;
pub use self::{
    decode::{DecodeError, Decoded, Fault, Held, Reason, decode},
    documents::{Document, Documents, SyntaxError, documents},
    edit::{Change, Edit, EditError, Rewritten, edit, emit_like, rewrite},
    emit::emit,
    encoding::{EncodingError, text_of},
    path::{Path, Segment},
    span::{Position, Span},
    substitute::{
        InvalidName, Malformed, Placeholder, SubstituteError, Substituted, Unreplaced, Variables,
        load, placeholders, substitute,
    },
    tree::{Entry, Key, Kind, Mapping, Node, Value},
    typed::{Aside, Typed},
};
