//! What an audit found, as metrics tell it.

use std::time::Duration;

use super::{Holdings, Lag, Point};
use crate::audit::{Audit, DestinationAudit};

impl Holdings {
    /// Returns what an audit found of a destination; `None` if it could not be read.
    pub fn of(audit: &Audit, destination: &DestinationAudit) -> Option<Self> {
        if !destination.is_readable {
            return None;
        }
        let lag = destination.lag.as_ref().map(|lag| Lag {
            segments: lag.segments,
            bytes: lag.bytes,
            time: Duration::from_secs(lag.seconds.unsigned_abs()),
        });
        let windows = destination.windows.iter();
        let first = windows.min_by_key(|window| (window.timeline, window.from));
        let usable = destination.backups.iter().filter(|one| one.is_restorable);
        let complete = usable.clone().filter_map(|backup| backup.ended);
        let drill = destination.drill.as_ref().filter(|drill| drill.is_sound());
        Some(Self {
            at: audit.at,
            lag,
            holes: destination.holes.len() as u64,
            missing_segments: destination.holes.iter().map(|hole| hole.segments).sum(),
            usable_backups: usable.count() as u64,
            first_recoverable: first.map(|window| Point {
                lsn: window.from,
                time: window.since,
            }),
            last_recoverable: destination.newest.map(|newest| Point {
                lsn: newest.position,
                time: newest.at,
            }),
            last_backup: complete.max(),
            last_failed_backup: destination.last_failed_backup,
            last_proof: drill.map(|drill| drill.at),
            wal_bytes: destination.wal_bytes,
            backup_bytes: destination.backup_bytes,
        })
    }
}
