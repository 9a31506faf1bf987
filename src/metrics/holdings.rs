//! What a destination holds, as an audit found it.

use std::{fmt, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::exposition::{DESTINATION, Each, Exposition, Family};
use crate::{destination::DestinationId, pg::Lsn};

/// What a destination holds, as far as metrics tell it; whoever looks at destinations fills it in.
///
/// `None` is "there is none", or "not known": it has no sample.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Holdings {
    /// When the destination was looked at.
    pub at: Timestamp,
    /// How far its newest recoverable point is behind that of the best destination; nothing for
    /// the best one itself.
    pub lag: Option<Lag>,
    /// Holes in the WAL between the first and the last file that it should hold.
    pub holes: u64,
    /// Segments that are missing in these holes.
    pub missing_segments: u64,
    /// Backups that can be restored from this destination alone.
    pub usable_backups: u64,
    /// The earliest point that this destination alone can restore.
    pub first_recoverable: Option<Point>,
    /// The latest point that this destination alone can restore.
    pub last_recoverable: Option<Point>,
    /// When the newest backup that is complete ended.
    pub last_backup: Option<Timestamp>,
    /// When the newest backup that failed began or ended.
    pub last_failed_backup: Option<Timestamp>,
    /// When a restore from this destination was last proven to work.
    pub last_proof: Option<Timestamp>,
    /// Size of the archive's objects, in bytes as stored.
    pub wal_bytes: u64,
    /// Size of the base backups' objects, in bytes as stored.
    pub backup_bytes: u64,
}

/// How far a destination is behind another.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Lag {
    /// Segments between the two.
    pub segments: u64,
    /// Bytes of WAL between the two.
    pub bytes: u64,
    /// The time between the two.
    pub time: Duration,
}

/// A point to which recovery gets.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Point {
    /// The position in the WAL.
    pub lsn: Lsn,
    /// When the server was there, where that is known.
    pub time: Option<Timestamp>,
}

const AUDITED: Family = Family::seconds(
    "walcast_audit_timestamp",
    "When the destination was looked at.",
);
const LAG_SEGMENTS: Family = Family::of(
    "walcast_lag_segments",
    "Segments that the destination is behind the best one.",
);
const LAG_BYTES: Family = Family::bytes(
    "walcast_lag",
    "WAL that the destination is behind the best one.",
);
const LAG_SECONDS: Family = Family::seconds(
    "walcast_lag",
    "Time that the destination is behind the best one.",
);
const HOLES: Family = Family::of("walcast_wal_holes", "Holes in the destination's WAL.");
const MISSING: Family = Family::of(
    "walcast_wal_missing_segments",
    "Segments that are missing in these holes.",
);
const BACKUPS: Family = Family::of(
    "walcast_usable_backups",
    "Backups that can be restored from the destination alone.",
);
const FIRST_LSN: Family = Family::bytes(
    "walcast_first_recoverable_lsn",
    "Earliest position in the WAL that the destination alone can restore.",
);
const FIRST_TIME: Family = Family::seconds(
    "walcast_first_recoverable_timestamp",
    "Earliest moment that the destination alone can restore.",
);
const LAST_LSN: Family = Family::bytes(
    "walcast_last_recoverable_lsn",
    "Latest position in the WAL that the destination alone can restore.",
);
const LAST_TIME: Family = Family::seconds(
    "walcast_last_recoverable_timestamp",
    "Latest moment that the destination alone can restore.",
);
const LAST_BACKUP: Family = Family::seconds(
    "walcast_last_backup_timestamp",
    "When the newest complete backup ended.",
);
const LAST_FAILED: Family = Family::seconds(
    "walcast_last_failed_backup_timestamp",
    "When the newest backup that failed did so.",
);
const LAST_PROOF: Family = Family::seconds(
    "walcast_last_proof_timestamp",
    "When a restore from the destination was last proven to work.",
);
const STORED: Family = Family::bytes(
    "walcast_stored",
    "Size of the objects of a kind: wal or backup.",
);

pub(super) fn encode(all: &[(DestinationId, Holdings)], to: &mut Exposition<'_>) -> fmt::Result {
    let of = Each(all.iter().map(|(id, one)| (id.as_str(), one)).collect());
    of.moments(to, &AUDITED, |one| Some(one.at))?;
    of.gauges(to, &LAG_SEGMENTS, |one| Some(one.lag?.segments))?;
    of.gauges(to, &LAG_BYTES, |one| Some(one.lag?.bytes))?;
    of.gauges(to, &LAG_SECONDS, |one| Some(one.lag?.time.as_secs_f64()))?;
    of.gauges(to, &HOLES, |one| Some(one.holes))?;
    of.gauges(to, &MISSING, |one| Some(one.missing_segments))?;
    of.gauges(to, &BACKUPS, |one| Some(one.usable_backups))?;
    of.gauges(to, &FIRST_LSN, |one| Some(one.first_recoverable?.lsn.get()))?;
    of.moments(to, &FIRST_TIME, |one| one.first_recoverable?.time)?;
    of.gauges(to, &LAST_LSN, |one| Some(one.last_recoverable?.lsn.get()))?;
    of.moments(to, &LAST_TIME, |one| one.last_recoverable?.time)?;
    of.moments(to, &LAST_BACKUP, |one| one.last_backup)?;
    of.moments(to, &LAST_FAILED, |one| one.last_failed_backup)?;
    of.moments(to, &LAST_PROOF, |one| one.last_proof)?;
    let sizes = all.iter().flat_map(|(id, one)| {
        let sizes = [("wal", one.wal_bytes), ("backup", one.backup_bytes)];
        sizes.map(|(kind, bytes)| ([(DESTINATION, id.as_str()), ("kind", kind)], bytes))
    });
    to.gauges(&STORED, sizes)
}
