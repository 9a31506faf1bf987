use std::{cmp::Ordering, ops::Range};

use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
    tz::TimeZone,
};

use super::{timestamp, values::Values};

/// The seconds, minutes, … at which something runs.
///
/// Between two shifts of a zone's clocks, civil time runs like any other. So a run is looked for
/// by the calendar alone, and counts if it is found before the clocks shift; else the search goes
/// on from the shift, with the clocks as they are then.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Calendar {
    pub(super) second: Values,
    pub(super) minute: Values,
    pub(super) hour: Values,
    pub(super) day_of_month: Values,
    pub(super) month: Values,
    pub(super) day_of_week: Values,
}

/// How many calendar years the search goes on beyond that in which it begins.
const YEARS: i16 = 5;

impl Calendar {
    /// Returns the first run that is not before the second `from` since 1970.
    pub(super) fn next(&self, from: i64, zone: &TimeZone) -> Option<Timestamp> {
        let mut from = timestamp(from)?;
        let last_year = zone.to_datetime(from).year().saturating_add(YEARS);
        loop {
            let offset = zone.to_offset(from);
            let found = self.first_from(offset.to_datetime(from), last_year)?;
            let run = offset.to_timestamp(found).ok();
            let shift = zone.following(from).next().map(|shift| shift.timestamp());
            match shift {
                Some(shift) if run.is_none_or(|run| run >= shift) => from = shift,
                _ => return run,
            }
        }
    }

    /// Returns the last run that is not after the second `to` since 1970.
    pub(super) fn previous(&self, to: i64, zone: &TimeZone) -> Option<Timestamp> {
        let mut to = timestamp(to)?;
        let first_year = zone.to_datetime(to).year().saturating_sub(YEARS);
        loop {
            let offset = zone.to_offset(to);
            let found = self.last_to(offset.to_datetime(to), first_year)?;
            let run = offset.to_timestamp(found).ok();
            // A shift at `to` itself is the one with which the clocks came to be as they are.
            let behind = timestamp(to.as_second().checked_add(1)?)?;
            let shift = zone.preceding(behind).next().map(|shift| shift.timestamp());
            match shift {
                Some(shift) if run.is_none_or(|run| run < shift) => {
                    to = timestamp(shift.as_second().checked_sub(1)?)?;
                }
                _ => return run,
            }
        }
    }

    /// Counts the runs on `date`, which lasts for these seconds since 1970.
    pub(super) fn count(&self, date: Date, day: Range<i64>, zone: &TimeZone) -> u64 {
        let mut runs = 0;
        let mut begin = day.start;
        while begin < day.end
            && self.has_date(date)
            && let Some(at) = timestamp(begin)
        {
            let shift = zone.following(at).next().map(|shift| shift.timestamp());
            let end = shift.map_or(day.end, |shift| shift.as_second().min(day.end));
            let first = second_of_day(zone.to_datetime(at).time());
            runs += self.count_before(first + (end - begin)) - self.count_before(first);
            begin = end;
        }
        runs
    }

    /// Counts the runs of a day before a second of it, from 0 to 86,400.
    fn count_before(&self, second_of_day: i64) -> u64 {
        let [hour, minute, second] = [
            second_of_day / 3600,
            second_of_day / 60 % 60,
            second_of_day % 60,
        ]
        .map(|part| u8::try_from(part).expect("a day has no more than 24 hours"));
        let in_a_minute = self.second.count();
        let in_an_hour = self.minute.count() * in_a_minute;

        let mut runs = self.hour.count_below(hour) * in_an_hour;
        if self.hour.contains(hour) {
            runs += self.minute.count_below(minute) * in_a_minute;
            if self.minute.contains(minute) {
                runs += self.second.count_below(second);
            }
        }
        runs
    }

    /// Returns the first matching civil time that is not before `from`.
    fn first_from(&self, from: DateTime, last_year: i16) -> Option<DateTime> {
        if self.has_date(from.date())
            && let Some(time) = first_from(self.time_of_day(), clock(from.time()))
        {
            return Some(at(from.date(), time));
        }
        let time = first_from(self.time_of_day(), [0; 3])?;
        let mut date = from.date().tomorrow().ok()?;
        while !self.has_date(date) {
            if !self.has_month(date) {
                date = date.last_of_month();
            }
            date = date.tomorrow().ok()?;
            if date.year() > last_year {
                return None;
            }
        }
        Some(at(date, time))
    }

    /// Returns the last matching civil time that is not after `to`.
    fn last_to(&self, to: DateTime, first_year: i16) -> Option<DateTime> {
        if self.has_date(to.date())
            && let Some(time) = last_to(self.time_of_day(), clock(to.time()))
        {
            return Some(at(to.date(), time));
        }
        let time = last_to(self.time_of_day(), [23, 59, 59])?;
        let mut date = to.date().yesterday().ok()?;
        while !self.has_date(date) {
            if !self.has_month(date) {
                date = date.first_of_month();
            }
            date = date.yesterday().ok()?;
            if date.year() < first_year {
                return None;
            }
        }
        Some(at(date, time))
    }

    fn time_of_day(&self) -> [Values; 3] {
        [self.hour, self.minute, self.second]
    }

    fn has_date(&self, date: Date) -> bool {
        let weekday = date.weekday().to_sunday_zero_offset();
        let has_weekday = self.day_of_week.contains(weekday.unsigned_abs());
        let has_day = self.day_of_month.contains(date.day().unsigned_abs());
        let must_both_match = self.day_of_month.has_star || self.day_of_week.has_star;
        let has_either = if must_both_match {
            has_day && has_weekday
        } else {
            has_day || has_weekday
        };
        has_either && self.has_month(date)
    }

    fn has_month(&self, date: Date) -> bool {
        self.month.contains(date.month().unsigned_abs())
    }
}

/// Returns the first combination that is not less than `from`, reading from the left.
fn first_from(parts: [Values; 3], from: [u8; 3]) -> Option<[u8; 3]> {
    // The longer the beginning that stays, the less the whole grows.
    (0..=3).rev().find_map(|kept| {
        let mut found = from;
        for (index, values) in parts.into_iter().enumerate() {
            found[index] = match index.cmp(&kept) {
                Ordering::Less => values
                    .first_from(from[index])
                    .filter(|v| *v == from[index])?,
                Ordering::Equal => values.first_from(from[index] + 1)?,
                Ordering::Greater => values.first_from(0)?,
            };
        }
        Some(found)
    })
}

/// Returns the last combination that is not greater than `to`, reading from the left.
fn last_to(parts: [Values; 3], to: [u8; 3]) -> Option<[u8; 3]> {
    (0..=3).rev().find_map(|kept| {
        let mut found = to;
        for (index, values) in parts.into_iter().enumerate() {
            found[index] = match index.cmp(&kept) {
                Ordering::Less => values.last_to(to[index]).filter(|v| *v == to[index])?,
                Ordering::Equal => values.last_to(to[index].checked_sub(1)?)?,
                Ordering::Greater => values.last_to(59)?,
            };
        }
        Some(found)
    })
}

fn at(date: Date, parts: [u8; 3]) -> DateTime {
    let [hour, minute, second] = parts.map(u8::cast_signed);
    date.at(hour, minute, second, 0)
}

fn clock(time: Time) -> [u8; 3] {
    [time.hour(), time.minute(), time.second()].map(i8::unsigned_abs)
}

fn second_of_day(time: Time) -> i64 {
    let [hour, minute, second] = clock(time).map(i64::from);
    (hour * 60 + minute) * 60 + second
}
