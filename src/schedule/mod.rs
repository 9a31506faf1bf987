//! Schedules in the grammar of CloudNativePG's `ScheduledBackup`.
//!
//! The operator reads them with `cron.Parse` of the Go library `robfig/cron` 1.2.0, which differs
//! from the usual crontab: **seconds come first**, and it is the day of the week that may be left
//! out. So `0 3 * * *`, elsewhere "daily at 03:00", is "at minute 3 of every hour" here;
//! [`Schedule::form`] tells such a schedule, [`Schedule::runs_per_day`] what it comes to.
//!
//! | form | example |
//! | --- | --- |
//! | six fields: second, minute, hour, day of month, month, day of week | `0 30 2 * * mon-fri` |
//! | five fields: without the day of week | `0 30 2 1,15 *` |
//! | descriptor: `@yearly`, `@annually`, `@monthly`, `@weekly`, `@daily`, `@midnight`, `@hourly` | `@daily` |
//! | a delay since the run before | `@every 1h30m` |
//!
//! A field is a comma-separated list of `*`, `?` (the same), `N`, `N-M`, each with an optional
//! `/STEP`; `N/STEP` goes on to the field's end. Months and days of the week also have English
//! names of three letters in either case; Sunday is 0, and there is no 7. Empty items of a list
//! are passed over, so that `,` alone never runs. If day of month *or* day of week has a star,
//! also in `*/2`, both must match; if neither has one, either suffices.
//!
//! There is no time zone in the text: the operator takes that of its container, which is UTC
//! unless somebody changed it. A run at a time of day that a shift of the clock leaves out does
//! not happen on that day; one at a time that comes twice happens twice. This is what the library
//! does where clocks shift by whole hours and not at midnight; elsewhere it misses runs by its own
//! arithmetic, which is not repeated here.
//!
//! ```
//! use jiff::{Timestamp, civil::date, tz::TimeZone};
//! use walcast::schedule::{Form, Schedule};
//!
//! let schedule = Schedule::parse("0 3 * * *")?;
//! assert_eq!(schedule.form(), Form::FiveFields);
//! assert_eq!(schedule.runs_per_day(date(2026, 11, 22), &TimeZone::UTC), 24);
//!
//! let after: Timestamp = "2026-11-22T12:48:08Z".parse()?;
//! let next = schedule.next(after, &TimeZone::UTC).map(|run| run.to_string());
//! assert_eq!(next.as_deref(), Some("2026-11-22T13:03:00Z"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod calendar;
mod error;
mod parse;
mod values;

use std::{fmt, str::FromStr};

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use self::calendar::Calendar;
pub use self::error::{Field, InvalidSchedule, ScheduleProblem};

/// When something runs. Keeps the text that it was read from.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Schedule {
    text: String,
    form: Form,
    rule: Rule,
}

/// How a schedule is written.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Form {
    /// Second, minute, hour, day of month and month, which many people mean to be minute, hour,
    /// day of month, month and day of week.
    FiveFields,
    /// All fields.
    SixFields,
    /// A name, such as `@daily`.
    Descriptor,
    /// `@every` and a duration.
    Every,
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum Rule {
    Calendar(Calendar),
    /// The delay in seconds, at least 1.
    Every(i64),
}

impl Schedule {
    /// Reads a schedule exactly as the operator does, which forgives no blank around a descriptor.
    pub fn parse(text: &str) -> Result<Self, InvalidSchedule> {
        let (form, rule) =
            parse::rule(text).map_err(|problem| InvalidSchedule::new(text, problem))?;
        Ok(Self {
            text: text.to_owned(),
            form,
            rule,
        })
    }

    /// Returns the text, unchanged.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns how it is written.
    pub fn form(&self) -> Form {
        self.form
    }

    /// Returns the number of fields, 5 or 6; `None` if it begins with `@`.
    pub fn field_count(&self) -> Option<usize> {
        match self.form {
            Form::FiveFields => Some(5),
            Form::SixFields => Some(6),
            Form::Descriptor | Form::Every => None,
        }
    }

    /// Returns the first run after `after`, on a whole second by the clocks of `zone`.
    ///
    /// `None` if there is none up to the end of the fifth calendar year after: the operator gives
    /// up there, and the schedule never runs. With `@every` this is `after` without its fraction of
    /// a second, plus the delay.
    pub fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        match &self.rule {
            Rule::Calendar(calendar) => calendar.next(whole_seconds(after).checked_add(1)?, zone),
            Rule::Every(delay) => timestamp(whole_seconds(after).checked_add(*delay)?),
        }
    }

    /// Returns the last run before `before`, looking back as far as [`next`](Self::next) looks
    /// ahead.
    ///
    /// A schedule with `@every` has no runs of its own, only those since some earlier one; this
    /// takes `before` for the run that follows, again without its fraction of a second.
    pub fn previous(&self, before: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        match &self.rule {
            Rule::Calendar(calendar) => {
                let before = before.as_nanosecond() - 1;
                let last = i64::try_from(before.div_euclid(NANOSECONDS)).ok()?;
                calendar.previous(last, zone)
            }
            Rule::Every(delay) => timestamp(whole_seconds(before).checked_sub(*delay)?),
        }
    }

    /// Returns the runs after `after`, which end where [`next`](Self::next) gives up.
    pub fn runs<'a>(
        &'a self,
        after: Timestamp,
        zone: &'a TimeZone,
    ) -> impl Iterator<Item = Timestamp> + 'a {
        std::iter::successors(self.next(after, zone), |run| self.next(*run, zone))
    }

    /// Counts the runs on `date`: exactly, with what a shift of the clocks takes or adds.
    ///
    /// For `@every` these are the runs after one at the beginning of that day.
    pub fn runs_per_day(&self, date: Date, zone: &TimeZone) -> u64 {
        let Some((begin, end)) = day(date, zone) else {
            return 0;
        };
        match &self.rule {
            Rule::Calendar(calendar) => calendar.count(date, begin..end, zone),
            Rule::Every(delay) => ((end - begin) / delay).unsigned_abs(),
        }
    }
}

const NANOSECONDS: i128 = 1_000_000_000;

/// Returns the second in which `at` lies, also before 1970.
fn whole_seconds(at: Timestamp) -> i64 {
    let seconds = at.as_nanosecond().div_euclid(NANOSECONDS);
    i64::try_from(seconds).expect("a timestamp's seconds fit in 64 bits")
}

fn timestamp(seconds: i64) -> Option<Timestamp> {
    Timestamp::from_second(seconds).ok()
}

/// Returns the seconds from which to which `date` lasts; `None` at the end of time.
fn day(date: Date, zone: &TimeZone) -> Option<(i64, i64)> {
    let begin = |date: Date| date.to_zoned(zone.clone()).ok().map(|at| at.timestamp());
    let (begin, end) = (begin(date)?, begin(date.tomorrow().ok()?)?);
    Some((begin.as_second(), end.as_second()))
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl FromStr for Schedule {
    type Err = InvalidSchedule;

    fn from_str(text: &str) -> Result<Self, InvalidSchedule> {
        Self::parse(text)
    }
}

impl serde::Serialize for Schedule {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> serde::Deserialize<'de> for Schedule {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'_, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
