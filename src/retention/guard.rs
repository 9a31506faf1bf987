//! What no policy may do: invariant I4 of the architecture.
//!
//! Nothing is deleted while what is there, or what is needed, is not known for sure.

use jiff::{SignedDuration, Timestamp};

use super::{
    Policy, RetentionRequest,
    plan::{Reason, Refusal},
    rules::{Reasons, WalCut},
};
use crate::{
    catalog::{Chains, Health, Prior, Segments},
    pg::SystemId,
    repository::{BackupState, HeldArchive, Keep, UnfinishedBackup},
};

/// Returns the policy, or why nothing is deleted.
pub(super) fn policy<'a>(request: &RetentionRequest<'a>) -> Result<Option<&'a Policy>, Refusal> {
    let Some((policy, others)) = request.policies.split_first() else {
        return Ok(None);
    };
    if let Some(other) = others.iter().find(|other| *other != policy) {
        let problem = format!("`{policy}` and `{other}` contradict each other");
        return Err(Refusal::Policy(problem));
    }
    if !policy.is_for(request.format) {
        let format = request.format;
        let problem = format!("`{policy}` is not meant for the layout {format}");
        return Err(Refusal::Policy(problem));
    }
    match policy.fault() {
        Some(fault) => Err(Refusal::Policy(fault.to_owned())),
        None => Ok(Some(policy)),
    }
}

/// Returns why nothing is deleted, whatever the policy is.
pub(super) fn refusals(chains: &Chains<'_>, now: Timestamp) -> Vec<Refusal> {
    let catalog = chains.catalog;
    let mut refusals = Vec::new();
    for damaged in &catalog.damaged {
        refusals.push(Refusal::Damaged {
            backup: damaged.id.clone(),
            problem: crate::error::chain(&damaged.error),
        });
    }
    refusals.extend(future(chains, now));
    refusals.extend(unfinished(chains, now));
    for place in 0..chains.len() {
        refusals.extend(incomplete(chains, place));
        if let (Prior::Missing, Some(prior)) = (chains.prior(place), &chains.backup(place).prior) {
            refusals.push(Refusal::NoPrior {
                backup: chains.backup(place).stored.id.clone(),
                prior: prior.clone(),
            });
        }
    }
    refusals.extend(mixed(chains));
    let is_sound = (0..chains.len()).any(|place| chains.is_sound(place));
    let is_complete = (0..chains.len()).any(|place| chains.is_complete(place));
    if is_complete && !is_sound {
        refusals.push(Refusal::NothingRestorable);
    }
    refusals
}

/// How far clocks may differ.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

fn future(chains: &Chains<'_>, now: Timestamp) -> Option<Refusal> {
    let limit = now.checked_add(TOLERANCE).unwrap_or(Timestamp::MAX);
    let backups = &chains.catalog.backups;
    let times = backups.iter().filter_map(|backup| {
        let at = backup.stored.began.max(backup.stored.ended)?;
        Some((format!("backup {}", backup.stored.id), at))
    });
    let strays = chains.catalog.strays.iter();
    let strays = strays.map(|stray| (format!("backup {}", stray.id), stray.touched));
    let wal = chains.catalog.newest_wal().into_iter();
    let wal = wal.map(|at| ("the newest WAL".to_owned(), at));
    let mut all = times.chain(strays).chain(wal);
    let (what, at) = all.find(|(_, at)| *at > limit)?;
    Some(Refusal::Clock { what, at })
}

/// Who was not heard of for so long has given up.
fn unfinished(chains: &Chains<'_>, now: Timestamp) -> Vec<Refusal> {
    let is_abandoned = |since: Timestamp| now.duration_since(since) >= UnfinishedBackup::ABANDONED;
    let mut refusals = Vec::new();
    for backup in &chains.catalog.backups {
        let id = &backup.stored.id;
        match (
            &backup.stored.state,
            backup.stored.began.max(backup.touched),
        ) {
            (BackupState::Unfinished, None) => refusals.push(Refusal::Incomplete {
                backup: id.clone(),
                lacks: "when it began",
            }),
            (BackupState::Unfinished, Some(since)) if !is_abandoned(since) => {
                let backup = id.clone();
                refusals.push(Refusal::InProgress { backup, since });
            }
            _ => {}
        }
    }
    for stray in &chains.catalog.strays {
        let (backup, since) = (stray.id.clone(), stray.touched);
        if stray.is_complete {
            refusals.push(Refusal::Unlisted { backup });
        } else if !is_abandoned(since) {
            refusals.push(Refusal::InProgress { backup, since });
        }
    }
    refusals
}

/// Of Barman's records any line may be missing; pgBackRest has none of a stopped server.
fn incomplete(chains: &Chains<'_>, place: usize) -> Option<Refusal> {
    let backup = chains.backup(place);
    if !chains.is_complete(place) {
        return None;
    }
    let stored = &backup.stored;
    let is_offline = !backup.archive.is_empty()
        && stored.first_segment.is_none()
        && stored.last_segment.is_none();
    let lacks = match () {
        () if stored.ended.is_none() => "when it ended",
        () if is_offline => return None,
        () if stored.timeline.is_none() => "its timeline",
        () if stored.first_segment.is_none() => "its first segment",
        () if stored.last_segment.is_none() => "its last segment",
        () => return None,
    };
    Some(Refusal::Incomplete {
        backup: stored.id.clone(),
        lacks,
    })
}

/// An upgrade changes the cluster once; one that comes back was never away.
fn mixed(chains: &Chains<'_>) -> Option<Refusal> {
    let backups = chains.catalog.backups.iter();
    let of_one_archive = backups.filter(|backup| backup.archive.is_empty());
    let mut clusters: Vec<SystemId> = of_one_archive
        .filter_map(|backup| backup.stored.system_id)
        .collect();
    clusters.dedup();
    let runs = clusters.len();
    clusters.sort_unstable();
    clusters.dedup();
    (runs > clusters.len()).then_some(Refusal::Clusters(clusters))
}

/// Adds the backups that stand in for those that the policy counts and that cannot be restored:
/// those that it would keep if these were not there.
pub(super) fn stand_in(
    chains: &Chains<'_>,
    reasons: &mut Reasons,
    of_sound: &Reasons,
) -> Vec<Refusal> {
    let mut stands_in = false;
    for place in 0..chains.len() {
        if reasons[place].is_empty() && !of_sound[place].is_empty() {
            reasons[place].push(Reason::StandsIn);
            stands_in = true;
        }
    }
    if !stands_in {
        return Vec::new();
    }
    let behind = (0..chains.len()).filter_map(|place| match chains.health(place) {
        Health::Lacks(segment) if !reasons[place].is_empty() => Some(Refusal::Behind {
            backup: chains.backup(place).stored.id.clone(),
            segment,
        }),
        Health::Lacks(_) | Health::Sound | Health::Incomplete => None,
    });
    behind.collect()
}

/// Keeps the newest backup that can be restored, whatever the policy says.
pub(super) fn newest(chains: &Chains<'_>, reasons: &mut Reasons) -> Option<Refusal> {
    let mut places = (0..chains.len()).rev();
    let newest = places.find(|place| chains.is_sound(*place))?;
    if !reasons[newest].is_empty() {
        return None;
    }
    let mut place = newest;
    reasons[place].push(Reason::NewestRestorable);
    while let Prior::At(prior) = chains.prior(place) {
        let needed = chains.backup(newest).stored.id.clone();
        reasons[prior].push(Reason::NeededBy(needed));
        place = prior;
    }
    Some(Refusal::NewestRestorable {
        backup: chains.backup(newest).stored.id.clone(),
    })
}

/// Returns the segments of an archive that backups that stay may need: those of their duration,
/// and all that follows where the policy wants any later moment.
pub(super) fn needed(
    chains: &Chains<'_>,
    reasons: &Reasons,
    archive: &HeldArchive,
    cut: &WalCut,
) -> Segments {
    let size = chains.catalog.segment_size;
    let stays = (0..chains.len()).filter(|place| !reasons[*place].is_empty());
    let local = stays
        .filter(|place| chains.is_complete(*place) && chains.backup(*place).archive == archive.id);
    Segments::union(local.filter_map(|place| {
        let stored = &chains.backup(place).stored;
        let (first, last) = stored.first_segment.zip(stored.last_segment)?;
        let is_alone = stored.keep == Some(Keep::Standalone)
            && reasons[place]
                .iter()
                .all(|reason| matches!(reason, Reason::Annotated(_)));
        Some(if is_alone || place < cut.since {
            Segments::between(first, last, size)
        } else {
            Segments::from(first, size)
        })
    }))
}
