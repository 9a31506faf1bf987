//! The archiver: takes files from PostgreSQL and answers for them.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{
    FutureExt,
    stream::{FuturesUnordered, StreamExt},
};
use tokio::{
    sync::{mpsc, watch},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Destination, DestinationId,
    breaker::Permission,
    builder::ArchiverBuilder,
    compare::Comparison,
    error::{ArchiveError, Outcome},
    flight::{Flight, Job},
    lane::Lane,
    reads::Reads,
    settings::Settings,
    source::Sources,
    status::Status,
};
use crate::{
    clock::Clock,
    failpoint,
    pg::WalFileName,
    spool::{RememberedPair, Spool, SpoolError, State},
};

/// Sends each file of the WAL archive to every destination; cheap to clone.
///
/// Call [`shutdown`](Self::shutdown) before the runtime ends: it stops the lanes and remembers
/// the health of the destinations.
#[derive(Clone, Debug)]
pub struct Archiver(pub(super) Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    pub settings: Settings,
    pub lanes: Vec<Arc<Lane>>,
    pub queues: Vec<mpsc::Sender<Job>>,
    pub sources: Arc<Sources>,
    pub spool: Spool,
    pub clock: Arc<dyn Clock>,
    pub flights: Mutex<BTreeMap<WalFileName, Arc<Flight>>>,
    /// Names that are being read, so that nobody reads one twice.
    pub reading: Mutex<BTreeMap<WalFileName, Arc<tokio::sync::Mutex<()>>>>,
    pub reads: Reads,
    pub pairs: Arc<Mutex<Vec<RememberedPair>>>,
    pub comparison_rests: Arc<AtomicBool>,
    pub last: Mutex<State>,
    pub newest: watch::Sender<Option<WalFileName>>,
    pub tasks: TaskTracker,
    pub cancel: CancellationToken,
}

/// A file was archived.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct Archived {
    /// The file.
    pub name: WalFileName,
    /// What became of it at each destination; whoever does not hold it owes it durably.
    pub outcomes: Vec<(DestinationId, Outcome)>,
}

impl Archiver {
    /// Begins to build an archiver for `destinations` whose debts are in `spool`.
    pub fn builder(destinations: Vec<Destination>, spool: Spool) -> ArchiverBuilder {
        ArchiverBuilder::new(destinations, spool)
    }

    /// Archives the file at `path`, which PostgreSQL asked for.
    ///
    /// When it returns `Ok`, PostgreSQL may recycle the file. Dropping the future is safe: the
    /// file is then not archived, though destinations may hold it. Asking again is always safe.
    pub async fn archive(&self, path: &Path) -> Result<Archived, ArchiveError> {
        let inner = &self.0;
        let name = WalFileName::parse(
            path.file_name()
                .and_then(|name| name.to_str())
                .unwrap_or(""),
        )?;
        if inner.cancel.is_cancelled() {
            return Err(ArchiveError::Stopping { name });
        }
        let waiting = inner.waiting(path, name).await;
        let pressed = waiting.count > inner.settings.look_ahead.max(1);
        // A file that is on its way has its memory: the next ones need not wait until it is read.
        let sent_ahead = inner.is_on_its_way(name);
        if sent_ahead {
            inner.look_ahead(path, &waiting);
        }
        let (flight, asked) = loop {
            let Some(flight) = inner.flight(name, path, true).await? else {
                return Err(ArchiveError::Stopping { name });
            };
            if let Some(asked) = flight.ask() {
                break (flight, asked);
            }
        };
        inner.offer(&flight);
        if !sent_ahead {
            inner.look_ahead(path, &waiting);
        }
        let archived = tokio::select! {
            biased;
            archived = inner.answer(&flight, pressed) => archived?,
            () = inner.cancel.cancelled() => return Err(ArchiveError::Stopping { name }),
        };
        drop(asked);
        inner.acknowledged(name);
        failpoint::pass("archive-before-answer");
        Ok(archived)
    }

    /// Returns what each destination holds and owes.
    pub fn status(&self) -> Status {
        let inner = &self.0;
        let destinations: Vec<_> = inner
            .lanes
            .iter()
            .map(|lane| lane.destination.clone())
            .collect();
        Status::new(
            &inner.state(),
            &inner.spool,
            &destinations,
            inner.clock.now(),
        )
    }

    /// Sends what is owed, and compares what is to be compared, for about `limit`; less if nothing
    /// can be done.
    ///
    /// A destination that answers may finish the file it is at, within the policy's patience;
    /// one that gives no answer by then counts as late, so that a process that is started for
    /// each file does not wait for it every time.
    pub async fn drain(&self, limit: Duration) {
        let inner = &self.0;
        let busy = |lane: &Lane| has_work(lane) || inner.is_comparing(lane);
        if timeout(limit, inner.until_idle(busy)).await.is_ok() {
            return;
        }
        for lane in &inner.lanes {
            lane.close_backlog();
        }
        let patience = inner.settings.policy.patience.saturating_sub(limit);
        if timeout(patience, inner.until_idle(Lane::is_sending))
            .await
            .is_err()
        {
            for lane in inner.lanes.iter().filter(|lane| lane.is_sending()) {
                lane.late(inner.settings.policy.patience);
            }
        }
    }

    /// Drops what `destination` owes, which is none of the archiver's, and returns how many files
    /// that were; `None` if it is one of them: what it owes is sent to it.
    pub async fn forget(&self, destination: &DestinationId) -> Result<Option<usize>, SpoolError> {
        let mut lanes = self.0.lanes.iter();
        if lanes.any(|lane| lane.destination.id == *destination) {
            return Ok(None);
        }
        self.0.spool.forget(destination).await.map(Some)
    }

    /// Stops all work and remembers the health of the destinations.
    ///
    /// What is being sent is cut off; it is owed, or PostgreSQL asks again.
    pub async fn shutdown(&self) {
        let inner = &self.0;
        inner.cancel.cancel();
        inner.tasks.close();
        inner.tasks.wait().await;
        inner.spool.save_state(inner.state()).await;
    }
}

impl Inner {
    /// How often old debts are looked at and the health of the destinations is remembered.
    const HOUSEKEEPING: Duration = Duration::from_secs(5);

    /// Waits until no lane is `busy`.
    async fn until_idle(&self, busy: impl Fn(&Lane) -> bool) {
        loop {
            let mut changed: FuturesUnordered<_> =
                self.lanes.iter().map(|lane| lane.changed()).collect();
            // Polled once to be registered before looking.
            let nothing = changed.next().now_or_never();
            if !self.lanes.iter().any(|lane| busy(lane)) {
                return;
            }
            if nothing.is_none() {
                changed.next().await;
            }
        }
    }

    /// Returns whether `lane` is being compared with others that answer.
    fn is_comparing(&self, lane: &Lane) -> bool {
        let answers = |id: &DestinationId| {
            let lane = self.lanes.iter().find(|lane| lane.destination.id == *id);
            lane.is_some_and(|lane| lane.permission() == Permission::Go)
        };
        let id = &lane.destination.id;
        let can_compare = self.newest.borrow().is_some();
        can_compare
            && !self.comparison_rests.load(Ordering::Relaxed)
            && answers(id)
            && lock(&self.pairs)
                .iter()
                .any(|pair| pair.missing_in == *id && answers(&pair.held_by))
    }

    pub(super) fn start_background(self: &Arc<Self>) {
        let comparison = Comparison {
            lanes: self.lanes.clone(),
            spool: self.spool.clone(),
            pairs: Arc::clone(&self.pairs),
            newest: self.newest.subscribe(),
            rests: Arc::clone(&self.comparison_rests),
        };
        self.tasks.spawn(comparison.run(self.cancel.clone()));
        self.tasks.spawn(Arc::clone(self).keep_house());
    }

    async fn keep_house(self: Arc<Self>) {
        let mut saved = State::default();
        loop {
            tokio::select! {
                () = self.cancel.cancelled() => return,
                () = sleep(Self::HOUSEKEEPING) => {}
            }
            if let Some(age) = self.settings.max_debt_age {
                self.spool
                    .drop_bytes_older_than(age, self.clock.now())
                    .await;
            }
            let state = self.state();
            let same = State {
                saved: saved.saved,
                ..state.clone()
            } == saved;
            if !same {
                saved = state.clone();
                self.spool.save_state(state).await;
            }
        }
    }

    /// Forgets flights that PostgreSQL will not ask for again.
    fn acknowledged(&self, name: WalFileName) {
        if !matches!(name, WalFileName::History(_)) {
            self.newest
                .send_modify(|newest| *newest = (*newest).max(Some(name)));
        }
        let mut last = lock(&self.last);
        last.last_archived = Some(name);
        last.last_archived_at = Some(self.clock.now());
        drop(last);
        lock(&self.flights).retain(|&other, flight| {
            let is_past = other == name || (name.is_segment() && other < name);
            !(is_past && flight.finish())
        });
    }

    fn state(&self) -> State {
        let now = self.clock.now();
        let last = lock(&self.last).clone();
        let remember = |lane: &Arc<Lane>| (lane.destination.id.clone(), lane.remember(now));
        let mut destinations = last.destinations;
        destinations.extend(self.lanes.iter().map(remember));
        State {
            saved: Some(now),
            system_id: self.sources.cluster(),
            destinations,
            comparisons: lock(&self.pairs).clone(),
            ..last
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns whether a lane could send something that it owes now.
fn has_work(lane: &Lane) -> bool {
    let due = || {
        lane.spool
            .next_owed(&lane.destination.id, lane.clock.now(), |_| false)
            .is_some()
    };
    !matches!(lane.permission(), Permission::NotBefore(_)) && due()
}
