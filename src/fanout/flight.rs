//! One file on its way to all destinations.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, futures::Notified},
    time::Instant,
};

use super::{
    encode::Prepared,
    error::Outcome,
    policy::{self, Policy, Progress},
};
use crate::{budget::Budget, codec::Encoding, disk::Stat, pg::WalFileName, repository::WalFile};

/// One file on its way; shared by the lanes and by whoever waits for the answer.
#[derive(Debug)]
pub(super) struct Flight {
    pub name: WalFileName,
    pub stamp: Stat,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    /// Dropped when every lane holds the file.
    wal: Option<Prepared>,
    lanes: Vec<LaneProgress>,
    started: Instant,
    satisfied_after: Option<Duration>,
}

#[derive(Clone, Debug)]
struct LaneProgress {
    progress: Progress,
    outcome: Outcome,
    required: bool,
    owed: bool,
}

impl Flight {
    pub(super) fn new(name: WalFileName, stamp: Stat, wal: Prepared, required: &[bool]) -> Self {
        let lane = |&required: &bool| LaneProgress {
            progress: Progress::Given,
            outcome: Outcome::Missing("not sent yet".into()),
            required,
            owed: false,
        };
        let state = State {
            wal: Some(wal),
            lanes: required.iter().map(lane).collect(),
            started: Instant::now(),
            satisfied_after: None,
        };
        Self { name, stamp, state: Mutex::new(state), changed: Notify::new() }
    }

    /// Starts the clock of the decision again, for a file that is asked for (again).
    pub(super) fn restart(&self) {
        let mut state = self.lock();
        state.started = Instant::now();
        state.satisfied_after = None;
    }

    pub(super) fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    /// Returns the file in `encoding`; `None` once every lane holds it.
    pub(super) fn wal(&self, encoding: Encoding) -> Option<WalFile> {
        self.lock().wal.as_ref().and_then(|wal| wal.variant(encoding))
    }

    /// Returns the lanes that do not hold the file and are not sending it.
    pub(super) fn idle_lanes(&self) -> Vec<usize> {
        let state = self.lock();
        let idle = |(_, lane): &(usize, &LaneProgress)| lane.progress == Progress::Given;
        state.lanes.iter().enumerate().filter(idle).map(|(index, _)| index).collect()
    }

    /// Returns the lanes that do not hold the file.
    pub(super) fn missing_lanes(&self) -> Vec<usize> {
        let state = self.lock();
        let missing = |(_, lane): &(usize, &LaneProgress)| lane.progress != Progress::Stored;
        state.lanes.iter().enumerate().filter(missing).map(|(index, _)| index).collect()
    }

    pub(super) fn outcome(&self, lane: usize) -> Outcome {
        self.lock().lanes[lane].outcome.clone()
    }

    pub(super) fn progress(&self, lane: usize) -> Progress {
        self.lock().lanes[lane].progress
    }

    /// Says what a lane is doing with the file.
    pub(super) fn report(&self, lane: usize, progress: Progress, outcome: Outcome) {
        let mut state = self.lock();
        state.lanes[lane].progress = progress;
        state.lanes[lane].outcome = outcome;
        if state.lanes.iter().all(|lane| lane.progress == Progress::Stored) {
            state.wal = None;
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// Says that a lane holds the file, and returns whether its debt is on record by now.
    pub(super) fn stored(&self, lane: usize) -> bool {
        self.report(lane, Progress::Stored, Outcome::Stored);
        self.lock().lanes[lane].owed
    }

    /// Notes that the debt of `lane` is on record, and returns whether it holds the file by now.
    pub(super) fn owed(&self, lane: usize) -> bool {
        let mut state = self.lock();
        state.lanes[lane].owed = true;
        let stored = state.lanes[lane].progress == Progress::Stored;
        drop(state);
        self.changed.notify_waiters();
        stored
    }

    /// Completes when the debt of `lane` is on record.
    pub(super) async fn until_owed(&self, lane: usize) {
        loop {
            let changed = self.changed();
            if self.lock().lanes[lane].owed {
                return;
            }
            changed.await;
        }
    }

    /// Completes when the debt of `lane` is on record and somebody waits for memory: sending it
    /// from the spool later is better than holding it.
    pub(super) async fn abandoned(&self, lane: usize, budget: &Budget) {
        self.until_owed(lane).await;
        budget.contended().await;
    }

    /// Looks at all lanes and calls `decide` on what it sees.
    pub(super) fn decide<T>(
        &self,
        policy: &Policy,
        decide: impl FnOnce(&[policy::Lane], Duration, Option<Duration>) -> T,
    ) -> T {
        let mut state = self.lock();
        let lanes: Vec<_> = state
            .lanes
            .iter()
            .map(|lane| policy::Lane { required: lane.required, progress: lane.progress })
            .collect();
        let waited = state.started.elapsed();
        if state.satisfied_after.is_none() && policy.is_satisfied(&lanes) {
            state.satisfied_after = Some(waited);
        }
        decide(&lanes, waited, state.satisfied_after)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A lane's part of a flight.
#[derive(Debug)]
pub(super) struct Job {
    pub flight: Arc<Flight>,
    pub lane: usize,
    pub probe: bool,
}
