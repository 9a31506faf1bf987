//! The plan, for people and for programs.

use std::fmt;

use jiff::Timestamp;

use super::{Positions, Unsuitable, error::names};
use crate::{
    destination::DestinationId,
    pg::{Lsn, SegmentName, SegmentRange, SystemId, TimelineId},
    repository::StoredBackup,
    restore::RecoveryTarget,
};

/// What a restore will do.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RestorePlan {
    /// The backup.
    pub backup: PlannedBackup,
    /// The destinations that hold it, in the order in which they are asked.
    pub from: Vec<BackupSource>,
    /// Where recovery ends.
    pub target: RecoveryTarget,
    /// The timeline on which it ends.
    pub timeline: TimelineId,
    /// The WAL that recovery reads, as far as it is held; up to the end of the archive for a target
    /// whose position is not known.
    pub wal: Vec<SegmentRange>,
    /// How many segments that are.
    pub wal_segments: u64,
    /// Their size in bytes, when decoded.
    pub wal_bytes: u64,
    /// How many of them each destination holds.
    pub wal_from: Vec<WalSource>,
    /// Segments on the way that are in no destination: recovery ends before them.
    pub missing: Vec<SegmentRange>,
    /// Newer backups that do not lead to the target, other than those that are too young.
    pub passed_over: Vec<PassedOver>,
}

/// The backup that will be restored.
#[derive(Clone, Debug, Eq, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedBackup {
    /// What the layout calls it.
    pub id: String,
    /// What it was called by whoever asked for it.
    pub name: Option<String>,
    /// The cluster that it is of.
    pub system_id: Option<SystemId>,
    /// The server's version, such as 150020 for 15.20.
    pub server_version: Option<u32>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// The timeline on which it was taken.
    pub timeline: TimelineId,
    /// The first segment that recovery needs.
    pub first_segment: SegmentName,
    /// Where the server is consistent at the earliest.
    pub stop: Lsn,
}

/// A destination that holds the backup.
#[derive(Clone, Debug, Eq, PartialEq, serde::Serialize)]
pub struct BackupSource {
    /// The destination.
    pub destination: DestinationId,
    /// Size of the backup's objects there.
    pub bytes: u64,
}

/// A destination that holds WAL.
#[derive(Clone, Debug, Eq, PartialEq, serde::Serialize)]
pub struct WalSource {
    /// The destination.
    pub destination: DestinationId,
    /// How many of the segments it holds.
    pub segments: u64,
}

/// A backup that does not lead to the target.
#[derive(Clone, Debug, Eq, PartialEq, serde::Serialize)]
pub struct PassedOver {
    /// The backup.
    pub backup: String,
    /// Why.
    pub reason: Unsuitable,
}

impl PlannedBackup {
    pub(super) fn new(backup: &StoredBackup, positions: Positions) -> Self {
        Self {
            id: backup.id.clone(),
            name: backup.name.clone(),
            system_id: backup.system_id,
            server_version: backup.server_version,
            ended: backup.ended,
            timeline: positions.timeline,
            first_segment: positions.first,
            stop: positions.stop,
        }
    }
}

impl fmt::Display for PassedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.backup, self.reason)
    }
}

impl fmt::Display for RestorePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PlannedBackup {
            id, name, ended, ..
        } = &self.backup;
        write!(f, "backup   {id}")?;
        if let Some(name) = name {
            write!(f, " ({name})")?;
        }
        if let Some(ended) = ended {
            write!(f, ", ended {ended}")?;
        }
        writeln!(f)?;
        for source in &self.from {
            let BackupSource { destination, bytes } = source;
            writeln!(f, "from     {destination}, {bytes} bytes")?;
        }
        writeln!(f, "target   {} on timeline {}", self.target, self.timeline)?;
        for range in names(&self.wal) {
            writeln!(f, "wal      {range}")?;
        }
        let (segments, bytes) = (self.wal_segments, self.wal_bytes);
        writeln!(
            f,
            "         {segments} segments, {bytes} bytes when decoded"
        )?;
        for source in &self.wal_from {
            let WalSource {
                destination,
                segments,
            } = source;
            writeln!(f, "         {segments} of them in {destination}")?;
        }
        for range in names(&self.missing) {
            writeln!(f, "missing  {range}: recovery ends before it")?;
        }
        for backup in &self.passed_over {
            writeln!(f, "not      {backup}")?;
        }
        Ok(())
    }
}
