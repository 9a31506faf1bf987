//! The rules of Barman's tools (`barman-cloud-backup-delete --retention-policy`, 3.17 to 3.20).

use std::{cmp::Ordering, collections::BTreeMap};

use super::{
    plan::Reason,
    policy::{BarmanPolicy, BarmanRule},
    rules::{Moment, Reasons, WalCut},
};
use crate::{
    catalog::{Chains, Segments},
    pg::{SegmentName, TimelineId},
    repository::{HeldBackup, Keep},
};

/// Says why backups stay, of those that `counts` lets in.
pub(super) fn select(
    policy: BarmanPolicy,
    chains: &Chains<'_>,
    counts: &dyn Fn(usize) -> bool,
    moment: &Moment,
) -> Reasons {
    let mut reasons: Reasons = vec![Vec::new(); chains.len()];
    let subjects = (0..chains.len()).rev();
    let subjects = subjects.filter(|place| chains.backup(*place).may_expire && counts(*place));
    match policy.rule {
        BarmanRule::Redundancy(count) => {
            let wanted = count.max(policy.minimum);
            for (newer, place) in subjects.enumerate() {
                if newer < usize::try_from(count).unwrap_or(usize::MAX) {
                    reasons[place].push(Reason::Newest(count));
                } else if newer < usize::try_from(wanted).unwrap_or(usize::MAX) {
                    reasons[place].push(Reason::Minimum(wanted));
                }
            }
        }
        BarmanRule::Window(length) => {
            let begin = moment.days_ago(length);
            let (mut is_led_to, mut valid) = (false, 0);
            for place in subjects {
                let leads = chains
                    .backup(place)
                    .stored
                    .ended
                    .is_some_and(|at| at < begin);
                let reason = match (is_led_to, leads) {
                    (false, false) => Reason::InWindow,
                    (false, true) => Reason::LeadsToWindow,
                    (true, _) if valid < policy.minimum => Reason::Minimum(policy.minimum),
                    (true, _) => continue,
                };
                reasons[place].push(reason);
                valid += 1;
                is_led_to |= leads;
            }
        }
    }
    reasons
}

/// Returns the WAL that goes when backups are removed, the oldest first: with each what lies before
/// the next one, if nothing older stays but backups that are kept with their own WAL alone.
///
/// Timelines of other backups are left alone, also that of the removed one itself: its WAL goes
/// with the next.
pub(super) fn wal(chains: &Chains<'_>, stays: &[bool]) -> WalCut {
    let size = chains.catalog.segment_size;
    let backups = &chains.catalog.backups;
    let mut timelines: BTreeMap<TimelineId, usize> = BTreeMap::new();
    for timeline in backups.iter().filter_map(|backup| backup.stored.timeline) {
        *timelines.entry(timeline).or_default() += 1;
    }
    let archived = archived_timelines(chains);
    let complete = (0..chains.len()).filter(|place| chains.is_complete(*place));
    let complete: Vec<usize> = complete.collect();
    let mut protected: Vec<Segments> = Vec::new();
    let mut cuts: BTreeMap<(TimelineId, usize), Cut> = BTreeMap::new();
    for (order, place) in complete.iter().enumerate() {
        let backup = &backups[*place];
        if stays[*place] {
            if backup.stored.keep != Some(Keep::Standalone) {
                break;
            }
            let own = backup.stored.first_segment.zip(backup.stored.last_segment);
            protected.extend(own.map(|(first, last)| Segments::between(first, last, size)));
            continue;
        }
        let next = complete.get(order + 1).map(|place| &backups[*place]);
        if let Some((limit, own)) = limit(next.unwrap_or(backup)) {
            for timeline in archived.iter().copied() {
                let is_used = timeline != own && timelines.contains_key(&timeline);
                let cut = match timeline.cmp(&limit.timeline()) {
                    _ if is_used => continue,
                    Ordering::Less => Cut::All,
                    Ordering::Equal => Cut::Before(limit),
                    Ordering::Greater => continue,
                };
                let known = cuts.entry((timeline, protected.len())).or_insert(cut);
                *known = cut.max(*known);
            }
        }
        forget(&mut timelines, backup.stored.timeline);
    }
    let removed = cuts.into_iter().map(|((timeline, older), cut)| {
        let kept = Segments::union(protected[..older].iter().cloned());
        let all = Segments::on(timeline);
        match cut {
            Cut::Before(limit) => all.and(&Segments::before(limit, size)).without(&kept),
            Cut::All => all.without(&kept),
        }
    });
    WalCut::of(Segments::union(removed))
}

/// How much of a timeline goes.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Cut {
    Before(SegmentName),
    All,
}

/// Returns before which segment WAL goes, and whose timeline that is.
fn limit(backup: &HeldBackup) -> Option<(SegmentName, TimelineId)> {
    backup.stored.first_segment.zip(backup.stored.timeline)
}

/// Returns the timelines of which there is WAL.
fn archived_timelines(chains: &Chains<'_>) -> Vec<TimelineId> {
    let archives = &chains.catalog.archives;
    let ranges = archives.iter().flat_map(|archive| &archive.segments);
    let segments = ranges.map(|range| range.first);
    let others = archives.iter().flat_map(|archive| &archive.others);
    let others = others.filter_map(|name| name.segment());
    let mut all: Vec<_> = segments.chain(others).map(SegmentName::timeline).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn forget(timelines: &mut BTreeMap<TimelineId, usize>, timeline: Option<TimelineId>) {
    let Some(timeline) = timeline else { return };
    if let Some(count) = timelines.get_mut(&timeline) {
        *count -= 1;
        if *count == 0 {
            timelines.remove(&timeline);
        }
    }
}
