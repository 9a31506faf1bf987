//! Which backups and which WAL a destination lets go.
//!
//! A [`Plan`] is decided from what the destination holds, its policy and the time, before anything
//! is done, by the rules of the product whose layout it is, or by [`Generations`]. [`expire`] does
//! it.
//!
//! Stricter than the products is a guard, which says so in [`Plan::refusals`]:
//!
//! - The newest backup that can be restored stays, so that there is one always.
//! - Backups that cannot be restored from here, as WAL or files are missing, do not count: older
//!   ones stay in their place. A destination that is behind keeps what it has.
//! - WAL stays that a backup needs that stays.
//! - Nothing is deleted if records are damaged, a clock is wrong, somebody takes a backup, several
//!   clusters are mixed, or policies contradict each other.

mod barman;
mod execute;
mod generations;
mod guard;
mod pgbackrest;
mod plan;
mod policy;
mod rules;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use self::rules::{Reasons, WalCut};
pub use self::{
    execute::{ExpireError, Expired, expire},
    plan::{KeptBackup, Plan, Reason, Refusal, RemovedBackup, Step},
    policy::{
        BarmanPolicy, BarmanRule, Fulls, Generation, Generations, InvalidPolicy, PgBackRestPolicy,
        Policy, WalRule,
    },
    rules::Moment,
};
use crate::{
    catalog::{Chains, Segments},
    destination::DestinationId,
    pg::{SegmentName, TimelineId, WalFileName},
    repository::{Catalog, Format, HeldArchive, WalSelection},
    restore::plan::windows,
};

/// What is asked of a destination.
#[derive(Clone, Debug)]
pub struct RetentionRequest<'a> {
    /// The destination.
    pub destination: DestinationId,
    /// Its layout.
    pub format: Format,
    /// Its policy; none lets everything stay, and nothing is deleted if there are different ones.
    pub policies: &'a [Policy],
    /// When it is asked.
    pub moment: Moment,
}

impl RetentionRequest<'_> {
    /// Decides what goes of what a destination holds.
    pub fn plan(&self, catalog: &Catalog) -> Plan {
        let chains = Chains::new(catalog);
        let mut refusals = guard::refusals(&chains, self.moment.now);
        let policy = guard::policy(self).unwrap_or_else(|refusal| {
            refusals.push(refusal);
            None
        });
        let Some(policy) = policy.filter(|_| refusals.is_empty()) else {
            let reason = if refusals.is_empty() {
                Reason::Everything
            } else {
                Reason::Refused
            };
            return self.nothing(catalog, &reason, refusals);
        };
        let is_sound = |place| chains.is_sound(place) || !chains.is_complete(place);
        let mut reasons = rules::select(policy, &chains, &|_| true, &self.moment);
        let of_sound = rules::select(policy, &chains, &is_sound, &self.moment);
        refusals.extend(guard::stand_in(&chains, &mut reasons, &of_sound));
        for (place, reasons) in reasons.iter_mut().enumerate() {
            let backup = chains.backup(place);
            reasons.extend(backup.stored.keep.map(Reason::Annotated));
            if !backup.may_expire || !chains.is_complete(place) {
                *reasons = vec![Reason::NoSubject];
            }
        }
        refusals.extend(guard::newest(&chains, &mut reasons));
        let (wal, stricter) = self.wal(policy, &chains, &reasons, &is_sound);
        if stricter > 0 {
            refusals.push(Refusal::Wal { segments: stricter });
        }
        let steps = self.steps(policy, &chains, &reasons, wal);
        self.describe(&chains, reasons, refusals, steps)
    }

    fn nothing(&self, catalog: &Catalog, reason: &Reason, refusals: Vec<Refusal>) -> Plan {
        let backups = catalog.backups.iter();
        let known = windows(&self.destination, catalog);
        Plan {
            steps: Vec::new(),
            kept: backups
                .map(|backup| KeptBackup::new(backup, vec![reason.clone()]))
                .collect(),
            removed: Vec::new(),
            refusals,
            before: known.clone(),
            after: known,
        }
    }

    /// Returns the WAL that goes, and how many segments stay that the product's rule would remove.
    fn wal(
        &self,
        policy: &Policy,
        chains: &Chains<'_>,
        reasons: &Reasons,
        is_sound: &dyn Fn(usize) -> bool,
    ) -> (Vec<WalSelection>, u64) {
        let size = chains.catalog.segment_size;
        let stays: Vec<bool> = reasons.iter().map(|reasons| !reasons.is_empty()).collect();
        let (mut selections, mut stricter) = (Vec::new(), 0);
        for archive in &chains.catalog.archives {
            let cut = |counts| rules::wal(policy, chains, &stays, counts, archive, &self.moment);
            let product = cut(&|_| true);
            let mut safe = product.and(&cut(is_sound));
            let needed = guard::needed(chains, reasons, archive, &safe);
            safe.segments = safe.segments.without(&needed);
            safe.is_whole &= needed.is_empty();
            let present = Segments::of(&archive.segments, size);
            let spared = product.segments.without(&safe.segments).and(&present);
            stricter += spared.count();
            let selection = select_wal(chains.catalog, archive, &present, &safe);
            selections.extend(Some(selection).filter(|selection| !selection.is_empty()));
        }
        (selections, stricter)
    }

    fn steps(
        &self,
        policy: &Policy,
        chains: &Chains<'_>,
        reasons: &Reasons,
        wal: Vec<WalSelection>,
    ) -> Vec<Step> {
        let gone = (0..chains.len()).filter(|place| reasons[*place].is_empty());
        let mut gone: Vec<String> = gone
            .map(|place| chains.backup(place).stored.id.clone())
            .collect();
        let records = match (self.format, policy) {
            (Format::Barman, _) => gone.clone(),
            (Format::PgBackRest, Policy::PgBackRest(policy)) => {
                let places = 0..chains.len();
                let staying = places.filter(|place| !reasons[*place].is_empty());
                let staying: BTreeSet<&str> = staying
                    .map(|place| chains.backup(place).stored.id.as_str())
                    .collect();
                let stays = |label: &str| staying.contains(label);
                pgbackrest::forgotten(*policy, chains.catalog, stays, &self.moment)
            }
            (Format::PgBackRest, Policy::Barman(_) | Policy::Generations(_)) => Vec::new(),
        };
        gone.extend(remains(chains.catalog));
        let backups = Some(Step::Backups(gone)).filter(|step| !step.is_empty());
        let records = Some(Step::Records(records)).filter(|step| !step.is_empty());
        let wal = wal.into_iter().map(Step::Wal);
        backups.into_iter().chain(wal).chain(records).collect()
    }

    fn describe(
        &self,
        chains: &Chains<'_>,
        reasons: Reasons,
        refusals: Vec<Refusal>,
        steps: Vec<Step>,
    ) -> Plan {
        let (mut kept, mut removed) = (Vec::new(), Vec::new());
        for (place, reasons) in reasons.into_iter().enumerate() {
            let backup = chains.backup(place);
            if !reasons.is_empty() {
                kept.push(KeptBackup::new(backup, reasons));
                continue;
            }
            removed.push(RemovedBackup {
                id: backup.stored.id.clone(),
                kind: Some(backup.kind),
                ended: backup.stored.ended,
                stored_size: backup.stored.stored_size,
            });
        }
        removed.extend(remains(chains.catalog).map(|id| RemovedBackup {
            id,
            kind: None,
            ended: None,
            stored_size: 0,
        }));
        let mut plan = Plan {
            steps,
            kept,
            removed,
            refusals,
            before: windows(&self.destination, chains.catalog),
            after: Vec::new(),
        };
        plan.after = windows(&self.destination, &chains.catalog.after(&plan));
        plan
    }
}

fn select_wal(
    catalog: &Catalog,
    archive: &HeldArchive,
    present: &Segments,
    cut: &WalCut,
) -> WalSelection {
    let size = catalog.segment_size;
    let goes = |segment: SegmentName| cut.segments.contains(segment, size);
    let others = archive.others.iter().copied();
    let others = others.filter(|name| name.segment().is_some_and(goes));
    let is_old = |timeline: TimelineId| Some(timeline) < cut.histories_before;
    let histories = archive.timelines.iter().copied();
    let histories = histories.filter(|timeline| cut.is_whole || is_old(*timeline));
    let mut others: Vec<_> = others.chain(histories.map(WalFileName::History)).collect();
    others.sort_unstable();
    WalSelection {
        archive: archive.id.clone(),
        segments: present.and(&cut.segments).ranges(size),
        others,
    }
}

/// Returns what is left of backups that no record lists: all but the newest place of a backup, if
/// whoever began it could go on.
fn remains(catalog: &Catalog) -> impl Iterator<Item = String> + '_ {
    let listed = catalog.backups.iter().map(|backup| &backup.stored.id);
    let newest = listed
        .chain(catalog.strays.iter().map(|stray| &stray.id))
        .max();
    let strays = catalog.strays.iter();
    let gone = strays.filter(move |stray| !(stray.is_begun && Some(&stray.id) == newest));
    gone.map(|stray| stray.id.clone())
}

impl Step {
    fn is_empty(&self) -> bool {
        match self {
            Self::Backups(ids) | Self::Records(ids) => ids.is_empty(),
            Self::Wal(selection) => selection.is_empty(),
        }
    }
}
