//! Looking at the destinations, and what is remembered between two looks.

use std::{fs, io, path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use futures_util::future::join_all;
use jiff::{SignedDuration, tz::TimeZone};
use walcast::{
    audit::{
        Audit, AuditRequest, Evidence, Expectations, Level, Observation, ProofSettings, Remembered,
        observe, prove,
    },
    byte_size::ByteSize,
    catalog::Catalog,
    clock::{Clock, SystemClock},
    drill::last_drill,
    fanout::{Destination, DestinationId},
    retention::{Moment, Policy},
    workers::Workers,
};

use crate::{
    configuration::ConfigOptions,
    output::{self, Failure},
    policy::check_known,
    retention::RetentionOptions,
};

/// Which destinations are looked at, and what they are to keep.
#[derive(Args, Clone, Debug)]
pub(crate) struct SiteOptions {
    #[command(flatten)]
    pub(crate) config: ConfigOptions,
    /// A destination to look at; may be given several times. Default: all.
    #[arg(long, value_name = "DEST")]
    destination: Vec<DestinationId>,
    #[command(flatten)]
    retention: RetentionOptions,
}

/// What should be the case.
#[derive(Args, Clone, Debug)]
struct ExpectationOptions {
    /// How old the newest WAL may be. A quiet server archives nothing unless `archive_timeout` is
    /// set. Default: nothing is expected.
    #[arg(long = "max-wal-age", value_name = "DURATION", value_parser = crate::duration::parse, help_heading = EXPECTATIONS)]
    wal_age: Option<Duration>,
    /// How old the newest backup may be that can be restored, such as 26h for a daily one.
    /// Default: nothing is expected.
    #[arg(long = "max-backup-age", value_name = "DURATION", value_parser = crate::duration::parse, help_heading = EXPECTATIONS)]
    backup_age: Option<Duration>,
    /// For how long a destination may be behind the best one.
    #[arg(long = "max-lag", value_name = "DURATION", value_parser = crate::duration::parse, default_value = "5m", help_heading = EXPECTATIONS)]
    lag: Duration,
    /// How long ago the last restore for practice may be. Default: nothing is expected.
    #[arg(long = "max-drill-age", value_name = "DURATION", value_parser = crate::duration::parse, help_heading = EXPECTATIONS)]
    drill_age: Option<Duration>,
}

const EXPECTATIONS: &str = "What should be the case";

/// How closely is looked, and what is read.
#[derive(Args, Clone, Debug)]
struct DepthOptions {
    /// How closely: `listing` asks for little more than names; `metadata` compares each backup's
    /// record with the objects that are there; `digests` reads a part of the content again; `all`
    /// reads everything.
    #[arg(long, value_enum, default_value_t = DepthName::Listing)]
    level: DepthName,
    /// How much is read of each destination in this run, with `--level digests`.
    #[arg(long, value_name = "SIZE", default_value = "1GiB", help_heading = READING)]
    budget: ByteSize,
    /// Within which time everything is to be read again: what was read within it is not due.
    /// Needs --evidence. With it, what is due is a finding.
    #[arg(long, value_name = "DURATION", value_parser = crate::duration::parse, requires = "evidence", help_heading = READING)]
    period: Option<Duration>,
    /// A file that remembers what was read and when, from one run to the next.
    #[arg(long, value_name = "FILE", help_heading = READING)]
    evidence: Option<PathBuf>,
}

const READING: &str = "Reading again";

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum DepthName {
    Listing,
    Metadata,
    Digests,
    All,
}

/// Which destinations are looked at, how closely, and what should be the case.
#[derive(Args, Clone, Debug)]
pub(crate) struct LookOptions {
    #[command(flatten)]
    site: SiteOptions,
    #[command(flatten)]
    expectations: ExpectationOptions,
    #[command(flatten)]
    depth: DepthOptions,
}

impl LookOptions {
    /// Reads the configuration.
    pub(crate) async fn looker(&self) -> Result<Looker, Failure> {
        let depth = self.depth.get();
        let expectations = self.expectations.get(depth.period);
        self.site.looker(expectations, depth).await
    }
}

/// How closely is looked, and what is read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Depth {
    pub(crate) level: Level,
    pub(crate) budget: Option<u64>,
    pub(crate) period: Option<SignedDuration>,
    pub(crate) evidence: Option<PathBuf>,
}

/// What is looked at, again and again if need be.
#[derive(Debug)]
pub(crate) struct Looker {
    pub(crate) server_name: Option<String>,
    pub(crate) destinations: Vec<Destination>,
    pub(crate) policies: Vec<Vec<Policy>>,
    pub(crate) workers: Workers,
    expectations: Expectations,
    depth: Depth,
}

impl SiteOptions {
    /// Reads the configuration.
    pub(crate) async fn looker(
        &self,
        expectations: Expectations,
        depth: Depth,
    ) -> Result<Looker, Failure> {
        let workers = Workers::new();
        let site = self.config.load(&workers).await?;
        check_known("--destination", &self.destination, &site.destinations)?;
        let server_name = site.server_name;
        let all = site.destinations.into_iter().zip(site.retention);
        let is_chosen =
            |id: &DestinationId| self.destination.is_empty() || self.destination.contains(id);
        let chosen = all.filter(|(one, _)| is_chosen(&one.id));
        let (destinations, said): (Vec<_>, Vec<_>) = chosen.unzip();
        let policies = destinations.iter().zip(&said);
        let policies =
            policies.map(|(one, said)| self.retention.policies(one.repository.format(), said));
        Ok(Looker {
            policies: policies.collect(),
            server_name,
            destinations,
            workers,
            expectations,
            depth,
        })
    }
}

/// What one look saw, and what that means.
#[derive(Debug)]
pub(crate) struct Look {
    pub(crate) observations: Vec<Observation>,
    pub(crate) audit: Audit,
    /// What was read of each destination, in bytes, and why that ended early.
    pub(crate) read: Vec<(DestinationId, u64, Option<String>)>,
}

impl Looker {
    /// Looks at the destinations. WAL that `before` saw is not listed again.
    pub(crate) async fn look(&self, before: Option<&Look>) -> Result<Look, Failure> {
        let level = self.depth.level;
        let now = SystemClock.now();
        let mut evidence = self.load_evidence().await?;
        let looks = self
            .destinations
            .iter()
            .enumerate()
            .map(|(place, destination)| {
                let before = before.and_then(|look| look.observations.get(place));
                let proofs = evidence.of(&destination.id);
                async move {
                    // One that cannot be read says so when its catalog is asked for.
                    let drill = last_drill(&*destination.repository).await.ok().flatten();
                    let known: Option<&Catalog> = before.and_then(|one| one.catalog.as_ref().ok());
                    observe(destination, level, Remembered { proofs, drill }, known).await
                }
            });
        let mut observations = join_all(looks).await;
        let mut read = Vec::new();
        if level >= Level::Digests {
            let settings = ProofSettings {
                budget: self.depth.budget,
                period: self.depth.period.unwrap_or(SignedDuration::ZERO),
                now,
            };
            let proofs = prove(&self.destinations, &observations, settings, &self.workers).await;
            for (observation, proof) in observations.iter_mut().zip(proofs) {
                let id = &observation.destination;
                evidence.set(id, proof.proofs.clone());
                read.push((id.clone(), proof.bytes, proof.interrupted));
                observation.remembered.proofs = proof.proofs;
            }
            self.save_evidence(&evidence).await?;
        }
        let request = AuditRequest {
            level,
            observations: &observations,
            policies: &self.policies,
            expectations: &self.expectations,
            moment: Moment {
                now,
                zone: TimeZone::system(),
            },
        };
        let audit = request.judge();
        Ok(Look {
            observations,
            audit,
            read,
        })
    }

    async fn load_evidence(&self) -> Result<Evidence, Failure> {
        let Some(path) = self.depth.evidence.clone() else {
            return Ok(Evidence::default());
        };
        let read = path.clone();
        match self.workers.disk(move || fs::read(read)).await {
            Ok(text) => Evidence::from_json(&text).map_err(|error| {
                Failure::new(format!("{}: {error}", path.display())).with_hint(Some(
                    "Name another file, or remove this one: then nothing counts as read.",
                ))
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Evidence::default()),
            Err(error) => Err(Failure::new(format!("{}: {error}", path.display()))),
        }
    }

    async fn save_evidence(&self, evidence: &Evidence) -> Result<(), Failure> {
        let Some(path) = self.depth.evidence.clone() else {
            return Ok(());
        };
        let (text, written) = (evidence.to_json(), path.clone());
        let saved = self
            .workers
            .disk(move || output::replace(&written, &text))
            .await;
        saved.map_err(|error| Failure::new(format!("{}: {error}", path.display())))
    }
}

impl ExpectationOptions {
    /// Returns what should be the case; everything is to be read again within `proof_period`.
    fn get(&self, proof_period: Option<SignedDuration>) -> Expectations {
        Expectations {
            wal_age: self.wal_age.map(signed),
            backup_age: self.backup_age.map(signed),
            lag: signed(self.lag),
            proof_period,
            drill_age: self.drill_age.map(signed),
        }
    }
}

impl DepthOptions {
    /// Returns how closely is looked.
    fn get(&self) -> Depth {
        let (level, is_limited) = match self.level {
            DepthName::Listing => (Level::Listing, true),
            DepthName::Metadata => (Level::Metadata, true),
            DepthName::Digests => (Level::Digests, true),
            DepthName::All => (Level::All, false),
        };
        Depth {
            level,
            budget: is_limited.then_some(self.budget.bytes()),
            period: self.period.map(signed),
            evidence: self.evidence.clone(),
        }
    }
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}
