//! What one destination holds, from its listings.

use futures_util::TryStreamExt;
use jiff::Timestamp;

use crate::{
    pg::{SegmentName, SegmentRange, SegmentSize, TimelineHistory, WalFileName},
    repository::{
        BackupState, DamagedBackup, Repository, Result, StoredBackup, read_history,
        read_segment_size,
    },
};

/// What one destination holds: its base backups, and its WAL as ranges, so that a million segments
/// take no more memory than a handful if none is missing between them.
#[derive(Clone, Debug)]
pub struct Catalog {
    /// The base backups, oldest first.
    pub backups: Vec<StoredBackup>,
    /// Backups whose record cannot be understood.
    pub damaged: Vec<DamagedBackup>,
    /// The segments, in the order of the archive.
    pub wal: Vec<SegmentRange>,
    /// The histories of the timelines, as far as they can be understood.
    pub histories: Vec<TimelineHistory>,
    /// When the newest file of the archive was stored, by the store's clock.
    pub newest_wal: Option<Timestamp>,
    /// Size of the archive's objects, in bytes.
    pub wal_size: u64,
    /// Size of the segments: what the newest backup says, else the first segment that is sound, else
    /// PostgreSQL's usual 16 MiB.
    pub segment_size: SegmentSize,
}

/// What recovery from one base backup needs and can have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reach {
    /// All WAL that makes it consistent is there, and what follows without a gap.
    To {
        /// The last segment, on the backup's timeline.
        last: SegmentName,
    },
    /// A segment is missing that it cannot do without.
    Lacks {
        /// The first one.
        segment: SegmentName,
    },
    /// It is not complete.
    Nowhere,
}

impl Catalog {
    /// Lists what `repository` holds.
    ///
    /// # Errors
    ///
    /// Those of the store; there is no partial answer.
    pub async fn read(repository: &dyn Repository) -> Result<Self> {
        let backups = repository.backups().await?;
        let mut told = backups.found.iter().rev().find_map(|one| one.segment_size);
        let mut catalog = Self {
            backups: backups.found,
            damaged: backups.damaged,
            wal: Vec::new(),
            histories: Vec::new(),
            newest_wal: None,
            wal_size: 0,
            segment_size: told.unwrap_or_default(),
        };
        let mut archive = repository.list_wal(None);
        while let Some(stored) = archive.try_next().await? {
            catalog.newest_wal = catalog.newest_wal.max(Some(stored.modified));
            catalog.wal_size += stored.stored_size;
            if told.is_none() && matches!(stored.name, WalFileName::Segment(_)) {
                told = read_segment_size(repository, &stored).await?;
                catalog.segment_size = told.unwrap_or_default();
            }
            match stored.name {
                WalFileName::Segment(name) if name.is_valid_for(catalog.segment_size) => {
                    catalog.add(name);
                }
                WalFileName::History(timeline) => {
                    let history = read_history(repository, &stored, timeline).await?;
                    catalog.histories.extend(history);
                }
                _ => {}
            }
        }
        Ok(catalog)
    }

    fn add(&mut self, name: SegmentName) {
        match self.wal.last_mut() {
            Some(range) if range.last == name || range.last.next(self.segment_size) == name => {
                range.last = name;
            }
            _ => self.wal.push(SegmentRange {
                first: name,
                last: name,
            }),
        }
    }

    /// Returns how far recovery from a backup gets on the backup's own timeline.
    pub fn reach(&self, backup: &StoredBackup) -> Reach {
        let needed = backup.first_segment.zip(backup.last_segment);
        let Some((first, last)) = needed.filter(|_| backup.state == BackupState::Complete) else {
            return Reach::Nowhere;
        };
        match self.wal.iter().find(|range| range.contains(first)) {
            None => Reach::Lacks { segment: first },
            Some(range) if range.last < last => Reach::Lacks {
                segment: range.last.next(self.segment_size),
            },
            Some(range) => Reach::To { last: range.last },
        }
    }
}
