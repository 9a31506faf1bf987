//! What follows from what a destination [holds](Catalog): which base backups depend on which, which
//! of them can be restored, and how far.

mod chains;
mod segments;

pub use self::chains::{Chains, Health, Prior};
pub(crate) use self::segments::Segments;
pub use crate::repository::Catalog;

/// Returns the segments of the cluster whose new WAL comes to a destination.
pub(crate) fn current_segments(catalog: &Catalog) -> Segments {
    let archives = catalog.current_archives();
    Segments::union(archives.map(|one| Segments::of(&one.segments, catalog.segment_size)))
}
