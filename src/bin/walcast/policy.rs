//! When a file counts as archived.

use std::{num::NonZeroUsize, time::Duration};

use clap::{Args, ValueEnum};
use walcast::{
    byte_size::ByteSize,
    fanout::{AtLimit, BreakerSettings, Destination, DestinationId, MinCopies, Policy, Settings},
};

use crate::{duration, output::Failure};

/// What must hold before PostgreSQL hears that a file is archived.
#[derive(Args, Clone, Debug)]
pub(crate) struct PolicyOptions {
    /// How many destinations must hold a file: a number, or `all`.
    #[arg(long, value_name = "N|all", default_value = "1", value_parser = min_copies, help_heading = "Policy")]
    min_copies: MinCopies,
    /// A destination that must hold it in any case; may be given several times.
    #[arg(long, value_name = "DEST", help_heading = "Policy")]
    required: Vec<DestinationId>,
    /// How long a destination is waited for beyond that; one that is late owes the file.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration::parse, help_heading = "Policy")]
    patience: Duration,
    /// How long is waited for what must hold, before the file is refused.
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = duration::parse, help_heading = "Policy")]
    deadline: Duration,
    /// What happens when the spool is full and a destination would owe one more file.
    #[arg(long, value_name = "WHAT", value_enum, default_value_t = Limit::BackFill, help_heading = "Policy")]
    at_limit: Limit,
    /// Bytes of debts older than this are dropped from the spool, and fetched from another
    /// destination when the time comes. Default: never.
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, help_heading = "Limits")]
    max_debt_age: Option<Duration>,
    /// Most bytes of WAL in memory.
    #[arg(
        long,
        value_name = "SIZE",
        default_value = "64MiB",
        help_heading = "Limits"
    )]
    memory: ByteSize,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Limit {
    /// The debt is recorded without the bytes, to be fetched from another destination.
    BackFill,
    /// The file is refused: PostgreSQL keeps it.
    Refuse,
}

impl PolicyOptions {
    /// Returns how long a file may take that is refused in the end.
    pub(crate) fn deadline(&self) -> Duration {
        self.deadline
    }

    /// Returns the settings of an archiver to `destinations`.
    pub(crate) fn settings(&self, destinations: &[Destination]) -> Result<Settings, Failure> {
        self.check(destinations)?;
        let at_limit = match self.at_limit {
            Limit::BackFill => AtLimit::BackFill,
            Limit::Refuse => AtLimit::Refuse,
        };
        let policy = Policy {
            min_copies: self.min_copies,
            required: self.required.iter().cloned().collect(),
            patience: self.patience,
            deadline: self.deadline,
            at_limit,
        };
        Ok(Settings {
            policy,
            breaker: BreakerSettings::default(),
            memory: self.memory,
            max_debt_age: self.max_debt_age,
            ..Settings::default()
        })
    }

    /// A policy that can never be satisfied is a mistake.
    fn check(&self, destinations: &[Destination]) -> Result<(), Failure> {
        let count = destinations.len();
        if let MinCopies::AtLeast(wanted) = self.min_copies
            && wanted.get() > count
        {
            let text = format!("--min-copies {wanted} is more than the {count} destinations");
            let hint = "Ask for fewer copies, or for `all`.";
            return Err(Failure::new(text).with_hint(Some(hint)));
        }
        check_known("--required", &self.required, destinations)
    }
}

/// Fails if one of `named` is not a destination.
pub(crate) fn check_known(
    option: &str,
    named: &[DestinationId],
    destinations: &[Destination],
) -> Result<(), Failure> {
    let is_unknown = |id: &&DestinationId| destinations.iter().all(|one| one.id != **id);
    let Some(unknown) = named.iter().find(is_unknown) else {
        return Ok(());
    };
    let known: Vec<&str> = destinations.iter().map(|one| one.id.as_str()).collect();
    let hint = format!("The destinations are {}.", known.join(", "));
    Err(
        Failure::new(format!("{option} {unknown}: there is no such destination"))
            .with_hint(Some(hint)),
    )
}

fn min_copies(text: &str) -> Result<MinCopies, String> {
    if text == "all" {
        return Ok(MinCopies::All);
    }
    let count: NonZeroUsize = text
        .parse()
        .map_err(|_| format!("`{text}` is neither a number from 1 on nor `all`"))?;
    Ok(MinCopies::AtLeast(count))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Only {
        #[command(flatten)]
        policy: PolicyOptions,
    }

    #[test]
    fn without_options_the_library_decides() {
        let Only { mut policy } = Only::parse_from(["walcast"]);
        policy.min_copies = MinCopies::All;
        let settings = policy.settings(&[]).unwrap();
        let mut expected = Settings::default();
        assert_eq!(min_copies("1"), Ok(expected.policy.min_copies));
        expected.policy.min_copies = MinCopies::All;

        assert_eq!(settings.policy, expected.policy);
        assert_eq!(settings.memory, expected.memory);
        assert_eq!(settings.max_debt_age, expected.max_debt_age);
    }

    #[test]
    fn a_policy_that_nothing_satisfies_is_refused() {
        for arguments in [
            &["walcast"][..],
            &["walcast", "--min-copies=all", "--required=a"],
        ] {
            let Only { policy } = Only::parse_from(arguments);
            assert!(policy.settings(&[]).is_err(), "{arguments:?}");
        }
        assert!(min_copies("0").is_err());
    }
}
