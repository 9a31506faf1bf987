//! A base backup that has begun in its destinations, and how it ends there.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use tokio::time::{sleep, timeout};

use super::{
    BackupOutcome, BackupSettings, DestinationReport, Event, Progress,
    pass::{Participant, Pass, Results},
};
use crate::{
    byte_size::ByteSize,
    destination::DestinationId,
    error::chain,
    fanout::{Destination, WalCopier},
    pg::{SegmentName, SegmentRange, WalFileName},
    repository::{BackupContents, BackupEnd, BackupStart, BackupWriter, Taker},
    workers::Workers,
};

/// A base backup that has begun in its destinations.
pub(super) struct Begun<'a> {
    pub destinations: &'a [Destination],
    pub settings: &'a BackupSettings,
    pub start: BackupStart,
    pub progress: &'a Arc<Progress>,
    participants: Vec<Participant>,
    /// Destinations that do not take part, by index, and why.
    refusals: Vec<(usize, String)>,
}

impl<'a> Begun<'a> {
    /// Begins it in each destination that was not refused before.
    pub(super) async fn begin(
        destinations: &'a [Destination],
        mut refusals: Vec<(usize, String)>,
        start: BackupStart,
        taker: &Taker,
        settings: &'a BackupSettings,
        progress: &'a Arc<Progress>,
    ) -> Self {
        let begins = begin_all(destinations, &refusals, &start, taker, settings);
        let (participants, refused) = begins.await;
        refusals.extend(refused);
        for one in &participants {
            progress.tell(Event::Begun {
                destination: one.id.clone(),
                backup: one.writer.id().to_owned(),
            });
        }
        Self {
            destinations,
            settings,
            start,
            progress,
            participants,
            refusals,
        }
    }

    /// Returns whether no destination takes it.
    pub(super) fn is_nowhere(&self) -> bool {
        self.participants.is_empty()
    }

    /// Returns which destinations do not take it, and why.
    pub(super) fn refusals(&self) -> Vec<(DestinationId, String)> {
        let refusals = self.refusals.iter();
        refusals
            .map(|(index, reason)| (self.destinations[*index].id.clone(), reason.clone()))
            .collect()
    }

    /// Starts what brings it to them.
    pub(super) fn start_pass(&self) -> Pass {
        Pass::start(&self.participants, self.settings, self.progress)
    }

    /// Writes the metadata in each destination that holds everything, and undoes the others.
    pub(super) async fn conclude(
        &self,
        results: Results,
        end: &BackupEnd,
    ) -> Vec<DestinationReport> {
        let conclusions = results.into_iter().map(|(index, result)| async move {
            let participant = self.participants.iter().find(|one| one.index == index);
            let participant = participant.expect("only participants have results");
            let (stored, outcome) = match result {
                Ok(sent) => {
                    let committed = self.commit_and_tell(participant, end, &sent.contents);
                    (sent.bytes, committed.await)
                }
                Err(reason) => (0, Err(reason)),
            };
            let outcome = match outcome {
                Ok(()) => BackupOutcome::Complete,
                Err(reason) => {
                    give_up(&*participant.writer, &reason).await;
                    BackupOutcome::Failed { reason }
                }
            };
            let id = participant.writer.id().to_owned();
            (index, Some(id), stored, outcome)
        });
        let mut all = join_all(conclusions).await;
        all.extend(self.refusals.iter().map(|(index, reason)| {
            let reason = reason.clone();
            (*index, None, 0, BackupOutcome::Failed { reason })
        }));
        all.sort_by_key(|(index, ..)| *index);
        all.into_iter()
            .map(|(index, backup, stored, outcome)| DestinationReport {
                id: self.destinations[index].id.clone(),
                backup,
                stored,
                outcome,
            })
            .collect()
    }

    async fn commit_and_tell(
        &self,
        participant: &Participant,
        end: &BackupEnd,
        contents: &BackupContents,
    ) -> Result<(), String> {
        let committed = self.commit(participant, end, contents).await;
        let destination = participant.id.clone();
        self.progress.tell(match &committed {
            Ok(()) => Event::Complete {
                destination,
                backup: participant.writer.id().to_owned(),
            },
            Err(reason) => Event::Left {
                destination,
                reason: reason.clone(),
            },
        });
        committed
    }

    /// Waits for the WAL, then writes that the backup is complete.
    async fn commit(
        &self,
        participant: &Participant,
        end: &BackupEnd,
        contents: &BackupContents,
    ) -> Result<(), String> {
        if let Some(patience) = self.settings.wal_patience {
            self.await_wal(participant, end, patience).await?;
        }
        let finish = participant.writer.finish(end, contents);
        let finish = timeout(self.settings.stall_limit, finish);
        match finish.await {
            Ok(result) => result.map_err(|error| chain(&error)),
            Err(_) => Err("no answer when the backup was to be completed".to_owned()),
        }
    }

    async fn await_wal(
        &self,
        participant: &Participant,
        end: &BackupEnd,
        patience: Duration,
    ) -> Result<(), String> {
        let repository = &self.destinations[participant.index].repository;
        let mut pause = Duration::from_millis(100);
        let mut missing: Vec<_> = self.needed(end).collect();
        let look = async {
            loop {
                while let Some(name) = missing.last() {
                    match repository.find_wal(WalFileName::Segment(*name)).await {
                        Ok(found) if !found.is_empty() => missing.pop(),
                        Ok(_) => break,
                        Err(error) if error.class().is_retriable() => break,
                        Err(error) => return Err(chain(&error)),
                    };
                }
                let Some(name) = missing.last() else {
                    return Ok(());
                };
                if pause >= PROMPT {
                    self.bring(*name, &self.destinations[participant.index])
                        .await;
                }
                sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(5));
            }
        };
        if let Ok(result) = timeout(patience, look).await {
            return result;
        }
        let first = missing.iter().min().map(ToString::to_string);
        Err(format!(
            "segment {}, which the backup needs, is not there within {patience:?}",
            first.unwrap_or_default()
        ))
    }

    /// Copies a segment from a destination that has it. Whoever archives may be at it, too, or may
    /// not run again before the next segment is full.
    async fn bring(&self, name: SegmentName, to: &Destination) {
        let copier = WalCopier::new(ByteSize::mib(64), Workers::new());
        let server = &self.start.server;
        let (limit, cluster) = (server.segment_size.bytes(), Some(server.system_id));
        for from in self.destinations.iter().filter(|from| from.id != to.id) {
            // Who cannot answer has nothing to give.
            let found = from.repository.find_wal(WalFileName::Segment(name)).await;
            for stored in found.unwrap_or_default() {
                let fetched = copier.fetch(&stored, from, &[to], limit, cluster).await;
                let put = match fetched {
                    Ok(fetched) => fetched.put(to).await.map_err(|error| chain(&error)),
                    Err(error) => Err(chain(&error)),
                };
                match put {
                    Ok(_) => return,
                    Err(reason) => tracing::debug!(%name, to = %to.id, reason, "not copied"),
                }
            }
        }
    }

    /// Returns the segments that make the backup consistent.
    fn needed(&self, end: &BackupEnd) -> impl Iterator<Item = SegmentName> + use<> {
        let size = self.start.server.segment_size;
        let segment = |lsn| SegmentName::containing(lsn, self.start.timeline, size);
        // The stop position is behind the last record.
        let last = end.stop.checked_sub(1).unwrap_or(end.stop);
        let range = SegmentRange {
            first: segment(self.start.start),
            last: segment(last),
        };
        range.segments(size)
    }

    /// Undoes it everywhere.
    pub(super) async fn undo(&self, reason: &str) {
        let undoing = self.participants.iter();
        join_all(undoing.map(|one| give_up(&*one.writer, reason))).await;
    }
}

/// How long the pause between two looks for WAL gets before it is fetched from elsewhere.
const PROMPT: Duration = Duration::from_secs(1);

/// Removes what was written; what cannot be removed is found by the next run.
async fn give_up(writer: &dyn BackupWriter, reason: &str) {
    let result = timeout(UNDO_PATIENCE, writer.give_up(reason)).await;
    let problem = match result {
        Ok(Ok(())) => return,
        Ok(Err(error)) => chain(&error),
        Err(_) => "no answer".to_owned(),
    };
    tracing::warn!(
        backup = writer.id(),
        error = problem,
        "what was written could not be removed"
    );
}

const UNDO_PATIENCE: Duration = Duration::from_secs(30);

/// Begins the backup in each destination that was not refused.
async fn begin_all(
    destinations: &[Destination],
    refusals: &[(usize, String)],
    start: &BackupStart,
    taker: &Taker,
    settings: &BackupSettings,
) -> (Vec<Participant>, Vec<(usize, String)>) {
    let wanted = destinations.iter().enumerate();
    let wanted = wanted.filter(|(index, _)| refusals.iter().all(|(refused, _)| refused != index));
    let begins = wanted.map(|(index, destination)| async move {
        let repository = &destination.repository;
        let begun = timeout(settings.stall_limit, repository.begin_backup(start, taker)).await;
        let writer: Arc<dyn BackupWriter> = match begun {
            Ok(Ok(writer)) => Arc::from(writer),
            Ok(Err(error)) => return Err((index, chain(&error))),
            Err(_) => return Err((index, "no answer".to_owned())),
        };
        Ok(Participant {
            index,
            id: destination.id.clone(),
            encoding: writer.encoding(),
            writer,
            parallel: destination.jobs,
        })
    });
    let (mut participants, mut refused) = (Vec::new(), Vec::new());
    for begun in join_all(begins).await {
        match begun {
            Ok(participant) => participants.push(participant),
            Err(refusal) => refused.push(refusal),
        }
    }
    (participants, refused)
}

/// Lists reasons, one in a line.
pub(super) fn reasons(all: &[(DestinationId, String)]) -> String {
    let lines = all.iter().map(|(id, reason)| format!("\n  {id}: {reason}"));
    lines.collect()
}
