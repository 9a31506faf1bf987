//! Grandfather, father, son.

use jiff::{Timestamp, civil::DateTime};

use super::{
    pgbackrest::since,
    plan::Reason,
    policy::{Generation, Generations},
    rules::{Moment, Reasons, WalCut},
};
use crate::{
    catalog::{Chains, Prior},
    repository::{HeldArchive, Keep},
};

/// Says why backups stay, of those that `counts` lets in.
pub(super) fn select(
    wanted: Generations,
    chains: &Chains<'_>,
    counts: &dyn Fn(usize) -> bool,
    moment: &Moment,
) -> Reasons {
    let mut reasons: Reasons = vec![Vec::new(); chains.len()];
    let mut newest: Vec<(Timestamp, usize)> = (0..chains.len())
        .filter(|place| chains.is_complete(*place) && counts(*place))
        .filter(|place| chains.backup(*place).may_expire)
        .filter_map(|place| Some((chains.backup(place).stored.ended?, place)))
        .collect();
    newest.sort_unstable_by(|one, other| other.cmp(one));
    let offset = |at: Timestamp| moment.zone.to_datetime(at);
    let newest: Vec<(DateTime, usize)> = newest
        .into_iter()
        .map(|(at, place)| (offset(at), place))
        .collect();
    for (generation, count) in wanted.wanted() {
        let (mut left, mut last) = (count, None);
        for (at, place) in &newest {
            if left == 0 {
                break;
            }
            let begin = generation.begin(*at);
            if last.replace(begin) != Some(begin) {
                reasons[*place].push(Reason::Generation(generation, generation.name(*at)));
                left -= 1;
            }
        }
    }
    for place in (0..chains.len()).rev() {
        if let (Prior::At(prior), false) = (chains.prior(place), reasons[place].is_empty())
            && reasons[prior].is_empty()
        {
            reasons[prior].push(Reason::NeededBy(chains.backup(place).stored.id.clone()));
        }
    }
    reasons
}

/// Returns the WAL of an archive that goes: all but that since the newest backup before the time
/// for which all of it is wanted, and what older ones need to be consistent.
pub(super) fn wal(
    wanted: Generations,
    chains: &Chains<'_>,
    stays: &[bool],
    counts: &dyn Fn(usize) -> bool,
    archive: &HeldArchive,
    moment: &Moment,
) -> WalCut {
    let local: Vec<usize> = (0..chains.len())
        .filter(|place| stays[*place] && counts(*place) && chains.is_complete(*place))
        .filter(|place| chains.backup(*place).archive == archive.id)
        .collect();
    let Some(newest) = local.last() else {
        return WalCut::without_backups(archive);
    };
    let oldest = if let Some(days) = wanted.wal_days {
        let begin = moment.days_ago(days);
        let ended = |place: usize| chains.backup(place).stored.ended;
        let is_before = |place: &&usize| ended(**place).is_some_and(|at| at < begin);
        local.iter().rfind(is_before).or_else(|| local.first())
    } else {
        let keep = |place: usize| chains.backup(place).stored.keep;
        local
            .iter()
            .find(|place| keep(**place) != Some(Keep::Standalone))
    };
    WalCut {
        histories_before: None,
        ..since(chains, stays, archive, *oldest.unwrap_or(newest))
    }
}

impl Generation {
    /// Returns when the stretch that `at` is in begins.
    fn begin(self, at: DateTime) -> DateTime {
        let date = at.date();
        let first = match self {
            Self::Hour => return date.at(at.hour(), 0, 0, 0),
            Self::Day => date,
            Self::Week => {
                let days = date.weekday().to_monday_zero_offset();
                let back = jiff::Span::new().days(i64::from(days));
                date.saturating_sub(back)
            }
            Self::Month => date.first_of_month(),
            Self::Year => date.first_of_year(),
        };
        first.at(0, 0, 0, 0)
    }

    /// Returns what the stretch that `at` is in is called.
    fn name(self, at: DateTime) -> String {
        at.strftime(match self {
            Self::Hour => "%Y-%m-%d %H:00",
            Self::Day => "%Y-%m-%d",
            Self::Week => "%G-W%V",
            Self::Month => "%Y-%m",
            Self::Year => "%Y",
        })
        .to_string()
    }
}
