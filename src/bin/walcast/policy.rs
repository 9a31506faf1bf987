//! When a file counts as archived.

use std::time::Duration;

use clap::Args;
use walcast::{
    byte_size::ByteSize,
    fanout::{AtLimit, Destination, DestinationId, MinCopies, Policy, Settings},
};

use crate::{configuration::Site, duration, output::Failure};

/// What must hold before PostgreSQL hears that a file is archived. What is not given is what the
/// Cluster's plugin entry says, else the default.
#[derive(Args, Clone, Debug)]
pub(crate) struct PolicyOptions {
    /// How many destinations must hold a file: a number, or `all`. Default: 1.
    #[arg(long, value_name = "N|all", help_heading = "Policy")]
    min_copies: Option<MinCopies>,
    /// A destination that must hold it in any case; may be given several times.
    #[arg(long, value_name = "DEST", help_heading = "Policy")]
    required: Vec<DestinationId>,
    /// How long a destination is waited for beyond that; one that is late owes the file. Default:
    /// 10s.
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, help_heading = "Policy")]
    patience: Option<Duration>,
    /// How long is waited for what must hold, before the file is refused. Default: 1m.
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, help_heading = "Policy")]
    deadline: Option<Duration>,
    /// What happens when the spool is full and a destination would owe one more file: `back-fill`
    /// records the debt without the bytes, to be fetched from another destination; `refuse` lets
    /// PostgreSQL keep the file. Default: back-fill.
    #[arg(long, value_name = "WHAT", help_heading = "Policy")]
    at_limit: Option<AtLimit>,
    /// Bytes of debts older than this are dropped from the spool, and fetched from another
    /// destination when the time comes. Default: never.
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, help_heading = "Limits")]
    max_debt_age: Option<Duration>,
    /// Most bytes of WAL in memory. Default: 64MiB.
    #[arg(long, value_name = "SIZE", help_heading = "Limits")]
    memory: Option<ByteSize>,
}

impl PolicyOptions {
    /// Returns how long a file may take that is refused in the end.
    pub(crate) fn deadline(&self) -> Duration {
        self.deadline.unwrap_or_else(|| Policy::default().deadline)
    }

    /// Returns the settings of an archiver to the destinations of `site`.
    pub(crate) fn settings(&self, site: &Site) -> Result<Settings, Failure> {
        let (said, default) = (&site.parameters, Settings::default());
        let of_cluster = || said.required.clone().unwrap_or_default();
        let required = match self.required.as_slice() {
            [] => of_cluster(),
            given => given.to_vec(),
        };
        let min_copies = self.min_copies.or(said.min_copies);
        let min_copies = min_copies.unwrap_or(default.policy.min_copies);
        check(min_copies, &required, &site.destinations)?;
        let or = |given: Option<Duration>, said: Option<Duration>| given.or(said);
        let patience = or(self.patience, said.patience);
        let deadline = or(self.deadline, said.deadline);
        let at_limit = self.at_limit.or(said.at_limit);
        let policy = Policy {
            min_copies,
            required: required.into_iter().collect(),
            patience: patience.unwrap_or(default.policy.patience),
            deadline: deadline.unwrap_or(default.policy.deadline),
            at_limit: at_limit.unwrap_or(default.policy.at_limit),
        };
        Ok(Settings {
            policy,
            memory: self.memory.or(said.memory).unwrap_or(default.memory),
            max_debt_age: or(self.max_debt_age, said.max_debt_age),
            ..default
        })
    }
}

/// A policy that can never be satisfied is a mistake.
fn check(
    min_copies: MinCopies,
    required: &[DestinationId],
    destinations: &[Destination],
) -> Result<(), Failure> {
    let count = destinations.len();
    if let MinCopies::AtLeast(wanted) = min_copies
        && wanted.get() > count
    {
        let text = format!("{wanted} copies are more than the {count} destinations can hold");
        let hint = "Ask for fewer with --min-copies or the parameter `minCopies`, or for `all`.";
        return Err(Failure::new(text).with_hint(Some(hint)));
    }
    check_known("required", required, destinations)
}

/// Leaves out the destinations of `--without`; fails if one of them is none, or none is left.
pub(crate) fn leave_out(
    destinations: &mut Vec<Destination>,
    without: &[DestinationId],
) -> Result<(), Failure> {
    check_known("--without", without, destinations)?;
    destinations.retain(|one| !without.contains(&one.id));
    if destinations.is_empty() {
        return Err(Failure::new("--without leaves no destination"));
    }
    Ok(())
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

/// Returns how many files are sent, or fetched, ahead: what the destinations wish.
pub(crate) fn look_ahead(destinations: &[Destination]) -> usize {
    let wished = destinations.iter().map(|one| one.parallel).max();
    wished
        .filter(|&parallel| parallel > 1)
        .unwrap_or(LOOK_AHEAD)
}

/// Where no destination says how many.
const LOOK_AHEAD: usize = 4;

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use clap::Parser;
    use walcast::config::Parameters;

    use super::*;

    #[derive(Parser)]
    struct Only {
        #[command(flatten)]
        policy: PolicyOptions,
    }

    fn settings(arguments: &[&str], parameters: Parameters) -> Result<Settings, Failure> {
        let all = ["walcast"].iter().chain(arguments);
        let Only { policy } = Only::parse_from(all);
        policy.settings(&Site {
            server_name: None,
            destinations: Vec::new(),
            immediate_checkpoint: false,
            retention: Vec::new(),
            parameters,
        })
    }

    #[test]
    fn options_win_over_the_cluster_and_the_cluster_over_the_library() {
        let mut said = Parameters::default();
        said.min_copies = Some(MinCopies::All);
        said.patience = Some(Duration::from_secs(3));
        said.at_limit = Some(AtLimit::Refuse);
        let default = Settings::default();

        let nothing = settings(&["--min-copies=all"], Parameters::default()).unwrap();
        let cluster = settings(&[], said.clone()).unwrap();
        let both = settings(&["--patience=1s", "--memory=1GiB"], said).unwrap();

        assert_eq!(nothing.policy.patience, default.policy.patience);
        assert_eq!(nothing.policy.deadline, default.policy.deadline);
        assert_eq!(nothing.policy.at_limit, default.policy.at_limit);
        assert_eq!(nothing.memory, default.memory);
        assert_eq!(nothing.max_debt_age, None);
        assert_eq!(cluster.policy.min_copies, MinCopies::All);
        assert_eq!(cluster.policy.patience, Duration::from_secs(3));
        assert_eq!(cluster.policy.at_limit, AtLimit::Refuse);
        assert_eq!(both.policy.patience, Duration::from_secs(1));
        assert_eq!(both.memory, ByteSize::gib(1));
    }

    #[test]
    fn a_policy_that_nothing_satisfies_is_refused() {
        let mut said = Parameters::default();
        said.min_copies = Some(MinCopies::AtLeast(NonZeroUsize::MIN));

        assert!(settings(&[], Parameters::default()).is_err());
        assert!(settings(&[], said).is_err());
        let required = ["--min-copies=all", "--required=a"];
        assert!(settings(&required, Parameters::default()).is_err());
    }
}
