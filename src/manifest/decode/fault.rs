//! What can be wrong with a value.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use crate::manifest::Kind;

/// What is wrong with a part of a document.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// There is no such field.
    #[error("unknown field `{field}`")]
    UnknownField {
        /// Its name.
        field: String,
        /// The fields there are; none if the type does not say.
        known: &'static [&'static str],
    },
    /// It is not one of the values of an enumeration.
    #[error("unknown value `{value}`, expected one of {}", Quoted(.known))]
    UnknownValue {
        /// What is there.
        value: String,
        /// The values there are.
        known: &'static [&'static str],
    },
    /// A required field is not there.
    #[error("field `{0}` is missing")]
    MissingField(&'static str),
    /// It is of another kind.
    #[error("expected {expected}, found {found}")]
    WrongKind {
        /// What the type wants.
        expected: String,
        /// What is there.
        found: Kind,
    },
    /// A number out of range.
    #[error("expected {expected}, found another number")]
    OutOfRange {
        /// What the type wants.
        expected: String,
    },
    /// A placeholder stands for something that the type cannot do without.
    #[error("`{0}` was not replaced by its value")]
    Unreplaced(String),
    /// The type refuses it for reasons of its own.
    #[error("{0}")]
    Refused(String),
}

struct Quoted<'a>(&'a [&'static str]);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, name) in self.0.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            write!(f, "{comma}`{name}`")?;
        }
        Ok(())
    }
}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Refused(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::WrongKind {
            expected: plainly(expected),
            found: kind(found),
        }
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let expected = plainly(expected);
        match kind(found) {
            Kind::Number => Self::OutOfRange { expected },
            found => Self::WrongKind { expected, found },
        }
    }

    fn unknown_variant(value: &str, known: &'static [&'static str]) -> Self {
        Self::UnknownValue {
            value: value.to_owned(),
            known,
        }
    }

    fn unknown_field(field: &str, known: &'static [&'static str]) -> Self {
        Self::UnknownField {
            field: field.to_owned(),
            known,
        }
    }

    fn missing_field(field: &'static str) -> Self {
        Self::MissingField(field)
    }
}

/// Says what serde's visitors expect in words that do not come from Rust.
fn plainly(expected: &dyn Expected) -> String {
    let text = expected.to_string();
    match text.as_str() {
        "a string" => "text".to_owned(),
        "a map" => "a mapping".to_owned(),
        "a sequence" => "a list".to_owned(),
        "u16" => "a whole number from 0 to 65535".to_owned(),
        "u32" => "a whole number from 0 to 4294967295".to_owned(),
        "i32" => "a whole number from -2147483648 to 2147483647".to_owned(),
        "i64" | "u64" => "a whole number".to_owned(),
        _ => text,
    }
}

fn kind(found: Unexpected<'_>) -> Kind {
    match found {
        Unexpected::Bool(_) => Kind::Bool,
        Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => Kind::Number,
        Unexpected::Seq => Kind::Sequence,
        Unexpected::Map => Kind::Mapping,
        Unexpected::Unit | Unexpected::Option => Kind::Null,
        _ => Kind::String,
    }
}
