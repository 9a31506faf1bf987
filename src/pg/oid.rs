use std::{fmt, str::FromStr};

/// A text is not an object identifier.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is not an object identifier, which is a decimal number from 1 to 4294967295")]
pub struct InvalidOid(String);

/// An object identifier, such as that of a tablespace, a database or a relation's file; not 0.
///
/// The text form is decimal, without leading zeros, as in the names of files.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Oid(u32);

impl Oid {
    /// Wraps a number; `None` for 0, PostgreSQL's "none".
    pub const fn new(number: u32) -> Option<Self> {
        if number == 0 {
            None
        } else {
            Some(Self(number))
        }
    }

    /// Returns the number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Oid {
    type Err = InvalidOid;

    fn from_str(text: &str) -> Result<Self, InvalidOid> {
        // `parse` alone would take a sign and leading zeros.
        let is_plain = text.starts_with(|first: char| matches!(first, '1'..='9'));
        match text.parse() {
            Ok(number) if is_plain => Ok(Self(number)),
            _ => Err(InvalidOid(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "0", "01", "+1", "-1", " 1", "1 ", "4294967296", "a"] {
            assert!(text.parse::<Oid>().is_err(), "{text}");
        }
        assert_eq!(Oid::new(0), None);
    }

    proptest! {
        #[test]
        fn text_form_round_trips_also_in_json(number in 1..=u32::MAX) {
            let oid = Oid::new(number).unwrap();
            let json = serde_json::to_string(&oid).unwrap();

            prop_assert_eq!(oid.to_string().parse(), Ok(oid));
            prop_assert_eq!(serde_json::from_str::<Oid>(&json).unwrap(), oid);
        }
    }
}
