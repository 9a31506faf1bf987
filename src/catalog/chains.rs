//! Which backups depend on which, and which of them can be restored.

use std::collections::HashMap;

use crate::{
    pg::{SegmentName, SegmentRange},
    repository::{BackupState, Catalog, HeldBackup},
};

/// The backups of a destination by their places in the catalog, which has each after the one it
/// depends on.
#[derive(Debug)]
pub struct Chains<'a> {
    /// What the destination holds.
    pub catalog: &'a Catalog,
    priors: Vec<Prior>,
    health: Vec<Health>,
}

/// On what a backup depends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Prior {
    /// On nothing.
    None,
    /// On the backup at this place.
    At(usize),
    /// On one that is not there, or not before it.
    Missing,
}

/// Whether a backup can be restored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Health {
    /// It and all that makes it consistent is there, as far as a listing shows it.
    Sound,
    /// It is not complete, so nobody counts on it.
    Incomplete,
    /// It lacks a segment, or objects of its own or of one that it depends on.
    Lacks(Option<SegmentName>),
}

impl<'a> Chains<'a> {
    /// Looks at the backups of a catalog.
    pub fn new(catalog: &'a Catalog) -> Self {
        let priors = priors(catalog);
        let mut chains = Self {
            catalog,
            health: Vec::with_capacity(priors.len()),
            priors,
        };
        for place in 0..catalog.backups.len() {
            let health = chains.look(place);
            chains.health.push(health);
        }
        chains
    }

    /// Returns how many backups there are.
    pub fn len(&self) -> usize {
        self.priors.len()
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.priors.is_empty()
    }

    /// Returns the backup at a place, which must be less than [`len`](Self::len).
    pub fn backup(&self, place: usize) -> &'a HeldBackup {
        &self.catalog.backups[place]
    }

    /// Returns on what the backup at a place depends.
    pub fn prior(&self, place: usize) -> Prior {
        self.priors[place]
    }

    /// Returns whether the backup at a place can be restored.
    pub fn health(&self, place: usize) -> Health {
        self.health[place]
    }

    /// Returns whether it can.
    pub fn is_sound(&self, place: usize) -> bool {
        self.health[place] == Health::Sound
    }

    /// Returns whether its own record says so.
    pub fn is_complete(&self, place: usize) -> bool {
        self.health[place] != Health::Incomplete
    }

    /// Marks everything that depends on what is marked.
    pub fn spread(&self, marks: &mut [bool]) {
        for place in 0..self.len() {
            if let Prior::At(prior) = self.priors[place] {
                marks[place] |= marks[prior];
            }
        }
    }

    /// Returns the last segment of the backup's timeline that recovery from it reaches without a
    /// gap; `None` if it cannot be restored, or needs no WAL.
    pub fn reach(&self, place: usize) -> Option<SegmentName> {
        let backup = self.backup(place);
        let archive = self.catalog.archive(&backup.archive)?;
        let range = range_of(&archive.segments, backup.stored.first_segment?)?;
        self.is_sound(place).then_some(range.last)
    }

    fn look(&self, place: usize) -> Health {
        let backup = self.backup(place);
        if backup.stored.state != BackupState::Complete {
            return Health::Incomplete;
        }
        if !backup.is_whole {
            return Health::Lacks(None);
        }
        match self.priors[place] {
            Prior::Missing => return Health::Lacks(None),
            Prior::At(prior) if self.health[prior] != Health::Sound => {
                return match self.health[prior] {
                    Health::Lacks(segment) => Health::Lacks(segment),
                    Health::Sound | Health::Incomplete => Health::Lacks(None),
                };
            }
            Prior::At(_) | Prior::None => {}
        }
        match self.missing_segment(backup) {
            None => Health::Sound,
            Some(segment) => Health::Lacks(Some(segment)),
        }
    }

    /// Returns the first segment that a backup cannot be consistent without and that is not there.
    /// One that was taken of a stopped server needs none.
    fn missing_segment(&self, backup: &HeldBackup) -> Option<SegmentName> {
        let (first, last) = backup
            .stored
            .first_segment
            .zip(backup.stored.last_segment)?;
        let archive = self.catalog.archive(&backup.archive);
        let segments = archive.map_or(&[][..], |archive| &archive.segments);
        match range_of(segments, first) {
            None => Some(first),
            Some(range) if range.last < last => Some(range.last.next(self.catalog.segment_size)),
            Some(_) => None,
        }
    }
}

/// Returns the range that a segment is in.
fn range_of(ranges: &[SegmentRange], segment: SegmentName) -> Option<&SegmentRange> {
    let after = ranges.partition_point(|range| range.last < segment);
    ranges.get(after).filter(|range| range.contains(segment))
}

fn priors(catalog: &Catalog) -> Vec<Prior> {
    let mut places: HashMap<&str, usize> = HashMap::with_capacity(catalog.backups.len());
    let mut priors = Vec::with_capacity(catalog.backups.len());
    for (place, backup) in catalog.backups.iter().enumerate() {
        let prior = match &backup.prior {
            None => Prior::None,
            Some(prior) => places
                .get(prior.as_str())
                .map_or(Prior::Missing, |place| Prior::At(*place)),
        };
        priors.push(prior);
        places.insert(&backup.stored.id, place);
    }
    priors
}
