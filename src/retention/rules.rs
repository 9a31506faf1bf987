//! The rules of all policies in one shape.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::{Policy, barman, generations, pgbackrest, plan::Reason};
use crate::{
    catalog::{Chains, Segments},
    pg::TimelineId,
    repository::HeldArchive,
};

/// Why each backup stays, by its place; without a reason it goes.
pub(super) type Reasons = Vec<Vec<Reason>>;

/// When a plan is made.
#[derive(Clone, Debug)]
pub struct Moment {
    /// The time.
    pub now: Timestamp,
    /// Where days, weeks, months and years begin, and in which labels are written.
    pub zone: TimeZone,
}

impl Moment {
    /// Returns the time so many days of 24 hours before.
    pub(super) fn days_ago(&self, days: u32) -> Timestamp {
        let length = SignedDuration::from_hours(i64::from(days) * 24);
        self.now.checked_sub(length).unwrap_or(Timestamp::MIN)
    }
}

/// Which WAL of one archive goes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct WalCut {
    /// Segments, and what belongs to them, whether they are there or not.
    pub(super) segments: Segments,
    /// History files of lower timelines.
    pub(super) histories_before: Option<TimelineId>,
    /// Everything, history files included.
    pub(super) is_whole: bool,
    /// The place of the backup from which on all WAL is to stay, for those that came later, too.
    pub(super) since: usize,
}

impl WalCut {
    /// Segments alone.
    pub(super) fn of(segments: Segments) -> Self {
        Self {
            segments,
            ..Self::default()
        }
    }

    /// What goes where no backup that counts is left: everything, unless new WAL comes.
    pub(super) fn without_backups(archive: &HeldArchive) -> Self {
        if archive.is_current {
            return Self::default();
        }
        Self {
            segments: Segments::all(),
            is_whole: true,
            ..Self::default()
        }
    }

    /// Returns what goes by both rules.
    pub(super) fn and(&self, other: &Self) -> Self {
        Self {
            segments: self.segments.and(&other.segments),
            histories_before: self.histories_before.min(other.histories_before),
            is_whole: self.is_whole && other.is_whole,
            since: self.since.min(other.since),
        }
    }
}

/// Says why backups stay by a policy, of those that `counts` lets in.
pub(super) fn select(
    policy: &Policy,
    chains: &Chains<'_>,
    counts: &dyn Fn(usize) -> bool,
    moment: &Moment,
) -> Reasons {
    match policy {
        Policy::Barman(policy) => barman::select(*policy, chains, counts, moment),
        Policy::PgBackRest(policy) => pgbackrest::select(*policy, chains, counts, moment),
        Policy::Generations(wanted) => generations::select(*wanted, chains, counts, moment),
    }
}

/// Which WAL of an archive goes by a policy; `stays` tells the backups that stay, and of those only
/// the ones that `counts` lets in are counted.
pub(super) fn wal(
    policy: &Policy,
    chains: &Chains<'_>,
    stays: &[bool],
    counts: &dyn Fn(usize) -> bool,
    archive: &HeldArchive,
    moment: &Moment,
) -> WalCut {
    match policy {
        Policy::Barman(_) => barman::wal(chains, stays),
        Policy::PgBackRest(policy) => {
            pgbackrest::wal(*policy, chains, stays, counts, archive, moment)
        }
        Policy::Generations(wanted) => {
            generations::wal(*wanted, chains, stays, counts, archive, moment)
        }
    }
}
