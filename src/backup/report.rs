//! What became of a base backup in each destination.

use crate::destination::DestinationId;

/// What became of a base backup in one destination.
#[derive(Clone, Debug)]
pub struct DestinationReport {
    /// The destination.
    pub id: DestinationId,
    /// What its layout calls the backup; `None` if it did not begin there.
    pub backup: Option<String>,
    /// Bytes that were sent.
    pub stored: u64,
    /// Whether it is complete there.
    pub outcome: BackupOutcome,
}

/// Whether a base backup is complete in a destination.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum BackupOutcome {
    /// It is, with the WAL that it needs.
    Complete,
    /// It is not; nothing there lists it as complete.
    Failed {
        /// Why.
        reason: String,
    },
}

impl DestinationReport {
    /// Returns whether it holds the backup.
    pub fn is_complete(&self) -> bool {
        self.outcome == BackupOutcome::Complete
    }
}
