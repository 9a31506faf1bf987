//! What is to stay.

use clap::{Args, ValueEnum};
use walcast::{
    crd::pgbackrest::{BackupType, FullType, RetentionPolicy},
    repository::Format,
    retention::{BarmanPolicy, Generations, PgBackRestPolicy, Policy},
};

/// What is to stay. What is not given is what the resources say.
#[derive(Args, Clone, Debug)]
pub(crate) struct RetentionOptions {
    /// In Barman's layout: `RECOVERY WINDOW OF n DAYS`, `WEEKS` or `MONTHS`, `REDUNDANCY n`, or
    /// short such as `14d`, `4w`, `3m`.
    #[arg(
        long,
        value_name = "POLICY",
        help_heading = "Policy of Barman's layout"
    )]
    retention_policy: Option<BarmanPolicy>,
    /// So many backups stay in any case.
    #[arg(long, value_name = "N", help_heading = "Policy of Barman's layout")]
    minimum_redundancy: Option<u32>,
    #[command(flatten)]
    pgbackrest: PgBackRestOptions,
    #[command(flatten)]
    generations: GenerationOptions,
}

#[derive(Args, Clone, Debug)]
struct PgBackRestOptions {
    /// How many full backups stay, or for how many days.
    #[arg(long = "retention-full", value_name = "N", value_parser = positive(), help_heading = PGBACKREST)]
    full: Option<i32>,
    /// Whether --retention-full counts backups or days. Default: count.
    #[arg(long = "retention-full-type", value_name = "TYPE", value_enum, requires = "full", help_heading = PGBACKREST)]
    full_type: Option<FullCount>,
    /// How many full and differential backups stay. Default: each as long as its full one.
    #[arg(long = "retention-diff", value_name = "N", value_parser = positive(), help_heading = PGBACKREST)]
    diff: Option<i32>,
    /// For how many backups all WAL since stays; older ones keep what they need to be consistent.
    /// Default: as many as stay.
    #[arg(long = "retention-archive", value_name = "N", value_parser = positive(), help_heading = PGBACKREST)]
    archive: Option<i32>,
    /// Which backups --retention-archive counts. Default: full.
    #[arg(long = "retention-archive-type", value_name = "TYPE", value_enum, help_heading = PGBACKREST)]
    archive_type: Option<Counted>,
    /// For how many days manifests of gone backups stay. Default: for ever.
    #[arg(long = "retention-history", value_name = "DAYS", help_heading = PGBACKREST)]
    history: Option<u32>,
}

#[derive(Args, Clone, Debug)]
struct GenerationOptions {
    /// Keeps the newest backup of each of the last N hours in which there is one.
    #[arg(long = "keep-hourly", value_name = "N", help_heading = GENERATIONS)]
    hourly: Option<u32>,
    /// Keeps the newest backup of each of the last N days in which there is one.
    #[arg(long = "keep-daily", value_name = "N", help_heading = GENERATIONS)]
    daily: Option<u32>,
    /// Keeps the newest backup of each of the last N weeks in which there is one.
    #[arg(long = "keep-weekly", value_name = "N", help_heading = GENERATIONS)]
    weekly: Option<u32>,
    /// Keeps the newest backup of each of the last N months in which there is one.
    #[arg(long = "keep-monthly", value_name = "N", help_heading = GENERATIONS)]
    monthly: Option<u32>,
    /// Keeps the newest backup of each of the last N years in which there is one.
    #[arg(long = "keep-yearly", value_name = "N", help_heading = GENERATIONS)]
    yearly: Option<u32>,
    /// Keeps all WAL that is needed to go back to any moment of the last N days; older backups
    /// keep what they need to be consistent. Default: since the oldest backup that stays.
    #[arg(long = "keep-wal-days", value_name = "N", help_heading = GENERATIONS)]
    wal_days: Option<u32>,
}

/// What a number of full backups counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum FullCount {
    Count,
    Time,
}

/// Which backups are counted for WAL.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Counted {
    Full,
    Diff,
    Incr,
}

const PGBACKREST: &str = "Policy of pgBackRest's layout";
const GENERATIONS: &str = "Policy by age, of all layouts";

/// What pgBackRest takes.
fn positive() -> clap::builder::RangedI64ValueParser<i32> {
    clap::value_parser!(i32).range(1..=9_999_999)
}

impl RetentionOptions {
    /// Returns the policies of a destination for which the resources say `said`: options win over
    /// these, and those that contradict each other are returned as they are.
    pub(crate) fn policies(&self, format: Format, said: &[Policy]) -> Vec<Policy> {
        let generations = self.generations.policy().map(Policy::Generations);
        let product = match format {
            Format::PgBackRest => self.pgbackrest.policies(said),
            _ => self.barman(said),
        };
        let given: Vec<_> = generations.into_iter().chain(product).collect();
        if given.is_empty() {
            said.to_vec()
        } else {
            given
        }
    }

    fn barman(&self, said: &[Policy]) -> Vec<Policy> {
        let minimum = self.minimum_redundancy;
        match (self.retention_policy, minimum) {
            (None, None) => Vec::new(),
            (Some(policy), _) => vec![Policy::Barman(policy.with_minimum(minimum.unwrap_or(0)))],
            (None, Some(minimum)) => {
                let raised = said.iter().map(|policy| match policy {
                    Policy::Barman(policy) => Policy::Barman(policy.with_minimum(minimum)),
                    other => other.clone(),
                });
                raised.collect()
            }
        }
    }
}

impl PgBackRestOptions {
    fn policies(&self, said: &[Policy]) -> Vec<Policy> {
        let options = RetentionPolicy {
            full: self.full,
            full_type: self.full_type.map(|counted| match counted {
                FullCount::Count => FullType::Count,
                FullCount::Time => FullType::Time,
            }),
            diff: self.diff,
            archive: self.archive,
            archive_type: self.archive_type.map(|counted| match counted {
                Counted::Full => BackupType::Full,
                Counted::Diff => BackupType::Diff,
                Counted::Incr => BackupType::Incr,
            }),
            history: None,
        };
        let history = self.history;
        if options == RetentionPolicy::default() && history.is_none() {
            return Vec::new();
        }
        let policy = match said {
            [Policy::PgBackRest(said)] if options == RetentionPolicy::default() => *said,
            _ => PgBackRestPolicy::from(&options.effective()),
        };
        vec![Policy::PgBackRest(PgBackRestPolicy { history, ..policy })]
    }
}

impl GenerationOptions {
    fn policy(&self) -> Option<Generations> {
        let counts = [
            self.hourly,
            self.daily,
            self.weekly,
            self.monthly,
            self.yearly,
        ];
        let mut given = counts.iter().chain([&self.wal_days]);
        given.any(Option::is_some).then(|| Generations {
            hourly: self.hourly.unwrap_or(0),
            daily: self.daily.unwrap_or(0),
            weekly: self.weekly.unwrap_or(0),
            monthly: self.monthly.unwrap_or(0),
            yearly: self.yearly.unwrap_or(0),
            wal_days: self.wal_days,
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use walcast::{
        repository::BackupKind,
        retention::{Fulls, WalRule},
    };

    use super::*;

    #[derive(Parser)]
    struct Only {
        #[command(flatten)]
        retention: RetentionOptions,
    }

    fn policies(arguments: &[&str], format: Format, said: &[Policy]) -> Vec<Policy> {
        let all = ["walcast"].iter().chain(arguments);
        Only::parse_from(all).retention.policies(format, said)
    }

    #[test]
    fn options_win_over_the_resources() {
        let said = Policy::Barman(BarmanPolicy::window(30));
        let barman =
            |arguments: &[&str]| policies(arguments, Format::Barman, std::slice::from_ref(&said));

        assert_eq!(barman(&[]), std::slice::from_ref(&said));
        let of_others = ["--retention-full=2"];
        assert_eq!(barman(&of_others), std::slice::from_ref(&said));
        let redundancy = Policy::Barman(BarmanPolicy::redundancy(2));
        assert_eq!(barman(&["--retention-policy=REDUNDANCY 2"]), [redundancy]);
        let minimum = Policy::Barman(BarmanPolicy::window(30).with_minimum(3));
        assert_eq!(barman(&["--minimum-redundancy=3"]), [minimum]);
        assert_eq!(
            policies(&["--minimum-redundancy=3"], Format::Barman, &[]),
            []
        );
    }

    #[test]
    fn options_of_pgbackrest_have_its_defaults() {
        let options = ["--retention-full=2", "--retention-history=0"];
        let expected = PgBackRestPolicy {
            full: Fulls::Count(2),
            diff: None,
            wal: WalRule::Backups(2, BackupKind::Full),
            history: Some(0),
        };

        let given = policies(&options, Format::PgBackRest, &[]);

        assert_eq!(given, [Policy::PgBackRest(expected)]);
        let said = Policy::PgBackRest(PgBackRestPolicy {
            history: None,
            ..expected
        });
        let both = policies(&["--retention-history=0"], Format::PgBackRest, &[said]);
        assert_eq!(both, [Policy::PgBackRest(expected)]);
    }

    #[test]
    fn options_that_contradict_each_other_are_both_there() {
        let options = ["--keep-daily=7", "--retention-policy=7d"];

        let given = policies(&options, Format::Barman, &[]);

        let daily = Generations {
            daily: 7,
            ..Generations::default()
        };
        let window = Policy::Barman(BarmanPolicy::window(7));
        assert_eq!(given, [Policy::Generations(daily), window]);
    }
}
