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
    backlog::Backlog,
    breaker::{BreakerSettings, Permission},
    compare::{self, Comparison},
    encode::Encoder,
    error::{ArchiveError, Outcome},
    fetch::Fetcher,
    flight::{Flight, Job},
    lane::{Lane, PARKED_FOR},
    look_ahead::{self, Waiting},
    policy::{self, Decision, Policy, Progress, Refusal, Room, Situation},
    source::Sources,
    status::Status,
};
use crate::{
    budget::Budget,
    byte_size::ByteSize,
    clock::{Clock, SystemClock},
    codec::Encoding,
    disk::{Disk, LocalDisk},
    failpoint,
    pg::WalFileName,
    spool::{Debt, RememberedPair, Spool, State},
    workers::Workers,
};

/// Bounds and habits of an [`Archiver`].
#[derive(Clone, Debug)]
pub struct Settings {
    /// When a file counts as archived.
    pub policy: Policy,
    /// When a destination counts as down.
    pub breaker: BreakerSettings,
    /// Most bytes of WAL in memory, whatever the number of destinations.
    pub memory: ByteSize,
    /// How many further files are sent while one is asked for.
    pub look_ahead: usize,
    /// Whether segments are looked into: right cluster, name, size. Off only in tests.
    pub verify: bool,
    /// Bytes of debts older than this are dropped from the spool and back-filled from a
    /// destination that holds them; `None` keeps them.
    pub max_debt_age: Option<Duration>,
}

impl Default for Settings {
    /// The default [`Policy`], 64 MiB of memory, no look-ahead, segments verified.
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            breaker: BreakerSettings::default(),
            memory: ByteSize::mib(64),
            look_ahead: 0,
            verify: true,
            max_debt_age: None,
        }
    }
}

/// Builds an [`Archiver`].
#[derive(Debug)]
pub struct ArchiverBuilder {
    destinations: Vec<Destination>,
    spool: Spool,
    settings: Settings,
    clock: Arc<dyn Clock>,
    disk: Arc<dyn Disk>,
    workers: Workers,
    seed: u64,
}

/// Sends each file of the WAL archive to every destination; cheap to clone.
///
/// Call [`shutdown`](Self::shutdown) before the runtime ends: it stops the lanes and remembers
/// the health of the destinations.
#[derive(Clone, Debug)]
pub struct Archiver(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: Settings,
    lanes: Vec<Arc<Lane>>,
    queues: Vec<mpsc::Sender<Job>>,
    sources: Arc<Sources>,
    spool: Spool,
    clock: Arc<dyn Clock>,
    flights: Mutex<BTreeMap<WalFileName, Arc<Flight>>>,
    /// Names that are being read, so that nobody reads one twice.
    reading: Mutex<BTreeMap<WalFileName, Arc<tokio::sync::Mutex<()>>>>,
    pairs: Arc<Mutex<Vec<RememberedPair>>>,
    comparison_rests: Arc<AtomicBool>,
    last: Mutex<State>,
    newest: watch::Sender<Option<WalFileName>>,
    tasks: TaskTracker,
    cancel: CancellationToken,
}

/// A file was archived.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct Archived {
    /// The file.
    pub name: WalFileName,
    /// What became of it at each destination; whoever does not hold it owes it durably.
    pub outcomes: Vec<(DestinationId, Outcome)>,
}

impl ArchiverBuilder {
    /// Sets bounds and habits.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Sets the clock.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the disk from which files are read.
    #[must_use]
    pub fn disk(mut self, disk: Arc<dyn Disk>) -> Self {
        self.disk = disk;
        self
    }

    /// Sets the threads for blocking work.
    #[must_use]
    pub fn workers(mut self, workers: Workers) -> Self {
        self.workers = workers;
        self
    }

    /// Sets the seed of the jitter.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Starts the lanes on the current tokio runtime.
    pub async fn start(self) -> Archiver {
        let remembered = self.spool.load_state().await;
        let nothing_is_known = remembered.is_none();
        let state = remembered.unwrap_or_default();
        // What the backlog holds is never waited for by live traffic.
        let (live, backlog) = split(self.settings.memory);
        let now = self.clock.now();
        let mut lanes = Vec::new();
        for (index, destination) in self.destinations.iter().enumerate() {
            let lane = Lane::new(
                destination.clone(),
                self.spool.clone(),
                Arc::clone(&self.clock),
                live.clone(),
                self.settings.breaker,
                self.seed.wrapping_add(index as u64),
            );
            if let Some(remembered) = state.destinations.get(&destination.id) {
                lane.resume(remembered, now);
            }
            lanes.push(Arc::new(lane));
        }
        let ids: Vec<_> = self.destinations.iter().map(|one| one.id.clone()).collect();
        let pairs = if nothing_is_known {
            compare::all_pairs(&ids)
        } else {
            state.comparisons.clone()
        };
        let encoder = Encoder {
            budget: live,
            workers: self.workers.clone(),
            disk: Arc::clone(&self.disk),
            scratch: self.spool.root().join("new"),
        };
        let sources = Sources {
            encoder,
            encodings: distinct_encodings(&self.destinations),
            verify: self.settings.verify,
            cluster: Arc::new(Mutex::new(state.system_id)),
        };
        let tasks = TaskTracker::new();
        let cancel = CancellationToken::new();
        let queues = self.start_lanes(&lanes, &sources, &backlog, &tasks, &cancel);
        let inner = Arc::new(Inner {
            lanes,
            queues,
            sources: Arc::new(sources),
            spool: self.spool,
            clock: self.clock,
            flights: Mutex::default(),
            reading: Mutex::default(),
            pairs: Arc::new(Mutex::new(pairs)),
            comparison_rests: Arc::default(),
            last: Mutex::new(state),
            newest: watch::Sender::new(None),
            tasks,
            cancel,
            settings: self.settings,
        });
        inner.start_background();
        Archiver(inner)
    }

    fn start_lanes(
        &self,
        lanes: &[Arc<Lane>],
        sources: &Sources,
        budget: &Budget,
        tasks: &TaskTracker,
        cancel: &CancellationToken,
    ) -> Vec<mpsc::Sender<Job>> {
        let mut queues = Vec::new();
        for lane in lanes {
            let (sender, receiver) = mpsc::channel(self.settings.look_ahead + 2);
            queues.push(sender);
            tasks.spawn(Arc::clone(lane).run(receiver, cancel.clone()));
            let fetcher = Fetcher {
                own: Arc::clone(lane),
                lanes: lanes.to_vec(),
                encoder: Encoder {
                    budget: budget.clone(),
                    ..sources.encoder.clone()
                },
                verify: self.settings.verify,
                cluster: Arc::clone(&sources.cluster),
            };
            let backlog = Backlog {
                lane: Arc::clone(lane),
                fetcher,
            };
            tasks.spawn(backlog.run(cancel.clone()));
        }
        queues
    }
}

impl Archiver {
    /// Begins to build an archiver for `destinations` whose debts are in `spool`.
    pub fn builder(destinations: Vec<Destination>, spool: Spool) -> ArchiverBuilder {
        ArchiverBuilder {
            destinations,
            spool,
            settings: Settings::default(),
            clock: Arc::new(SystemClock),
            disk: Arc::new(LocalDisk),
            workers: Workers::new(),
            seed: fastrand::u64(..),
        }
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
        let Some(flight) = inner.flight(name, path, true).await? else {
            return Err(ArchiveError::Stopping { name });
        };
        let _asked = flight.ask();
        inner.offer(&flight);
        let waiting = inner.waiting(path, name).await;
        let pressed = waiting.count > inner.settings.look_ahead.max(1);
        inner.look_ahead(path, waiting);
        let archived = tokio::select! {
            biased;
            archived = inner.answer(&flight, pressed) => archived?,
            () = inner.cancel.cancelled() => return Err(ArchiveError::Stopping { name }),
        };
        inner.acknowledged(&flight);
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

    fn start_background(self: &Arc<Self>) {
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

    /// Sends the files that PostgreSQL will ask for next, as far as memory is free.
    fn look_ahead(self: &Arc<Self>, path: &Path, waiting: Waiting) {
        let known = |name: &WalFileName| lock(&self.flights).contains_key(name);
        let next: Vec<_> = waiting
            .next
            .into_iter()
            .filter(|name| !known(name))
            .collect();
        if next.is_empty() {
            return;
        }
        let (inner, path) = (Arc::clone(self), path.to_owned());
        self.tasks.spawn(async move {
            for name in next {
                let path = look_ahead::sibling(&path, name);
                tokio::select! {
                    biased;
                    () = inner.cancel.cancelled() => return,
                    flight = inner.flight(name, &path, false) => match flight {
                        Ok(Some(flight)) => inner.offer(&flight),
                        Ok(None) => return,
                        Err(error) => tracing::debug!(segment = %name, %error, "not sent ahead"),
                    },
                }
            }
        });
    }

    /// Returns the flight of `name`: one that look-ahead began, one that was refused before, or
    /// a new one. Look-ahead gets none when memory is short.
    async fn flight(
        &self,
        name: WalFileName,
        path: &Path,
        asked: bool,
    ) -> Result<Option<Arc<Flight>>, ArchiveError> {
        let reading = Arc::clone(lock(&self.reading).entry(name).or_default());
        let flight = {
            let _only = reading.lock().await;
            self.flight_alone(name, path, asked).await
        };
        drop(reading);
        lock(&self.reading).retain(|_, other| Arc::strong_count(other) > 1);
        flight
    }

    async fn flight_alone(
        &self,
        name: WalFileName,
        path: &Path,
        asked: bool,
    ) -> Result<Option<Arc<Flight>>, ArchiveError> {
        let opened = self.sources.open(path).await?;
        let known = lock(&self.flights).get(&name).cloned();
        if let Some(flight) = known {
            if flight.stamp == opened.stat {
                return Ok(Some(flight));
            }
            lock(&self.flights).remove(&name);
            flight.evict();
        }
        let identity = self.sources.check(name, path, &opened).await?;
        let (stamp, encodings) = (opened.stat, &self.sources.encodings);
        let mut reservation = self.sources.encoder.try_reserve(stamp.len, encodings);
        if reservation.is_none() {
            if !asked {
                return Ok(None);
            }
            self.evict_flights();
            reservation = self.sources.encoder.reserve(stamp.len, encodings).await;
        }
        let prepared = self.sources.read(name, path, opened, reservation).await?;
        failpoint::pass("archive-after-encode");
        let required: Vec<bool> = self
            .lanes
            .iter()
            .map(|lane| self.is_required(lane))
            .collect();
        let prepared = prepared.with_identity(identity);
        let flight = Arc::new(Flight::new(name, stamp, prepared, &required));
        lock(&self.flights).insert(name, Arc::clone(&flight));
        Ok(Some(flight))
    }

    /// Gives up what was sent ahead: PostgreSQL asks for something else first.
    fn evict_flights(&self) {
        lock(&self.flights).retain(|_, flight| !flight.evict());
    }

    /// Offers a flight to every lane that neither holds it nor is sending it; also to those that
    /// are down if the policy cannot be satisfied without them.
    fn offer(&self, flight: &Arc<Flight>) {
        for index in flight.idle_lanes() {
            self.lanes[index].offer(&self.queues[index], flight, index, false);
        }
        let enough = flight.decide(&self.settings.policy, |lanes, _, _| {
            self.settings.policy.could_be_satisfied(lanes)
        });
        if !enough {
            for index in flight.idle_lanes() {
                self.lanes[index].offer(&self.queues[index], flight, index, true);
            }
        }
    }

    async fn answer(&self, flight: &Arc<Flight>, pressed: bool) -> Result<Archived, ArchiveError> {
        loop {
            let changed = flight.changed();
            tokio::pin!(changed);
            // Registered before looking, so that no report is missed.
            changed.as_mut().enable();
            match self.decide(flight, pressed).await {
                Decision::Wait(longest) => tokio::select! {
                    () = changed => {}
                    () = sleep(longest) => {}
                },
                Decision::Acknowledge => return Ok(self.archived(flight)),
                Decision::Owe => return self.owe(flight, true).await,
                Decision::OweRecord => return self.owe(flight, false).await,
                Decision::Refuse(refusal) => return Err(self.refused(flight, refusal)),
            }
        }
    }

    async fn decide(&self, flight: &Flight, pressed: bool) -> Decision {
        let policy = &self.settings.policy;
        let with_room = |room| {
            flight.decide(policy, |lanes, waited, satisfied_after| {
                let lanes = &self.not_waiting_for_the_weak(lanes);
                policy.decide(&Situation {
                    lanes,
                    room,
                    waited,
                    satisfied_after,
                    pressed,
                })
            })
        };
        let decision = with_room(Room::Bytes);
        if decision != Decision::Owe {
            return decision;
        }
        let len = self.owed_wal(flight).map_or(0, |wal| wal.payload.len());
        if self.spool.has_room(len).await {
            decision
        } else {
            with_room(Room::RecordOnly)
        }
    }

    /// A lane that is down or behind is not waited for, whatever it is sending.
    fn not_waiting_for_the_weak(&self, lanes: &[policy::Lane]) -> Vec<policy::Lane> {
        let weak = |lane: &Lane| lane.is_behind() || !lane.is_closed();
        let view = |(seen, lane): (&policy::Lane, &Arc<Lane>)| match seen.progress {
            Progress::Sending if weak(lane) => policy::Lane {
                progress: Progress::Behind,
                ..*seen
            },
            _ => *seen,
        };
        lanes.iter().zip(&self.lanes).map(view).collect()
    }

    /// Records durably who owes the file.
    async fn owe(&self, flight: &Flight, with_bytes: bool) -> Result<Archived, ArchiveError> {
        let name = flight.name;
        let missing = flight.missing_lanes();
        let Some(wal) = self.owed_wal(flight) else {
            // The last lane has stored it in the meantime.
            return Ok(self.archived(flight));
        };
        let now = self.clock.now();
        let debt = |&index: &usize| {
            let reason = match flight.outcome(index) {
                Outcome::Sending => "no answer in time".to_owned(),
                other => other.to_string(),
            };
            let id = self.lanes[index].destination.id.clone();
            (
                id,
                Debt {
                    since: now,
                    reason,
                    parked: None,
                },
            )
        };
        let debts = missing.iter().map(debt).collect();
        let recorded = self.spool.owe(&wal, debts, with_bytes).await;
        recorded.map_err(|source| ArchiveError::Spool { name, source })?;
        failpoint::pass("archive-after-debt");
        for index in missing {
            self.note_debt(flight, index).await;
        }
        Ok(self.archived(flight))
    }

    /// Brings the lane's view and the spool's together once a debt is on record.
    async fn note_debt(&self, flight: &Flight, index: usize) {
        let (name, lane) = (flight.name, &self.lanes[index]);
        let (outcome, progress) = (flight.outcome(index), flight.progress(index));
        if flight.owed(index) {
            return self.spool.pay(name, &lane.destination.id).await;
        }
        let policy = &self.settings.policy;
        let waited = flight.decide(policy, |_, waited, _| waited);
        match outcome {
            Outcome::Conflict(reason) => {
                let until = self
                    .clock
                    .now()
                    .saturating_add(PARKED_FOR)
                    .unwrap_or_default();
                self.spool
                    .park(name, &lane.destination.id, reason, until)
                    .await;
            }
            _ if progress == Progress::Sending && waited >= policy.patience => {
                lane.late(policy.patience);
            }
            _ => {}
        }
    }

    /// Returns the file in the encoding of the first lane that misses it.
    fn owed_wal(&self, flight: &Flight) -> Option<crate::repository::WalFile> {
        let index = *flight.missing_lanes().first()?;
        flight.wal(self.lanes[index].destination.repository.wal_encoding())
    }

    fn archived(&self, flight: &Flight) -> Archived {
        Archived {
            name: flight.name,
            outcomes: self.outcomes(flight),
        }
    }

    fn refused(&self, flight: &Flight, refusal: Refusal) -> ArchiveError {
        ArchiveError::refused(flight.name, refusal, self.outcomes(flight))
    }

    fn outcomes(&self, flight: &Flight) -> Vec<(DestinationId, Outcome)> {
        let ids = self.lanes.iter().map(|lane| lane.destination.id.clone());
        ids.enumerate()
            .map(|(index, id)| (id, flight.outcome(index)))
            .collect()
    }

    /// Forgets flights that PostgreSQL will not ask for again.
    fn acknowledged(&self, flight: &Flight) {
        let name = flight.name;
        if !matches!(name, WalFileName::History(_)) {
            self.newest
                .send_modify(|newest| *newest = (*newest).max(Some(name)));
        }
        let mut last = lock(&self.last);
        last.last_archived = Some(name);
        last.last_archived_at = Some(self.clock.now());
        drop(last);
        lock(&self.flights).retain(|&other, flight| {
            let done = other == name || (name.is_segment() && other < name);
            if done {
                flight.finish();
            }
            !done
        });
    }

    async fn waiting(&self, path: &Path, name: WalFileName) -> Waiting {
        let disk = Arc::clone(&self.sources.encoder.disk);
        let (path, limit) = (path.to_owned(), self.settings.look_ahead);
        let workers = &self.sources.encoder.workers;
        let waiting = workers
            .disk(move || look_ahead::waiting(&*disk, &path, name, limit))
            .await;
        waiting.unwrap_or_else(|error| {
            tracing::debug!(%error, "archive_status cannot be read");
            Waiting::default()
        })
    }

    fn is_required(&self, lane: &Lane) -> bool {
        self.settings.policy.required.contains(&lane.destination.id)
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Two thirds of the memory are for live traffic, the rest for the backlog.
fn split(memory: ByteSize) -> (Budget, Budget) {
    let backlog = memory.bytes() / 3;
    (
        Budget::new(ByteSize::new(memory.bytes() - backlog)),
        Budget::new(ByteSize::new(backlog)),
    )
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

fn distinct_encodings(destinations: &[Destination]) -> Vec<Encoding> {
    let mut encodings = Vec::new();
    for destination in destinations {
        let encoding = destination.repository.wal_encoding();
        if !encodings.contains(&encoding) {
            encodings.push(encoding);
        }
    }
    encodings
}
