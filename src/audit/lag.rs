//! How far destinations are behind each other.

use jiff::Timestamp;

use super::{Id, Lag, Observation};
use crate::{
    catalog::{Catalog, Segments, current_segments},
    pg::{SegmentName, SystemId},
};

/// The newest WAL of a destination.
struct End<'a> {
    id: &'a Id,
    catalog: &'a Catalog,
    held: Segments,
    last: Option<SegmentName>,
    at: Option<Timestamp>,
}

/// Returns how far each destination that could be read is behind the one with the newest WAL, in
/// their order. Those of another cluster than the first one's are not compared.
pub(super) fn lags(observations: &[Observation]) -> Vec<Option<Lag>> {
    let cluster = observations.iter().find_map(Observation::cluster);
    let ends: Vec<Option<End<'_>>> = observations
        .iter()
        .map(|one| {
            let own = one.cluster();
            end(one).filter(|_| own.is_none() || own == cluster)
        })
        .collect();
    let best = ends.iter().flatten();
    let Some(best) = best.max_by_key(|end| end.last.map(|last| (last.timeline(), last))) else {
        return observations.iter().map(|_| None).collect();
    };
    let lag = |end: &Option<End<'_>>| end.as_ref().map(|end| behind(end, best));
    ends.iter().map(lag).collect()
}

fn end(observation: &Observation) -> Option<End<'_>> {
    let catalog = observation.catalog.as_ref().ok()?;
    let archives = catalog.current_archives();
    let ranges = archives.clone().flat_map(|archive| &archive.segments);
    Some(End {
        id: &observation.destination,
        catalog,
        held: current_segments(catalog),
        last: ranges.map(|range| range.last).max(),
        at: archives.filter_map(|archive| archive.newest).max(),
    })
}

fn behind(end: &End<'_>, best: &End<'_>) -> Lag {
    let size = best.catalog.segment_size;
    let after = match end.last {
        Some(last) => best.held.and(&Segments::from(last.next(size), size)),
        None => best.held.clone(),
    };
    let segments = after.count();
    let seconds = match (segments, end.at, best.at) {
        (0, ..) | (_, None, _) | (_, _, None) => 0,
        (_, Some(own), Some(best)) => best.duration_since(own).as_secs().max(0),
    };
    Lag {
        best: best.id.clone(),
        segments,
        bytes: segments.saturating_mul(size.bytes()),
        seconds,
    }
}

impl Observation {
    /// Returns the cluster that the destination holds now, where that is known.
    pub fn cluster(&self) -> Option<SystemId> {
        let catalog = self.catalog.as_ref().ok()?;
        let of_archive = catalog.current_archive()?.system_id;
        let backups = catalog.backups.iter().rev();
        let mut of_backups = backups.filter_map(|backup| backup.stored.system_id);
        of_archive.or_else(|| of_backups.next())
    }
}
