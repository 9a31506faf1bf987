use jiff::{ToSpan, civil::date};
use proptest::prelude::*;

use super::*;

const DAY: Date = date(2026, 11, 22);

fn schedule(text: &str) -> Schedule {
    Schedule::parse(text).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The rule of New York since 2007, so that no time zone database is needed.
fn new_york() -> TimeZone {
    TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap()
}

/// Half an hour of summer time, which begins on the first Sunday of October.
fn lord_howe() -> TimeZone {
    TimeZone::posix("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0").unwrap()
}

/// What the Go library answers in UTC: from, expression, next.
const UTC: &str = "
# The traps: what a crontab's five fields mean here.
2026-11-22T02:59:59Z | 0 0 3 * * * | 2026-11-22T03:00:00Z
2026-11-22T03:00:00Z | 0 0 3 * * * | 2026-11-23T03:00:00Z
2026-11-22T03:03:00Z | 0 3 * * * | 2026-11-22T04:03:00Z
2026-11-22T12:00:00Z | 40 4 * * * | 2026-11-22T12:04:40Z
2026-11-22T12:00:00Z | 0 0 * * * | 2026-11-22T13:00:00Z
2026-11-22T12:00:00Z | */15 * * * * | 2026-11-22T12:00:15Z
2026-11-22T12:00:00Z | 0 2 * * 1 | 2027-01-01T00:02:00Z
2027-01-01T00:02:00Z | 0 2 * * 1 | 2027-01-01T01:02:00Z
2026-11-22T12:00:00Z | 0 2 * * 1-5 | 2027-01-01T00:02:00Z
2026-05-31T23:02:00Z | 0 2 * * 1-5 | 2027-01-01T00:02:00Z
2026-11-22T12:01:00Z | 0 2 * * * * | 2026-11-22T12:02:00Z
# A run is strictly later, on a whole second.
2012-07-09T14:45:00Z | 0 0/15 * * * | 2012-07-09T15:00:00Z
2012-07-09T14:59:59Z | 0 0/15 * * * | 2012-07-09T15:00:00Z
2012-07-09T14:59:59.9Z | 0 0/15 * * * | 2012-07-09T15:00:00Z
2012-07-09T15:00:00.1Z | 0 0/15 * * * | 2012-07-09T15:15:00Z
1969-12-31T23:59:58.5Z | * * * * * * | 1969-12-31T23:59:59Z
# Into the next hour, day, month and year.
2012-07-09T15:45:00Z | 0 20-35/15 * * * | 2012-07-09T16:20:00Z
2012-07-09T23:46:00Z | 0 */15 * * * | 2012-07-10T00:00:00Z
2012-07-09T23:35:51Z | 15/35 20-35/15 * * * | 2012-07-10T00:20:15Z
2012-07-09T23:35:51Z | 15/35 20-35/15 1/2 * * | 2012-07-10T01:20:15Z
2012-07-09T23:35:51Z | 15/35 20-35/15 10-12 * * | 2012-07-10T10:20:15Z
2012-07-09T23:35:51Z | 15/35 20-35/15 1/2 */2 * * | 2012-07-11T01:20:15Z
2012-07-09T23:35:51Z | 15/35 20-35/15 * 9-20 * * | 2012-07-10T00:20:15Z
2012-07-09T23:35:00Z | 0 0 0 9 Apr-Oct ? | 2012-08-09T00:00:00Z
2012-07-09T23:35:00Z | 0 0 0 */5 Apr,Aug,Oct Mon | 2012-08-06T00:00:00Z
2012-07-09T23:35:00Z | 0 0 0 */5 Oct Mon | 2012-10-01T00:00:00Z
2012-07-09T23:35:00Z | 0 0 0 * Feb Mon | 2013-02-04T00:00:00Z
2012-07-09T23:35:00Z | 0 0 0 * Feb Mon/2 | 2013-02-01T00:00:00Z
2012-12-31T23:59:45Z | 0 * * * * * | 2013-01-01T00:00:00Z
2012-07-09T23:35:00Z | 0 0 0 29 Feb ? | 2016-02-29T00:00:00Z
2012-02-29T00:00:00Z | 0 0 0 29 Feb ? | 2016-02-29T00:00:00Z
# Day of month or day of week; both, if one has a star.
2012-07-08T12:00:00Z | 0 0 0 1,15 * Mon | 2012-07-09T00:00:00Z
2012-07-09T00:00:00Z | 0 0 0 1,10 * Mon | 2012-07-10T00:00:00Z
2012-07-09T00:00:00Z | 0 0 0 1,15 * * | 2012-07-15T00:00:00Z
2012-07-09T00:00:00Z | 0 0 0 */10 * Sun | 2012-10-21T00:00:00Z
2012-07-09T00:00:00Z | 0 0 0 1-31 * Sun | 2012-07-10T00:00:00Z
2012-07-09T00:00:00Z | 0 0 0 ? * Sun | 2012-07-15T00:00:00Z
2012-07-09T00:00:00Z | 0 0 0 13 * 1-1,*/6 | 2012-08-13T00:00:00Z
# Forms of an item.
2026-11-22T12:00:00Z | 0 0 6 * * SUN-tUe | 2026-11-23T06:00:00Z
2026-11-22T12:00:00Z | 1,,2 * * * * * | 2026-11-22T12:00:01Z
2026-11-22T12:00:00Z | *-9 * * * * * | 2026-11-22T12:00:01Z
2026-11-22T12:00:00Z | *-9-x/30 * * * * * | 2026-11-22T12:00:30Z
2026-11-22T12:00:00Z | 50/5 * * * * * | 2026-11-22T12:00:50Z
2026-11-22T12:00:55Z | 50/5 * * * * * | 2026-11-22T12:01:50Z
2026-11-22T12:00:00Z | +7/99999999999 * * * * * | 2026-11-22T12:00:07Z
# Descriptors.
2026-11-22T12:00:00Z | @yearly | 2027-01-01T00:00:00Z
2026-11-22T12:00:00Z | @annually | 2027-01-01T00:00:00Z
2026-11-22T12:00:00Z | @monthly | 2026-12-01T00:00:00Z
2026-11-22T00:00:00Z | @weekly | 2026-11-29T00:00:00Z
2026-11-22T12:00:00Z | @daily | 2026-11-23T00:00:00Z
2026-11-22T12:00:00Z | @midnight | 2026-11-23T00:00:00Z
2026-11-22T12:00:00Z | @hourly | 2026-11-22T13:00:00Z
2026-11-22T12:00:00Z | @every 1h30m | 2026-11-22T13:30:00Z
2026-11-22T12:00:00.7Z | @every 5m | 2026-11-22T12:05:00Z
2026-11-22T12:00:00.7Z | @every 1.9s | 2026-11-22T12:00:01Z
2026-11-22T12:00:00.7Z | @every 30ms | 2026-11-22T12:00:01Z
2026-11-22T12:00:00Z | @every -5m | 2026-11-22T12:00:01Z
2026-11-22T12:00:00Z | @every 0 | 2026-11-22T12:00:01Z
";

/// The same in New York.
const NEW_YORK: &str = "
# Clocks go forward: the hour that is left out has no run.
2012-03-11T00:00:00-05 | 0 30 2 11 Mar ? | 2013-03-11T02:30:00-04
2012-03-11T00:00:00-05 | 0 0 * * * ? | 2012-03-11T01:00:00-05
2012-03-11T01:00:00-05 | 0 0 * * * ? | 2012-03-11T03:00:00-04
2012-03-11T03:00:00-04 | 0 0 * * * ? | 2012-03-11T04:00:00-04
2012-03-11T01:00:00-05 | 0 0 1 * * ? | 2012-03-12T01:00:00-04
2012-03-11T00:00:00-05 | 0 0 2 * * ? | 2012-03-12T02:00:00-04
2012-03-11T00:00:00-05 | 0 0 3 * * ? | 2012-03-11T03:00:00-04
# Clocks go back: the hour that comes twice has two.
2012-11-04T00:00:00-04 | 0 30 2 04 Nov ? | 2012-11-04T02:30:00-05
2012-11-04T01:45:00-04 | 0 30 1 04 Nov ? | 2012-11-04T01:30:00-05
2012-11-04T00:00:00-04 | 0 0 * * * ? | 2012-11-04T01:00:00-04
2012-11-04T01:00:00-04 | 0 0 * * * ? | 2012-11-04T01:00:00-05
2012-11-04T01:00:00-05 | 0 0 * * * ? | 2012-11-04T02:00:00-05
2012-11-04T01:00:00-04 | 0 0 1 * * ? | 2012-11-04T01:00:00-05
2012-11-04T01:00:00-05 | 0 0 1 * * ? | 2012-11-05T01:00:00-05
2012-11-04T00:00:00-04 | 0 0 2 * * ? | 2012-11-04T02:00:00-05
";

#[test]
fn next_runs_are_those_of_the_go_library() {
    for (table, zone) in [(UTC, TimeZone::UTC), (NEW_YORK, new_york())] {
        for row in table.lines().filter(|row| row.contains('|')) {
            let [from, text, next] = row.split(" | ").collect::<Vec<_>>()[..] else {
                panic!("{row} is no row");
            };
            assert_eq!(
                schedule(text).next(at(from), &zone),
                Some(at(next)),
                "{row}"
            );
        }
    }
}

#[test]
fn fields_are_separated_by_any_white_space() {
    let schedule = schedule(" 0\t007\u{A0}* *\n* ");

    let next = schedule.next(at("2026-11-22T12:00:00Z"), &TimeZone::UTC);

    assert_eq!(next, Some(at("2026-11-22T12:07:00Z")));
}

#[test]
fn a_search_ends_with_the_fifth_year() {
    for (from, text, next) in [
        ("2012-07-09T23:35:00Z", "0 0 0 30 Feb ?", None),
        ("2012-07-09T23:35:00Z", "0 0 0 31 Apr ?", None),
        ("2012-07-09T23:35:00Z", ", * * * * *", None),
        ("2012-07-09T23:35:00Z", "0 0 0 , * ?", None),
        ("2096-03-01T00:00:00Z", "0 0 0 29 Feb ?", None),
        ("2098-12-31T23:59:58Z", "0 0 0 29 Feb ?", None),
        (
            "2098-12-31T23:59:59Z",
            "0 0 0 29 Feb ?",
            Some("2104-02-29T00:00:00Z"),
        ),
    ] {
        let next = next.map(at);
        assert_eq!(
            schedule(text).next(at(from), &TimeZone::UTC),
            next,
            "{text}"
        );
    }
    let leap_day = schedule("0 0 0 29 Feb ?");
    let previous = |before| leap_day.previous(at(before), &TimeZone::UTC);
    assert_eq!(
        previous("2101-12-31T23:59:59Z"),
        Some(at("2096-02-29T00:00:00Z"))
    );
    assert_eq!(previous("2102-01-01T00:00:01Z"), None);
    let never = schedule("0 0 0 30 Feb ?");
    assert_eq!(never.next(at("2012-07-09T23:35:00Z"), &new_york()), None);
    assert_eq!(
        never.previous(at("2012-07-09T23:35:00Z"), &new_york()),
        None
    );
    assert_eq!(leap_day.next(Timestamp::MAX, &TimeZone::UTC), None);
    assert_eq!(leap_day.previous(Timestamp::MIN, &TimeZone::UTC), None);
}

#[test]
fn previous_runs_lead_back_through_both_shifts() {
    let zone = new_york();
    let hourly = schedule("0 30 * * * *");

    for (before, previous) in [
        ("2012-11-04T02:00:00-05", "2012-11-04T01:30:00-05"),
        ("2012-11-04T01:30:00-05", "2012-11-04T01:30:00-04"),
        ("2012-11-04T01:30:00-04", "2012-11-04T00:30:00-04"),
        ("2012-03-11T03:30:00-04", "2012-03-11T01:30:00-05"),
        ("2012-03-11T03:30:00.1-04", "2012-03-11T03:30:00-04"),
    ] {
        assert_eq!(hourly.previous(at(before), &zone), Some(at(previous)));
    }
    let every = schedule("@every 90s");
    let previous = every.previous(at("2026-11-22T12:00:00.7Z"), &zone);
    assert_eq!(previous, Some(at("2026-11-22T11:58:30Z")));
}

#[test]
fn runs_follow_each_other_until_there_are_no_more() {
    let yearly = schedule("0 0 0 29 2 *");
    let runs: Vec<_> = yearly
        .runs(at("2087-01-01T00:00:00Z"), &TimeZone::UTC)
        .map(|run| run.to_string())
        .collect();

    assert_eq!(
        runs,
        [
            "2088-02-29T00:00:00Z",
            "2092-02-29T00:00:00Z",
            "2096-02-29T00:00:00Z"
        ]
    );
}

#[test]
fn runs_of_a_day_are_counted_exactly() {
    let (forward, back) = (date(2012, 3, 11), date(2012, 11, 4));
    for (text, day, zone, runs) in [
        ("0 0 3 * * *", DAY, TimeZone::UTC, 1),
        ("0 3 * * *", DAY, TimeZone::UTC, 24),
        ("0 0 * * *", DAY, TimeZone::UTC, 24),
        ("*/15 * * * *", DAY, TimeZone::UTC, 5760),
        ("* * * * * *", DAY, TimeZone::UTC, 86_400),
        ("0 2 * * 1", DAY, TimeZone::UTC, 0),
        ("0 2 * * 1", date(2027, 1, 31), TimeZone::UTC, 24),
        ("0 2 * * * *", DAY, TimeZone::UTC, 24),
        ("@weekly", DAY, TimeZone::UTC, 1),
        ("@weekly", DAY.tomorrow().unwrap(), TimeZone::UTC, 0),
        ("* * * * * *", forward, new_york(), 82_800),
        ("* * * * * *", back, new_york(), 90_000),
        ("0 30 2 * * *", forward, new_york(), 0),
        ("0 30 1 * * *", back, new_york(), 2),
        ("0 0/30 1-3 * * *", forward, new_york(), 4),
        ("0 0 * * * *", date(2026, 10, 4), lord_howe(), 23),
        ("0 15,45 2 * * *", date(2026, 10, 4), lord_howe(), 1),
        ("@every 90s", DAY, TimeZone::UTC, 960),
        ("@every 7h", DAY, TimeZone::UTC, 3),
        ("@every 25h", back, new_york(), 1),
        ("@every 48h", DAY, TimeZone::UTC, 0),
        ("* * * * * *", Date::MAX, TimeZone::UTC, 0),
    ] {
        assert_eq!(
            schedule(text).runs_per_day(day, &zone),
            runs,
            "{text} {day}"
        );
    }
}

#[test]
fn a_shift_by_half_an_hour_costs_no_run() {
    let nightly = schedule("0 0 3 * * *");

    let next = nightly.next(at("2026-10-03T12:00:00+10:30"), &lord_howe());

    assert_eq!(next, Some(at("2026-10-04T03:00:00+11:00")));
}

#[test]
fn the_form_tells_five_fields_apart() {
    for (text, form, fields) in [
        ("0 3 * * *", Form::FiveFields, Some(5)),
        ("0 0 3 * * *", Form::SixFields, Some(6)),
        ("@daily", Form::Descriptor, None),
        ("@every 1h", Form::Every, None),
    ] {
        let schedule = schedule(text);
        assert_eq!((schedule.form(), schedule.field_count()), (form, fields));
        assert_eq!(schedule.as_str(), text);
    }
}

#[test]
fn refused_texts_tell_field_value_and_range() {
    for (text, problem) in [
        ("", "it is empty"),
        (" ", "it has 0 fields, not 5 or 6"),
        ("0 0 * *", "it has 4 fields, not 5 or 6"),
        ("TZ=UTC 0 0 3 * * *", "it has 7 fields, not 5 or 6"),
        (" @daily", "it has 1 fields, not 5 or 6"),
        ("@daily ", "`@daily ` is no descriptor"),
        ("@Daily", "`@Daily` is no descriptor"),
        ("@reboot", "`@reboot` is no descriptor"),
        ("@every", "`@every` is no descriptor"),
        (
            "@every 1d",
            "`1d` is not a duration such as 1h30m or 500ms: `d` is no unit",
        ),
        ("0 1 * * 0", "month has 0, it goes from 1 to 12"),
        (
            "0 2 * * SUN",
            "month has `SUN`, which is no number and no month",
        ),
        ("0 0 2 * * 7", "day of week has 7, it goes from 0 to 6"),
        ("60 * * * * *", "second has 60, it goes from 0 to 59"),
        ("0 60 * * * *", "minute has 60, it goes from 0 to 59"),
        ("0 0 24 * * *", "hour has 24, it goes from 0 to 23"),
        ("0 0 0 0 * *", "day of month has 0, it goes from 1 to 31"),
        (
            "0 0 0 1-32 * *",
            "day of month has 32, it goes from 1 to 31",
        ),
        (
            "9/60 5-3 * * * *",
            "minute has a range from 5 to 3, which is backwards",
        ),
        (
            "*/0 * * * * *",
            "second has the step `0`, which is no positive number",
        ),
        (
            "*/-5 * * * * *",
            "second has the step `-5`, which is no positive number",
        ),
        (
            "*/ * * * * *",
            "second has the step ``, which is no positive number",
        ),
        (
            "1-2-3 * * * * *",
            "second has `1-2-3`, which is no single range with one step",
        ),
        (
            "*/2/3 * * * * *",
            "second has `*/2/3`, which is no single range with one step",
        ),
        ("-1 * * * * *", "second has ``, which is no number"),
        ("5- * * * * *", "second has ``, which is no number"),
        ("** * * * * *", "second has `**`, which is no number"),
        ("0 0 L * * *", "hour has `L`, which is no number"),
        (
            "0 0 0 * * mon#2",
            "day of week has `mon#2`, which is no number and no day of the week",
        ),
        (
            "0 0 0 15W * *",
            "day of month has `15W`, which is no number",
        ),
        ("jan * * * * *", "second has `jan`, which is no number"),
        (
            "0 0 0 * * 99999999999999999999",
            "day of week has `99999999999999999999`, which is no number and no day of the week",
        ),
    ] {
        let error = Schedule::parse(text).unwrap_err();
        assert_eq!(error.to_string(), format!("schedule `{text}`: {problem}"));
        assert_eq!(error.schedule(), text);
        assert!(error.hint().ends_with('.'));
    }
    let error = Schedule::parse("0 1 * * 0").unwrap_err();
    assert!(error.hint().starts_with("Five fields are read as second"));
    let (field, found) = (Field::Month, 0);
    assert_eq!(
        error.problem(),
        &ScheduleProblem::OutOfRange { field, found }
    );
}

#[test]
fn serialised_form_is_the_text() {
    let json = "\"0  0 3 * * MON\"";

    let schedule: Schedule = serde_json::from_str(json).unwrap();

    assert_eq!(serde_json::to_string(&schedule).unwrap(), json);
    assert_eq!(schedule.to_string(), "0  0 3 * * MON");
    let error = serde_json::from_str::<Schedule>("\"0 1 * * 0\"").unwrap_err();
    assert!(error.to_string().contains("month has 0"), "{error}");
}

fn item(value: std::ops::RangeInclusive<u8>) -> impl Strategy<Value = String> {
    prop_oneof![
        2 => Just("*".to_owned()),
        1 => Just("?".to_owned()),
        3 => value.clone().prop_map(|value| value.to_string()),
        1 => (1..70_u8).prop_map(|step| format!("*/{step}")),
        1 => (value.clone(), 1..70_u8).prop_map(|(first, step)| format!("{first}/{step}")),
        2 => (value.clone(), value, 1..70_u8).prop_map(|(a, b, step)| {
            format!("{}-{}/{step}", a.min(b), a.max(b))
        }),
    ]
}

fn any_schedule() -> impl Strategy<Value = Schedule> {
    let fields = Field::ALL.map(|field| {
        proptest::collection::vec(item(field.range()), 1..4).prop_map(|items| items.join(","))
    });
    fields.prop_map(|fields| schedule(&fields.join(" ")))
}

fn any_zone() -> impl Strategy<Value = TimeZone> {
    proptest::sample::select(vec![TimeZone::UTC, new_york(), lord_howe()])
}

fn any_time() -> impl Strategy<Value = Timestamp> {
    let nanoseconds = -2_000_000_000_000_000_000_i64..5_000_000_000_000_000_000;
    nanoseconds.prop_map(|at| Timestamp::from_nanosecond(at.into()).unwrap())
}

/// Whether a run may be at `run`, told field by field.
fn is_run(schedule: &Schedule, run: Timestamp, zone: &TimeZone) -> bool {
    let Rule::Calendar(calendar) = &schedule.rule else {
        return false;
    };
    let civil = zone.to_datetime(run);
    let has = |values: values::Values, part: i8| values.contains(part.unsigned_abs());
    let (day, week) = (calendar.day_of_month, calendar.day_of_week);
    let has_day = has(day, civil.day());
    let has_weekday = has(week, civil.weekday().to_sunday_zero_offset());
    has(calendar.second, civil.second())
        && has(calendar.minute, civil.minute())
        && has(calendar.hour, civil.hour())
        && has(calendar.month, civil.month())
        && if day.has_star || week.has_star {
            has_day && has_weekday
        } else {
            has_day || has_weekday
        }
}

proptest! {
    #[test]
    fn the_next_run_is_later_and_matches(
        schedule in any_schedule(), zone in any_zone(), from in any_time(),
    ) {
        if let Some(run) = schedule.next(from, &zone) {
            prop_assert!(run > from);
            prop_assert_eq!(run.subsec_nanosecond(), 0);
            prop_assert!(is_run(&schedule, run, &zone));
            let previous = schedule.previous(run, &zone);
            prop_assert!(previous.is_none_or(|previous| previous <= from));
            let again = schedule.previous(run.checked_add(1.nanosecond()).unwrap(), &zone);
            prop_assert_eq!(again, Some(run));
        }
    }

    #[test]
    fn the_previous_run_is_earlier_and_the_next_from_it_is_not(
        schedule in any_schedule(), zone in any_zone(), from in any_time(),
    ) {
        if let Some(run) = schedule.previous(from, &zone) {
            prop_assert!(run < from);
            prop_assert!(is_run(&schedule, run, &zone));
            let next = schedule.next(run, &zone);
            prop_assert!(next.is_none_or(|next| next >= from));
        }
    }

    #[test]
    fn nothing_is_left_out_between_two_runs(
        schedule in any_schedule(), zone in any_zone(), from in any_time(),
    ) {
        let end = schedule.next(from, &zone).unwrap_or(Timestamp::MAX);

        let mut second = whole_seconds(from) + 1;
        let last = whole_seconds(end).min(second + 2_000);
        while second < last {
            prop_assert!(!is_run(&schedule, timestamp(second).unwrap(), &zone));
            second += 1;
        }
    }

    #[test]
    fn the_count_of_a_day_is_that_of_its_runs(
        minute in item(0..=59), hour in item(0..=23), zone in any_zone(), day in 0..365_i64,
    ) {
        let schedule = schedule(&format!("0,30 {minute} {hour} * * *"));
        let day = date(2026, 1, 1).checked_add(day.days()).unwrap();
        let (begin, end) = super::day(day, &zone).unwrap();

        let runs = schedule.runs(timestamp(begin - 1).unwrap(), &zone);
        let runs = runs.take_while(|run| run.as_second() < end).count();

        prop_assert_eq!(schedule.runs_per_day(day, &zone), runs as u64);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(@every [0-9a-z.]{0,6}|[-@*?/,0-9a-z ]{0,20})|.*") {
        if let Ok(schedule) = Schedule::parse(&text) {
            prop_assert_eq!(schedule.as_str(), &text);
            let _ = schedule.next(Timestamp::UNIX_EPOCH, &TimeZone::UTC);
        }
    }
}
