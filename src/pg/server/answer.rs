//! Values out of rows.

use std::{fmt::Display, str::FromStr};

use jiff::{Timestamp, tz::Offset};
use tokio_postgres::{Row, types::FromSql};

use super::{ServerError, error::reason};
use crate::pg::TimelineId;

/// Returns the value of a column.
pub(super) fn value<'a, T: FromSql<'a>>(row: &'a Row, column: &str) -> Result<T, ServerError> {
    row.try_get(column).map_err(|error| ServerError::Answer {
        problem: format!("{column}: {}", reason(&error)),
    })
}

/// Returns what the text in a column says.
pub(super) fn parsed<T: FromStr<Err: Display>>(row: &Row, column: &str) -> Result<T, ServerError> {
    checked(column, value::<&str>(row, column)?.parse())
}

/// Returns a value that was checked.
pub(super) fn checked<T>(column: &str, result: Result<T, impl Display>) -> Result<T, ServerError> {
    result.map_err(|problem| ServerError::Answer {
        problem: format!("{column}: {problem}"),
    })
}

/// Returns the time in the column `at`, in microseconds since 1970.
pub(super) fn time(row: &Row) -> Result<Timestamp, ServerError> {
    checked("at", Timestamp::from_microsecond(value(row, "at")?))
}

/// Returns the time zone in the column `utc_offset`, in seconds to the east.
pub(super) fn offset(row: &Row) -> Result<Offset, ServerError> {
    checked(
        "utc_offset",
        Offset::from_seconds(value(row, "utc_offset")?),
    )
}

/// Returns the timeline in the column `timeline`.
pub(super) fn timeline(row: &Row) -> Result<TimelineId, ServerError> {
    let number = value::<i32>(row, "timeline")?.cast_unsigned();
    checked("timeline", TimelineId::new(number))
}
