//! How far destinations are behind each other.

use jiff::Timestamp;

use super::{Id, Lag, Observation, evidence::held};
use crate::{
    catalog::{Catalog, Segments},
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
    let cluster = observations.iter().find_map(cluster_of);
    let ends: Vec<Option<End<'_>>> = observations
        .iter()
        .map(|one| {
            let own = cluster_of(one);
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
    let archives = catalog.archives.iter();
    let archives = archives.filter(|archive| catalog.is_of_current_cluster(&archive.id));
    let ranges = archives.clone().flat_map(|archive| &archive.segments);
    Some(End {
        id: &observation.destination,
        catalog,
        held: held(catalog),
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

/// Returns the cluster that a destination holds now, where that is known.
pub(super) fn cluster_of(observation: &Observation) -> Option<SystemId> {
    let catalog = observation.catalog.as_ref().ok()?;
    let archive = catalog.current_archive()?;
    let backups = catalog.backups.iter().rev();
    let of_backup = backups.filter_map(|backup| backup.stored.system_id);
    archive.system_id.or_else(|| of_backup.into_iter().next())
}
