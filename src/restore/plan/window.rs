//! To which positions a destination alone can restore.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use jiff::Timestamp;

use super::{Holdings, RestoreRequest, Route, positions};
use crate::{
    catalog::{Catalog, Chains},
    destination::DestinationId,
    pg::{Lsn, TimelineId},
    repository::StoredBackup,
    restore::{RecoveryTarget, TargetTimeline},
};

/// A stretch of positions to which a destination alone can restore.
#[derive(Clone, Debug, Eq, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Window {
    /// The destination.
    pub destination: DestinationId,
    /// The timeline on which recovery ends.
    pub timeline: TimelineId,
    /// The backup with which it begins.
    pub backup: String,
    /// The first position.
    pub from: Lsn,
    /// When that was, where the backup's record says so.
    pub since: Option<Timestamp>,
    /// The position before which the archive ends, or has a gap.
    pub to: Lsn,
    /// When the newest segment was stored, where known, if there is no gap before it and no newer
    /// timeline.
    pub until: Option<Timestamp>,
}

/// Returns to which positions the destination alone can restore its current cluster, on the newest
/// timeline.
pub fn windows(destination: &DestinationId, catalog: &Catalog) -> Vec<Window> {
    on(destination, catalog, [TargetTimeline::Latest])
}

/// Returns to which positions the destination alone can restore its current cluster, on each
/// timeline of which it holds something.
pub fn windows_on_all_timelines(destination: &DestinationId, catalog: &Catalog) -> Vec<Window> {
    let Some(archive) = catalog.current_archive() else {
        return Vec::new();
    };
    let with_wal = archive.segments.iter().map(|range| range.first.timeline());
    let with_history = archive.timelines.iter().copied();
    let timelines: BTreeSet<_> = with_wal.chain(with_history).collect();
    on(
        destination,
        catalog,
        timelines.into_iter().map(TargetTimeline::Number),
    )
}

fn on(
    destination: &DestinationId,
    catalog: &Catalog,
    timelines: impl IntoIterator<Item = TargetTimeline>,
) -> Vec<Window> {
    let mut holdings = Holdings::of(destination, catalog);
    holdings.backups = first_of_ranges(catalog);
    let request = |timeline| RestoreRequest {
        target: RecoveryTarget::Latest,
        timeline,
        backup: None,
        system_id: None,
        segment_size: catalog.segment_size,
    };
    let windows = timelines.into_iter();
    windows
        .flat_map(|timeline| of_one(&request(timeline), &holdings))
        .collect()
}

/// Returns the backups with which windows can begin: those of one stretch of WAL all lead to its
/// end, so the first of them tells it.
fn first_of_ranges(catalog: &Catalog) -> Vec<StoredBackup> {
    let chains = Chains::new(catalog);
    let mut firsts = BTreeMap::new();
    for place in 0..chains.len() {
        let Some(last) = chains.reach(place) else {
            continue;
        };
        let backup = chains.backup(place);
        if catalog.is_of_current_cluster(&backup.archive) {
            let known = firsts.entry((&backup.archive, last)).or_insert(place);
            if backup.stored.stop < chains.backup(*known).stored.stop {
                *known = place;
            }
        }
    }
    let firsts = firsts.into_values();
    firsts
        .map(|place| chains.backup(place).stored.clone())
        .collect()
}

impl Holdings {
    /// Returns what a destination holds of its current cluster.
    pub fn of(destination: &DestinationId, catalog: &Catalog) -> Self {
        let (mut wal, mut histories, mut archived_until) = (Vec::new(), Vec::new(), None);
        for archive in catalog.current_archives() {
            wal.extend_from_slice(&archive.segments);
            histories.extend_from_slice(&archive.histories);
            archived_until = archive.newest.max(archived_until);
        }
        let backups = catalog.backups.iter();
        Self {
            destination: destination.clone(),
            backups: backups.map(|backup| backup.stored.clone()).collect(),
            wal,
            histories,
            archived_until,
        }
    }
}

/// Returns the windows of a destination, oldest first.
pub(super) fn of_one(request: &RestoreRequest, one: &Holdings) -> Vec<Window> {
    let size = request.segment_size;
    let mut windows: Vec<Window> = Vec::new();
    let newest = one.wal.iter().map(|range| range.first.timeline()).max();
    let mut backups: Vec<_> = one.backups.iter().collect();
    backups.sort_by_key(|backup| backup.stop);
    for backup in backups
        .into_iter()
        .filter(|backup| request.is_of_cluster(backup))
    {
        let Ok(positions) = positions(backup, size) else {
            continue;
        };
        let histories = one.histories.iter();
        let Some(route) = Route::of(request.timeline, positions.timeline, &histories, size) else {
            continue;
        };
        let held = route.held(&one.wal);
        let Some(last) = held.reach(positions.first.number(size)) else {
            continue;
        };
        let to = Lsn::new((last + 1).saturating_mul(size.bytes()));
        let (timeline, from) = (route.timeline(), positions.stop);
        let is_consistent = last >= positions.last.number(size);
        let is_known = windows
            .iter()
            .any(|known| (known.timeline, known.to) == (timeline, to));
        if is_consistent && !is_known && route.descends_from(positions.timeline, from) {
            windows.push(Window {
                destination: one.destination.clone(),
                timeline,
                backup: backup.id.clone(),
                from,
                since: backup.ended,
                to,
                until: one
                    .archived_until
                    .filter(|_| held.last() == Some(last) && Some(timeline) >= newest),
            });
        }
    }
    windows
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: from {}", self.destination, self.from)?;
        if let Some(since) = self.since {
            write!(f, " ({since})")?;
        }
        write!(f, " to {}", self.to)?;
        if let Some(until) = self.until {
            write!(f, " ({until})")?;
        }
        write!(f, " on timeline {}", self.timeline)
    }
}
