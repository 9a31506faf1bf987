//! One destination's bounded worker: what it is sent, and whether it is worth asking.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::stream::{FuturesUnordered, StreamExt};
use jiff::Timestamp;
use tokio::{
    sync::{Notify, mpsc},
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    Destination,
    breaker::{Breaker, BreakerSettings, Permission, Verdict},
    error::Outcome,
    flight::{Flight, Job},
    policy::Progress,
};
use crate::{
    budget::Budget,
    clock::{self, Clock},
    error::chain,
    failpoint,
    pg::WalFileName,
    repository::{self, Expect, PutOutcome, WalFile},
    spool::{RememberedDestination, Spool},
    store::Class,
};

/// How long a debt rests whose destination holds other content.
pub(super) const PARKED_FOR: jiff::SignedDuration = jiff::SignedDuration::from_mins(10);

/// One destination's worker; shared by its live traffic, its backlog and the archiver.
#[derive(Debug)]
pub(super) struct Lane {
    pub destination: Destination,
    pub spool: Spool,
    pub clock: Arc<dyn Clock>,
    pub budget: Budget,
    state: Mutex<LaneState>,
    /// The breaker changed, or a file left the lane.
    pub wake: Notify,
}

#[derive(Debug)]
struct LaneState {
    breaker: Breaker,
    rng: fastrand::Rng,
    greatest: Option<WalFileName>,
    in_flight: BTreeSet<WalFileName>,
    error: Option<LastError>,
    stored: Option<(WalFileName, Timestamp)>,
    backlog_closed: bool,
}

/// A destination's last failure, for people.
#[derive(Clone, Debug)]
pub(super) struct LastError {
    pub text: String,
    pub class: Option<Class>,
    pub hint: Option<String>,
}

/// What sending a file came to.
#[derive(Debug)]
pub(super) enum Sent {
    /// The destination holds it.
    Stored,
    /// It holds other content under the name.
    Conflict(String),
    /// It failed; the lane has counted that.
    Failed(String, Verdict),
}

impl Lane {
    pub(super) fn new(
        destination: Destination,
        spool: Spool,
        clock: Arc<dyn Clock>,
        budget: Budget,
        breaker: BreakerSettings,
        seed: u64,
    ) -> Self {
        let state = LaneState {
            breaker: Breaker::new(breaker),
            rng: fastrand::Rng::with_seed(seed),
            greatest: None,
            in_flight: BTreeSet::new(),
            error: None,
            stored: None,
            backlog_closed: false,
        };
        Self {
            destination,
            spool,
            clock,
            budget,
            state: Mutex::new(state),
            wake: Notify::new(),
        }
    }

    /// Goes on from what the last process remembered.
    pub(super) fn resume(&self, remembered: &RememberedDestination, now: Timestamp) {
        let mut state = self.lock();
        let pause = remembered
            .not_before
            .map(|until| clock::between(now, until));
        state
            .breaker
            .resume(remembered.failures, pause, Instant::now());
        state.greatest = remembered.greatest;
        state.stored = remembered.last_stored.zip(remembered.last_stored_at);
        state.error = remembered.error.clone().map(|text| LastError {
            text,
            class: remembered.class,
            hint: remembered.hint.clone(),
        });
    }

    pub(super) fn remember(&self, now: Timestamp) -> RememberedDestination {
        let state = self.lock();
        let error = state.error.as_ref();
        let pause = state.breaker.open_for(Instant::now());
        RememberedDestination {
            failures: state.breaker.failures(),
            not_before: pause.and_then(|pause| now.checked_add(pause).ok()),
            error: error.map(|error| error.text.clone()),
            class: error.and_then(|error| error.class),
            hint: error.and_then(|error| error.hint.clone()),
            greatest: state.greatest,
            last_stored: state.stored.map(|(name, _)| name),
            last_stored_at: state.stored.map(|(_, at)| at),
        }
    }

    /// Offers a file and reports at once what the lane will do with it.
    ///
    /// A lane that is down leaves the probe to its backlog, if it has one. With `force` it tries
    /// all the same: the policy cannot be satisfied without it.
    pub(super) fn offer(
        &self,
        queue: &mpsc::Sender<Job>,
        flight: &Arc<Flight>,
        index: usize,
        force: bool,
    ) {
        let behind = self.is_behind();
        let mut state = self.lock();
        let permission = state.breaker.permission(Instant::now());
        let probe = match permission {
            Permission::Go => false,
            Permission::Probe if !behind => true,
            _ if force => true,
            _ => {
                flight.pass_over(index, state.describe_failure());
                return;
            }
        };
        let job = Job {
            flight: Arc::clone(flight),
            lane: index,
            probe,
        };
        // Before it is queued: the lane may be faster than we are, and so may another offer.
        if !flight.begin(index) {
            return;
        }
        match queue.try_send(job) {
            Ok(()) if probe => state.breaker.begin_probe(),
            Ok(()) => {}
            Err(_) => {
                drop(state);
                let reason = "its queue is full: it is slower than the WAL comes".to_owned();
                flight.report(index, Progress::Given, Outcome::Missing(reason));
            }
        }
    }

    /// Works on the queue until it is cancelled.
    pub(super) async fn run(
        self: Arc<Self>,
        mut queue: mpsc::Receiver<Job>,
        cancel: CancellationToken,
    ) {
        let mut running = FuturesUnordered::new();
        loop {
            tokio::select! {
                biased;
                () = cancel.cancelled() => return,
                Some(()) = running.next(), if !running.is_empty() => {}
                job = queue.recv(), if running.len() < self.destination.parallel => match job {
                    Some(job) => running.push(self.deliver(job)),
                    None if running.is_empty() => return,
                    None => {}
                },
            }
        }
    }

    async fn deliver(&self, job: Job) {
        let Job {
            flight,
            lane,
            probe,
        } = job;
        let Some(wal) = flight.wal(self.destination.repository.wal_encoding()) else {
            // The file is answered for, or given up.
            return self.end_probe(probe);
        };
        self.enter_in_turn(flight.name).await;
        tokio::select! {
            () = self.deliver_until_given_up(&flight, lane, &wal) => {}
            () = flight.abandoned(lane, &self.budget) => {}
        }
        self.leave(flight.name, probe);
    }

    async fn deliver_until_given_up(&self, flight: &Flight, lane: usize, wal: &WalFile) {
        let mut expect = self.expect(wal.name);
        loop {
            match self.send(wal, expect).await {
                Sent::Stored => {
                    let owed = flight.stored(lane);
                    if owed || self.spool.owes_file(&self.destination.id, flight.name) {
                        self.spool.pay(flight.name, &self.destination.id).await;
                    }
                    return;
                }
                Sent::Conflict(reason) => {
                    return flight.report(lane, Progress::Given, Outcome::Conflict(reason));
                }
                Sent::Failed(reason, Verdict::Retry(pause)) => {
                    tracing::debug!(destination = %self.destination.id, ?pause, reason, "retry");
                    tokio::select! {
                        () = sleep(pause) => expect = Expect::Unknown,
                        () = flight.until_owed(lane) => return,
                    }
                }
                Sent::Failed(reason, Verdict::GiveUp) => {
                    return flight.report(lane, Progress::Given, Outcome::Missing(reason));
                }
            }
        }
    }

    /// Sends a file once and counts the result.
    pub(super) async fn send(&self, wal: &WalFile, expect: Expect) -> Sent {
        let repository = &self.destination.repository;
        let patience = attempt_timeout(wal.payload.len());
        failpoint::pass("lane-before-put");
        let result = match timeout(patience, repository.put_wal(wal, expect)).await {
            Ok(result) => result,
            Err(_) => Err(repository::Error::TimedOut {
                repository: repository.to_string(),
                operation: "put WAL",
                after: patience,
            }),
        };
        failpoint::pass("lane-after-put");
        let sent = match result {
            Ok(PutOutcome::Stored | PutOutcome::Present) => self.stored(wal.name),
            Ok(PutOutcome::Conflict(other)) => self.conflict(wal, &other),
            Err(error) => self.failed(&error),
        };
        self.wake.notify_waiters();
        sent
    }

    fn stored(&self, name: WalFileName) -> Sent {
        let mut state = self.lock();
        if !state.breaker.is_closed() {
            tracing::info!(destination = %self.destination.id, "back");
        }
        state.breaker.success();
        state.error = None;
        state.stored = Some((name, self.clock.now()));
        Sent::Stored
    }

    fn conflict(&self, wal: &WalFile, other: &repository::StoredWal) -> Sent {
        let text = format!(
            "{} holds other content than {} offered now",
            other.key, wal.name
        );
        let hint = "Two clusters write to one place, or one was rewound: give each its own server \
                    name. Both files are kept; remove the wrong one by hand.";
        tracing::error!(destination = %self.destination.id, segment = %wal.name, "conflict");
        let mut state = self.lock();
        // It answered: it is up.
        state.breaker.success();
        state.error = Some(LastError {
            text: text.clone(),
            class: Some(Class::Conflict),
            hint: Some(hint.into()),
        });
        Sent::Conflict(text)
    }

    fn failed(&self, error: &repository::Error) -> Sent {
        let text = chain(error);
        let class = error.class();
        let mut guard = self.lock();
        let state = &mut *guard;
        let was_closed = state.breaker.is_closed();
        let verdict =
            state
                .breaker
                .failure(class, error.retry_after(), Instant::now(), &mut state.rng);
        let hint = error.hint().map(str::to_owned);
        state.error = Some(LastError {
            text: text.clone(),
            class: Some(class),
            hint,
        });
        if was_closed && !state.breaker.is_closed() {
            tracing::warn!(destination = %self.destination.id, %class, error = text, "gone");
        }
        Sent::Failed(text, verdict)
    }

    /// The destination kept a file waiting beyond patience.
    pub(super) fn late(&self, after: Duration) {
        let mut guard = self.lock();
        let state = &mut *guard;
        let was_closed = state.breaker.is_closed();
        state.breaker.late(Instant::now(), &mut state.rng);
        let text = format!("no answer within {after:?}");
        if was_closed {
            tracing::warn!(destination = %self.destination.id, error = text, "gone");
        }
        let hint = Some("Look at the network to the store and at the store's own status.".into());
        state.error = Some(LastError {
            text,
            class: Some(Class::Transient),
            hint,
        });
        drop(guard);
        self.wake.notify_waiters();
    }

    pub(super) fn permission(&self) -> Permission {
        self.lock().breaker.permission(Instant::now())
    }

    pub(super) fn begin_probe(&self) {
        self.lock().breaker.begin_probe();
    }

    /// Marks `name` as being sent; false if it is already.
    pub(super) fn enter(&self, name: WalFileName) -> bool {
        self.lock().in_flight.insert(name)
    }

    /// Marks `name` as being sent, once nobody else sends it.
    async fn enter_in_turn(&self, name: WalFileName) {
        loop {
            let woken = self.wake.notified();
            tokio::pin!(woken);
            // Registered before looking, so that no change is missed.
            woken.as_mut().enable();
            if self.enter(name) {
                return;
            }
            woken.await;
        }
    }

    pub(super) fn leave(&self, name: WalFileName, probe: bool) {
        self.lock().in_flight.remove(&name);
        self.end_probe(probe);
        self.wake.notify_waiters();
    }

    fn end_probe(&self, probe: bool) {
        if probe {
            self.lock().breaker.end_probe();
        }
    }

    /// Completes when the breaker changed or a file left the lane.
    pub(super) async fn changed(&self) {
        self.wake.notified().await;
    }

    pub(super) fn is_sending(&self) -> bool {
        !self.lock().in_flight.is_empty()
    }

    /// Begins nothing more of the backlog: the process ends soon.
    pub(super) fn close_backlog(&self) {
        self.lock().backlog_closed = true;
    }

    pub(super) fn is_backlog_closed(&self) -> bool {
        self.lock().backlog_closed
    }

    pub(super) fn is_in_flight(&self, name: WalFileName) -> bool {
        self.lock().in_flight.contains(&name)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().breaker.is_closed()
    }

    /// Returns whether the destination owes anything: it is not waited for then.
    pub(super) fn is_behind(&self) -> bool {
        self.spool.owes(&self.destination.id)
    }

    /// A name greater than all before cannot be there, unless somebody else wrote it.
    fn expect(&self, name: WalFileName) -> Expect {
        let mut state = self.lock();
        let is_new = state.greatest.is_some_and(|greatest| greatest < name);
        state.greatest = state.greatest.max(Some(name));
        if is_new && name.is_segment() {
            Expect::Absent
        } else {
            Expect::Unknown
        }
    }

    fn lock(&self) -> MutexGuard<'_, LaneState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LaneState {
    fn describe_failure(&self) -> String {
        match &self.error {
            Some(error) => error.text.clone(),
            None => "it is not asked for now".to_owned(),
        }
    }
}

/// 30 s and the time for the bytes at 256 KiB/s: a slow uplink is not cut off, a dead one is.
fn attempt_timeout(bytes: u64) -> Duration {
    Duration::from_secs(30 + bytes / (256 << 10))
}
