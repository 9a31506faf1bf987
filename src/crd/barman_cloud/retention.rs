//! For how long backups are kept.

use std::{fmt, str::FromStr};

/// A window of recovery such as `30d`, `4w` or `3m`: at least one of its unit.
///
/// ```
/// # use walcast::crd::barman_cloud::RetentionPolicy;
/// let policy: RetentionPolicy = "4w".parse().unwrap();
/// assert_eq!((policy.days(), policy.to_string().as_str()), (28, "4w"));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RetentionPolicy {
    count: u32,
    unit: RetentionUnit,
}

/// The unit of a [`RetentionPolicy`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RetentionUnit {
    /// 24 hours.
    Day,
    /// 7 days.
    Week,
    /// 31 days, as Barman counts.
    Month,
}

/// The text is not a retention policy.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is not a retention policy such as 30d, 4w or 3m")]
pub struct InvalidRetentionPolicy(String);

impl RetentionPolicy {
    /// Returns the number of units.
    pub fn count(self) -> u32 {
        self.count
    }

    /// Returns the unit.
    pub fn unit(self) -> RetentionUnit {
        self.unit
    }

    /// Returns the length of the window in days.
    pub fn days(self) -> u64 {
        u64::from(self.count) * self.unit.days()
    }
}

impl RetentionUnit {
    fn days(self) -> u64 {
        match self {
            Self::Day => 1,
            Self::Week => 7,
            Self::Month => 31,
        }
    }
}

impl FromStr for RetentionPolicy {
    type Err = InvalidRetentionPolicy;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidRetentionPolicy(text.to_owned());
        let (digits, unit) = [
            ('d', RetentionUnit::Day),
            ('w', RetentionUnit::Week),
            ('m', RetentionUnit::Month),
        ]
        .into_iter()
        .find_map(|(letter, unit)| Some((text.strip_suffix(letter)?, unit)))
        .ok_or_else(invalid)?;
        if !digits.starts_with(|c: char| ('1'..='9').contains(&c)) {
            return Err(invalid());
        }
        let count = digits.parse().map_err(|_| invalid())?;
        Ok(Self { count, unit })
    }
}

impl fmt::Display for RetentionPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = match self.unit {
            RetentionUnit::Day => 'd',
            RetentionUnit::Week => 'w',
            RetentionUnit::Month => 'm',
        };
        write!(f, "{}{letter}", self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_resource_definition_allows_and_nothing_else() {
        for (text, days) in [("1d", 1), ("30d", 30), ("4w", 28), ("3m", 93)] {
            let policy: RetentionPolicy = text.parse().unwrap();
            assert_eq!((policy.days(), policy.to_string().as_str()), (days, text));
        }
        for text in [
            "",
            "d",
            "0d",
            "07d",
            "+7d",
            "-7d",
            "7",
            "7y",
            "7D",
            " 7d",
            "99999999999d",
        ] {
            assert!(text.parse::<RetentionPolicy>().is_err(), "{text}");
        }
    }
}
