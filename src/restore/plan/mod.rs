//! What a restore will do, decided from what destinations hold before anything is done.
//!
//! Files of the archive may come from any destination, a tree of the backup from one at a time. So
//! the archive is looked at as a whole, and only the *windows* are told for each destination by
//! itself: to which positions it alone could restore.
//!
//! How far the archive reaches in time is known only roughly, by when its newest segment was
//! stored: what was committed later is not in it.

mod error;
mod missing;
mod report;
mod route;
#[cfg(test)]
mod tests;
mod window;

use jiff::Timestamp;

pub use self::{
    error::{PlanError, Unsuitable},
    missing::missing_wal,
    report::{BackupSource, PassedOver, PlannedBackup, RestorePlan, WalSource},
    window::{Window, windows, windows_on_all_timelines},
};
use self::{
    route::{Route, Spans},
    window::of_one,
};
use super::{RecoveryTarget, TargetTimeline};
use crate::{
    destination::DestinationId,
    pg::{Lsn, SegmentName, SegmentRange, SegmentSize, SystemId, TimelineHistory, TimelineId},
    repository::{BackupState, StoredBackup},
};

/// What one destination holds, as far as a plan needs to know.
#[derive(Clone, Debug)]
pub struct Holdings {
    /// The destination.
    pub destination: DestinationId,
    /// Its base backups, in any order and state.
    pub backups: Vec<StoredBackup>,
    /// Its segments, without partial ones; in any order.
    pub wal: Vec<SegmentRange>,
    /// The histories of timelines that it holds.
    pub histories: Vec<TimelineHistory>,
    /// When its newest segment was stored, where known.
    pub archived_until: Option<Timestamp>,
}

/// What is to be restored.
#[derive(Clone, Debug)]
pub struct RestoreRequest {
    /// Where recovery ends.
    pub target: RecoveryTarget,
    /// Which timeline it follows.
    pub timeline: TargetTimeline,
    /// The id or the name of a backup; `None` for the newest one that leads to the target.
    pub backup: Option<String>,
    /// The cluster, where known.
    pub system_id: Option<SystemId>,
    /// Size of its WAL segments.
    pub segment_size: SegmentSize,
}

/// A backup that could be restored, with what is known of it for sure.
#[derive(Clone, Debug)]
struct Candidate<'a> {
    backup: &'a StoredBackup,
    /// Destinations that hold it complete, with the size of its objects there.
    sources: Vec<(&'a DestinationId, u64)>,
}

/// Positions of a complete backup.
#[derive(Clone, Copy, Debug)]
struct Positions {
    timeline: TimelineId,
    stop: Lsn,
    first: SegmentName,
    last: SegmentName,
}

/// A candidate that leads to the target.
struct Suitable {
    positions: Positions,
    route: Route,
    held: Spans,
    /// The last segment that recovery needs, as far as known.
    last: u64,
}

impl RestoreRequest {
    /// Decides which backup to restore, from where, and which WAL it needs. The destinations are
    /// in order of preference.
    ///
    /// # Errors
    ///
    /// If nothing that is held leads to the target; the error tells what could be restored.
    pub fn plan(&self, holdings: &[Holdings]) -> Result<RestorePlan, PlanError> {
        let mut candidates = self.candidates(holdings)?;
        if let Some(chosen) = &self.backup {
            let candidate = choose(&candidates, chosen)?;
            let backup = candidate.backup;
            return match self.suit(backup, holdings) {
                Ok(suitable) => Ok(self.describe(candidate, &suitable, holdings, Vec::new())),
                Err(reason) => Err(PlanError::NotSuitable {
                    backup: backup.id.clone(),
                    reason,
                    windows: self.windows(holdings),
                }),
            };
        }
        candidates.retain(|candidate| !candidate.sources.is_empty());
        if candidates.is_empty() {
            return Err(PlanError::NoBackup);
        }
        let mut passed_over = Vec::new();
        for candidate in &candidates {
            match self.suit(candidate.backup, holdings) {
                Ok(suitable) => {
                    // That one is too young needs no explanation.
                    passed_over.retain(|one: &PassedOver| !one.reason.is_too_young());
                    return Ok(self.describe(candidate, &suitable, holdings, passed_over));
                }
                Err(reason) => passed_over.push(PassedOver {
                    backup: candidate.backup.id.clone(),
                    reason,
                }),
            }
        }
        Err(PlanError::OutOfReach {
            target: self.target.clone(),
            passed_over,
            windows: self.windows(holdings),
        })
    }

    /// Returns to which positions each destination alone could restore.
    pub fn windows(&self, holdings: &[Holdings]) -> Vec<Window> {
        holdings.iter().flat_map(|one| of_one(self, one)).collect()
    }

    /// Returns the backups of the cluster, newest first; the same backup in several destinations
    /// is one.
    fn candidates<'a>(&self, holdings: &'a [Holdings]) -> Result<Vec<Candidate<'a>>, PlanError> {
        let mut candidates: Vec<Candidate<'a>> = Vec::new();
        for one in holdings {
            for backup in one
                .backups
                .iter()
                .filter(|backup| self.is_of_cluster(backup))
            {
                let is_complete = backup.state == BackupState::Complete;
                let source = is_complete.then_some((&one.destination, backup.stored_size));
                match candidates
                    .iter_mut()
                    .find(|known| is_same(known.backup, backup))
                {
                    Some(known) => {
                        if is_complete && known.sources.is_empty() {
                            known.backup = backup;
                        }
                        known.sources.extend(source);
                    }
                    None => candidates.push(Candidate {
                        backup,
                        sources: source.into_iter().collect(),
                    }),
                }
            }
        }
        let complete = candidates.iter().filter(|one| !one.sources.is_empty());
        let mut clusters: Vec<_> = complete.filter_map(|one| one.backup.system_id).collect();
        clusters.sort_unstable();
        clusters.dedup();
        if clusters.len() > 1 {
            return Err(PlanError::SeveralClusters(clusters));
        }
        candidates.sort_by_key(|one| std::cmp::Reverse((one.backup.ended, one.backup.stop)));
        Ok(candidates)
    }

    fn is_of_cluster(&self, backup: &StoredBackup) -> bool {
        match (self.system_id, backup.system_id) {
            (Some(expected), Some(found)) => expected == found,
            _ => true,
        }
    }

    /// Returns how a backup leads to the target, or why it does not.
    fn suit(&self, backup: &StoredBackup, holdings: &[Holdings]) -> Result<Suitable, Unsuitable> {
        let positions = positions(backup, self.segment_size)?;
        let histories = holdings.iter().flat_map(|one| &one.histories);
        let route = Route::of(
            self.timeline,
            positions.timeline,
            &histories,
            self.segment_size,
        )
        .ok_or_else(|| Unsuitable::UnknownTimeline(self.timeline.to_string()))?;
        if !route.descends_from(positions.timeline, positions.stop) {
            return Err(Unsuitable::NotOnTimeline(route.timeline()));
        }
        self.check_begin(backup, positions)?;
        let held = route.held(holdings.iter().flat_map(|one| &one.wal));
        let (first, stop) = (positions.first, positions.last);
        let (first, stop) = (
            first.number(self.segment_size),
            stop.number(self.segment_size),
        );
        let needed = match &self.target {
            RecoveryTarget::Lsn(lsn) => stop.max(lsn.get() / self.segment_size.bytes()),
            RecoveryTarget::Immediate
            | RecoveryTarget::Latest
            | RecoveryTarget::Time(_)
            | RecoveryTarget::Name(_)
            | RecoveryTarget::Xid(_) => stop,
        };
        let missing = held.missing(first, needed);
        if !missing.is_empty() {
            return Err(Unsuitable::MissingWal(route.names(&missing)));
        }
        self.check_end(holdings)?;
        let last = match &self.target {
            RecoveryTarget::Immediate | RecoveryTarget::Lsn(_) => needed,
            RecoveryTarget::Latest
            | RecoveryTarget::Time(_)
            | RecoveryTarget::Name(_)
            | RecoveryTarget::Xid(_) => held.last().map_or(needed, |last| last.max(needed)),
        };
        Ok(Suitable {
            positions,
            route,
            held,
            last,
        })
    }

    /// Recovery cannot end before the backup did.
    fn check_begin(&self, backup: &StoredBackup, positions: Positions) -> Result<(), Unsuitable> {
        match &self.target {
            RecoveryTarget::Time(time) => match backup.ended {
                None => Err(Unsuitable::NoPosition),
                Some(ended) if ended > *time => Err(Unsuitable::EndedAfter(ended)),
                Some(_) => Ok(()),
            },
            RecoveryTarget::Lsn(lsn) if positions.stop > *lsn => {
                Err(Unsuitable::StoppedAfter(positions.stop))
            }
            RecoveryTarget::Lsn(_)
            | RecoveryTarget::Latest
            | RecoveryTarget::Name(_)
            | RecoveryTarget::Xid(_)
            | RecoveryTarget::Immediate => Ok(()),
        }
    }

    /// What was committed after the newest segment was stored is not in the archive.
    fn check_end(&self, holdings: &[Holdings]) -> Result<(), Unsuitable> {
        let RecoveryTarget::Time(time) = self.target else {
            return Ok(());
        };
        let with_wal = holdings.iter().filter(|one| !one.wal.is_empty());
        let until: Option<Vec<_>> = with_wal.map(|one| one.archived_until).collect();
        match until.into_iter().flatten().max() {
            Some(until) if until < time => Err(Unsuitable::NotYetArchived(until)),
            _ => Ok(()),
        }
    }

    fn describe(
        &self,
        candidate: &Candidate<'_>,
        suitable: &Suitable,
        holdings: &[Holdings],
        passed_over: Vec<PassedOver>,
    ) -> RestorePlan {
        let Suitable {
            positions,
            route,
            held,
            last,
        } = suitable;
        let first = positions.first.number(self.segment_size);
        let needed = held.within(first, *last);
        let wal_from = holdings.iter().filter_map(|one| {
            let segments = route.held(&one.wal).within(first, *last).count();
            (segments > 0).then(|| WalSource {
                destination: one.destination.clone(),
                segments,
            })
        });
        let sources = candidate.sources.iter();
        RestorePlan {
            backup: PlannedBackup::new(candidate.backup, *positions),
            from: sources
                .map(|(destination, bytes)| BackupSource {
                    destination: (*destination).clone(),
                    bytes: *bytes,
                })
                .collect(),
            target: self.target.clone(),
            timeline: route.timeline(),
            wal: route.names(&needed),
            wal_segments: needed.count(),
            wal_bytes: needed.count().saturating_mul(self.segment_size.bytes()),
            wal_from: wal_from.collect(),
            missing: route.names(&held.missing(first, *last)),
            passed_over,
        }
    }
}

/// Returns whether two destinations hold the same backup.
fn is_same(one: &StoredBackup, other: &StoredBackup) -> bool {
    let identity = |backup: &StoredBackup| (backup.system_id, backup.start);
    one.id == other.id && identity(one) == identity(other)
}

/// Returns the backup of this id, or else the newest complete one of this name.
fn choose<'a, 'b>(
    candidates: &'b [Candidate<'a>],
    chosen: &str,
) -> Result<&'b Candidate<'a>, PlanError> {
    let by_id = candidates.iter().filter(|one| one.backup.id == chosen);
    let is_named = |one: &&Candidate<'_>| one.backup.name.as_deref() == Some(chosen);
    let found: Vec<_> = by_id.chain(candidates.iter().filter(is_named)).collect();
    let complete = found.iter().find(|one| !one.sources.is_empty());
    complete.or_else(|| found.first()).copied().ok_or_else(|| {
        let known = candidates.iter().map(|one| one.backup.id.clone());
        PlanError::UnknownBackup {
            backup: chosen.to_owned(),
            known: known.collect(),
        }
    })
}

fn positions(backup: &StoredBackup, size: SegmentSize) -> Result<Positions, Unsuitable> {
    if backup.state != BackupState::Complete {
        return Err(Unsuitable::NotComplete);
    }
    let (Some(timeline), Some(start), Some(stop)) = (backup.timeline, backup.start, backup.stop)
    else {
        return Err(Unsuitable::NoPosition);
    };
    // A backup that ends where a segment does needs none of the next.
    let last_byte = Lsn::new(stop.get().saturating_sub(1));
    let containing = |lsn| SegmentName::containing(lsn, timeline, size);
    Ok(Positions {
        timeline,
        stop,
        first: backup.first_segment.unwrap_or_else(|| containing(start)),
        last: backup.last_segment.unwrap_or_else(|| containing(last_byte)),
    })
}
