//! A lane's second half: it sends what its destination owes, oldest first.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{
    breaker::{Permission, Verdict},
    fetch::Fetcher,
    lane::{Lane, PARKED_FOR, Sent},
};
use crate::{pg::WalFileName, repository::Expect, spool::Entry};

/// How long a file rests that no other destination could give.
const UNAVAILABLE_FOR: Duration = Duration::from_secs(10);
/// How often parked debts and old bytes are looked at.
const TICK: Duration = Duration::from_mins(1);

/// Sends what one lane owes.
#[derive(Debug)]
pub(super) struct Backlog {
    pub lane: Arc<Lane>,
    /// Gets the bytes of what is owed.
    pub fetcher: Fetcher,
}

impl Backlog {
    /// Works until it is cancelled.
    pub(super) async fn run(self, cancel: CancellationToken) {
        let mut running = FuturesUnordered::new();
        let mut resting: BTreeMap<WalFileName, Instant> = BTreeMap::new();
        loop {
            let changed = self.lane.spool.changed();
            let woken = self.lane.wake.notified();
            tokio::pin!(changed, woken);
            // Registered before looking, so that no change is missed.
            changed.as_mut().enable();
            woken.as_mut().enable();
            resting.retain(|_, until| *until > Instant::now());
            let mut wait_until = Instant::now() + TICK;
            wait_until = resting.values().copied().fold(wait_until, Instant::min);
            match self.next(&resting, running.len()) {
                Next::Send { name, probe } => {
                    running.push(self.pay(name, probe));
                    continue;
                }
                Next::NotBefore(until) => wait_until = wait_until.min(until),
                Next::Nothing => {}
            }
            tokio::select! {
                biased;
                () = cancel.cancelled() => return,
                Some((name, paid)) = running.next(), if !running.is_empty() => {
                    if let Err(reason) = paid {
                        tracing::debug!(destination = %self.lane.destination.id, segment = %name,
                            reason, "not available now");
                        resting.insert(name, Instant::now() + UNAVAILABLE_FOR);
                    }
                }
                () = changed => {}
                () = woken => {}
                () = sleep_until(wait_until) => {}
            }
        }
    }

    fn next(&self, resting: &BTreeMap<WalFileName, Instant>, running: usize) -> Next {
        let lane = &self.lane;
        if running >= lane.destination.parallel || lane.is_backlog_closed() {
            return Next::Nothing;
        }
        let probe = match lane.permission() {
            Permission::Go => false,
            Permission::Probe if running == 0 => true,
            Permission::NotBefore(until) => return Next::NotBefore(until),
            Permission::Probe | Permission::Probing => return Next::Nothing,
        };
        let skip = |name| resting.contains_key(&name) || lane.is_in_flight(name);
        let now = lane.clock.now();
        match lane.spool.next_owed(&lane.destination.id, now, skip) {
            Some(name) if lane.enter(name) => {
                if probe {
                    lane.begin_probe();
                }
                Next::Send { name, probe }
            }
            _ => Next::Nothing,
        }
    }

    /// Sends one file. An error says why its bytes are not to be had now.
    async fn pay(&self, name: WalFileName, probe: bool) -> (WalFileName, Result<(), String>) {
        let started = Instant::now();
        let result = tokio::select! {
            result = self.try_pay(name) => result,
            // A probe that hangs must not keep memory from a destination that answers.
            () = self.fetcher.encoder.budget.contended(), if probe => {
                self.lane.late(started.elapsed());
                Ok(())
            }
        };
        self.lane.leave(name, probe);
        (name, result)
    }

    async fn try_pay(&self, name: WalFileName) -> Result<(), String> {
        let lane = &self.lane;
        let Some(entry) = lane.spool.entry(name) else {
            return Ok(());
        };
        let Some(wal) = self.fetcher.load(&entry).await? else {
            return self.not_held_by_others(&entry).await;
        };
        match lane.send(&wal, Expect::Unknown).await {
            Sent::Stored => {
                lane.spool.pay(name, &lane.destination.id).await;
            }
            Sent::Conflict(reason) => self.park(name, reason).await,
            Sent::Failed(_, Verdict::GiveUp) => {}
            Sent::Failed(_, Verdict::Retry(pause)) => tokio::time::sleep(pause).await,
        }
        Ok(())
    }

    /// Pays what is held already; what nobody has cannot be paid, and is looked at again later.
    async fn not_held_by_others(&self, entry: &Entry) -> Result<(), String> {
        let (name, id) = (entry.name, &self.lane.destination.id);
        // Content that is remembered may be another than the one that is held.
        if entry.content.is_none() && self.fetcher.is_held(name).await? {
            self.lane.spool.pay(name, id).await;
        } else {
            self.park(name, "nobody holds it".to_owned()).await;
        }
        Ok(())
    }

    async fn park(&self, name: WalFileName, reason: String) {
        let lane = &self.lane;
        let until = lane.clock.now().saturating_add(PARKED_FOR);
        let until = until.unwrap_or_default();
        lane.spool
            .park(name, &lane.destination.id, reason, until)
            .await;
    }
}

enum Next {
    Send { name: WalFileName, probe: bool },
    NotBefore(Instant),
    Nothing,
}
