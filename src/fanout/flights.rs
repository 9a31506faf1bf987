//! How a file comes on its way: asked for, or sent ahead.

use std::{path::Path, sync::Arc};

use super::{
    archiver::{Inner, lock},
    error::ArchiveError,
    flight::Flight,
    lane::Lane,
    look_ahead::{self, Waiting},
};
use crate::{failpoint, pg::WalFileName};

impl Inner {
    /// Sends the files that PostgreSQL will ask for next, as far as memory is free.
    pub(super) fn look_ahead(self: &Arc<Self>, path: &Path, waiting: Waiting) {
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
