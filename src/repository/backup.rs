//! Base backups at rest, as far as layouts agree on them.

use jiff::Timestamp;

use super::{Annotations, Error};
use crate::pg::{Lsn, SegmentName, SegmentSize, SystemId, TimelineId};

/// The base backups of a repository.
#[derive(Clone, Debug, Default)]
pub struct Backups {
    /// Those that could be understood, in the layout's order, oldest first.
    pub found: Vec<StoredBackup>,
    /// Those that are there and could not be understood. Nobody must conclude from
    /// [`found`](Self::found) alone what is no longer needed.
    pub damaged: Vec<DamagedBackup>,
}

/// A base backup at rest, in whatever state.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredBackup {
    /// What the layout calls it; unique in the repository.
    pub id: String,
    /// What it was called by whoever asked for it; need not be unique.
    pub name: Option<String>,
    /// What was written beside it.
    pub annotations: Annotations,
    /// Whether it can be restored.
    pub state: BackupState,
    /// When it began, by the server's clock.
    pub began: Option<Timestamp>,
    /// When it ended, by the server's clock.
    pub ended: Option<Timestamp>,
    /// The cluster that it is of.
    pub system_id: Option<SystemId>,
    /// The server's version, such as 150020 for 15.20.
    pub server_version: Option<u32>,
    /// Size of the server's WAL segments.
    pub segment_size: Option<SegmentSize>,
    /// The timeline on which it began.
    pub timeline: Option<TimelineId>,
    /// Where recovery begins.
    pub start: Option<Lsn>,
    /// Where a recovered server is consistent at the earliest.
    pub stop: Option<Lsn>,
    /// The first segment that recovery needs.
    pub first_segment: Option<SegmentName>,
    /// The segment that contains `stop`.
    pub last_segment: Option<SegmentName>,
    /// Size of the server's files when it began, in bytes, by the server's account.
    pub size: Option<u64>,
    /// Size of its objects, in bytes.
    pub stored_size: u64,
    /// Why it must not be deleted, if somebody said so.
    pub keep: Option<Keep>,
}

/// Whether a backup can be restored.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum BackupState {
    /// It is being taken, or whoever took it was stopped.
    Unfinished,
    /// It is complete, as far as its own record says.
    Complete,
    /// It failed.
    Failed {
        /// Why, where the layout records it.
        reason: Option<String>,
    },
}

/// For what a backup is kept, whatever a policy says.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Keep {
    /// To restore to any time after it: with all WAL that follows.
    Full,
    /// To restore to its own end: with the WAL of its duration.
    Standalone,
}

/// A base backup whose record could not be understood.
#[derive(Clone, Debug)]
pub struct DamagedBackup {
    /// What the layout calls it.
    pub id: String,
    /// What is wrong.
    pub error: Error,
}
