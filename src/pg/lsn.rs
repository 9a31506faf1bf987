use std::{fmt, str::FromStr};

/// A text is not a position in the WAL.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is not a WAL position such as 0/3000028")]
pub struct InvalidLsn(String);

/// A position in the WAL (log sequence number): bytes since the cluster's beginning.
///
/// The text form is PostgreSQL's `%X/%X`: upper and lower half, upper case, no leading zeros.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Lsn(u64);

impl Lsn {
    /// The position that PostgreSQL uses for "none".
    pub const INVALID: Self = Self(0);

    /// Wraps a position in bytes.
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// Returns the position in bytes.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Returns whether this is a position, not PostgreSQL's "none" (`0/0`).
    pub const fn is_valid(self) -> bool {
        self.0 != 0
    }

    /// Returns the position `bytes` further, unless that is beyond the end of the address space.
    pub fn checked_add(self, bytes: u64) -> Option<Self> {
        self.0.checked_add(bytes).map(Self)
    }

    /// Returns the position `bytes` before, unless that is before the beginning.
    pub fn checked_sub(self, bytes: u64) -> Option<Self> {
        self.0.checked_sub(bytes).map(Self)
    }

    /// Returns how many bytes this position lies after `earlier`; `None` if it lies before.
    pub fn bytes_since(self, earlier: Self) -> Option<u64> {
        self.0.checked_sub(earlier.0)
    }
}

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}/{:X}", self.0 >> 32, self.0 & 0xFFFF_FFFF)
    }
}

impl FromStr for Lsn {
    type Err = InvalidLsn;

    /// Reads either case and leading zeros, as PostgreSQL does; at most 8 digits on each side.
    fn from_str(text: &str) -> Result<Self, InvalidLsn> {
        text.split_once('/')
            .and_then(|(high, low)| Some(half(high)? << 32 | half(low)?))
            .map(Self)
            .ok_or_else(|| InvalidLsn(text.to_owned()))
    }
}

fn half(digits: &str) -> Option<u64> {
    // `from_str_radix` alone would take a sign.
    let is_hex = digits.len() <= 8 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex
        .then(|| u64::from_str_radix(digits, 16).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_form_is_that_of_postgresql() {
        assert_eq!(Lsn::new(0x0300_0028).to_string(), "0/3000028");
        assert_eq!(Lsn::new(0x16_B374_D848).to_string(), "16/B374D848");
        assert_eq!("16/b374d848".parse(), Ok(Lsn::new(0x16_B374_D848)));
        assert_eq!("0/0".parse(), Ok(Lsn::INVALID));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "/",
            "0",
            "0/",
            "/0",
            "0/+1",
            "0/-1",
            "0/123456789",
            "g/0",
            "0/0/0",
            " 0/0",
        ] {
            assert_eq!(text.parse::<Lsn>(), Err(InvalidLsn(text.to_owned())));
        }
    }

    #[test]
    fn arithmetic_does_not_wrap() {
        assert_eq!(Lsn::new(u64::MAX).checked_add(1), None);
        assert_eq!(Lsn::INVALID.checked_sub(1), None);
        assert_eq!(Lsn::new(5).bytes_since(Lsn::new(2)), Some(3));
        assert_eq!(Lsn::new(2).bytes_since(Lsn::new(5)), None);
    }

    proptest! {
        #[test]
        fn text_form_round_trips(bytes: u64) {
            let lsn = Lsn::new(bytes);
            prop_assert_eq!(lsn.to_string().parse(), Ok(lsn));
        }
    }
}
