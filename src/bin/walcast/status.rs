//! `walcast status`: what each destination holds and owes.

use std::{
    io::{IsTerminal, stdout},
    time::Duration,
};

use clap::Args;
use jiff::Timestamp;
use tokio::time::sleep;
use walcast::{
    clock::{Clock, SystemClock},
    fanout::{self, Destination},
    metrics::{self, Snapshot},
    workers::Workers,
};

use crate::{
    client,
    configuration::ConfigOptions,
    duration,
    output::{self, Failure, Format},
    protocol::{Answer, Request},
    signals::Stop,
    spool::SpoolOptions,
    table,
};

/// How long the resident may take to answer before it counts as hanging.
const PATIENCE: Duration = Duration::from_secs(10);
/// The exit code when a destination owes something or is down.
const INCOMPLETE: u8 = 1;
/// The exit code when nothing can be told.
pub(crate) const UNKNOWN: u8 = 2;

#[derive(Args, Debug)]
pub(crate) struct Status {
    #[command(flatten)]
    config: ConfigOptions,
    #[command(flatten)]
    spool: SpoolOptions,
    /// Tells it again after so many seconds, until interrupted. Default: 2.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true,
        default_missing_value = "2", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    watch: Option<u64>,
    /// Ends as soon as every destination holds everything.
    #[arg(long, requires = "watch")]
    until_complete: bool,
}

/// How things are, and who says so.
struct View {
    status: fanout::Status,
    source: Source,
}

enum Source {
    Resident,
    /// The spool, last written at this time: the resident hangs.
    Hanging(Option<Timestamp>),
    /// The spool, which was last written at this time.
    Spool(Timestamp),
    /// The spool, whose state is lost or was never written.
    Nothing,
}

impl Status {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let workers = Workers::new();
        let destinations = self.config.load(&workers).await?.destinations;
        let mut stop = Stop::listen()?;
        let in_place = self.watch.is_some() && format == Format::Text;
        loop {
            let view = self.look(&destinations, &workers).await?;
            match format {
                Format::Json => output::print_json(&view.status),
                Format::Text if !in_place => output::print(&view.text()),
                Format::Text if stdout().is_terminal() => {
                    output::print(&format!("\x1b[H\x1b[2J{}", view.text()));
                }
                Format::Text => output::print(&table::lines(&view.status)),
            }
            let Some(seconds) = self.watch else {
                return Ok(view.code());
            };
            if self.until_complete && view.code() == 0 {
                return Ok(0);
            }
            tokio::select! {
                _ = stop.requested() => return Ok(view.code()),
                () = sleep(Duration::from_secs(seconds)) => {}
            }
        }
    }

    /// Prints metrics, once. What would be the code otherwise is among them.
    pub(crate) async fn expose(self) -> Result<u8, Failure> {
        if self.watch.is_some() {
            let hint = "`walcast serve --metrics` answers whenever it is asked.";
            let failure = Failure::new("metrics are printed once, without --watch");
            return Err(failure.with_hint(Some(hint)));
        }
        let workers = Workers::new();
        let destinations = self.config.load(&workers).await?.destinations;
        let asked = client::ask(self.spool.root(), &Request::Metrics {}, PATIENCE).await;
        let snapshot = match asked {
            Ok(Some(Answer::Metrics(snapshot))) => *snapshot,
            other => {
                let view = self
                    .inspect(other.is_err(), &destinations, &workers)
                    .await?;
                view.snapshot()
            }
        };
        output::print(&snapshot.render());
        Ok(0)
    }

    async fn look(&self, destinations: &[Destination], workers: &Workers) -> Result<View, Failure> {
        let asked = client::ask(self.spool.root(), &Request::Status {}, PATIENCE).await;
        if let Ok(Some(Answer::Status(status))) = asked {
            let source = Source::Resident;
            return Ok(View { status, source });
        }
        self.inspect(asked.is_err(), destinations, workers).await
    }

    /// Looks into the spool, as there is no resident, or one that hangs.
    async fn inspect(
        &self,
        hangs: bool,
        destinations: &[Destination],
        workers: &Workers,
    ) -> Result<View, Failure> {
        let spool = self.spool.inspect(destinations, workers).await;
        let spool = spool.map_err(|error| {
            let hint = "Check --spool: the first archived file creates the spool.";
            Failure::of(&error).with_hint(Some(hint))
        })?;
        let state = spool.load_state().await;
        let saved = state.as_ref().map(|state| state.saved.unwrap_or_default());
        let source = match (hangs, saved) {
            (true, saved) => Source::Hanging(saved),
            (false, Some(saved)) => Source::Spool(saved),
            (false, None) => Source::Nothing,
        };
        let state = state.unwrap_or_default();
        let status = fanout::Status::new(&state, &spool, destinations, SystemClock.now());
        Ok(View { status, source })
    }
}

impl View {
    fn code(&self) -> u8 {
        match self.source {
            _ if !self.status.is_complete() => INCOMPLETE,
            Source::Nothing | Source::Hanging(_) => UNKNOWN,
            Source::Resident | Source::Spool(_) => 0,
        }
    }

    fn snapshot(self) -> Snapshot {
        let source = match self.source {
            Source::Resident => metrics::Source::Resident,
            Source::Spool(_) => metrics::Source::Spool,
            Source::Hanging(_) | Source::Nothing => metrics::Source::Unknown,
        };
        Snapshot::new(self.status, source)
    }

    fn text(&self) -> String {
        let age = |saved| duration::rough(walcast::clock::between(saved, self.status.at));
        let source = match self.source {
            Source::Resident => "says the resident".to_owned(),
            Source::Spool(saved) => format!("by the spool, last used {} ago", age(saved)),
            Source::Hanging(Some(saved)) => format!(
                "not sure: the resident does not answer; by the spool, last used {} ago",
                age(saved)
            ),
            Source::Hanging(None) => "not known: the resident does not answer".to_owned(),
            Source::Nothing => "not known: the spool has no state".to_owned(),
        };
        table::page(&self.status, &source)
    }
}
