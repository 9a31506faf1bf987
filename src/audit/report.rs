//! What an audit says.

use jiff::Timestamp;
use serde::Serialize;

use super::{Finding, Id, Level, Severity};
use crate::{
    catalog::Health,
    drill::DrillRecord,
    pg::{Lsn, SegmentName, SegmentRange, SegmentSize, TimelineId},
    repository::{BackupKind, Format},
    restore::plan::Window,
};

/// What an audit says.
#[derive(Clone, Debug, Serialize)]
pub struct Audit {
    /// When the destinations were looked at.
    pub at: Timestamp,
    /// How closely.
    pub level: Level,
    /// Each destination.
    pub destinations: Vec<DestinationAudit>,
    /// What is wrong or worth knowing, the worst first.
    pub findings: Vec<Finding>,
}

/// What an audit says of one destination.
#[derive(Clone, Debug, Serialize)]
pub struct DestinationAudit {
    /// The destination.
    pub id: Id,
    /// Its layout.
    pub format: Format,
    /// Where it is.
    pub location: String,
    /// The worst of its findings.
    pub severity: Option<Severity>,
    /// Whether it could be read; nothing of what follows is known if not.
    pub is_readable: bool,
    /// To which positions it alone can restore, on each timeline.
    pub windows: Vec<Window>,
    /// Segments that are missing.
    pub holes: Vec<Hole>,
    /// The newest position that it alone can restore.
    pub newest: Option<Newest>,
    /// How far it is behind the best destination.
    pub lag: Option<Lag>,
    /// Its base backups, oldest first.
    pub backups: Vec<AuditedBackup>,
    /// When the newest backup that failed did so, or began.
    pub last_failed_backup: Option<Timestamp>,
    /// What retention keeps by; several contradict each other.
    pub policies: Vec<String>,
    /// What retention would remove now.
    pub next_removed: Vec<String>,
    /// Size of its WAL, in bytes.
    pub wal_bytes: u64,
    /// Size of its base backups, in bytes.
    pub backup_bytes: u64,
    /// How many segments it holds.
    pub segments: u64,
    /// When its newest WAL was stored.
    pub newest_wal: Option<Timestamp>,
    /// What was read again.
    pub proof: ProofStatus,
    /// The last restore for practice.
    pub drill: Option<DrillRecord>,
}

/// Segments that are missing.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct Hole {
    /// Which.
    #[serde(flatten)]
    pub range: SegmentRange,
    /// How many.
    pub segments: u64,
    /// The position at which they begin.
    pub from: Lsn,
    /// The position before which they end.
    pub to: Lsn,
}

/// A position that can be restored.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct Newest {
    /// The timeline.
    pub timeline: TimelineId,
    /// The position before which the archive ends.
    pub position: Lsn,
    /// When the last segment before it was stored, where known.
    pub at: Option<Timestamp>,
}

/// How far a destination is behind another one.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Lag {
    /// The other one.
    pub best: Id,
    /// How many segments it lacks at the end.
    pub segments: u64,
    /// Their size before they are compressed, in bytes.
    pub bytes: u64,
    /// For how long, in seconds.
    pub seconds: i64,
}

/// A base backup and whether it is good for something.
#[derive(Clone, Debug, Serialize)]
pub struct AuditedBackup {
    /// What the layout calls it.
    pub id: String,
    /// What it was called by whoever asked for it.
    pub name: Option<String>,
    /// Whether it holds all files itself.
    pub kind: BackupKind,
    /// When it began.
    pub began: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// The timeline on which it began.
    pub timeline: Option<TimelineId>,
    /// Where a recovered server is consistent at the earliest.
    pub stop: Option<Lsn>,
    /// Size of its objects, in bytes.
    pub stored_size: u64,
    /// Whether it can be restored.
    pub is_restorable: bool,
    /// Why not.
    pub problem: Option<String>,
    /// The last segment that recovery from it reaches.
    pub reaches: Option<SegmentName>,
    /// When it was last read again.
    pub proved: Option<Timestamp>,
}

/// What was read again of a destination.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct ProofStatus {
    /// When something was last read.
    pub newest: Option<Timestamp>,
    /// Since when everything was read; `None` if something never was.
    pub everything_since: Option<Timestamp>,
    /// Segments and backups that are due to be read.
    pub due: u64,
}

impl Audit {
    /// Returns how bad it is.
    pub fn severity(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }

    /// Returns the findings of one destination.
    pub fn findings_of<'a>(&'a self, id: &'a Id) -> impl Iterator<Item = &'a Finding> {
        let findings = self.findings.iter();
        findings.filter(move |finding| finding.destination == *id)
    }
}

impl DestinationAudit {
    /// Returns a destination of which nothing is known.
    pub(super) fn unknown(id: Id, format: Format, location: String) -> Self {
        Self {
            id,
            format,
            location,
            severity: None,
            is_readable: false,
            windows: Vec::new(),
            holes: Vec::new(),
            newest: None,
            lag: None,
            backups: Vec::new(),
            last_failed_backup: None,
            policies: Vec::new(),
            next_removed: Vec::new(),
            wal_bytes: 0,
            backup_bytes: 0,
            segments: 0,
            newest_wal: None,
            proof: ProofStatus::default(),
            drill: None,
        }
    }
}

impl Hole {
    pub(super) fn new(range: SegmentRange, size: SegmentSize) -> Self {
        Self {
            range,
            segments: range.count(size),
            from: range.first.start_lsn(size),
            to: range.last.next(size).start_lsn(size),
        }
    }
}

/// Says why a backup cannot be restored.
pub(super) fn problem(health: Health) -> Option<String> {
    match health {
        Health::Sound => None,
        Health::Incomplete => Some("it is not complete".to_owned()),
        Health::Lacks(Some(segment)) => Some(format!("{segment} is missing")),
        Health::Lacks(None) => Some("objects are missing".to_owned()),
    }
}
