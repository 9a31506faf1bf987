use std::{fmt, ops::RangeInclusive};

use crate::go_duration::InvalidGoDuration;

/// A text is not a schedule.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("schedule `{schedule}`: {problem}")]
pub struct InvalidSchedule {
    schedule: String,
    problem: ScheduleProblem,
}

impl InvalidSchedule {
    pub(super) fn new(schedule: &str, problem: ScheduleProblem) -> Self {
        Self {
            schedule: schedule.to_owned(),
            problem,
        }
    }

    /// Returns the text.
    pub fn schedule(&self) -> &str {
        &self.schedule
    }

    /// Returns what is wrong with it.
    pub fn problem(&self) -> &ScheduleProblem {
        &self.problem
    }

    /// Tells the user what to do.
    pub fn hint(&self) -> &'static str {
        match &self.problem {
            ScheduleProblem::Empty | ScheduleProblem::FieldCount { .. } => {
                "Write second, minute, hour, day of month, month and day of week: `0 0 3 * * *` is \
                 daily at 03:00. A time zone cannot be given."
            }
            ScheduleProblem::Descriptor { .. } => {
                "Use @yearly, @monthly, @weekly, @daily, @hourly or @every with a duration, in \
                 lower case and without blanks around it."
            }
            ScheduleProblem::Every(source) => source.hint(),
            _ if self.schedule.split_whitespace().count() == 5 => {
                "Five fields are read as second, minute, hour, day of month and month; write `0 ` \
                 before what crontab would take."
            }
            ScheduleProblem::OutOfRange {
                field: Field::DayOfWeek,
                ..
            } => "Write 0 or `sun` for Sunday.",
            ScheduleProblem::OutOfRange { .. }
            | ScheduleProblem::Number { .. }
            | ScheduleProblem::Reversed { .. }
            | ScheduleProblem::Step { .. }
            | ScheduleProblem::Item { .. } => {
                "Fields are second, minute, hour, day of month, month and day of week; each is a \
                 list of numbers, ranges such as 1-5 and steps such as */15."
            }
        }
    }
}

/// What is wrong with a schedule.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ScheduleProblem {
    /// There is no text.
    #[error("it is empty")]
    Empty,
    /// There are neither five nor six fields.
    #[error("it has {found} fields, not 5 or 6")]
    FieldCount {
        /// How many there are.
        found: usize,
    },
    /// It begins with `@` and has none of the known names.
    #[error("`{found}` is no descriptor")]
    Descriptor {
        /// The text.
        found: String,
    },
    /// What follows `@every` is no duration.
    #[error(transparent)]
    Every(InvalidGoDuration),
    /// A number or name was expected.
    #[error("{field} has `{found}`, which is no number{}", field.or_name())]
    Number {
        /// In which field.
        field: Field,
        /// What is there.
        found: String,
    },
    /// A value is not one of the field's.
    #[error("{field} has {found}, it goes from {} to {}", field.range().start(), field.range().end())]
    OutOfRange {
        /// In which field.
        field: Field,
        /// The value.
        found: u64,
    },
    /// A range ends before it begins.
    #[error("{field} has a range from {first} to {last}, which is backwards")]
    Reversed {
        /// In which field.
        field: Field,
        /// Where it begins.
        first: u64,
        /// Where it ends.
        last: u64,
    },
    /// A step is not a positive number.
    #[error("{field} has the step `{found}`, which is no positive number")]
    Step {
        /// In which field.
        field: Field,
        /// What follows the slash.
        found: String,
    },
    /// An item has too many hyphens or slashes.
    #[error("{field} has `{found}`, which is no single range with one step")]
    Item {
        /// In which field.
        field: Field,
        /// The item.
        found: String,
    },
}

/// A field of a schedule.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Field {
    /// Second, 0 to 59.
    Second,
    /// Minute, 0 to 59.
    Minute,
    /// Hour, 0 to 23.
    Hour,
    /// Day of the month, 1 to 31.
    DayOfMonth,
    /// Month, 1 to 12 or `jan` to `dec`.
    Month,
    /// Day of the week, 0 to 6 or `sun` to `sat`.
    DayOfWeek,
}

impl Field {
    /// Every field, in the order in which they are written.
    pub const ALL: [Self; 6] = [
        Self::Second,
        Self::Minute,
        Self::Hour,
        Self::DayOfMonth,
        Self::Month,
        Self::DayOfWeek,
    ];

    /// Returns its values.
    pub const fn range(self) -> RangeInclusive<u8> {
        match self {
            Self::Second | Self::Minute => 0..=59,
            Self::Hour => 0..=23,
            Self::DayOfMonth => 1..=31,
            Self::Month => 1..=12,
            Self::DayOfWeek => 0..=6,
        }
    }

    /// Returns the names of its values, the lowest first; most fields have none.
    pub(super) const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Second | Self::Minute | Self::Hour | Self::DayOfMonth => &[],
            Self::Month => &[
                "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
            ],
            Self::DayOfWeek => &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
        }
    }

    const fn or_name(self) -> &'static str {
        match self {
            Self::Second | Self::Minute | Self::Hour | Self::DayOfMonth => "",
            Self::Month => " and no month",
            Self::DayOfWeek => " and no day of the week",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::DayOfMonth => "day of month",
            Self::Month => "month",
            Self::DayOfWeek => "day of week",
        })
    }
}
