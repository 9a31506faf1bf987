//! What was read again, and when: the memory of audits.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    catalog::{Catalog, Segments, current_segments},
    destination::DestinationId,
    pg::{SegmentName, SegmentRange, SegmentSize},
};

/// What was read again of each destination, and when.
///
/// It takes memory for each run that read something, not for each segment.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Evidence {
    version: u32,
    destinations: BTreeMap<DestinationId, Proofs>,
}

/// A text is no evidence.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidEvidence {
    /// It is not what [`Evidence::to_json`] writes.
    #[error("it is not what an audit writes: {0}")]
    Json(#[from] serde_json::Error),
    /// A newer walcast wrote it.
    #[error("it has version {0}, which this walcast does not know")]
    Version(u32),
}

/// What was read again of one destination.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Proofs {
    /// Segments of the current cluster, in the order of the archive, each once.
    pub wal: Vec<ProvenWal>,
    /// Backups by their ids.
    pub backups: BTreeMap<String, ProvenBackup>,
    /// What was not as it should be when it was last read: files of the archive by their names,
    /// backups by their ids.
    pub odd: BTreeMap<String, Oddity>,
}

/// Something that was not as it should be.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Oddity {
    /// When it was read.
    pub at: Timestamp,
    /// What was wrong with it.
    pub problem: Problem,
}

/// What is wrong with something that was read.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Problem {
    /// It is damaged, and how.
    Damaged(String),
    /// This destination has other content under the name.
    Differs(DestinationId),
}

/// Segments that were read again.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ProvenWal {
    /// The first one.
    pub first: SegmentName,
    /// The last one, on the same timeline.
    pub last: SegmentName,
    /// When they were read.
    pub at: Timestamp,
}

/// A backup that was read again.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ProvenBackup {
    /// When it was read.
    pub at: Timestamp,
}

const VERSION: u32 = 1;

impl Evidence {
    /// Reads what [`to_json`](Self::to_json) wrote.
    ///
    /// # Errors
    ///
    /// For anything else: what was proved must not be guessed.
    pub fn from_json(text: &[u8]) -> Result<Self, InvalidEvidence> {
        let evidence: Self = serde_json::from_slice(text)?;
        if evidence.version == VERSION {
            Ok(evidence)
        } else {
            Err(InvalidEvidence::Version(evidence.version))
        }
    }

    /// Writes it.
    pub fn to_json(&self) -> Vec<u8> {
        let all = Self {
            version: VERSION,
            destinations: self.destinations.clone(),
        };
        serde_json::to_vec(&all).expect("maps with names as keys are JSON")
    }

    /// Returns what is known of a destination.
    pub fn of(&self, destination: &DestinationId) -> Proofs {
        self.destinations
            .get(destination)
            .cloned()
            .unwrap_or_default()
    }

    /// Replaces what is known of a destination.
    pub fn set(&mut self, destination: &DestinationId, proofs: Proofs) {
        self.destinations.insert(destination.clone(), proofs);
    }
}

impl Proofs {
    /// Remembers that segments were read.
    pub fn add_wal(&mut self, range: SegmentRange, at: Timestamp, size: SegmentSize) {
        let new = Segments::of(&[range], size);
        self.keep(size, |known| known.without(&new));
        self.odd.retain(|name, _| {
            let segment = name.parse::<SegmentName>();
            segment.map_or(true, |segment| !range.contains(segment))
        });
        let place = self.wal.partition_point(|known| known.last < range.first);
        match place
            .checked_sub(1)
            .and_then(|before| self.wal.get_mut(before))
        {
            Some(before) if before.at == at && before.last.next(size) == range.first => {
                before.last = range.last;
            }
            _ => {
                let (first, last) = (range.first, range.last);
                self.wal.insert(place, ProvenWal { first, last, at });
            }
        }
    }

    /// Remembers that a backup was read.
    pub fn add_backup(&mut self, id: &str, at: Timestamp) {
        self.backups.insert(id.to_owned(), ProvenBackup { at });
        self.odd.remove(id);
    }

    /// Remembers that something is not as it should be.
    pub fn add_oddity(&mut self, name: &str, problem: Problem, at: Timestamp, size: SegmentSize) {
        self.backups.remove(name);
        if let Ok(segment) = name.parse::<SegmentName>() {
            let gone = Segments::between(segment, segment, size);
            self.keep(size, |known| known.without(&gone));
        }
        self.odd.insert(name.to_owned(), Oddity { at, problem });
    }

    /// Forgets what is no longer there.
    pub fn forget_gone(&mut self, catalog: &Catalog) {
        let size = catalog.segment_size;
        let held = current_segments(catalog);
        self.keep(size, |known| known.and(&held));
        let there: BTreeSet<_> = catalog.backups.iter().map(|one| &one.stored.id).collect();
        self.backups.retain(|id, _| there.contains(id));
        self.odd
            .retain(|name, _| match name.parse::<SegmentName>() {
                Ok(segment) => held.contains(segment, size),
                Err(_) => there.contains(name),
            });
    }

    /// Returns the segments of a catalog that were not read since `since`.
    pub fn due_wal(&self, catalog: &Catalog, since: Timestamp) -> Vec<SegmentRange> {
        let size = catalog.segment_size;
        let fresh = self.wal.iter().filter(|known| known.at >= since);
        let fresh = Segments::union(fresh.map(|known| known.segments(size)));
        current_segments(catalog).without(&fresh).ranges(size)
    }

    /// Returns when the segment was last read.
    pub fn wal_proved(&self, segment: SegmentName) -> Option<Timestamp> {
        let place = self.wal.partition_point(|known| known.last < segment);
        let known = self.wal.get(place)?;
        (known.first <= segment).then_some(known.at)
    }

    /// Returns when everything of a catalog was read at least once since: `None` if something never
    /// was.
    pub fn everything_since(&self, catalog: &Catalog, ids: &[&str]) -> Option<Timestamp> {
        let size = catalog.segment_size;
        let held = current_segments(catalog);
        let proved = Segments::union(self.wal.iter().map(|known| known.segments(size)));
        if !held.without(&proved).is_empty() {
            return None;
        }
        let wal = self.wal.iter();
        let wal = wal.filter(|known| !known.segments(size).and(&held).is_empty());
        let wal = wal.map(|known| Some(known.at));
        let backups = ids.iter().map(|id| Some(self.backups.get(*id)?.at));
        let all: Option<Vec<_>> = wal.chain(backups).collect();
        all?.into_iter().min()
    }

    /// Returns when anything was last read.
    pub fn newest(&self) -> Option<Timestamp> {
        let wal = self.wal.iter().map(|known| known.at);
        wal.chain(self.backups.values().map(|known| known.at)).max()
    }

    fn keep(&mut self, size: SegmentSize, part: impl Fn(Segments) -> Segments) {
        let kept = self.wal.iter().flat_map(|known| {
            let at = known.at;
            let left = part(known.segments(size)).ranges(size);
            left.into_iter()
                .map(move |SegmentRange { first, last }| ProvenWal { first, last, at })
        });
        self.wal = kept.collect();
    }
}

impl ProvenWal {
    fn segments(&self, size: SegmentSize) -> Segments {
        Segments::between(self.first, self.last, size)
    }
}
