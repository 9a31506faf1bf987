//! Looking again and again: a dead man's switch.

use std::{
    collections::HashSet,
    io,
    mem::discriminant,
    process::{Command, ExitStatus, Stdio},
    time::Duration,
};

use clap::Args;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};

use super::{Look, Looker, code, page, print, worst};
use crate::{
    output::{self, Failure, Format},
    signals::Stop,
};

#[derive(Args, Clone, Debug)]
pub(crate) struct WatchOptions {
    /// Stays, looks again after this time, and tells when something changed. Needs nothing but
    /// read access to the destinations, and so runs where neither the cluster nor its archiver
    /// does: what these no longer tell when they are dead, it sees. Ends with the code of the last
    /// look when it is stopped.
    #[arg(long, value_name = "DURATION", value_parser = crate::duration::parse, help_heading = WATCHING)]
    watch: Option<Duration>,
    /// Runs this command by `sh -c` after each look that found neither a warning nor anything
    /// worse: whoever misses it raises the alarm. Such as `touch /run/walcast.ok`, or a call of a
    /// service for that.
    #[arg(long, value_name = "COMMAND", requires = "watch", help_heading = WATCHING)]
    heartbeat: Option<String>,
    /// Lists the whole archive in every so-manieth look; in between only what is new.
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..), help_heading = WATCHING)]
    full_every: u32,
}

const WATCHING: &str = "Watching";
/// How long the command may take.
const PATIENCE: Duration = Duration::from_mins(1);

impl WatchOptions {
    pub(super) fn is_asked_for(&self) -> bool {
        self.watch.is_some()
    }

    pub(super) async fn run(&self, looker: &Looker, format: Format) -> Result<u8, Failure> {
        let mut stop = Stop::listen()?;
        let pause = self.watch.unwrap_or_default().max(Duration::from_secs(1));
        let mut ticks = interval_at(Instant::now(), pause);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last: Option<Look> = None;
        for round in 0_u32.. {
            let known = last.as_ref().filter(|_| round % self.full_every != 0);
            let look = tokio::select! {
                _ = stop.requested() => break,
                look = async {
                    ticks.tick().await;
                    looker.look(known).await
                } => look?,
            };
            if last.as_ref().is_none_or(|last| is_different(last, &look)) {
                print(&look, format);
            } else if format == Format::Text {
                output::print(&format!("{}\n", page::headline(&look.audit)));
            }
            if worst(&look.audit).is_none() {
                self.beat().await;
            }
            last = Some(look);
        }
        Ok(last.map_or(super::UNKNOWN, |look| code(&look.audit)))
    }

    /// Whoever waits for the heartbeat learns that it failed by its absence.
    async fn beat(&self) {
        let Some(command) = &self.heartbeat else {
            return;
        };
        match run(command).await {
            Ok(Some(status)) if status.success() => {}
            Ok(Some(status)) => tracing::warn!(%status, "the heartbeat failed"),
            Ok(None) => tracing::warn!("the heartbeat took longer than {PATIENCE:?}"),
            Err(error) => tracing::warn!(%error, "the heartbeat could not be run"),
        }
    }
}

/// Runs a command; one that takes too long is killed.
async fn run(command: &str) -> io::Result<Option<ExitStatus>> {
    let mut shell = Command::new("sh");
    let mut child = shell.arg("-c").arg(command).stdin(Stdio::null()).spawn()?;
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        sleep(Duration::from_millis(50)).await;
    }
    child.kill()?;
    child.wait().map(|_| None)
}

/// Whether something else is wrong than before.
fn is_different(before: &Look, now: &Look) -> bool {
    let of = |look: &Look| {
        let findings = look.audit.findings.iter();
        let kinds = findings.map(|one| (one.destination.clone(), discriminant(&one.fact)));
        kinds.collect::<HashSet<_>>()
    };
    of(before) != of(now)
}
