//! After a spool was lost: what each destination misses is found by comparing listings.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt, stream::Peekable};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{DestinationId, breaker::Permission, lane::Lane};
use crate::{
    error::chain,
    pg::WalFileName,
    repository::{self, StoredWal},
    spool::{Debt, RememberedPair, Spool},
};

/// How long to wait before a comparison that failed is tried again.
const PAUSE: Duration = Duration::from_secs(10);
/// How long a destination may take for one step of a listing.
const PATIENCE: Duration = Duration::from_mins(1);

/// The comparisons that are still to be done.
#[derive(Debug)]
pub(super) struct Comparison {
    pub lanes: Vec<Arc<Lane>>,
    pub spool: Spool,
    pub pairs: Arc<std::sync::Mutex<Vec<RememberedPair>>>,
    /// The newest file that was archived since: what is newer may be another primary's, which
    /// must not spread.
    pub newest: watch::Receiver<Option<WalFileName>>,
    /// Nothing is compared for now: the last attempt failed.
    pub rests: Arc<AtomicBool>,
}

/// Returns every ordered pair of different destinations.
pub(super) fn all_pairs(ids: &[DestinationId]) -> Vec<RememberedPair> {
    let pair = |missing_in: &DestinationId, held_by: &DestinationId| RememberedPair {
        missing_in: missing_in.clone(),
        held_by: held_by.clone(),
        after: None,
    };
    let others = |one| ids.iter().filter(move |other| *other != one);
    ids.iter()
        .flat_map(|one| others(one).map(move |other| pair(one, other)))
        .collect()
}

impl Comparison {
    /// Works until everything is compared or it is cancelled.
    pub(super) async fn run(mut self, cancel: CancellationToken) {
        tokio::select! {
            biased;
            () = cancel.cancelled() => return,
            _ = self.newest.wait_for(Option::is_some) => {}
        }
        while let Some(pair) = self.first() {
            tokio::select! {
                biased;
                () = cancel.cancelled() => return,
                compared = self.compare(&pair) => if let Err(reason) = compared {
                    tracing::debug!(missing_in = %pair.missing_in, held_by = %pair.held_by, reason,
                        "not compared yet");
                    self.rotate();
                    self.rest(true);
                    tokio::select! {
                        () = cancel.cancelled() => return,
                        () = sleep(PAUSE) => self.rest(false),
                    }
                },
            }
        }
    }

    async fn compare(&self, pair: &RememberedPair) -> Result<(), String> {
        let newest = *self.newest.borrow();
        let (Some(lacking), Some(holder)) = (self.lane(&pair.missing_in), self.lane(&pair.held_by))
        else {
            // A destination that was taken out of the configuration is not compared.
            self.finish(pair);
            return Ok(());
        };
        for lane in [lacking, holder] {
            if lane.permission() != Permission::Go {
                return Err(format!("{} is not asked for now", lane.destination.id));
            }
        }
        // What is older than the oldest that it has, its retention has removed.
        let first = peek(&mut list(lacking, None)).await?;
        let mut there = list(lacking, pair.after);
        let mut held = list(holder, pair.after);
        while let Some(name) = peek(&mut held).await? {
            if newest < Some(name) {
                return Err(format!(
                    "{} holds newer files than were archived",
                    pair.held_by
                ));
            }
            while peek(&mut there).await?.is_some_and(|mine| mine < name) {
                there.next().await;
            }
            let has_it = peek(&mut there).await? == Some(name);
            if !has_it && first.is_none_or(|first| first < name) {
                self.owe(lacking, name).await?;
            }
            self.advance(pair, name);
            while peek(&mut held).await? == Some(name) {
                held.next().await;
            }
        }
        self.finish(pair);
        Ok(())
    }

    async fn owe(&self, lacking: &Lane, name: WalFileName) -> Result<(), String> {
        let id = &lacking.destination.id;
        if self.spool.owes_file(id, name) || lacking.is_in_flight(name) {
            return Ok(());
        }
        let reason = "missing when the destinations were compared".to_owned();
        let debt = Debt {
            since: lacking.clock.now(),
            reason,
            parked: None,
        };
        let owed = self.spool.owe_name(name, vec![(id.clone(), debt)]).await;
        owed.map_err(|error| chain(&error))
    }

    fn lane(&self, id: &DestinationId) -> Option<&Lane> {
        self.lanes
            .iter()
            .find(|lane| lane.destination.id == *id)
            .map(|lane| &**lane)
    }

    fn first(&self) -> Option<RememberedPair> {
        self.pairs().first().cloned()
    }

    fn finish(&self, pair: &RememberedPair) {
        self.pairs().retain(|other| !same(pair, other));
        self.wake();
    }

    fn rest(&self, rests: bool) {
        self.rests.store(rests, Ordering::Relaxed);
        self.wake();
    }

    /// Tells those who wait until nothing can be done any more.
    fn wake(&self) {
        for lane in &self.lanes {
            lane.wake.notify_waiters();
        }
    }

    fn advance(&self, pair: &RememberedPair, name: WalFileName) {
        for other in self.pairs().iter_mut().filter(|other| same(pair, other)) {
            other.after = Some(name);
        }
    }

    /// Puts the first pair last, so that one dead destination does not hold up the others.
    fn rotate(&self) {
        let mut pairs = self.pairs();
        if !pairs.is_empty() {
            pairs.rotate_left(1);
        }
    }

    fn pairs(&self) -> std::sync::MutexGuard<'_, Vec<RememberedPair>> {
        self.pairs
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

type Listing = Peekable<futures_util::stream::BoxStream<'static, repository::Result<StoredWal>>>;

fn list(lane: &Lane, from: Option<WalFileName>) -> Listing {
    lane.destination
        .repository
        .list_wal(from)
        .boxed()
        .peekable()
}

async fn peek(listing: &mut Listing) -> Result<Option<WalFileName>, String> {
    let next = timeout(PATIENCE, std::pin::Pin::new(&mut *listing).peek());
    match next.await.map_err(|_| "no answer".to_owned())? {
        None => Ok(None),
        Some(Ok(stored)) => Ok(Some(stored.name)),
        Some(Err(error)) => Err(chain(error)),
    }
}

fn same(one: &RememberedPair, other: &RememberedPair) -> bool {
    one.missing_in == other.missing_in && one.held_by == other.held_by
}
