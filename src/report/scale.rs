//! Times as places on an axis.

use std::fmt;

use jiff::{Timestamp, civil, tz::TimeZone};

/// A place on an axis, from 0 to 100 percent of its length, in thousandths of a percent.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Place(pub(super) u32);

impl Place {
    /// The end of an axis.
    pub(super) const END: Self = Self(100_000);

    /// Returns `part` of `whole`, at most all of it.
    pub(super) fn of(part: u64, whole: u64) -> Self {
        let part = u128::from(part.min(whole)) * u128::from(Self::END.0);
        let part = part.checked_div(u128::from(whole)).unwrap_or_default();
        Self(u32::try_from(part).expect("a part is at most the whole"))
    }

    /// Returns in which of so many equal parts of the axis it lies.
    pub(super) fn slot(self, parts: u32) -> u32 {
        (self.0 / Self::END.0.div_ceil(parts)).min(parts - 1)
    }

    /// Returns how far it is from an earlier place.
    pub(super) fn since(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}%", self.0 / 1000, self.0 % 1000)
    }
}

/// An axis of time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Scale {
    from: i64,
    to: i64,
}

/// A mark on an axis.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Tick {
    /// Where.
    pub(super) place: Place,
    /// What stands there.
    pub(super) label: String,
}

impl Scale {
    /// Makes an axis; one of less than an hour begins earlier.
    pub(super) fn new(from: Timestamp, to: Timestamp) -> Self {
        let to = to.as_second();
        Self {
            from: from.as_second().min(to - 3600),
            to,
        }
    }

    /// Returns its length in seconds.
    pub(super) fn seconds(self) -> i64 {
        self.to - self.from
    }

    /// Returns its first and its last time.
    pub(super) fn ends(self) -> (Timestamp, Timestamp) {
        let time = |second| Timestamp::from_second(second).unwrap_or_default();
        (time(self.from), time(self.to))
    }

    /// Returns where a time lies; what is outside lies at the next end.
    pub(super) fn place(self, time: Timestamp) -> Place {
        let after = time.as_second().clamp(self.from, self.to) - self.from;
        Place::of(after.unsigned_abs(), self.seconds().unsigned_abs())
    }

    /// Whether a stretch of time has a part on it.
    pub(super) fn shows(self, from: Timestamp, to: Timestamp) -> bool {
        to.as_second() >= self.from && from.as_second() <= self.to
    }

    /// Returns at most nine marks at round times.
    pub(super) fn ticks(self) -> Vec<Tick> {
        let steps = STEPS.iter().copied().chain(centuries());
        let is_enough = |step: &Step| self.seconds() / step.seconds() <= 7;
        let Some(step) = steps.into_iter().find(is_enough) else {
            return Vec::new();
        };
        let times = step.times(self.from, self.to).into_iter();
        let ticks = times.map(|time| Tick {
            place: self.place(time),
            label: step.label(time),
        });
        ticks.collect()
    }
}

/// A round length of time.
#[derive(Clone, Copy, Debug)]
enum Step {
    Seconds(i64),
    Months(i64),
}

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

const STEPS: &[Step] = &[
    Step::Seconds(HOUR / 6),
    Step::Seconds(HOUR / 2),
    Step::Seconds(HOUR),
    Step::Seconds(2 * HOUR),
    Step::Seconds(4 * HOUR),
    Step::Seconds(12 * HOUR),
    Step::Seconds(DAY),
    Step::Seconds(2 * DAY),
    Step::Seconds(7 * DAY),
    Step::Seconds(14 * DAY),
    Step::Months(1),
    Step::Months(3),
    Step::Months(6),
    Step::Months(12),
    Step::Months(24),
    Step::Months(60),
    Step::Months(120),
    Step::Months(600),
];

fn centuries() -> impl Iterator<Item = Step> {
    [100, 500, 2000, 5000]
        .into_iter()
        .map(|years| Step::Months(12 * years))
}

impl Step {
    fn seconds(self) -> i64 {
        match self {
            Self::Seconds(seconds) => seconds,
            Self::Months(months) => months * 30 * DAY,
        }
    }

    /// Returns the round times between two others.
    fn times(self, from: i64, to: i64) -> Vec<Timestamp> {
        let times: Vec<Timestamp> = match self {
            Self::Seconds(step) => {
                // Weeks begin on Mondays; the first one after the epoch is its fifth day.
                let offset = if step % (7 * DAY) == 0 { 4 * DAY } else { 0 };
                let first = (from - offset).div_euclid(step);
                let last = (to - offset).div_euclid(step);
                let times = (first..=last).map(|number| number * step + offset);
                times
                    .filter_map(|time| Timestamp::from_second(time).ok())
                    .collect()
            }
            Self::Months(step) => {
                let (first, last) = (
                    month_of(from).div_euclid(step),
                    month_of(to).div_euclid(step),
                );
                (first..=last)
                    .filter_map(|number| beginning(number * step))
                    .collect()
            }
        };
        let is_inside = |time: &Timestamp| (from..=to).contains(&time.as_second());
        times.into_iter().filter(is_inside).collect()
    }

    fn label(self, time: Timestamp) -> String {
        let format = match self {
            Self::Seconds(step) if step < DAY && time.as_second() % DAY != 0 => "%H:%M",
            Self::Seconds(_) => "%-d %b",
            Self::Months(step) if step % 12 == 0 => "%Y",
            Self::Months(_) if month_of(time.as_second()) % 12 == 0 => "%Y",
            Self::Months(_) => "%b",
        };
        time.strftime(format).to_string()
    }
}

/// Returns the month of a time, counted from the beginning of the year 0.
fn month_of(seconds: i64) -> i64 {
    let time = Timestamp::from_second(seconds).unwrap_or_default();
    let date = time.to_zoned(TimeZone::UTC).date();
    i64::from(date.year()) * 12 + i64::from(date.month()) - 1
}

fn beginning(month: i64) -> Option<Timestamp> {
    let year = i16::try_from(month.div_euclid(12)).ok()?;
    let month = i8::try_from(month.rem_euclid(12) + 1).ok()?;
    let date = civil::Date::new(year, month, 1).ok()?;
    Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn labels(from: &str, to: &str) -> Vec<String> {
        let ticks = Scale::new(at(from), at(to)).ticks().into_iter();
        ticks.map(|tick| tick.label).collect()
    }

    #[test]
    fn a_place_is_a_part_of_the_length() {
        let scale = Scale::new(at("2026-03-01T00:00:00Z"), at("2026-03-03T00:00:00Z"));

        let place = |text| scale.place(at(text)).to_string();
        assert_eq!(place("2026-03-01T12:00:00Z"), "25.000%");
        assert_eq!(place("2025-01-01T00:00:00Z"), "0.000%");
        assert_eq!(place("2027-01-01T00:00:00Z"), "100.000%");
    }

    #[test]
    fn marks_are_at_round_times() {
        assert_eq!(
            labels("2026-02-28T19:30:00Z", "2026-03-01T11:10:00Z"),
            [
                "20:00", "22:00", "1 Mar", "02:00", "04:00", "06:00", "08:00", "10:00"
            ]
        );
        assert_eq!(
            labels("2026-02-01T10:00:00Z", "2026-03-03T00:00:00Z"),
            ["2 Feb", "9 Feb", "16 Feb", "23 Feb", "2 Mar"]
        );
        assert_eq!(
            labels("2025-11-20T00:00:00Z", "2026-04-03T00:00:00Z"),
            ["Dec", "2026", "Feb", "Mar", "Apr"]
        );
        assert_eq!(
            labels("2001-11-20T00:00:00Z", "2014-04-03T00:00:00Z"),
            ["2002", "2004", "2006", "2008", "2010", "2012", "2014"]
        );
    }

    proptest! {
        #[test]
        fn every_axis_has_few_marks_in_order(from in -300_000_000_000_i64..250_000_000_000, length in 0_i64..600_000_000_000) {
            let limit = |second: i64| {
                Timestamp::from_second(second.clamp(Timestamp::MIN.as_second() + 3600, Timestamp::MAX.as_second())).unwrap()
            };
            let ticks = Scale::new(limit(from), limit(from.saturating_add(length))).ticks();

            prop_assert!(ticks.len() <= 9);
            prop_assert!(ticks.is_sorted_by(|one, next| one.place <= next.place));
        }
    }
}
