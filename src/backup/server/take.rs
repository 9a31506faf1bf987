//! A base backup from its begin to its end.

use std::{path::Path, pin::pin, sync::Arc, time::Duration};

use futures_util::future::join_all;
use tokio::time::timeout;

use super::{
    Report, SourceError,
    leftovers::Leftovers,
    pages::PageCheck,
    source::{Source, SourceReport, estimate},
};
use crate::{
    backup::{
        BackupSettings, Event, Progress,
        begun::{Begun, reasons},
        pass::{Pass, Results},
    },
    clock::{Clock, SystemClock},
    destination::DestinationId,
    disk::{self, LocalDisk},
    error::chain,
    fanout::Destination,
    pg::{
        BackedUpServer, ControlData, InvalidControlFile, MajorVersion,
        server::{Checkpoint, Server, ServerError},
    },
    repository::{BackupEnd, BackupStart, ClusterIdentity, Taker, TreeEvent},
    workers::Workers,
};

/// No destination holds the base backup.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The server refused, or was lost.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The server's files cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The data directory is not here, or is another server's.
    #[error("{path} is not the data directory of the server that answers: {reason}")]
    NotItsData {
        /// Where the server says that it is.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// No destination takes it.
    #[error("no destination takes the base backup{}", reasons(.0))]
    NoDestination(Vec<(DestinationId, String)>),
    /// Whoever asked for it called it off.
    #[error("the base backup was called off; no destination lists it as complete")]
    CalledOff,
}

impl BackupError {
    /// Returns what to do, as a full sentence.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Server(error) => error.hint(),
            Self::Source(error) => Some(error.hint().into()),
            Self::NotItsData { .. } => Some(
                "Run walcast on the server's machine, where it can read the data directory.".into(),
            ),
            Self::NoDestination(_) => Some("Nothing was begun: try again when one answers.".into()),
            Self::CalledOff => None,
        }
    }
}

/// Takes a base backup of `server` to all `destinations`, reading its files once.
///
/// What killed runs left is removed before. A destination that cannot take it, fails or stalls is left behind, and the report says so; what
/// it had got is removed again. `progress` may be looked at meanwhile. When `cancelled` completes,
/// everything is undone. Dropping the future leaves what a killed process leaves: no destination
/// lists the backup as complete.
///
/// # Errors
///
/// If no destination can hold the backup, whatever the reason.
pub async fn take_backup(
    server: &mut Server,
    destinations: &[Destination],
    settings: &BackupSettings,
    workers: &Workers,
    progress: &Arc<Progress>,
    cancelled: impl Future<Output = ()>,
) -> Result<Report, BackupError> {
    let mut cancelled = pin!(cancelled);
    let site = Site {
        destinations,
        settings,
        workers,
        progress,
    };
    let taker = Taker::of_backup();
    let prepared = tokio::select! {
        biased;
        () = &mut cancelled => return Err(BackupError::CalledOff),
        prepared = site.prepare(server, &taker) => prepared?,
    };
    let Prepared {
        start,
        waits,
        refusals,
        removed,
    } = prepared;
    let begun = Begun::begin(destinations, refusals, start, &taker, settings, progress).await;
    if begun.is_nowhere() {
        return Err(BackupError::NoDestination(begun.refusals()));
    }
    let copied = tokio::select! {
        biased;
        () = cancelled => Err(BackupError::CalledOff),
        copied = copy(&begun, waits, server, workers) => copied,
    };
    match copied {
        Ok((results, end, source)) => {
            let destinations = begun.conclude(results, &end).await;
            Ok(Report {
                done: progress.done(),
                bad_pages: source.bad_pages,
                more_bad_pages: source.more_bad_pages,
                removed,
                destinations,
            })
        }
        Err(error) => {
            begun.undo(&chain(&error)).await;
            Err(error)
        }
    }
}

/// What a base backup works with.
struct Site<'a> {
    destinations: &'a [Destination],
    settings: &'a BackupSettings,
    workers: &'a Workers,
    progress: &'a Progress,
}

/// The server has begun a backup.
struct Prepared {
    start: BackupStart,
    /// Whether its end waits for the archive.
    waits: bool,
    /// Destinations that do not take part, by index, and why.
    refusals: Vec<(usize, String)>,
    /// What killed runs had left, and is gone.
    removed: Vec<(DestinationId, String)>,
}

impl Site<'_> {
    /// Checks everything that can be checked before, removes what killed runs left, and lets the
    /// server begin.
    async fn prepare(&self, server: &mut Server, taker: &Taker) -> Result<Prepared, BackupError> {
        server.check_grants().await?;
        let facts = server.facts().await?;
        check_data_directory(&facts.server, self.workers).await?;
        let identity = ClusterIdentity {
            system_id: facts.server.system_id,
            version: server.version(),
        };
        let refusals = check(self.destinations, &identity, self.settings).await;
        if refusals.len() == self.destinations.len() {
            let id =
                |(index, reason): (usize, String)| (self.destinations[index].id.clone(), reason);
            return Err(BackupError::NoDestination(
                refusals.into_iter().map(id).collect(),
            ));
        }
        let answering = self.destinations.iter().enumerate();
        let answering = answering
            .filter(|(index, _)| refusals.iter().all(|(refused, _)| refused != index))
            .map(|(_, destination)| destination)
            .collect();
        let leftovers = Leftovers {
            destinations: answering,
            host: &taker.host,
            data_directory: &facts.server.data_directory,
            now: SystemClock.now(),
            progress: self.progress,
        };
        let removed = leftovers.remove(server).await;

        let label = self.settings.name.as_deref().unwrap_or("walcast");
        let checkpoint = if self.settings.fast_checkpoint {
            Checkpoint::Fast
        } else {
            Checkpoint::Spread
        };
        let waits = facts.archives();
        let started = server.start_backup(label, checkpoint).await?;
        let start = BackupStart {
            id: None,
            kind: self.settings.kind,
            by_checksum: self.settings.by_checksum,
            name: self.settings.name.clone(),
            annotations: self.settings.annotations.clone(),
            server: facts.server,
            began: started.at,
            offset: started.offset,
            timeline: started.timeline,
            start: started.lsn,
        };
        Ok(Prepared {
            start,
            waits,
            refusals,
            removed,
        })
    }
}

/// Checks that the files are those of the server that answers.
async fn check_data_directory(
    server: &BackedUpServer,
    workers: &Workers,
) -> Result<(), BackupError> {
    let path = server.data_directory.clone();
    let file = Path::new(&path).join("global/pg_control");
    let read = move || disk::read(&LocalDisk, &file, MAX_CONTROL);
    let not_its_data = |reason: String| BackupError::NotItsData {
        path: path.clone(),
        reason,
    };
    let content = workers.disk(read).await;
    let content = content.map_err(|error| not_its_data(error.to_string()))?;
    let control = ControlData::parse(&content);
    let control = control.map_err(|error: InvalidControlFile| not_its_data(error.to_string()))?;
    if control.system_id == server.system_id {
        Ok(())
    } else {
        let (there, wanted) = (control.system_id, server.system_id);
        Err(not_its_data(format!(
            "it is of the cluster {there}, not of {wanted}"
        )))
    }
}

/// Far more than `pg_control` has, in bytes.
const MAX_CONTROL: u64 = 64 << 10;

/// Asks each destination whether it can take a backup; returns the index and reason of those that
/// cannot.
async fn check(
    destinations: &[Destination],
    identity: &ClusterIdentity,
    settings: &BackupSettings,
) -> Vec<(usize, String)> {
    let checks = destinations.iter().map(|destination| {
        timeout(
            CHECK_PATIENCE.min(settings.stall_limit),
            destination.repository.check(Some(identity)),
        )
    });
    let answers = join_all(checks).await.into_iter().enumerate();
    answers
        .filter_map(|(index, answer)| match answer {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some((index, chain(&error))),
            Err(_) => Some((index, "no answer".to_owned())),
        })
        .collect()
}

const CHECK_PATIENCE: Duration = Duration::from_secs(30);

/// Copies everything, between the server's start and its stop.
async fn copy(
    begun: &Begun<'_>,
    waits: bool,
    server: &mut Server,
    workers: &Workers,
) -> Result<(Results, BackupEnd, SourceReport), BackupError> {
    let pass = begun.start_pass();
    let source = tokio::select! {
        biased;
        // Without its session the server would keep no WAL for the backup.
        lost = server.lost() => return Err(lost.into()),
        read = read(&pass, begun, server.version(), workers) => read?,
    };
    begun.progress.tell(Event::AllRead(begun.progress.done()));
    let stopped = server.stop_backup(waits).await?;
    let end = BackupEnd {
        ended: stopped.at,
        offset: stopped.offset,
        timeline: stopped.timeline,
        stop: stopped.lsn,
        label: stopped.label,
        tablespace_map: stopped.tablespace_map,
        notes: notes(&source),
        wal_was_found: begun.settings.wal_patience.is_some(),
    };
    let results = pass.finish(&end).await;
    Ok((results, end, source))
}

/// Reads the server's files into the pass.
async fn read(
    pass: &Pass,
    begun: &Begun<'_>,
    version: MajorVersion,
    workers: &Workers,
) -> Result<SourceReport, SourceError> {
    let (server, settings) = (begun.start.server.clone(), begun.settings);
    let is_checked = server.data_checksums && settings.verify_pages;
    let check = is_checked.then_some(PageCheck {
        start: begun.start.start,
    });
    let rate = settings.rate;
    let (mut feeder, progress) = (pass.feeder(), Arc::clone(begun.progress));
    let wishes = pass.wishes();
    let job = move || {
        progress.expect(estimate(&server, &wishes));
        let mut emit = |event: TreeEvent| {
            if feeder.feed(&event) {
                Ok(())
            } else {
                Err(SourceError::NobodyLeft)
            }
        };
        Source::new(&server, version, check, rate, &wishes, &progress, &mut emit).read()
    };
    workers.disk(job).await
}

/// What the metadata say of bad pages.
fn notes(source: &SourceReport) -> Vec<String> {
    let pages = source
        .bad_pages
        .iter()
        .map(|page| format!("checksum is wrong: {page}"));
    let more = (source.more_bad_pages > 0)
        .then(|| format!("checksum is wrong: {} more pages", source.more_bad_pages));
    pages.chain(more).collect()
}
