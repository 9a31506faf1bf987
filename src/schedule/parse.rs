use super::{Field, Form, Rule, ScheduleProblem, calendar::Calendar, values::Values};
use crate::go_duration::GoDuration;

/// Reads what a schedule means.
pub(super) fn rule(text: &str) -> Result<(Form, Rule), ScheduleProblem> {
    if text.is_empty() {
        return Err(ScheduleProblem::Empty);
    }
    if text.starts_with('@') {
        return descriptor(text);
    }
    let fields: Vec<_> = text.split_whitespace().collect();
    let (form, calendar) = match *fields {
        [second, minute, hour, day, month] => (
            Form::FiveFields,
            calendar([second, minute, hour, day, month, "*"])?,
        ),
        [second, minute, hour, day, month, weekday] => (
            Form::SixFields,
            calendar([second, minute, hour, day, month, weekday])?,
        ),
        _ => {
            let found = fields.len();
            return Err(ScheduleProblem::FieldCount { found });
        }
    };
    Ok((form, Rule::Calendar(calendar)))
}

fn descriptor(text: &str) -> Result<(Form, Rule), ScheduleProblem> {
    if let Some(delay) = text.strip_prefix("@every ") {
        let delay: GoDuration = delay.parse().map_err(ScheduleProblem::Every)?;
        let seconds = delay.as_nanoseconds() / 1_000_000_000;
        return Ok((Form::Every, Rule::Every(seconds.max(1))));
    }
    let fields = match text {
        "@yearly" | "@annually" => ["0", "0", "0", "1", "1", "*"],
        "@monthly" => ["0", "0", "0", "1", "*", "*"],
        "@weekly" => ["0", "0", "0", "*", "*", "0"],
        "@daily" | "@midnight" => ["0", "0", "0", "*", "*", "*"],
        "@hourly" => ["0", "0", "*", "*", "*", "*"],
        _ => {
            let found = text.to_owned();
            return Err(ScheduleProblem::Descriptor { found });
        }
    };
    Ok((Form::Descriptor, Rule::Calendar(calendar(fields)?)))
}

fn calendar(fields: [&str; 6]) -> Result<Calendar, ScheduleProblem> {
    let [second, minute, hour, day_of_month, month, day_of_week] = fields;
    Ok(Calendar {
        second: list(second, Field::Second)?,
        minute: list(minute, Field::Minute)?,
        hour: list(hour, Field::Hour)?,
        day_of_month: list(day_of_month, Field::DayOfMonth)?,
        month: list(month, Field::Month)?,
        day_of_week: list(day_of_week, Field::DayOfWeek)?,
    })
}

fn list(text: &str, field: Field) -> Result<Values, ScheduleProblem> {
    let mut values = Values::default();
    for text in text.split(',').filter(|text| !text.is_empty()) {
        values.extend(item(text, field)?);
    }
    Ok(values)
}

/// Reads `*`, `N` or `N-M`, with or without `/STEP`.
fn item(text: &str, field: Field) -> Result<Values, ScheduleProblem> {
    let (range, step) = match text.split_once('/') {
        None => (text, None),
        Some((range, step)) => (range, Some(step)),
    };
    let bounds: Vec<_> = range.split('-').collect();
    let (lowest, highest) = field.range().into_inner();
    // What follows a star is not looked at: `*-9` is `*`.
    let has_star = matches!(bounds[0], "*" | "?");
    let (first, last) = match *bounds {
        _ if has_star => (lowest, highest),
        [first] if step.is_none() => {
            let value = bound(first, field)?;
            (value, value)
        }
        [first] => (bound(first, field)?, highest),
        [first, last] => (bound(first, field)?, bound(last, field)?),
        _ => return Err(too_many_parts(text, field)),
    };
    if first > last {
        let (first, last) = (first.into(), last.into());
        return Err(ScheduleProblem::Reversed { field, first, last });
    }
    let step = match step {
        None => 1,
        Some(step) if step.contains('/') => return Err(too_many_parts(text, field)),
        Some(step) => positive(step).ok_or_else(|| ScheduleProblem::Step {
            field,
            found: step.to_owned(),
        })?,
    };
    Ok(Values::range(first, last, step).with_star(has_star))
}

fn too_many_parts(item: &str, field: Field) -> ScheduleProblem {
    let found = item.to_owned();
    ScheduleProblem::Item { field, found }
}

/// Reads one end of a range.
fn bound(text: &str, field: Field) -> Result<u8, ScheduleProblem> {
    let range = field.range();
    let mut names = range.clone().zip(field.names());
    if let Some((value, _)) = names.find(|(_, name)| name.eq_ignore_ascii_case(text)) {
        return Ok(value);
    }
    let found = number(text).ok_or_else(|| ScheduleProblem::Number {
        field,
        found: text.to_owned(),
    })?;
    u8::try_from(found)
        .ok()
        .filter(|value| range.contains(value))
        .ok_or(ScheduleProblem::OutOfRange { field, found })
}

fn positive(step: &str) -> Option<usize> {
    let step = number(step).filter(|step| *step > 0)?;
    // A step that is longer than any field leaves the first value alone.
    Some(usize::try_from(step).unwrap_or(usize::MAX))
}

/// Reads a number as Go's `strconv.Atoi` does, which takes a sign; none may be negative here.
fn number(text: &str) -> Option<u64> {
    text.parse::<i64>().ok()?.try_into().ok()
}
