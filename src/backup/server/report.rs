//! What became of a base backup.

use super::BadPage;
use crate::{
    backup::{DestinationReport, Done},
    destination::DestinationId,
};

/// What became of a base backup.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was read.
    pub done: Done,
    /// Pages whose checksum is wrong, at most 20 of each file; the backup contains them as they
    /// are.
    pub bad_pages: Vec<BadPage>,
    /// How many more there are.
    pub more_bad_pages: u64,
    /// What killed runs had left in destinations, and is gone: where, and what it was called there.
    pub removed: Vec<(DestinationId, String)>,
    /// What became of it in each destination, in their order.
    pub destinations: Vec<DestinationReport>,
}

impl Report {
    /// Returns how many destinations hold the backup.
    pub fn copies(&self) -> usize {
        self.destinations
            .iter()
            .filter(|one| one.is_complete())
            .count()
    }

    /// Returns whether every destination holds the backup, and no page is bad.
    pub fn is_clean(&self) -> bool {
        self.copies() == self.destinations.len() && self.bad_pages.is_empty()
    }
}
