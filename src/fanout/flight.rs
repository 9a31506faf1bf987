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
    /// Dropped when nobody needs it any more; a lane that is sending has its own reference.
    wal: Option<Prepared>,
    lanes: Vec<LaneProgress>,
    started: Instant,
    satisfied_after: Option<Duration>,
    asked: usize,
    evicted: bool,
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
            asked: 0,
            evicted: false,
        };
        Self {
            name,
            stamp,
            state: Mutex::new(state),
            changed: Notify::new(),
        }
    }

    /// Starts the clock of the decision: somebody waits for the answer until the guard drops.
    /// `None` if the flight was given up in the meantime.
    pub(super) fn ask(self: &Arc<Self>) -> Option<Asked> {
        let mut state = self.lock();
        if state.evicted {
            return None;
        }
        state.started = Instant::now();
        state.satisfied_after = None;
        state.asked += 1;
        drop(state);
        Some(Asked(Arc::clone(self)))
    }

    /// Gives up a flight for whose answer nobody waits, and returns whether it was one.
    pub(super) fn evict(&self) -> bool {
        let mut state = self.lock();
        if state.asked == 0 {
            state.evicted = true;
            state.wal = None;
        }
        let evicted = state.evicted;
        drop(state);
        self.changed.notify_waiters();
        evicted
    }

    /// Drops the bytes of a file that is answered for, and returns whether nobody else waits for
    /// its answer.
    pub(super) fn finish(&self) -> bool {
        let mut state = self.lock();
        let finished = state.asked == 0;
        if finished {
            state.wal = None;
        }
        finished
    }

    pub(super) fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    /// Returns the file in `encoding`; `None` once every lane holds it.
    pub(super) fn wal(&self, encoding: Encoding) -> Option<WalFile> {
        self.lock()
            .wal
            .as_ref()
            .and_then(|wal| wal.variant(encoding))
    }

    /// Returns the lanes that do not hold the file and are not sending it.
    pub(super) fn idle_lanes(&self) -> Vec<usize> {
        let state = self.lock();
        let idle = |(_, lane): &(usize, &LaneProgress)| lane.progress == Progress::Given;
        state
            .lanes
            .iter()
            .enumerate()
            .filter(idle)
            .map(|(index, _)| index)
            .collect()
    }

    /// Returns the lanes that do not hold the file.
    pub(super) fn missing_lanes(&self) -> Vec<usize> {
        let state = self.lock();
        let missing = |(_, lane): &(usize, &LaneProgress)| lane.progress != Progress::Stored;
        state
            .lanes
            .iter()
            .enumerate()
            .filter(missing)
            .map(|(index, _)| index)
            .collect()
    }

    pub(super) fn outcome(&self, lane: usize) -> Outcome {
        self.lock().lanes[lane].outcome.clone()
    }

    pub(super) fn progress(&self, lane: usize) -> Progress {
        self.lock().lanes[lane].progress
    }

    /// Says that a lane will send the file; false if it holds it or is sending it already, which
    /// somebody else may have brought about since it was looked at.
    pub(super) fn begin(&self, lane: usize) -> bool {
        let mut state = self.lock();
        let lane = &mut state.lanes[lane];
        let begins = lane.progress == Progress::Given;
        if begins {
            lane.progress = Progress::Sending;
            lane.outcome = Outcome::Sending;
        }
        drop(state);
        if begins {
            self.changed.notify_waiters();
        }
        begins
    }

    /// Says why a lane is not sending the file, unless it is or holds it.
    pub(super) fn pass_over(&self, lane: usize, reason: String) {
        if let lane @ LaneProgress {
            progress: Progress::Given,
            ..
        } = &mut self.lock().lanes[lane]
        {
            lane.outcome = Outcome::Missing(reason);
        }
    }

    /// Says what a lane is doing with the file.
    pub(super) fn report(&self, lane: usize, progress: Progress, outcome: Outcome) {
        let mut state = self.lock();
        state.lanes[lane].progress = progress;
        state.lanes[lane].outcome = outcome;
        if state
            .lanes
            .iter()
            .all(|lane| lane.progress == Progress::Stored)
        {
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

    /// Completes when `lane` need not go on: its debt is on record, or the flight was given up.
    pub(super) async fn until_owed(&self, lane: usize) {
        loop {
            let changed = self.changed();
            tokio::pin!(changed);
            // Registered before looking, so that no change is missed.
            changed.as_mut().enable();
            if self.need_not_go_on(lane) {
                return;
            }
            changed.await;
        }
    }

    fn need_not_go_on(&self, lane: usize) -> bool {
        let state = self.lock();
        state.evicted || state.lanes[lane].owed
    }

    /// Completes when `lane` should give its memory back: the flight was given up, or its debt
    /// is on record and somebody waits for memory.
    pub(super) async fn abandoned(&self, lane: usize, budget: &Budget) {
        self.until_owed(lane).await;
        let evicted = self.lock().evicted;
        if !evicted {
            budget.contended().await;
        }
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
            .map(|lane| policy::Lane {
                required: lane.required,
                progress: lane.progress,
            })
            .collect();
        let waited = state.started.elapsed();
        if state.satisfied_after.is_none() && policy.is_satisfied(&lanes) {
            state.satisfied_after = Some(waited);
        }
        let satisfied_after = state.satisfied_after;
        // A lane holds its own lock while it reports to us; `decide` asks lanes.
        drop(state);
        decide(&lanes, waited, satisfied_after)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody waits for a flight's answer.
#[derive(Debug)]
pub(super) struct Asked(Arc<Flight>);

impl Drop for Asked {
    fn drop(&mut self) {
        self.0.lock().asked -= 1;
    }
}

/// A lane's part of a flight.
#[derive(Debug)]
pub(super) struct Job {
    pub flight: Arc<Flight>,
    pub lane: usize,
    pub probe: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lanes_report_while_a_decision_is_made() {
        let name = "000000010000000000000001".parse().unwrap();
        let stamp = Stat {
            len: 0,
            version: (0, 0, 0),
        };
        let flight = Flight::new(name, stamp, Prepared::default(), &[false]);

        flight.decide(&Policy::default(), |_, _, _| {
            flight.report(0, Progress::Sending, Outcome::Sending);
        });

        assert_eq!(flight.progress(0), Progress::Sending);
    }
}
