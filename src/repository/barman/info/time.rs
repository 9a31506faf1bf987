use std::{fmt, str::FromStr};

use jiff::{Timestamp, civil::DateTime, tz::Offset};

/// A text is not a time.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is not a time such as 2026-11-22 12:48:08.279309+00:00")]
pub struct InvalidInfoTime(String);

/// A time in `backup.info`: whole microseconds, with the offset of the zone in which it is written.
///
/// Written as Python writes a `datetime`. Also read with `T` for the blank, `Z` for the offset, and
/// in the form of C's `ctime`; without an offset, which the tools take for the local zone of
/// whoever reads it, UTC is assumed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InfoTime {
    at: Timestamp,
    offset: Offset,
}

impl InfoTime {
    /// Takes a time to write with `offset`; less than a microsecond is cut off.
    pub fn new(at: Timestamp, offset: Offset) -> Self {
        let whole = Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at);
        Self { at: whole, offset }
    }

    /// Returns the time.
    pub const fn at(self) -> Timestamp {
        self.at
    }

    /// Returns the offset with which it is written.
    pub const fn offset(self) -> Offset {
        self.offset
    }
}

impl From<Timestamp> for InfoTime {
    /// Takes a time to write in UTC.
    fn from(at: Timestamp) -> Self {
        Self::new(at, Offset::UTC)
    }
}

impl fmt::Display for InfoTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let civil = self.offset.to_datetime(self.at);
        write!(f, "{} {}", civil.date(), civil.strftime("%H:%M:%S"))?;
        match civil.subsec_nanosecond() / 1_000 {
            0 => {}
            microseconds => write!(f, ".{microseconds:06}")?,
        }
        let seconds = self.offset.seconds();
        let sign = if seconds < 0 { '-' } else { '+' };
        let seconds = seconds.unsigned_abs();
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        write!(f, "{sign}{hours:02}:{minutes:02}")?;
        match seconds % 60 {
            0 => Ok(()),
            seconds => write!(f, ":{seconds:02}"),
        }
    }
}

impl FromStr for InfoTime {
    type Err = InvalidInfoTime;

    fn from_str(text: &str) -> Result<Self, InvalidInfoTime> {
        let invalid = || InvalidInfoTime(text.to_owned());
        let (civil, offset) = match DateTime::strptime("%a %b %d %H:%M:%S %Y", text) {
            Ok(civil) => (civil, Offset::UTC),
            Err(_) => split_offset(text).ok_or_else(invalid)?,
        };
        let at = offset.to_timestamp(civil).map_err(|_| invalid())?;
        Ok(Self::new(at, offset))
    }
}

/// Reads a date and time with an offset or without one.
fn split_offset(text: &str) -> Option<(DateTime, Offset)> {
    // The hyphens of the date come before.
    let time = text.find(['T', ' '])?;
    let end = text[time..].find(['+', '-', 'Z']).map(|end| time + end);
    let (civil, offset) = match end {
        None => (text, Offset::UTC),
        Some(end) => (text[..end].trim_end(), offset(&text[end..])?),
    };
    let civil = civil.parse().ok()?;
    Some((civil, offset))
}

/// Reads `Z`, `+HH`, `+HHMM`, `+HH:MM` or `+HH:MM:SS`.
fn offset(text: &str) -> Option<Offset> {
    if text == "Z" {
        return Some(Offset::UTC);
    }
    let digits = text.get(1..)?.replace(':', "");
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number || !matches!(digits.len(), 2 | 4 | 6) {
        return None;
    }
    let digits: i32 = format!("{digits:0<6}").parse().ok()?;
    let (minutes, seconds) = (digits / 100 % 100, digits % 100);
    if minutes > 59 || seconds > 59 {
        return None;
    }
    let seconds = digits / 10_000 * 3600 + minutes * 60 + seconds;
    let sign = if text.starts_with('-') { -1 } else { 1 };
    Offset::from_seconds(sign * seconds).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_written_as_python_writes_them() {
        for text in [
            "2026-11-22 12:48:08.279309+00:00",
            "2026-11-22 12:48:08+00:00",
            "2026-11-22 12:48:08.000001-03:30",
            "1883-11-18 12:03:57-04:56:02",
        ] {
            assert_eq!(text.parse::<InfoTime>().unwrap().to_string(), text);
        }
        let at: Timestamp = "2026-11-22T12:48:08.279309999Z".parse().unwrap();
        assert_eq!(
            InfoTime::from(at).to_string(),
            "2026-11-22 12:48:08.279309+00:00"
        );
    }

    #[test]
    fn other_forms_are_read() {
        for (text, written) in [
            ("2026-11-22T12:48:08Z", "2026-11-22 12:48:08+00:00"),
            (
                "2026-11-22T12:48:08.5+0130",
                "2026-11-22 12:48:08.500000+01:30",
            ),
            ("2026-11-22 12:48:08 -05", "2026-11-22 12:48:08-05:00"),
            ("2026-11-22 12:48:08", "2026-11-22 12:48:08+00:00"),
            ("Sun Nov 22 12:48:08 2026", "2026-11-22 12:48:08+00:00"),
        ] {
            assert_eq!(
                text.parse::<InfoTime>().unwrap().to_string(),
                written,
                "{text}"
            );
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "yesterday",
            "2026-11-22",
            "2026-13-22 12:48:08+00:00",
            "2026-11-22 12:48:08+0",
            "2026-11-22 12:48:08+00:60",
            "2026-11-22 12:48:08+99",
            "2026-11-22 12:48:08 UTC",
        ] {
            assert!(text.parse::<InfoTime>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_form_round_trips(
            at in -60_000_000_000_000_000_i64..200_000_000_000_000_000, offset in -86_400..86_400_i32,
        ) {
            let at = Timestamp::from_microsecond(at).unwrap();
            let time = InfoTime::new(at, Offset::from_seconds(offset).unwrap());

            prop_assert_eq!(time.to_string().parse(), Ok(time));
        }
    }
}
