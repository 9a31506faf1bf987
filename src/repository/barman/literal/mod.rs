//! Literals of Python, in which Barman keeps what is more than a word.
//!
//! Read as `ast.literal_eval` reads them, as far as Barman writes them; written as `repr` writes
//! them.

mod read;
mod write;

use std::fmt;

use read::Reader;

/// A value of Python: text, numbers, and what contains them.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(String),
    /// `[…]`.
    List(Vec<Self>),
    /// `(…)`.
    Tuple(Vec<Self>),
    /// `{…}`, in the order of the text.
    Dict(Vec<(Self, Self)>),
}

/// A text is not a literal.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{expected} was expected at byte {offset} of the literal")]
pub struct InvalidLiteral {
    offset: usize,
    expected: &'static str,
}

impl Literal {
    /// Reads one literal with nothing behind it. Nothing in it may be nested deeper than 32 times.
    pub fn parse(text: &str) -> Result<Self, InvalidLiteral> {
        Reader::new(text).read_all()
    }

    /// Returns the text; `None` if it is something else.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the number; `None` if it is something else.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// Returns the items of a list or a tuple; `None` if it is something else.
    pub fn as_items(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) | Self::Tuple(items) => Some(items),
            _ => None,
        }
    }
}

impl From<&str> for Literal {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write::literal(self, f)
    }
}

#[cfg(test)]
mod tests;
