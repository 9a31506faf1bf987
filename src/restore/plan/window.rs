//! To which positions a destination alone can restore.

use std::fmt;

use jiff::Timestamp;

use super::{Holdings, RestoreRequest, Route, positions};
use crate::{
    destination::DestinationId,
    pg::{Lsn, TimelineId},
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
    /// When the newest segment was stored, where known, and if there is no gap before it.
    pub until: Option<Timestamp>,
}

/// Returns the windows of a destination, oldest first.
pub(super) fn windows(request: &RestoreRequest, one: &Holdings) -> Vec<Window> {
    let size = request.segment_size;
    let mut windows: Vec<Window> = Vec::new();
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
                until: one.archived_until.filter(|_| held.last() == Some(last)),
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
