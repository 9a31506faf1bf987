//! How a file comes on its way: asked for, or sent ahead.

use std::{path::Path, sync::Arc};

use futures_util::stream::{FuturesOrdered, StreamExt};

use super::{
    archiver::{Inner, lock},
    error::ArchiveError,
    flight::Flight,
    lane::Lane,
    look_ahead::{self, Waiting},
};
use crate::{budget::Reservation, failpoint, pg::WalFileName};

impl Inner {
    /// Sends the files that PostgreSQL will ask for next, as far as memory is free.
    pub(super) fn look_ahead(self: &Arc<Self>, path: &Path, waiting: &Waiting) {
        let mut next = waiting.next.clone();
        next.retain(|&name| !self.is_on_its_way(name));
        if next.is_empty() {
            return;
        }
        let (inner, path) = (Arc::clone(self), path.to_owned());
        self.tasks.spawn(async move {
            // Read side by side, offered in their order.
            let read = async |name| {
                inner
                    .flight(name, &look_ahead::sibling(&path, name), false)
                    .await
            };
            let mut reading: FuturesOrdered<_> = next.into_iter().map(read).collect();
            loop {
                tokio::select! {
                    biased;
                    () = inner.cancel.cancelled() => return,
                    flight = reading.next() => match flight {
                        Some(Ok(Some(flight))) => inner.offer(&flight),
                        Some(Ok(None)) => {}
                        Some(Err(error)) => tracing::debug!(%error, "not sent ahead"),
                        None => return,
                    },
                }
            }
        });
    }

    /// Returns whether `name` is being read or was.
    pub(super) fn is_on_its_way(&self, name: WalFileName) -> bool {
        lock(&self.reading).contains_key(&name) || lock(&self.flights).contains_key(&name)
    }

    /// Returns the flight of `name`: one that look-ahead began, one that was refused before, or
    /// a new one. Look-ahead gets none when memory is short.
    pub(super) async fn flight(
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
        let stamp = opened.stat;
        let try_reserve = || {
            let encodings = &self.sources.encodings;
            self.sources.encoder.try_reserve(stamp.len, encodings)
        };
        let (reservation, running) = if asked {
            let reservation = match try_reserve() {
                None => self.reserve(stamp.len).await,
                reservation => reservation,
            };
            (reservation, self.reads.begin())
        } else {
            match self.reads.begin_ahead(try_reserve).await {
                Some((reservation, running)) => (Some(reservation), running),
                None => return Ok(None),
            }
        };
        let prepared = self.sources.read(name, path, opened, reservation).await?;
        drop(running);
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

    /// Waits for memory, and gives up what was sent ahead: PostgreSQL asks for something else
    /// first. `None` if there will never be enough.
    async fn reserve(&self, len: u64) -> Option<Reservation> {
        lock(&self.flights).retain(|_, flight| !flight.evict());
        let encodings = &self.sources.encodings;
        self.sources.encoder.reserve(len, encodings).await
    }

    /// Offers a flight to every lane that neither holds it nor is sending it; also to those that
    /// are down if the policy cannot be satisfied without them.
    pub(super) fn offer(&self, flight: &Arc<Flight>) {
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

    pub(super) async fn waiting(&self, path: &Path, name: WalFileName) -> Waiting {
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
}
