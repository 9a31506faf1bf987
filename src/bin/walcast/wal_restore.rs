//! `walcast wal-restore`: the first destination that has the file.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use walcast::{
    clock::{Clock, SystemClock},
    fanout::{Destination, DestinationId},
    pg::WalFileName,
    restore::{Ahead, Fetched, WalFetchError, WalFetcher},
    spool::State,
    workers::Workers,
};

use crate::{
    configuration::ConfigOptions,
    duration,
    output::{self, FAILED, Failure, Format},
    policy::{leave_out, look_ahead},
    signals::Stop,
    spool::SpoolOptions,
};

/// PostgreSQL stops recovery when `restore_command` ends with more than 125, instead of taking
/// the file for the end of the archive.
pub(crate) const UNKNOWN: u8 = 200;

#[derive(Args, Debug)]
pub(crate) struct WalRestore {
    #[command(flatten)]
    config: ConfigOptions,
    /// The spool of `wal-archive`: destinations that were down when it was last used are asked last.
    #[arg(long, value_name = "DIR", env = "WALCAST_SPOOL")]
    spool: Option<PathBuf>,
    /// How long a destination that does not answer is asked again.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration::parse)]
    deadline: Duration,
    /// A destination that is not asked, because it is lost for good; may be given several times.
    #[arg(long, value_name = "DEST")]
    without: Vec<DestinationId>,
    /// How many of the following segments are fetched as well, into `pg_wal`, for when PostgreSQL
    /// asks for them. Default: the largest `maxParallel` of the destinations, else 4.
    #[arg(long, value_name = "N")]
    ahead: Option<usize>,
    /// The name of the file: PostgreSQL's %f.
    #[arg(value_name = "NAME")]
    name: WalFileName,
    /// Where it goes: PostgreSQL's %p.
    #[arg(value_name = "PATH")]
    path: PathBuf,
}

async fn fetch(
    source: &WalFetcher,
    ahead: Option<&Ahead>,
    name: WalFileName,
    path: &Path,
) -> Result<Fetched, WalFetchError> {
    match ahead {
        Some(ahead) => source.fetch_with(ahead, name, path).await,
        None => source.fetch(name, path).await,
    }
}

impl WalRestore {
    /// How long a destination may take to open a file before the next is asked too.
    const HEDGE: Duration = Duration::from_secs(2);

    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let mut stop = Stop::listen()?;
        let workers = Workers::new();
        let mut destinations = self.config.load(&workers).await?.destinations;
        leave_out(&mut destinations, &self.without)?;
        let down = self.down(&destinations, &workers).await;
        destinations.sort_by_key(|one| down.contains(&one.id));
        let segments = self.ahead.unwrap_or_else(|| look_ahead(&destinations));
        let ahead = Ahead::beside(&self.path, segments);
        let source = WalFetcher {
            destinations,
            deadline: self.deadline,
            hedge: Self::HEDGE,
            workers,
        };
        let fetched = tokio::select! {
            biased;
            // PostgreSQL takes this code for what it is, and ends as it was told to.
            code = stop.requested() => return Ok(code),
            fetched = fetch(&source, ahead.as_ref(), self.name, &self.path) => fetched,
        };
        match fetched {
            Ok(file) => {
                self.report(&file, format);
                Ok(0)
            }
            // PostgreSQL asks for files that do not exist yet all the time.
            Err(error @ WalFetchError::NotFound { .. }) => {
                tracing::info!("{error}");
                Ok(FAILED)
            }
            Err(error) => Err(Failure::of(&error).with_hint(error.hint())),
        }
    }

    /// Returns the destinations that were down a moment ago.
    async fn down(
        &self,
        destinations: &[Destination],
        workers: &Workers,
    ) -> BTreeSet<DestinationId> {
        let Some(root) = self.spool.clone() else {
            return BTreeSet::new();
        };
        let spool = SpoolOptions { root }.inspect(destinations, workers).await;
        let state = match spool {
            Ok(spool) => spool.load_state().await.unwrap_or_default(),
            // A hint that cannot be had costs time, no more.
            Err(error) => {
                tracing::debug!("the order is that of the files: {error}");
                State::default()
            }
        };
        let now = SystemClock.now();
        let is_down = state.destinations.into_iter();
        is_down
            .filter(|(_, known)| known.not_before.is_some_and(|until| until > now))
            .map(|(id, _)| id)
            .collect()
    }

    fn report(&self, fetched: &Fetched, format: Format) {
        let ahead = || "what was fetched ahead".to_owned();
        let from = fetched
            .from
            .as_ref()
            .map_or_else(ahead, ToString::to_string);
        for (destination, complaint) in &fetched.complaints {
            tracing::warn!("{} came from {from}; {destination}: {complaint}", self.name);
        }
        tracing::info!("{} came from {from}", self.name);
        if format == Format::Json {
            output::print_json(&serde_json::json!({
                "name": self.name,
                "from": fetched.from,
                "bytes": fetched.bytes,
            }));
        }
    }
}
