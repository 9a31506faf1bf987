//! To which positions a destination can restore.

use std::collections::BTreeMap;

use super::chains::{Chains, range_of};
use crate::{
    destination::DestinationId,
    repository::{HeldArchive, Inventory, StoredBackup},
    restore::{
        RecoveryTarget, TargetTimeline,
        plan::{Holdings, RestoreRequest, Window},
    },
};

/// Returns to which positions the destination alone can restore the current cluster.
pub(super) fn windows(destination: &DestinationId, inventory: &Inventory) -> Vec<Window> {
    let mut archives = inventory.archives.iter();
    let Some(archive) = archives.find(|archive| archive.is_current) else {
        return Vec::new();
    };
    let request = RestoreRequest {
        target: RecoveryTarget::Latest,
        timeline: TargetTimeline::Latest,
        backup: None,
        system_id: None,
        segment_size: inventory.segment_size,
    };
    request.windows(&[Holdings {
        destination: destination.clone(),
        backups: first_of_ranges(inventory, archive),
        wal: archive.segments.clone(),
        histories: archive.histories.clone(),
        archived_until: inventory.newest_wal,
    }])
}

/// Returns the backups with which windows can begin: those of one stretch of WAL all lead to its
/// end, so the first of them tells it.
fn first_of_ranges(inventory: &Inventory, archive: &HeldArchive) -> Vec<StoredBackup> {
    let chains = Chains::new(inventory);
    let mut firsts = BTreeMap::new();
    for place in (0..chains.len()).filter(|place| chains.is_sound(*place)) {
        let backup = chains.backup(place);
        let first = backup.stored.first_segment;
        let Some(range) = first.and_then(|first| range_of(&archive.segments, first)) else {
            continue;
        };
        if backup.archive == archive.id {
            let known = firsts.entry(range.first).or_insert(place);
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
