//! What a restore for practice showed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::pg::{Lsn, TimelineId};

/// What a restore for practice showed: kept beside the backups as a note.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct DrillRecord {
    /// When it began, by the clock of the machine that did it.
    pub at: Timestamp,
    /// The backup that was restored.
    pub backup: String,
    /// Why it failed; `None` if everything went well.
    pub failure: Option<String>,
    /// How long it took to restore the files, in milliseconds.
    pub restore_ms: u64,
    /// How long it took until the server had replayed everything, in milliseconds, after that.
    pub recovery_ms: u64,
    /// How long the checks took after that, in milliseconds.
    pub check_ms: u64,
    /// How many files were restored.
    pub files: u64,
    /// Their size, in bytes.
    pub bytes: u64,
    /// The timeline on which the server ended.
    pub timeline: Option<TimelineId>,
    /// The position that it reached.
    pub reached: Option<Lsn>,
    /// When the last transaction was committed that it has, by the cluster's clock.
    pub last_commit: Option<Timestamp>,
    /// The databases that were checked.
    pub databases: Vec<String>,
    /// What the user's query returned, if there was one.
    pub answer: Option<String>,
    /// The machine that did it.
    pub machine: String,
}

impl DrillRecord {
    /// Returns one of a drill that has begun and done nothing yet.
    pub fn new(at: Timestamp, backup: &str) -> Self {
        Self {
            at,
            backup: backup.to_owned(),
            failure: None,
            restore_ms: 0,
            recovery_ms: 0,
            check_ms: 0,
            files: 0,
            bytes: 0,
            timeline: None,
            reached: None,
            last_commit: None,
            databases: Vec::new(),
            answer: None,
            machine: String::new(),
        }
    }

    /// Returns whether everything went well.
    pub fn is_sound(&self) -> bool {
        self.failure.is_none()
    }
}
