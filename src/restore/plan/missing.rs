//! Which WAL a destination lacks on the way to what it holds.

use std::collections::BTreeSet;

use super::{Route, positions};
use crate::{
    catalog::{Catalog, Segments},
    pg::{SegmentRange, TimelineHistory, TimelineId},
    repository::BackupState,
    restore::TargetTimeline,
};

/// Returns the segments of the current cluster that recovery would need and the destination lacks:
/// on the way to the newest segment of each timeline to which a complete backup leads, from the first
/// segment that the oldest such backup needs. Without any backup, from the first that it has.
pub fn missing_wal(catalog: &Catalog) -> Vec<SegmentRange> {
    let archives = catalog.current_archives();
    let held = Held {
        wal: archives
            .clone()
            .flat_map(|one| one.segments.clone())
            .collect(),
        histories: archives.flat_map(|one| &one.histories).collect(),
    };
    let timelines = held.wal.iter().map(|range| range.first.timeline());
    let timelines: BTreeSet<_> = timelines.collect();
    let missing = timelines.into_iter();
    let missing = missing.flat_map(|timeline| held.missing_on(timeline, catalog));
    let missing: Vec<_> = missing.collect();
    Segments::of(&missing, catalog.segment_size).ranges(catalog.segment_size)
}

struct Held<'a> {
    wal: Vec<SegmentRange>,
    histories: Vec<&'a TimelineHistory>,
}

impl Held<'_> {
    fn missing_on(&self, timeline: TimelineId, catalog: &Catalog) -> Vec<SegmentRange> {
        let size = catalog.segment_size;
        let target = TargetTimeline::Number(timeline);
        let histories = self.histories.iter().copied();
        let Some(route) = Route::of(target, timeline, &histories, size) else {
            return Vec::new();
        };
        let own = self.wal.iter();
        let own = own.filter(|range| range.first.timeline() == timeline);
        let Some(last) = own.clone().map(|range| range.last.number(size)).max() else {
            return Vec::new();
        };
        let backups = catalog.backups.iter().filter(|backup| {
            backup.stored.state == BackupState::Complete
                && catalog.is_of_current_cluster(&backup.archive)
        });
        let mut is_any = false;
        let starts = backups.filter_map(|backup| {
            is_any = true;
            let positions = positions(&backup.stored, size).ok()?;
            let leads = route.descends_from(positions.timeline, positions.stop);
            leads.then(|| positions.first.number(size))
        });
        let start = starts.min();
        // Of a timeline to which no backup leads, what is left is of no use.
        let first_held = own.map(|range| range.first.number(size)).min();
        let start = start.or_else(|| first_held.filter(|_| !is_any));
        match start {
            Some(first) => route.names(&route.held(&self.wal).missing(first, last)),
            None => Vec::new(),
        }
    }
}
