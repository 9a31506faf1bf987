//! One reading after the other, until nothing is in the way.

use std::{mem, ptr};

use serde::de::DeserializeOwned;

use super::{
    DecodeError, Decoded, Fault, MAX_ERRORS,
    findings::{Aside, Failure, Findings, Hidden, Pass, placeholder},
    reader::Reader,
};
use crate::manifest::{Node, Path, Span, Value, trail::Trail};

/// What [`read`] found.
pub(in crate::manifest) struct Reading<'n, T> {
    pub decoded: Decoded<T>,
    /// What is not in the value, in the order of the document.
    pub aside: Vec<Aside<'n>>,
    /// Fields of the value that say `false`, zero or nothing.
    pub zeros: Vec<(Path, &'n Node)>,
    /// Text in the value that had placeholders and no quotes.
    pub unquoted: Vec<Path>,
}

/// An error costs two readings at most, and a placeholder that a type refuses costs one.
const MAX_READINGS: usize = 3 * MAX_ERRORS;
/// Values that are given to serde in all readings of a document together.
const MAX_VISITS: usize = 20_000_000;

/// Does what [`decode`](super::decode) does, and tells what the value lacks.
pub(in crate::manifest) fn read<T: DeserializeOwned>(node: &Node) -> Reading<'_, T> {
    let findings = Findings::default();
    let mut errors = Vec::new();
    let value = last_reading(node, &findings, &mut errors);
    errors.sort_by_key(|error| error.span.start);
    findings.with(|state| {
        let Pass {
            aside,
            zeros,
            unquoted,
            ..
        } = mem::take(&mut state.reading);
        let mut unknown = mem::take(&mut state.unknown);
        unknown.sort_by_key(|error| error.span.start);
        Reading {
            decoded: Decoded {
                value,
                errors,
                unknown,
                held: mem::take(&mut state.held),
            },
            aside,
            zeros,
            unquoted,
        }
    })
}

fn last_reading<'n, T: DeserializeOwned>(
    root: &'n Node,
    findings: &Findings<'n>,
    errors: &mut Vec<DecodeError>,
) -> Option<T> {
    for readings in 1.. {
        findings.with(|state| state.reading = Pass::default());
        let result = T::deserialize(Reader {
            node: root,
            key: None,
            trail: &Trail::Root,
            findings,
        });
        let (is_void, visits) = findings.with(|state| (state.reading.is_void, state.visits));
        let mut attempt = Attempt {
            root,
            findings,
            errors,
        };
        match result {
            Ok(value) if !is_void => return Some(value),
            Ok(_) => {}
            Err(fault) => {
                let is_enough = attempt.errors.len() >= MAX_ERRORS
                    || readings >= MAX_READINGS
                    || visits > MAX_VISITS;
                if is_enough {
                    attempt.give_up(fault);
                    return None;
                }
                if !is_void && !attempt.mend(fault) {
                    return None;
                }
            }
        }
    }
    None
}

/// A reading that serde stopped.
struct Attempt<'a, 'n> {
    root: &'n Node,
    findings: &'a Findings<'n>,
    errors: &'a mut Vec<DecodeError>,
}

impl<'n> Attempt<'_, 'n> {
    /// Hides what keeps serde from reading the rest, and records it; `false` if nothing is left.
    fn mend(&mut self, fault: Fault) -> bool {
        let failure = self.failure();
        match fault {
            Fault::MissingField(field) => self.mend_missing(failure, field),
            fault => self.mend_value(failure, fault),
        }
    }

    /// Sees to it that an error says why there is no value.
    fn give_up(&mut self, fault: Fault) {
        if self.errors.is_empty() {
            let failure = self.failure();
            let span = failure.node.span;
            self.errors.push(failure.error(span, fault));
        }
    }

    fn failure(&self) -> Failure<'n> {
        let failure = self.findings.with(|state| state.reading.failure.take());
        failure.unwrap_or_else(|| Failure {
            node: self.root,
            path: Path::root(),
            key: None,
            is_field: false,
        })
    }

    /// A mapping is of no use without the field, unless a placeholder for it can be used.
    fn mend_missing(&mut self, mut failure: Failure<'n>, field: &'static str) -> bool {
        let node = failure.node;
        let child = node.field(field);
        let hidden = child.and_then(|child| {
            let child = ptr::from_ref(child);
            self.findings.with(|state| state.hidden.remove(&child))
        });
        failure.path = failure.path.key(field);
        match (hidden, child) {
            (Some(Hidden::Held), Some(child)) => {
                self.findings.with(|state| state.stand_ins.insert(child));
                return true;
            }
            (Some(Hidden::Null(fault)), Some(child)) => {
                self.errors.push(failure.error(child.span, fault));
            }
            (Some(Hidden::Fault), _) => {}
            _ => {
                let span = failure.key.map_or(node.span, |key| key.span);
                let fault = Fault::MissingField(field);
                self.errors.push(failure.error(span, fault));
            }
        }
        self.hide(node, Hidden::Fault)
    }

    fn mend_value(&mut self, failure: Failure<'n>, fault: Fault) -> bool {
        let node = failure.node;
        if node.value == Value::Null && failure.is_field {
            return self.hide(node, Hidden::Null(fault));
        }
        let fault = match placeholder(node) {
            None => fault,
            Some(text) if self.cannot_do_without(node) => Fault::Unreplaced(text.to_owned()),
            Some(_) => {
                self.findings.with(|state| state.hold(node, failure.path));
                return true;
            }
        };
        self.errors.push(failure.error(node.span, fault));
        self.hide(node, Hidden::Fault)
    }

    fn cannot_do_without(&self, node: &'n Node) -> bool {
        let node = ptr::from_ref(node);
        ptr::eq(node, self.root) || self.findings.with(|state| state.stand_ins.contains(&node))
    }

    fn hide(&self, node: &'n Node, why: Hidden) -> bool {
        self.findings.with(|state| state.hidden.insert(node, why));
        !ptr::eq(node, self.root)
    }
}

impl Failure<'_> {
    fn error(self, span: Span, fault: Fault) -> DecodeError {
        DecodeError {
            path: self.path,
            span,
            fault,
        }
    }
}
