//! What is to stay.

use std::{fmt, str::FromStr};

use crate::repository::{BackupKind, Format};

/// What is to stay in a destination.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Policy {
    /// By the rules of Barman's tools, for its layout.
    Barman(BarmanPolicy),
    /// By the rules of pgBackRest, for its layout.
    PgBackRest(PgBackRestPolicy),
    /// By hours, days, weeks, months and years, for both layouts.
    Generations(Generations),
}

/// A policy of Barman's tools, such as `RECOVERY WINDOW OF 14 DAYS` or `REDUNDANCY 3`.
///
/// The short forms of CloudNativePG are read, too:
///
/// ```
/// # use walcast::retention::BarmanPolicy;
/// let policy: BarmanPolicy = "recovery window of 2 weeks".parse()?;
/// assert_eq!(policy, "14d".parse()?);
/// assert_eq!(policy.to_string(), "RECOVERY WINDOW OF 14 DAYS");
/// # Ok::<(), walcast::retention::InvalidPolicy>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BarmanPolicy {
    /// Which backups are wanted.
    pub rule: BarmanRule,
    /// So many stay in any case (`--minimum-redundancy`).
    pub minimum: u32,
}

/// Which backups a [`BarmanPolicy`] wants.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BarmanRule {
    /// What is needed to go back so many days; a week has 7, a month 31.
    Window(u32),
    /// The newest so many.
    Redundancy(u32),
}

/// What pgBackRest's options of retention say, once its defaults are in.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct PgBackRestPolicy {
    /// Which full backups stay, with what depends on them (`retention-full`).
    pub full: Fulls,
    /// How many full and differential backups stay; `None` is each as long as its full one
    /// (`retention-diff`).
    pub diff: Option<u32>,
    /// Which WAL stays, beside what each backup needs to be consistent (`retention-archive`).
    pub wal: WalRule,
    /// For how many days manifests of gone backups stay; `None` is for ever
    /// (`retention-history`).
    pub history: Option<u32>,
}

/// Which full backups stay.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Fulls {
    /// All of them.
    #[default]
    Everything,
    /// The newest so many.
    Count(u32),
    /// All that are younger than so many days, and the newest of the older ones.
    Days(u32),
}

/// Which WAL stays, beside what each backup needs to be consistent.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum WalRule {
    /// All of it.
    #[default]
    Everything,
    /// All since the oldest full backup that stays, once one is older than [`Fulls::Days`].
    WithFulls,
    /// All since the oldest of the newest so many backups of this kind, and of those that they
    /// may depend on.
    Backups(u32, BackupKind),
}

/// The newest backup of each of so many hours, days, weeks, months and years in which there is one:
/// grandfather, father, son.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Generations {
    /// Hours.
    pub hourly: u32,
    /// Days.
    pub daily: u32,
    /// Weeks, from Monday on.
    pub weekly: u32,
    /// Months.
    pub monthly: u32,
    /// Years.
    pub yearly: u32,
    /// For how many days back all WAL stays, so that any moment can be restored; of older backups
    /// what they need to be consistent. `None` is since the oldest backup that stays.
    pub wal_days: Option<u32>,
}

/// A text is not a policy.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is not a retention policy")]
pub struct InvalidPolicy(String);

impl InvalidPolicy {
    /// Tells the user what to do.
    pub fn hint(&self) -> &'static str {
        "Write `RECOVERY WINDOW OF n DAYS`, `WEEKS` or `MONTHS`, `REDUNDANCY n`, or a number and \
         its unit such as `14d`, `4w`, `3m`."
    }
}

impl Policy {
    /// Returns whether it is meant for a layout.
    pub fn is_for(&self, format: Format) -> bool {
        match self {
            Self::Barman(_) => format == Format::Barman,
            Self::PgBackRest(_) => format == Format::PgBackRest,
            Self::Generations(_) => true,
        }
    }

    /// Returns for how many days it keeps backups, if it counts days.
    pub fn days(&self) -> Option<u32> {
        match self {
            Self::Barman(policy) => match policy.rule {
                BarmanRule::Window(days) => Some(days),
                BarmanRule::Redundancy(_) => None,
            },
            Self::PgBackRest(policy) => match policy.full {
                Fulls::Days(days) => Some(days),
                Fulls::Count(_) | Fulls::Everything => None,
            },
            Self::Generations(_) => None,
        }
    }

    /// Returns what is wrong with it in itself; nothing may be deleted then.
    pub fn fault(&self) -> Option<&'static str> {
        match self {
            Self::Barman(_) => None,
            Self::PgBackRest(policy) => policy.fault(),
            Self::Generations(generations) => {
                let wanted = generations.wanted().iter().all(|(_, count)| *count == 0);
                wanted.then_some("it wants no backup of any hour, day, week, month or year")
            }
        }
    }
}

impl BarmanPolicy {
    /// Wants what is needed to go back so many days.
    pub fn window(days: u32) -> Self {
        Self {
            rule: BarmanRule::Window(days),
            minimum: 0,
        }
    }

    /// Wants the newest so many backups.
    pub fn redundancy(count: u32) -> Self {
        Self {
            rule: BarmanRule::Redundancy(count),
            minimum: 0,
        }
    }

    /// Keeps so many backups in any case.
    #[must_use]
    pub fn with_minimum(self, minimum: u32) -> Self {
        Self { minimum, ..self }
    }
}

impl PgBackRestPolicy {
    fn fault(&self) -> Option<&'static str> {
        let is_nothing = matches!(self.full, Fulls::Count(0) | Fulls::Days(0))
            || self.diff == Some(0)
            || matches!(self.wal, WalRule::Backups(0, _));
        if is_nothing {
            return Some("pgBackRest keeps one backup at least: 0 is no number of them");
        }
        let is_open = !matches!(self.full, Fulls::Days(_));
        (self.wal == WalRule::WithFulls && is_open)
            .then_some("WAL can follow the full backups only where these are kept for days")
    }
}

impl Generations {
    /// Returns how many of each are wanted, the shortest first.
    pub(crate) fn wanted(&self) -> [(Generation, u32); 5] {
        [
            (Generation::Hour, self.hourly),
            (Generation::Day, self.daily),
            (Generation::Week, self.weekly),
            (Generation::Month, self.monthly),
            (Generation::Year, self.yearly),
        ]
    }
}

/// A stretch of time of which the newest backup stays.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Generation {
    /// From one full hour to the next.
    Hour,
    /// From midnight to midnight.
    Day,
    /// From Monday to Sunday.
    Week,
    /// A month of the calendar.
    Month,
    /// A year of the calendar.
    Year,
}

impl FromStr for BarmanPolicy {
    type Err = InvalidPolicy;

    fn from_str(text: &str) -> Result<Self, InvalidPolicy> {
        let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let policy = match words[..] {
            ["redundancy", count] => number(count).map(Self::redundancy),
            ["recovery", "window", "of", count, unit] => {
                let unit = unit.strip_suffix('s').unwrap_or(unit);
                let length = match unit {
                    "day" => Some(1),
                    "week" => Some(7),
                    "month" => Some(31),
                    _ => None,
                };
                window(count, length)
            }
            [short] if short.starts_with(|digit: char| ('1'..='9').contains(&digit)) => {
                let units = [("d", 1), ("w", 7), ("m", 31)];
                let mut counts = units.into_iter().filter_map(|(unit, length)| {
                    let count = short.strip_suffix(unit)?;
                    window(count, Some(length))
                });
                counts.next()
            }
            _ => None,
        };
        policy.ok_or_else(|| InvalidPolicy(text.to_owned()))
    }
}

fn window(count: &str, length: Option<u32>) -> Option<BarmanPolicy> {
    let days = number(count)?.checked_mul(length?)?;
    (days <= MOST_DAYS).then(|| BarmanPolicy::window(days))
}

fn number(text: &str) -> Option<u32> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

/// What pgBackRest takes at most; more than time has.
const MOST_DAYS: u32 = 9_999_999;

impl fmt::Display for BarmanPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rule {
            BarmanRule::Window(days) => write!(f, "RECOVERY WINDOW OF {days} DAYS")?,
            BarmanRule::Redundancy(count) => write!(f, "REDUNDANCY {count}")?,
        }
        if self.minimum > 0 {
            write!(f, ", {} in any case", self.minimum)?;
        }
        Ok(())
    }
}

impl fmt::Display for PgBackRestPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.full {
            Fulls::Everything => f.write_str("all full backups")?,
            Fulls::Count(count) => write!(f, "{count} full backups")?,
            Fulls::Days(days) => write!(f, "full backups of {days} days")?,
        }
        if let Some(diff) = self.diff {
            write!(f, ", {diff} full and differential ones")?;
        }
        match self.wal {
            WalRule::Everything => f.write_str(", all WAL")?,
            WalRule::WithFulls => f.write_str(", WAL since the oldest full one")?,
            WalRule::Backups(count, BackupKind::Full) => write!(f, ", WAL of {count} full ones")?,
            WalRule::Backups(count, BackupKind::Differential) => {
                write!(f, ", WAL of {count} full or differential ones")?;
            }
            WalRule::Backups(count, BackupKind::Incremental) => {
                write!(f, ", WAL of {count} of any")?;
            }
        }
        match self.history {
            Some(days) => write!(f, ", manifests for {days} days"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Generations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the newest of")?;
        let wanted = self.wanted();
        let mut separator = " ";
        for (generation, count) in wanted.into_iter().filter(|(_, count)| *count > 0) {
            write!(f, "{separator}{count} {generation}s")?;
            separator = ", ";
        }
        match self.wal_days {
            Some(days) => write!(f, ", all WAL of {days} days"),
            None => f.write_str(", all WAL since the oldest one"),
        }
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
        })
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Barman(policy) => policy.fmt(f),
            Self::PgBackRest(policy) => policy.fmt(f),
            Self::Generations(generations) => generations.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_of_barman_are_read_as_its_tools_and_the_operator_do() {
        for (text, days) in [
            ("RECOVERY WINDOW OF 7 DAYS", 7),
            (" recovery  window of 1 day ", 1),
            ("Recovery Window Of 4 weeks", 28),
            ("RECOVERY WINDOW OF 3 MONTH", 93),
            ("RECOVERY WINDOW OF 0 DAYS", 0),
            ("14d", 14),
            ("4w", 28),
            ("3m", 93),
        ] {
            assert_eq!(text.parse(), Ok(BarmanPolicy::window(days)), "{text}");
        }
        assert_eq!("Redundancy 2".parse(), Ok(BarmanPolicy::redundancy(2)));
        for text in [
            "",
            "14",
            "0d",
            "014d",
            "d",
            "1y",
            "ä",
            "redundancy",
            "redundancy -1",
            "redundancy +1",
            "recovery window of 1 year",
            "recovery window of 4294967295 months",
            "recovery window 7 days",
        ] {
            let error = text.parse::<BarmanPolicy>().unwrap_err();
            assert_eq!(error, InvalidPolicy(text.to_owned()));
        }
    }

    #[test]
    fn policies_that_want_nothing_are_at_fault() {
        let nothing = Policy::Generations(Generations::default());
        let zero = PgBackRestPolicy {
            full: Fulls::Count(0),
            ..PgBackRestPolicy::default()
        };
        let open = PgBackRestPolicy {
            wal: WalRule::WithFulls,
            ..PgBackRestPolicy::default()
        };

        assert!(nothing.fault().is_some());
        assert!(Policy::PgBackRest(zero).fault().is_some());
        assert!(Policy::PgBackRest(open).fault().is_some());
        assert!(
            Policy::PgBackRest(PgBackRestPolicy::default())
                .fault()
                .is_none()
        );
        assert!(
            Policy::Barman(BarmanPolicy::redundancy(0))
                .fault()
                .is_none()
        );
    }

    #[test]
    fn policies_say_what_they_want() {
        let weeks = Generations {
            daily: 7,
            weekly: 4,
            wal_days: Some(7),
            ..Generations::default()
        };
        let fulls = PgBackRestPolicy {
            full: Fulls::Days(30),
            diff: Some(3),
            wal: WalRule::Backups(2, BackupKind::Differential),
            history: Some(365),
        };
        let barman = BarmanPolicy::window(14).with_minimum(2);

        assert_eq!(
            Policy::Generations(weeks).to_string(),
            "the newest of 7 days, 4 weeks, all WAL of 7 days"
        );
        assert_eq!(
            Policy::PgBackRest(fulls).to_string(),
            "full backups of 30 days, 3 full and differential ones, \
             WAL of 2 full or differential ones, manifests for 365 days"
        );
        assert_eq!(
            Policy::Barman(barman).to_string(),
            "RECOVERY WINDOW OF 14 DAYS, 2 in any case"
        );
    }
}
