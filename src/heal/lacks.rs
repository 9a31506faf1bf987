//! What one destination lacks of what all of them hold.

use std::collections::BTreeSet;

use super::plan::Scope;
use crate::{
    audit::Observation,
    catalog::{Catalog, Chains, Segments, current_segments},
    pg::{Lsn, SegmentName, SystemId, TimelineId},
    repository::{BackupKind, BackupState, HeldArchive, HeldBackup, StoredBackup},
    retention::{Moment, Policy, RetentionRequest},
};

/// What makes a backup the same one in every destination, whatever the layouts call it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(super) struct Identity {
    pub timeline: Option<TimelineId>,
    pub start: Option<Lsn>,
    pub stop: Option<Lsn>,
    pub system_id: Option<SystemId>,
}

impl Identity {
    /// Returns it; `None` if the record lacks something.
    pub(super) fn of(backup: &StoredBackup) -> Option<Self> {
        let is_known = backup.start.is_some() && backup.stop.is_some();
        is_known.then_some(Self {
            timeline: backup.timeline,
            start: backup.start,
            stop: backup.stop,
            system_id: backup.system_id,
        })
    }
}

/// What a destination should have in the end, and lacks.
#[derive(Clone, Debug, Default)]
pub(super) struct Lacking {
    /// Backups, the newest first.
    pub backups: Vec<Identity>,
    /// The first segment that each of them needs, in the same order.
    pub firsts: Vec<SegmentName>,
    /// Segments that somebody holds.
    pub wal: Segments,
    /// Histories that somebody holds.
    pub histories: BTreeSet<TimelineId>,
}

/// What all destinations of a cluster hold together.
#[derive(Clone, Debug, Default)]
pub(super) struct Union {
    pub wal: Segments,
    pub histories: BTreeSet<TimelineId>,
    /// Backups that somebody can restore.
    pub backups: Vec<StoredBackup>,
}

impl Union {
    pub(super) fn of<'a>(observations: impl IntoIterator<Item = &'a Observation>) -> Self {
        let mut union = Self::default();
        let mut known = BTreeSet::new();
        for catalog in observations
            .into_iter()
            .filter_map(|one| one.catalog.as_ref().ok())
        {
            union.wal = Segments::union([union.wal, current_segments(catalog)]);
            union.histories.extend(histories(catalog));
            let chains = Chains::new(catalog);
            for place in (0..chains.len()).filter(|place| chains.is_sound(*place)) {
                let backup = chains.backup(place);
                let identity = Identity::of(&backup.stored);
                let is_current = catalog.is_of_current_cluster(&backup.archive);
                if identity.is_some_and(|one| is_current && known.insert(one)) {
                    union.backups.push(backup.stored.clone());
                }
            }
        }
        union
            .backups
            .sort_by_key(|backup| (backup.timeline, backup.stop));
        union
    }
}

/// Decides what a destination lacks: as much as it would keep if it had everything.
pub(super) fn lacking(
    observation: &Observation,
    catalog: &Catalog,
    policies: &[Policy],
    union: &Union,
    scope: Scope,
    moment: &Moment,
) -> Lacking {
    let size = catalog.segment_size;
    let own = current_segments(catalog);
    let chains = Chains::new(catalog);
    let complete = (0..chains.len()).filter(|place| chains.is_complete(*place));
    let known: BTreeSet<Identity> = complete
        .filter_map(|place| Identity::of(&chains.backup(place).stored))
        .collect();
    let others = union.backups.iter().rev();
    let others = others.filter(|one| Identity::of(one).is_some_and(|one| !known.contains(&one)));
    let newest_own = known.iter().map(|one| (one.timeline, one.stop)).max();
    let new: Vec<&StoredBackup> = match scope {
        Scope::Wal => Vec::new(),
        Scope::Everything => others.collect(),
        Scope::Newest => others
            .take(1)
            .filter(|one| Some((one.timeline, one.stop)) > newest_own)
            .collect(),
    };
    let filled = filled(catalog, &new, union);
    let request = RetentionRequest {
        destination: observation.destination.clone(),
        format: observation.format,
        policies,
        moment: moment.clone(),
    };
    // What it would be refused to delete it may have, too.
    let after = filled.after(&request.plan(&filled));
    let stays: BTreeSet<_> = after
        .backups
        .iter()
        .filter_map(|one| Identity::of(&one.stored))
        .collect();
    let new = new
        .into_iter()
        .filter_map(|one| Some((Identity::of(one)?, one.first_segment?)));
    let (backups, firsts): (Vec<_>, Vec<_>) =
        new.filter(|(identity, _)| stays.contains(identity)).unzip();
    let kept = after.backups.iter();
    let kept = kept.filter(|one| {
        one.stored.state == BackupState::Complete && after.is_of_current_cluster(&one.archive)
    });
    let starts = kept.filter_map(|one| one.stored.first_segment);
    let first_held = catalog
        .current_archives()
        .filter_map(|one| one.segments.first());
    let first = starts
        .min()
        .or_else(|| first_held.map(|range| range.first).min());
    let wal = match first {
        Some(first) => current_segments(&after).and(&Segments::from(first, size)),
        None => Segments::default(),
    };
    let (own_histories, staying) = (histories(catalog), histories(&after));
    Lacking {
        wal: wal.without(&own),
        histories: staying.difference(&own_histories).copied().collect(),
        backups,
        firsts,
    }
}

/// Returns the catalog of a destination that got everything.
fn filled(catalog: &Catalog, new: &[&StoredBackup], union: &Union) -> Catalog {
    let mut filled = catalog.clone();
    let size = catalog.segment_size;
    if filled.current_archive().is_none() {
        filled.archives.push(HeldArchive {
            is_current: true,
            ..HeldArchive::default()
        });
    }
    let mut archives = filled.archives.iter_mut();
    let mut id = String::new();
    if let Some(archive) = archives.find(|archive| archive.is_current) {
        id.clone_from(&archive.id);
        archive.segments = union.wal.ranges(size);
        let known: BTreeSet<_> = archive.timelines.iter().copied().collect();
        archive.timelines = known.union(&union.histories).copied().collect();
    }
    for backup in new {
        filled.backups.push(HeldBackup {
            stored: StoredBackup {
                keep: None,
                ..(*backup).clone()
            },
            kind: BackupKind::Full,
            prior: None,
            archive: id.clone(),
            is_whole: true,
            may_expire: true,
            touched: None,
        });
    }
    filled
        .backups
        .sort_by_key(|one| one.stored.ended.or(one.stored.began));
    filled
}

fn histories(catalog: &Catalog) -> BTreeSet<TimelineId> {
    let archives = catalog.current_archives();
    archives
        .flat_map(|one| one.timelines.iter().copied())
        .collect()
}
