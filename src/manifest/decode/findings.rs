//! What one reading of a document after the other brings to light.

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
};

use super::{DecodeError, Fault, Held, reader::Reader};
use crate::manifest::{Key, Node, Path, placeholders, trail::Trail};

/// Shared by all the readers of a document.
#[derive(Debug, Default)]
pub(super) struct Findings<'n>(RefCell<State<'n>>);

#[derive(Debug, Default)]
pub(super) struct State<'n> {
    /// The values that serde does not get to see any more.
    pub hidden: HashMap<*const Node, Hidden>,
    /// The placeholders that something stands in for, because the type cannot do without.
    pub stand_ins: HashSet<*const Node>,
    /// Fields and values that the type does not know, in any reading; at most [`super::MAX_ERRORS`].
    pub unknown: Vec<DecodeError>,
    pub held: Vec<Held>,
    /// Values that were given to serde, in all readings.
    pub visits: usize,
    /// Of this reading.
    pub reading: Pass<'n>,
    noted: HashSet<*const Node>,
}

/// Why a value is hidden.
#[derive(Debug)]
pub(super) enum Hidden {
    /// It is at fault.
    Fault,
    /// It is a placeholder where its text does not do.
    Held,
    /// It is a null that the type does not take, and so as good as absent; what the type said.
    Null(Fault),
}

/// What is found out in one reading.
#[derive(Debug, Default)]
pub(super) struct Pass<'n> {
    /// Where serde stopped.
    pub failure: Option<Failure<'n>>,
    /// Whether a placeholder was found that must be hidden: what serde made of it is of no use.
    pub is_void: bool,
    /// What serde did not get, in the order of the document.
    pub aside: Vec<Aside<'n>>,
    /// Fields that say what a type may take for granted, and so not write again: `false`, zero,
    /// nothing.
    pub zeros: Vec<(Path, &'n Node)>,
    /// Text without quotes that has placeholders.
    pub unquoted: Vec<Path>,
}

/// Where serde stopped.
#[derive(Debug)]
pub(super) struct Failure<'n> {
    pub node: &'n Node,
    pub path: Path,
    pub key: Option<&'n Key>,
    /// Whether it is the value of a field, as opposed to an item or an entry of a map.
    pub is_field: bool,
}

/// A value that serde did not get.
#[derive(Debug)]
pub(in crate::manifest) struct Aside<'n> {
    pub node: &'n Node,
    pub key: Option<&'n Key>,
    pub path: Path,
    pub reason: Reason,
}

/// Why a value is kept aside.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reason {
    /// The type has no such field.
    Unknown,
    /// It is a placeholder (`${…}`) where text does not do.
    Held,
    /// It is at fault.
    Fault,
}

impl<'n> Findings<'n> {
    /// Does something with what is known; the readers must not be asked meanwhile.
    pub(super) fn with<R>(&self, action: impl FnOnce(&mut State<'n>) -> R) -> R {
        action(&mut self.0.borrow_mut())
    }

    /// Returns whether a value is hidden, and remembers that serde did not get it.
    pub(super) fn hides(&self, reader: Reader<'n, '_>) -> bool {
        self.with(|state| {
            state.visits += 1;
            let reason = match state.hidden.get(&std::ptr::from_ref(reader.node)) {
                None => return false,
                Some(Hidden::Null(_)) => return true,
                Some(Hidden::Held) => Reason::Held,
                Some(Hidden::Fault) => Reason::Fault,
            };
            state.set_aside(reader, reason);
            true
        })
    }

    /// Remembers a field that the type does not know.
    pub(super) fn unknown_field(
        &self,
        reader: Reader<'n, '_>,
        key: &'n Key,
        known: &'static [&'static str],
    ) {
        self.with(|state| {
            state.note(reader.node, || DecodeError {
                path: reader.trail.path(),
                span: key.span,
                fault: Fault::UnknownField {
                    field: key.name.clone(),
                    known,
                },
            });
            state.set_aside(reader, Reason::Unknown);
        });
    }

    /// Remembers a value that its enumeration does not know.
    pub(super) fn unknown_value(
        &self,
        reader: Reader<'n, '_>,
        value: &str,
        known: &'static [&'static str],
    ) {
        self.with(|state| {
            state.note(reader.node, || DecodeError {
                path: reader.trail.path(),
                span: reader.node.span,
                fault: Fault::UnknownValue {
                    value: value.to_owned(),
                    known,
                },
            });
        });
    }

    /// Remembers a placeholder where text does not do.
    pub(super) fn hold(&self, reader: Reader<'n, '_>) {
        self.with(|state| {
            if state.stand_ins.contains(&std::ptr::from_ref(reader.node)) {
                state.set_aside(reader, Reason::Held);
            } else {
                state.hold(reader.node, reader.trail.path());
                state.reading.is_void = true;
            }
        });
    }

    /// Remembers a field that a type may not write again.
    pub(super) fn zero(&self, reader: Reader<'n, '_>) {
        self.with(|state| {
            let path = reader.trail.path();
            state.reading.zeros.push((path, reader.node));
        });
    }

    /// Remembers text without quotes that has placeholders.
    pub(super) fn unquoted(&self, at: &Trail<'_>) {
        self.with(|state| state.reading.unquoted.push(at.path()));
    }

    /// Remembers where serde stopped: at the innermost value, which tells first.
    pub(super) fn fail(&self, reader: Reader<'n, '_>, is_field: bool) {
        self.with(|state| {
            state.reading.failure.get_or_insert_with(|| Failure {
                node: reader.node,
                path: reader.trail.path(),
                key: reader.key,
                is_field,
            });
        });
    }
}

impl<'n> State<'n> {
    /// Hides a placeholder from now on.
    pub(super) fn hold(&mut self, node: &'n Node, path: Path) {
        let span = node.span;
        self.held.push(Held { path, span });
        self.hidden.insert(node, Hidden::Held);
    }

    fn note(&mut self, node: &'n Node, error: impl FnOnce() -> DecodeError) {
        if self.unknown.len() < super::MAX_ERRORS && self.noted.insert(node) {
            self.unknown.push(error());
        }
    }

    fn set_aside(&mut self, reader: Reader<'n, '_>, reason: Reason) {
        self.reading.aside.push(Aside {
            node: reader.node,
            key: reader.key,
            path: reader.trail.path(),
            reason,
        });
    }
}

/// Returns the first placeholder of a text.
pub(super) fn placeholder(node: &Node) -> Option<&str> {
    let text = node.as_str()?;
    let range = placeholders(text).next()?.range;
    Some(&text[range])
}
