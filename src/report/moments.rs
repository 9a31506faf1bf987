//! When a position of the WAL was written, as far as an audit tells.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::{
    audit::{Audit, DestinationAudit},
    pg::{Lsn, TimelineId},
};

/// What is known of positions and times. Between two positions whose times are known, WAL is taken
/// to have been written evenly.
#[derive(Debug, Default)]
pub(super) struct Moments {
    of_timeline: BTreeMap<TimelineId, Vec<Point>>,
    of_all: Vec<Point>,
}

type Point = (Lsn, Timestamp);

impl Moments {
    /// Collects the ends of backups and of the WAL of all destinations.
    pub(super) fn of(audit: &Audit) -> Self {
        let mut of_timeline: BTreeMap<TimelineId, Vec<Point>> = BTreeMap::new();
        for (timeline, point) in audit.destinations.iter().flat_map(points) {
            of_timeline.entry(timeline).or_default().push(point);
        }
        let of_all = of_timeline.values().flatten().copied().collect();
        for points in of_timeline.values_mut() {
            *points = in_order(std::mem::take(points));
        }
        Self {
            of_timeline,
            of_all: in_order(of_all),
        }
    }

    /// Returns about when a position was written; `None` if it lies before or after everything
    /// that is known.
    pub(super) fn about(&self, timeline: TimelineId, position: Lsn) -> Option<Timestamp> {
        let own = self.of_timeline.get(&timeline);
        let own = own.and_then(|points| between(points, position));
        own.or_else(|| between(&self.of_all, position))
    }
}

fn points(one: &DestinationAudit) -> impl Iterator<Item = (TimelineId, Point)> {
    let backups = one.backups.iter();
    let backups = backups.filter_map(|one| Some((one.timeline?, (one.stop?, one.ended?))));
    let windows = one.windows.iter();
    backups.chain(windows.filter_map(|one| Some((one.timeline, (one.to, one.until?)))))
}

/// Sorts points. A position was written before a later one, whatever a slow destination says.
fn in_order(mut points: Vec<Point>) -> Vec<Point> {
    points.sort_unstable();
    let mut earliest = Timestamp::MAX;
    for (_, time) in points.iter_mut().rev() {
        earliest = earliest.min(*time);
        *time = earliest;
    }
    points.dedup_by_key(|(position, _)| *position);
    points
}

fn between(points: &[Point], position: Lsn) -> Option<Timestamp> {
    let place = points.partition_point(|(known, _)| *known < position);
    let (after, until) = *points.get(place)?;
    if after == position {
        return Some(until);
    }
    let (before, since) = *points.get(place.checked_sub(1)?)?;
    let whole = i128::from(after.bytes_since(before)?);
    let part = i128::from(position.bytes_since(before)?);
    let seconds = i128::from(until.duration_since(since).as_secs());
    let seconds = i64::try_from(seconds * part / whole).ok()?;
    since.checked_add(SignedDuration::from_secs(seconds)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_position_between_two_others_is_of_a_time_between_theirs() {
        let points = in_order(vec![(Lsn::new(300), at(50)), (Lsn::new(100), at(10))]);

        assert_eq!(between(&points, Lsn::new(100)), Some(at(10)));
        assert_eq!(between(&points, Lsn::new(150)), Some(at(20)));
        assert_eq!(between(&points, Lsn::new(300)), Some(at(50)));
        assert_eq!(between(&points, Lsn::new(99)), None);
        assert_eq!(between(&points, Lsn::new(301)), None);
    }

    #[test]
    fn the_first_who_tells_of_a_position_is_believed() {
        let points = in_order(vec![
            (Lsn::new(100), at(90)),
            (Lsn::new(100), at(10)),
            (Lsn::new(200), at(80)),
            (Lsn::new(300), at(40)),
        ]);

        assert_eq!(between(&points, Lsn::new(100)), Some(at(10)));
        assert_eq!(between(&points, Lsn::new(200)), Some(at(40)));
    }
}
