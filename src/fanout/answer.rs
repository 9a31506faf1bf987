//! What PostgreSQL hears about a file, and what must be on record before it does.

use std::sync::Arc;

use tokio::time::sleep;

use super::{
    DestinationId,
    archiver::{Archived, Inner},
    error::{ArchiveError, Outcome},
    flight::Flight,
    lane::{Lane, PARKED_FOR},
    policy::{self, Decision, Progress, Refusal, Room, Situation},
};
use crate::{failpoint, repository::WalFile, spool::Debt};

impl Inner {
    pub(super) async fn answer(
        &self,
        flight: &Arc<Flight>,
        pressed: bool,
    ) -> Result<Archived, ArchiveError> {
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
    fn owed_wal(&self, flight: &Flight) -> Option<WalFile> {
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
}
