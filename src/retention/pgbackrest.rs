//! The rules of pgBackRest (`expire`, 2.45 to 2.59).

use super::{
    plan::Reason,
    policy::{Fulls, PgBackRestPolicy, WalRule},
    rules::{Moment, Reasons, WalCut},
};
use crate::{
    catalog::{Chains, Prior, Segments},
    repository::{BackupKind, Catalog, HeldArchive},
};

/// Says why backups stay, of those that `counts` lets in.
pub(super) fn select(
    policy: PgBackRestPolicy,
    chains: &Chains<'_>,
    counts: &dyn Fn(usize) -> bool,
    moment: &Moment,
) -> Reasons {
    let mut reasons: Reasons = vec![Vec::new(); chains.len()];
    let fulls: Vec<usize> = (0..chains.len())
        .filter(|place| chains.backup(*place).kind == BackupKind::Full && counts(*place))
        .collect();
    let goes = match policy.full {
        Fulls::Everything => 0,
        Fulls::Count(count) => fulls.len().saturating_sub(usize_of(count)),
        Fulls::Days(days) => oldest_wanted(chains, &fulls, days, moment).unwrap_or(0),
    };
    let mut gone = vec![false; chains.len()];
    for place in &fulls[..goes] {
        gone[*place] = true;
    }
    chains.spread(&mut gone);
    if let Some(count) = policy.diff {
        let counted: Vec<usize> = (0..chains.len())
            .filter(|place| chains.backup(*place).kind != BackupKind::Incremental)
            .filter(|place| !gone[*place] && counts(*place))
            .collect();
        for place in &counted[..counted.len().saturating_sub(usize_of(count))] {
            gone[*place] = chains.backup(*place).kind == BackupKind::Differential;
        }
        chains.spread(&mut gone);
    }
    let is_older = |place: usize| match policy.full {
        Fulls::Days(days) => is_older(chains, place, days, moment),
        Fulls::Everything | Fulls::Count(_) => false,
    };
    for place in (0..chains.len()).filter(|place| counts(*place) && !gone[*place]) {
        let backup = chains.backup(place);
        reasons[place].push(match (backup.kind, policy.full, policy.diff) {
            (BackupKind::Full, Fulls::Everything, _) => Reason::Everything,
            (BackupKind::Full, Fulls::Count(count), _)
            | (BackupKind::Differential, _, Some(count)) => Reason::Newest(count),
            (BackupKind::Full, Fulls::Days(_), _) if is_older(place) => Reason::LeadsToWindow,
            (BackupKind::Full, Fulls::Days(_), _) => Reason::InWindow,
            (BackupKind::Differential, _, None) | (BackupKind::Incremental, ..) => {
                match chains.prior(place) {
                    Prior::At(prior) => Reason::With(chains.backup(prior).stored.id.clone()),
                    Prior::None | Prior::Missing => Reason::Everything,
                }
            }
        });
    }
    reasons
}

/// Returns how many of the oldest full backups are not needed to go back so many days; `None` if
/// none is older than that.
fn oldest_wanted(
    chains: &Chains<'_>,
    fulls: &[usize],
    days: u32,
    moment: &Moment,
) -> Option<usize> {
    let is_older = |place: &usize| is_older(chains, *place, days, moment);
    fulls.iter().rposition(is_older)
}

/// The tool counts whole seconds.
fn is_older(chains: &Chains<'_>, place: usize, days: u32, moment: &Moment) -> bool {
    let begin = moment.days_ago(days).as_second();
    let ended = chains.backup(place).stored.ended;
    ended.is_some_and(|at| at.as_second() < begin)
}

/// Returns the WAL of an archive that goes: all but that since the oldest of so many backups, and
/// what older ones need to be consistent.
pub(super) fn wal(
    policy: PgBackRestPolicy,
    chains: &Chains<'_>,
    stays: &[bool],
    counts: &dyn Fn(usize) -> bool,
    archive: &HeldArchive,
    moment: &Moment,
) -> WalCut {
    let is_listed = |place: &usize| stays[*place] && counts(*place);
    let fulls = (0..chains.len()).filter(|place| chains.backup(*place).kind == BackupKind::Full);
    let (count, kind) = match (policy.wal, policy.full) {
        (WalRule::Backups(count, kind), _) => (usize_of(count), kind),
        (WalRule::WithFulls, Fulls::Days(days)) => {
            let fulls: Vec<usize> = fulls.filter(is_listed).collect();
            if oldest_wanted(chains, &fulls, days, moment).is_none() {
                return WalCut::default();
            }
            (fulls.len(), BackupKind::Full)
        }
        (WalRule::WithFulls | WalRule::Everything, _) => return WalCut::default(),
    };
    let mut newest: Vec<usize> = (0..chains.len())
        .filter(|place| includes(kind, chains.backup(*place).kind))
        .filter(is_listed)
        .collect();
    newest.reverse();
    if newest.is_empty() || count > newest.len() {
        return WalCut::default();
    }
    let is_local = |place: &&usize| chains.backup(**place).archive == archive.id;
    let Some(newest_local) = newest.iter().find(is_local) else {
        return WalCut::without_backups(archive);
    };
    let counted = newest[..count].iter().rfind(is_local);
    since(chains, stays, archive, *counted.unwrap_or(newest_local))
}

/// Returns the WAL of an archive that goes if all of it stays since the backup at a place.
pub(super) fn since(
    chains: &Chains<'_>,
    stays: &[bool],
    archive: &HeldArchive,
    place: usize,
) -> WalCut {
    let size = chains.catalog.segment_size;
    // A backup of a stopped server does not say where its WAL begins.
    let Some(begin) = chains.backup(place).stored.first_segment else {
        return WalCut::default();
    };
    let older = (0..place).filter(|older| stays[*older]);
    let own = older.filter_map(|older| {
        let backup = chains.backup(older);
        let needed = backup.stored.first_segment.zip(backup.stored.last_segment);
        let (first, last) = needed.filter(|_| backup.archive == archive.id)?;
        Some(Segments::between(first, last, size))
    });
    let kept = Segments::union(own.chain([Segments::from(begin, size)]));
    WalCut {
        segments: Segments::all().without(&kept),
        histories_before: Some(begin.timeline()),
        is_whole: false,
        since: place,
    }
}

/// Returns whose manifests are no longer remembered.
pub(super) fn forgotten(
    policy: PgBackRestPolicy,
    catalog: &Catalog,
    stays: impl Fn(&str) -> bool,
    moment: &Moment,
) -> Vec<String> {
    let Some(days) = policy.history else {
        return Vec::new();
    };
    let begin = moment.days_ago(days).to_zoned(moment.zone.clone());
    let oldest = begin.strftime("%Y%m%d-%H%M%SF").to_string();
    let labels = catalog.remembered.iter().filter(|label| !stays(label));
    labels.filter(|label| **label < oldest).cloned().collect()
}

/// Returns whether backups of a kind are counted where those of `counted` are.
fn includes(counted: BackupKind, kind: BackupKind) -> bool {
    match counted {
        BackupKind::Full => kind == BackupKind::Full,
        BackupKind::Differential => kind != BackupKind::Incremental,
        BackupKind::Incremental => true,
    }
}

fn usize_of(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
