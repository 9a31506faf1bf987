//! Places in a text.

use std::{fmt, ops::Range};

/// A place in a text. Ordered as in the text.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Position {
    /// Bytes before it.
    pub offset: usize,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// A part of a text, without the character at its end.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Span {
    /// Where it starts.
    pub start: Position,
    /// Where what follows it starts.
    pub end: Position,
}

impl Span {
    /// Returns its place in bytes.
    pub fn bytes(self) -> Range<usize> {
        self.start.offset..self.end.offset
    }

    pub(super) fn move_by(&mut self, moved: &impl Fn(&mut Position)) {
        moved(&mut self.start);
        moved(&mut self.end);
    }

    /// Returns the part of `text` it covers; `None` if it was made for another text.
    pub fn slice(self, text: &str) -> Option<&str> {
        text.get(self.bytes())
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

impl From<granit_parser::Marker> for Position {
    fn from(marker: granit_parser::Marker) -> Self {
        Self {
            offset: marker
                .byte_offset()
                .expect("a parser made from a str counts bytes"),
            line: marker.line(),
            column: marker.col() + 1,
        }
    }
}

impl From<granit_parser::Span> for Span {
    fn from(span: granit_parser::Span) -> Self {
        Self {
            start: span.start.into(),
            end: span.end.into(),
        }
    }
}
