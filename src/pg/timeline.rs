use std::{fmt, num::NonZeroU32, str::FromStr};

use super::upper_hex;

/// A value is not a timeline.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is not a timeline, which is 8 upper-case hexadecimal digits other than 00000000")]
pub struct InvalidTimeline(String);

/// A timeline: one line of history of a cluster, counted from 1; each promotion begins another.
///
/// The text form is 8 upper-case hexadecimal digits, as in file names.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct TimelineId(NonZeroU32);

impl TimelineId {
    /// The timeline on which `initdb` leaves a cluster.
    pub const FIRST: Self = Self(NonZeroU32::MIN);

    /// Wraps a number; 0 is not a timeline.
    pub fn new(number: u32) -> Result<Self, InvalidTimeline> {
        NonZeroU32::new(number)
            .map(Self)
            .ok_or_else(|| InvalidTimeline(format!("{number:08X}")))
    }

    /// Returns the number.
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

impl fmt::Display for TimelineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08X}", self.0)
    }
}

impl FromStr for TimelineId {
    type Err = InvalidTimeline;

    fn from_str(text: &str) -> Result<Self, InvalidTimeline> {
        upper_hex(text, 8)
            .and_then(NonZeroU32::new)
            .map(Self)
            .ok_or_else(|| InvalidTimeline(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn zero_and_other_texts_are_refused() {
        assert!(TimelineId::new(0).is_err());
        for text in [
            "",
            "1",
            "00000000",
            "0000000a",
            "+0000001",
            "000000001",
            "0000000é",
        ] {
            assert_eq!(
                text.parse::<TimelineId>(),
                Err(InvalidTimeline(text.to_owned()))
            );
        }
    }

    proptest! {
        #[test]
        fn text_form_round_trips(number in 1..=u32::MAX) {
            let timeline = TimelineId::new(number).unwrap();
            prop_assert_eq!(timeline.to_string().parse(), Ok(timeline));
            prop_assert_eq!(timeline.get(), number);
        }
    }
}
