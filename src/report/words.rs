//! Times, numbers and lists as people say them.

use std::fmt::Display;

use jiff::Timestamp;

use super::html::Html;
use crate::repository::BackupKind;

/// Returns a time to the second, in UTC.
pub(super) fn exact(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// Returns a time of day or a date as a title of an axis has it.
pub(super) fn day(time: Timestamp) -> String {
    time.strftime("%-d %b %Y").to_string()
}

/// Returns a length of time in its largest unit that says enough: `90 minutes`, `3 days`.
pub(super) fn span(seconds: i64) -> String {
    let seconds = seconds.unsigned_abs();
    let units = [
        (2 * YEAR, YEAR, "year"),
        (61 * DAY, MONTH, "month"),
        (2 * DAY, DAY, "day"),
        (2 * HOUR, HOUR, "hour"),
        (MINUTE, MINUTE, "minute"),
    ];
    let unit = units.into_iter().find(|(least, ..)| seconds >= *least);
    let (length, name) = unit.map_or((1, "second"), |(_, length, name)| (length, name));
    count(seconds / length, name)
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const MONTH: u64 = 30 * DAY;
const YEAR: u64 = 365 * DAY;

/// Returns how far a time lies from `now`.
pub(super) fn ago(time: Timestamp, now: Timestamp) -> String {
    match now.duration_since(time).as_secs() {
        -4..=4 => "just now".to_owned(),
        past @ 5.. => format!("{} ago", span(past)),
        future => format!("in {}", span(future)),
    }
}

/// Returns a number of things, of which one has this name, and several have it with an `s`.
pub(super) fn count(number: u64, name: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {name}{plural}", grouped(number))
}

/// Returns a number with its digits in groups of three.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns names as a list in a sentence: `a, b and c`.
pub(super) fn list<T: Display>(names: &[T]) -> String {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    match names.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

/// Returns what a kind of backup is called.
pub(super) fn kind(kind: BackupKind) -> &'static str {
    match kind {
        BackupKind::Full => "full",
        BackupKind::Differential => "differential",
        BackupKind::Incremental => "incremental",
    }
}

/// Writes how far a time lies from `now`, with its exact value for machines and on hovering.
pub(super) fn relative(html: &mut Html, time: Timestamp, now: Timestamp) {
    html.leaf(
        "time",
        &[("datetime", &time), ("title", &exact(time))],
        ago(time, now),
    );
}

/// Writes the exact value of a time.
pub(super) fn absolute(html: &mut Html, time: Timestamp) {
    html.leaf("time", &[("datetime", &time)], exact(time));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_in_the_largest_unit_that_says_enough() {
        for (seconds, text) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (60, "1 minute"),
            (7199, "119 minutes"),
            (7200, "2 hours"),
            (47 * 3600, "47 hours"),
            (48 * 3600, "2 days"),
            (60 * 86_400, "60 days"),
            (62 * 86_400, "2 months"),
            (800 * 86_400, "2 years"),
        ] {
            assert_eq!(span(seconds), text);
        }
    }

    #[test]
    fn what_is_to_come_is_told_from_what_was() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let at = |seconds| Timestamp::from_second(now.as_second() + seconds).unwrap();

        assert_eq!(ago(at(-3), now), "just now");
        assert_eq!(ago(at(-90), now), "1 minute ago");
        assert_eq!(ago(at(7200), now), "in 2 hours");
        assert!(ago(Timestamp::MIN, Timestamp::MAX).ends_with(" years ago"));
    }

    #[test]
    fn digits_are_grouped() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (u64::MAX, "18,446,744,073,709,551,615"),
        ] {
            assert_eq!(grouped(number), text);
        }
        assert_eq!(
            (count(1, "backup"), count(2, "backup")),
            ("1 backup".into(), "2 backups".into())
        );
    }

    #[test]
    fn names_are_listed_as_in_a_sentence() {
        let listed = |names: &[&str]| list(names);

        assert_eq!(listed(&[]), "");
        assert_eq!(listed(&["a"]), "a");
        assert_eq!(listed(&["a", "b"]), "a and b");
        assert_eq!(listed(&["a", "b", "c"]), "a, b and c");
    }
}
