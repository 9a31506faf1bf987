use std::{fmt, str::FromStr};

/// A text is not a system identifier.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is not a system identifier, which is a decimal number of 64 bits")]
pub struct InvalidSystemId(String);

/// The system identifier: a number that `initdb` draws for each cluster; replicas share it.
///
/// The text form is decimal.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SystemId(u64);

impl SystemId {
    /// Wraps a number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns the number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for SystemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for SystemId {
    type Err = InvalidSystemId;

    fn from_str(text: &str) -> Result<Self, InvalidSystemId> {
        let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(number) if is_decimal => Ok(Self(number)),
            _ => Err(InvalidSystemId(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "+1", "-1", "0x1", " 1", "18446744073709551616"] {
            assert!(text.parse::<SystemId>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_form_round_trips_also_in_json(number: u64) {
            let id = SystemId::new(number);
            let json = serde_json::to_string(&id).unwrap();

            prop_assert_eq!(id.to_string().parse(), Ok(id));
            prop_assert_eq!(&json, &format!("\"{number}\""));
            prop_assert_eq!(serde_json::from_str::<SystemId>(&json).unwrap(), id);
        }
    }
}
