//! `walcast wal-archive`: by the resident if there is one, else by itself.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use tokio::time::Instant;
use walcast::{
    fanout::{Archived, Archiver, BreakerSettings, Outcome, Settings},
    spool::{LockError, SpoolLock},
    workers::Workers,
};

use crate::{
    client::{self, NoAnswer},
    configuration::ConfigOptions,
    duration,
    output::{self, Failure, Format},
    policy::PolicyOptions,
    protocol::{Answer, Refusal, Request},
    signals::Stop,
    spool::{SpoolLimits, SpoolOptions, locked},
};

#[derive(Args, Debug)]
pub(crate) struct WalArchive {
    #[command(flatten)]
    config: ConfigOptions,
    #[command(flatten)]
    spool: SpoolOptions,
    #[command(flatten)]
    policy: PolicyOptions,
    #[command(flatten)]
    limits: SpoolLimits,
    /// For how long owed files are sent before the command ends.
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = duration::parse, help_heading = "Limits")]
    drain: Duration,
    /// The file: PostgreSQL's %p.
    #[arg(value_name = "PATH")]
    path: PathBuf,
}

/// How long another process in the spool is waited for.
const LOCK_PATIENCE: Duration = Duration::from_secs(30);
/// How long the resident may take beyond the policy's deadline before it counts as hanging.
const ANSWER_PATIENCE: Duration = Duration::from_secs(10);
/// How often is looked whether that process is a resident.
const LOCK_STEP: Duration = Duration::from_millis(500);
/// A destination that gave no answer in time costs patience again only after this long.
const LATE: Duration = Duration::from_mins(1);

impl WalArchive {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let mut stop = Stop::listen()?;
        let path = std::path::absolute(&self.path)
            .map_err(|error| Failure::new(format!("{}: {error}", self.path.display())))?;
        let request = Request::Archive(path.clone());
        let answer = tokio::select! {
            biased;
            _ = stop.requested() => return Err(stopped(&path)),
            answer = self.ask(&request) => answer?,
        };
        let archived = match answer {
            Some(answer) => answered(answer)?,
            None => self.without_resident(&path, &mut stop).await?,
        };
        report(&archived, format);
        Ok(0)
    }

    async fn ask(&self, request: &Request) -> Result<Option<Answer>, NoAnswer> {
        let limit = self.policy.deadline().saturating_add(ANSWER_PATIENCE);
        client::ask(self.spool.root(), request, limit).await
    }

    async fn without_resident(&self, path: &Path, stop: &mut Stop) -> Result<Archived, Failure> {
        let workers = Workers::new();
        let site = self.config.load(&workers).await?;
        let settings = Settings {
            breaker: BreakerSettings {
                late: LATE,
                ..BreakerSettings::default()
            },
            ..self.policy.settings(&site)?
        };
        let limits = self.limits.settings(&site.parameters);
        let destinations = site.destinations;
        let entered = tokio::select! {
            biased;
            _ = stop.requested() => return Err(stopped(path)),
            entered = self.enter(path) => entered?,
        };
        let _lock = match entered {
            Entered::Locked(lock) => lock,
            Entered::Answered(answer) => return answered(answer),
        };
        let spool = self.spool.open(limits, &destinations, &workers).await?;
        let archiver = Archiver::builder(destinations, spool)
            .settings(settings)
            .workers(workers)
            .start()
            .await;
        let result = self.archive(&archiver, path, stop).await;
        archiver.shutdown().await;
        result
    }

    /// Locks the spool, or asks the resident that has begun to hold it.
    async fn enter(&self, path: &Path) -> Result<Entered, Failure> {
        let started = Instant::now();
        loop {
            match SpoolLock::acquire(self.spool.root(), LOCK_STEP).await {
                Ok(lock) => return Ok(Entered::Locked(lock)),
                Err(LockError::InUse(_)) if started.elapsed() < LOCK_PATIENCE => {}
                Err(error) => return Err(locked(&error)),
            }
            let request = Request::Archive(path.to_owned());
            if let Some(answer) = self.ask(&request).await? {
                return Ok(Entered::Answered(answer));
            }
        }
    }

    /// Archives the file, then sends for a moment what is owed, whatever became of the file.
    async fn archive(
        &self,
        archiver: &Archiver,
        path: &Path,
        stop: &mut Stop,
    ) -> Result<Archived, Failure> {
        let result = tokio::select! {
            biased;
            _ = stop.requested() => return Err(stopped(path)),
            result = archiver.archive(path) => result,
        };
        tokio::select! {
            biased;
            // The file is answered for; what is owed stays so.
            _ = stop.requested() => {}
            () = archiver.drain(self.drain) => {}
        }
        result.map_err(|error| Refusal::from(&error).into())
    }
}

enum Entered {
    Locked(SpoolLock),
    Answered(Answer),
}

fn answered(answer: Answer) -> Result<Archived, Failure> {
    match answer {
        Answer::Archived(archived) => Ok(archived),
        Answer::Refused(refusal) => Err(refusal.into()),
        Answer::Status(_) | Answer::Metrics(_) | Answer::Forgotten(_) | Answer::Invalid(_) => Err(
            Failure::new("the resident answered something else than was asked"),
        ),
    }
}

fn stopped(path: &Path) -> Failure {
    let text = format!(
        "{} is not archived: walcast was told to stop",
        path.display()
    );
    Failure::new(text)
}

/// Says who owes the file; nothing if nobody does.
fn report(archived: &Archived, format: Format) {
    for (destination, outcome) in &archived.outcomes {
        if *outcome != Outcome::Stored {
            tracing::warn!("{destination} owes {}: {outcome}", archived.name);
        }
    }
    if format == Format::Json {
        output::print_json(archived);
    }
}
