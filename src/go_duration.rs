//! Durations in the grammar of Go's standard library, which Kubernetes resources use.
//!
//! The grammar and the limits are those of `time.ParseDuration`, the text form is that of
//! `time.Duration.String`. There are no days: the largest unit is the hour.

use std::{fmt, str::FromStr};

use jiff::SignedDuration;

/// A duration of whole nanoseconds, at most 292 years long, of either sign.
///
/// Reads a sign, then numbers with units (`ns`, `us` or `µs`, `ms`, `s`, `m`, `h`) that are added
/// up: `1h30m`, `-1.5s`, `.5m`. A bare `0` needs no unit.
///
/// ```
/// # use walcast::go_duration::GoDuration;
/// let duration: GoDuration = "90m".parse()?;
/// assert_eq!(duration.as_nanoseconds(), 5_400_000_000_000);
/// assert_eq!(duration.to_string(), "1h30m0s");
/// # Ok::<(), walcast::go_duration::InvalidGoDuration>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct GoDuration(i64);

/// A text is not a duration as Go writes it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{text}` is not a duration such as 1h30m or 500ms: {problem}")]
pub struct InvalidGoDuration {
    text: String,
    problem: Problem,
}

impl InvalidGoDuration {
    /// Tells the user what to do.
    pub fn hint(&self) -> &'static str {
        match self.problem {
            Problem::Unit(_) => "Use the units ns, us, ms, s, m and h; a day is 24h.",
            Problem::NoUnit => "Write a unit behind each number: 30s, not 30.",
            Problem::NoNumber => "Write numbers with units and no blanks: 1h30m.",
            Problem::TooLarge => "Choose a duration below 292 years.",
        }
    }
}

#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
enum Problem {
    #[error("a number is missing")]
    NoNumber,
    #[error("a number has no unit")]
    NoUnit,
    #[error("`{0}` is no unit")]
    Unit(String),
    #[error("it is too long")]
    TooLarge,
}

impl GoDuration {
    /// Wraps a number of nanoseconds.
    pub const fn from_nanoseconds(nanoseconds: i64) -> Self {
        Self(nanoseconds)
    }

    /// Returns the number of nanoseconds.
    pub const fn as_nanoseconds(self) -> i64 {
        self.0
    }

    fn read(text: &str) -> Result<Self, Problem> {
        let (is_negative, mut rest) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        if rest == "0" {
            return Ok(Self(0));
        }
        if rest.is_empty() {
            return Err(Problem::NoNumber);
        }
        let mut sum = 0_u64;
        while !rest.is_empty() {
            let (nanoseconds, behind) = read_term(rest)?;
            sum = within_limit(sum.checked_add(nanoseconds))?;
            rest = behind;
        }
        let signed = if is_negative {
            0_i64.checked_sub_unsigned(sum)
        } else {
            0_i64.checked_add_unsigned(sum)
        };
        signed.map(Self).ok_or(Problem::TooLarge)
    }
}

impl From<GoDuration> for SignedDuration {
    fn from(duration: GoDuration) -> Self {
        Self::from_nanos(duration.0)
    }
}

impl FromStr for GoDuration {
    type Err = InvalidGoDuration;

    fn from_str(text: &str) -> Result<Self, InvalidGoDuration> {
        Self::read(text).map_err(|problem| InvalidGoDuration {
            text: text.to_owned(),
            problem,
        })
    }
}

impl fmt::Display for GoDuration {
    /// Writes hours, minutes and seconds, or below one second a single unit: `1h30m0s`, `1.5ms`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanoseconds = self.0.unsigned_abs();
        if self.0 < 0 {
            f.write_str("-")?;
        }
        match nanoseconds {
            0 => f.write_str("0s"),
            1..1_000 => write!(f, "{nanoseconds}ns"),
            1_000..1_000_000 => write!(f, "{}µs", Decimal(nanoseconds, 3)),
            1_000_000..SECOND => write!(f, "{}ms", Decimal(nanoseconds, 6)),
            SECOND.. => {
                let (hours, minutes) = (nanoseconds / HOUR, nanoseconds % HOUR / MINUTE);
                if hours > 0 {
                    write!(f, "{hours}h")?;
                }
                if hours > 0 || minutes > 0 {
                    write!(f, "{minutes}m")?;
                }
                write!(f, "{}s", Decimal(nanoseconds % MINUTE, 9))
            }
        }
    }
}

impl serde::Serialize for GoDuration {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for GoDuration {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'_, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A number whose last digits, as many as the second part says, are behind the point; zeros at the
/// end are not written.
struct Decimal(u64, u32);

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(number, digits) = *self;
        let scale = 10_u64.pow(digits);
        write!(f, "{}", number / scale)?;
        if number % scale == 0 {
            return Ok(());
        }
        let width = digits as usize;
        let fraction = format!("{:0width$}", number % scale);
        write!(f, ".{}", fraction.trim_end_matches('0'))
    }
}

/// Reads a number with its unit; returns its nanoseconds and what is behind it.
fn read_term(text: &str) -> Result<(u64, &str), Problem> {
    let (whole_digits, mut rest) = split_digits(text);
    let mut fraction_digits = "";
    if let Some(behind) = rest.strip_prefix('.') {
        (fraction_digits, rest) = split_digits(behind);
    }
    if whole_digits.is_empty() && fraction_digits.is_empty() {
        return Err(Problem::NoNumber);
    }
    let end = rest.find(|c: char| c == '.' || c.is_ascii_digit());
    let (unit, behind) = rest.split_at(end.unwrap_or(rest.len()));
    if unit.is_empty() {
        return Err(Problem::NoUnit);
    }
    let unit = unit_nanoseconds(unit).ok_or_else(|| Problem::Unit(unit.to_owned()))?;
    let whole = match whole_digits {
        "" => 0,
        digits => digits.parse::<u64>().map_err(|_| Problem::TooLarge)?,
    };
    let nanoseconds = within_limit(whole.checked_mul(unit))? + fraction_of(fraction_digits, unit);
    Ok((within_limit(Some(nanoseconds))?, behind))
}

fn split_digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit());
    text.split_at(end.unwrap_or(text.len()))
}

fn unit_nanoseconds(unit: &str) -> Option<u64> {
    Some(match unit {
        "ns" => 1,
        // The micro sign and the Greek letter.
        "us" | "\u{B5}s" | "\u{3BC}s" => 1_000,
        "ms" => 1_000_000,
        "s" => SECOND,
        "m" => MINUTE,
        "h" => HOUR,
        _ => return None,
    })
}

/// Returns what the digits behind a point are worth, rounded as Go rounds them: as a product of
/// floating-point numbers, cut to whole nanoseconds, with digits that no longer fit left out.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "this is how Go computes it; the result is below one hour"
)]
fn fraction_of(digits: &str, unit: u64) -> u64 {
    let (mut number, mut scale) = (0_u64, 1.0_f64);
    for digit in digits.bytes().map(|byte| u64::from(byte - b'0')) {
        if number > LIMIT / 10 || number * 10 + digit > LIMIT {
            break;
        }
        number = number * 10 + digit;
        scale *= 10.0;
    }
    (number as f64 * (unit as f64 / scale)) as u64
}

fn within_limit(nanoseconds: Option<u64>) -> Result<u64, Problem> {
    nanoseconds
        .filter(|nanoseconds| *nanoseconds <= LIMIT)
        .ok_or(Problem::TooLarge)
}

/// The largest absolute value, which only a negative duration may have.
const LIMIT: u64 = 1 << 63;
const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_are_read_and_written_as_go_does() {
        for (text, nanoseconds, written) in [
            ("0", 0, "0s"),
            ("-0", 0, "0s"),
            ("+0", 0, "0s"),
            ("0h", 0, "0s"),
            ("1ns", 1, "1ns"),
            ("+5s", 5_000_000_000, "5s"),
            ("-5s", -5_000_000_000, "-5s"),
            ("1us", 1_000, "1µs"),
            ("12\u{B5}s", 12_000, "12µs"),
            ("12\u{3BC}s", 12_000, "12µs"),
            ("1100ns", 1_100, "1.1µs"),
            ("2200us", 2_200_000, "2.2ms"),
            ("1.5ms", 1_500_000, "1.5ms"),
            ("3300ms", 3_300_000_000, "3.3s"),
            (".5s", 500_000_000, "500ms"),
            ("5.s", 5_000_000_000, "5s"),
            ("1.004s", 1_004_000_000, "1.004s"),
            ("100.00100s", 100_001_000_000, "1m40.001s"),
            ("10.5s4m", 250_500_000_000, "4m10.5s"),
            ("1h30m", 5_400_000_000_000, "1h30m0s"),
            ("1h0m", 3_600_000_000_000, "1h0m0s"),
            ("39h9m14.425s", 140_954_425_000_000, "39h9m14.425s"),
            ("52763797000ns", 52_763_797_000, "52.763797s"),
            ("0.3333333333333333333h", 1_200_000_000_000, "20m0s"),
            ("0.100000000000000000000h", 360_000_000_000, "6m0s"),
            (
                "0.9223372036854775807h",
                3_320_413_933_267,
                "55m20.413933267s",
            ),
            (
                "9223372036854775807ns",
                i64::MAX,
                "2562047h47m16.854775807s",
            ),
            (
                "-9223372036854775808ns",
                i64::MIN,
                "-2562047h47m16.854775808s",
            ),
        ] {
            let duration: GoDuration = text.parse().unwrap();
            assert_eq!(duration.as_nanoseconds(), nanoseconds, "{text}");
            assert_eq!(duration.to_string(), written, "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused_with_the_reason() {
        for (text, problem) in [
            ("", "a number is missing"),
            ("-", "a number is missing"),
            (".", "a number is missing"),
            (".s", "a number is missing"),
            ("s", "a number is missing"),
            (" 5m", "a number is missing"),
            ("--5m", "a number is missing"),
            ("3", "a number has no unit"),
            ("1h3", "a number has no unit"),
            ("1.2.3s", "a number has no unit"),
            ("1d", "`d` is no unit"),
            ("1H", "`H` is no unit"),
            ("5m ", "`m ` is no unit"),
            ("1h 30m", "`h ` is no unit"),
            ("1h-30m", "`h-` is no unit"),
            ("9223372036854775808ns", "it is too long"),
            ("-9223372036854775809ns", "it is too long"),
            ("9223372036854775.808us", "it is too long"),
            ("3000000h", "it is too long"),
            ("99999999999999999999s", "it is too long"),
            ("2562047h2562047h", "it is too long"),
        ] {
            let error = text.parse::<GoDuration>().unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("`{text}` is not a duration such as 1h30m or 500ms: {problem}")
            );
            assert!(error.hint().ends_with('.'));
        }
    }

    proptest! {
        #[test]
        fn text_form_round_trips_also_in_json(nanoseconds: i64) {
            let duration = GoDuration::from_nanoseconds(nanoseconds);
            let json = serde_json::to_string(&duration).unwrap();

            prop_assert_eq!(duration.to_string().parse(), Ok(duration));
            prop_assert_eq!(serde_json::from_str::<GoDuration>(&json).unwrap(), duration);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[-+]?([0-9]{0,20}[.]?[0-9]{0,20}(ns|us|µs|ms|s|m|h|d)?){0,3}") {
            if let Ok(duration) = text.parse::<GoDuration>() {
                prop_assert_eq!(duration.to_string().parse(), Ok(duration));
            }
        }
    }
}
