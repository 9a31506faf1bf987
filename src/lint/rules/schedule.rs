//! When backups run, and when somebody thought they would.

use jiff::{Timestamp, tz::TimeZone};

use crate::{
    lint::{
        Level, Rule,
        sink::{Draft, Sink, text},
        system::{Job, System},
    },
    manifest::Edit,
    schedule::{Form, Schedule},
};

pub(super) static FIVE_FIELD_SCHEDULE: Rule = Rule {
    id: "T02",
    name: "five-field-schedule",
    level: Level::Error,
    summary: "A schedule of five fields is read with seconds first.",
    reason: "The operator's schedules begin with seconds, and it is the day of the week that may be \
             left out. `0 3 * * *`, which crontab takes for daily at 03:00, runs at second 0 of \
             minute 3 of every hour: 24 backups a day, thousands of Backup objects in a year. The \
             API server accepts it with a warning that GitOps tools do not show.",
    remedy: "Write six fields: put `0 ` before what crontab would take.",
    source: "§3; C:internal/webhook/v1/scheduledbackup_webhook.go; C#2593, C#883",
    check: five_fields,
};

pub(super) static HOURLY_SCHEDULE: Rule = Rule {
    id: "T03",
    name: "hourly-schedule",
    level: Level::Warning,
    summary: "A schedule of six fields has a star where the hour is.",
    reason: "The third of six fields is the hour. A crontab line that was made longer at its end, \
             such as `0 2 * * * *`, still runs every hour.",
    remedy: "Write the hour into the third field, or allow this rule where hourly is meant.",
    source: "§3; D:examples/schedule_backup.yaml",
    check: hourly,
};

pub(super) static WEEKDAY_IN_MONTH_FIELD: Rule = Rule {
    id: "T04",
    name: "weekday-in-month-field",
    level: Level::Error,
    summary: "The last of five fields is the month, not the day of the week.",
    reason: "With five fields the operator reads second, minute, hour, day of month and month. A \
             day of the week that was meant becomes a month: `0 2 * * 1` runs hourly in January and \
             never otherwise, `0 2 * * 0` and `0 2 * * SUN` are refused.",
    remedy: "Write six fields: put `0 ` before what crontab would take.",
    source: "§3",
    check: weekday,
};

pub(super) static REJECTED_SCHEDULE: Rule = Rule {
    id: "M09",
    name: "rejected-schedule",
    level: Level::Error,
    summary: "The operator refuses a schedule, or it never runs.",
    reason: "Schedules are read by `cron.Parse` of robfig/cron 1.2.0: five or six fields, \
             descriptors such as `@daily`, or `@every` with a duration of Go. What it cannot read \
             is refused when it is applied; what has no run within five years is never run.",
    remedy: "Write second, minute, hour, day of month, month and day of week.",
    source: "§3; C:internal/webhook/v1/scheduledbackup_webhook.go",
    check: rejected,
};

const SCHEDULE: &[&str] = &["spec", "schedule"];

fn five_fields(system: &System<'_>, sink: &mut Sink<'_>) {
    for (job, schedule) in valid(system) {
        if schedule.form() != Form::FiveFields || !names_no_month(schedule) {
            continue;
        }
        let Ok(meant) = Schedule::parse(&format!("0 {schedule}")) else {
            continue;
        };
        let (often, meant_often) = (per_day(schedule, system.now), per_week(&meant, system.now));
        // Once a day or less is what somebody may have meant who knows of the seconds.
        let is_trap = per_week(schedule, system.now) > meant_often.max(7);
        let message = if is_trap {
            format!(
                "it fires {}, not {}: five fields begin with seconds",
                times(often),
                weekly(meant_often)
            )
        } else {
            format!(
                "five fields begin with seconds: it fires {}; to crontab it would be {}",
                times(often),
                weekly(meant_often)
            )
        };
        let mut draft = Draft::at(&job.resource, SCHEDULE, message)
            .note(format!("next: {}", next_runs(schedule, system.now)))
            .note(format!("as `{meant}`: {}", next_runs(&meant, system.now)));
        if is_trap {
            draft = draft
                .help(format!("Write `{meant}`."))
                .fix("write six fields", [six_fields(job, &meant)]);
        } else {
            draft = draft.level(Level::Warning);
        }
        sink.add(unless_suspended(job, draft));
    }
}

fn weekday(system: &System<'_>, sink: &mut Sink<'_>) {
    for job in &system.jobs {
        let Some(schedule) = &job.schedule else {
            continue;
        };
        let text = match schedule {
            Ok(schedule) => schedule.as_str(),
            Err(error) => error.schedule(),
        };
        let is_five = text.split_whitespace().count() == 5 && !text.starts_with('@');
        let fixed = Schedule::parse(&format!("0 {text}"));
        let (true, Ok(meant)) = (is_five && !names_no_month_in(text), fixed) else {
            continue;
        };
        let message = match schedule {
            Err(error) => format!(
                "the operator refuses the schedule: {}; the last of five fields is the month",
                error.problem()
            ),
            Ok(schedule) => {
                let month = text.split_whitespace().last().unwrap_or_default();
                let first = schedule.next(system.now, &TimeZone::UTC);
                let often = first.map_or(0, |run| per_day(schedule, run));
                format!(
                    "it fires {} in month {month} and never in other months: the last of five \
                     fields is the month",
                    times(often)
                )
            }
        };
        let mut draft = Draft::at(&job.resource, SCHEDULE, message);
        if let Ok(schedule) = schedule {
            draft = draft.note(format!("next: {}", next_runs(schedule, system.now)));
        }
        let draft = draft
            .note(format!("as `{meant}`: {}", next_runs(&meant, system.now)))
            .help(format!("Write `{meant}`."))
            .fix("write six fields", [six_fields(job, &meant)]);
        sink.add(unless_suspended(job, draft));
    }
}

fn hourly(system: &System<'_>, sink: &mut Sink<'_>) {
    for (job, schedule) in valid(system) {
        if schedule.form() != Form::SixFields {
            continue;
        }
        let Some(run) = schedule.next(system.now, &TimeZone::UTC) else {
            continue;
        };
        let hour = schedule.as_str().split_whitespace().nth(2);
        let often = per_day(schedule, run);
        let is_star = hour.is_some_and(|hour| matches!(hour, "*" | "?" | "*/1"));
        if !is_star && often <= 24 {
            continue;
        }
        let star = if is_star {
            "; the third field is the hour"
        } else {
            ""
        };
        let message = format!("it fires {}{star}", times(often));
        let draft = Draft::at(&job.resource, SCHEDULE, message)
            .note(format!("next: {}", next_runs(schedule, system.now)));
        sink.add(unless_suspended(job, draft));
    }
}

fn rejected(system: &System<'_>, sink: &mut Sink<'_>) {
    for job in &system.jobs {
        match &job.schedule {
            Some(Err(error)) => {
                let text = error.schedule();
                let is_weekday = text.split_whitespace().count() == 5
                    && !names_no_month_in(text)
                    && Schedule::parse(&format!("0 {text}")).is_ok();
                if !is_weekday {
                    let message = format!("the operator refuses the schedule: {}", error.problem());
                    sink.add(Draft::at(&job.resource, SCHEDULE, message).help(error.hint()));
                }
            }
            Some(Ok(schedule)) if schedule.next(system.now, &TimeZone::UTC).is_none() => {
                let message = "it never fires: no day within five years is one of its days";
                sink.add(Draft::at(&job.resource, SCHEDULE, message));
            }
            Some(Ok(_)) | None => {}
        }
    }
}

/// A schedule that is off does no harm yet.
fn unless_suspended(job: &Job<'_>, draft: Draft) -> Draft {
    if job.is_suspended() {
        draft.level(Level::Warning)
    } else {
        draft
    }
}

fn six_fields(job: &Job<'_>, meant: &Schedule) -> Option<Edit> {
    let node = job.spec().get("schedule").node()?;
    Edit::scalar(text(&job.resource), node, meant.as_str())
}

fn valid<'s>(system: &'s System<'_>) -> impl Iterator<Item = (&'s Job<'s>, &'s Schedule)> {
    let jobs = system.jobs.iter();
    jobs.filter_map(|job| Some((job, job.valid_schedule()?)))
}

/// Returns whether the month of five fields is any.
fn names_no_month(schedule: &Schedule) -> bool {
    names_no_month_in(schedule.as_str())
}

fn names_no_month_in(text: &str) -> bool {
    let month = text.split_whitespace().nth(4);
    month.is_none_or(|month| matches!(month, "*" | "?" | "*/1"))
}

/// Counts the runs on the first day of the next one.
pub(super) fn per_day(schedule: &Schedule, now: Timestamp) -> u64 {
    let Some(run) = schedule.next(now, &TimeZone::UTC) else {
        return 0;
    };
    let date = run.to_zoned(TimeZone::UTC).date();
    schedule.runs_per_day(date, &TimeZone::UTC)
}

/// Counts the runs on the seven days after today.
fn per_week(schedule: &Schedule, now: Timestamp) -> u64 {
    let today = now.to_zoned(TimeZone::UTC).date();
    let mut date = today;
    let mut runs = 0;
    for _ in 0..7 {
        date = date.tomorrow().unwrap_or(date);
        runs += schedule.runs_per_day(date, &TimeZone::UTC);
    }
    runs
}

fn times(count: u64) -> String {
    match count {
        1 => "once a day".to_owned(),
        count => format!("{count} times a day"),
    }
}

fn weekly(count: u64) -> String {
    match count {
        0 => "less than once a week".to_owned(),
        1 => "once a week".to_owned(),
        7 => "once a day".to_owned(),
        count if count.is_multiple_of(7) => format!("{} times a day", count / 7),
        count => format!("{count} times a week"),
    }
}

/// Returns the next five runs, in UTC.
pub(super) fn next_runs(schedule: &Schedule, now: Timestamp) -> String {
    let runs: Vec<String> = schedule
        .runs(now, &TimeZone::UTC)
        .take(5)
        .map(|run| run.strftime("%Y-%m-%d %H:%M:%S").to_string())
        .collect();
    match runs.len() {
        0 => "never".to_owned(),
        _ => format!("{} UTC", runs.join(", ")),
    }
}
