//! Destinations made up for tests of audits and of what follows from them.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::{Audit, AuditRequest, Expectations, Level, Observation, Remembered};
use crate::{
    catalog::Catalog,
    destination::DestinationId,
    pg::{Lsn, SegmentName, SegmentRange, SegmentSize, SystemId, TimelineHistory, TimelineId},
    repository::{
        Annotations, BackupKind, BackupState, Format, HeldArchive, HeldBackup, StoredBackup,
    },
    retention::{Moment, Policy},
};

pub(crate) const SIZE: SegmentSize = SegmentSize::DEFAULT;

pub(crate) fn now() -> Timestamp {
    "2026-11-30T12:00:00Z".parse().unwrap()
}

pub(crate) fn ago(hours: i64) -> Timestamp {
    now() - SignedDuration::from_hours(hours)
}

pub(crate) fn moment() -> Moment {
    Moment {
        now: now(),
        zone: TimeZone::UTC,
    }
}

pub(crate) fn id(text: &str) -> DestinationId {
    DestinationId::parse(text).unwrap()
}

pub(crate) fn timeline(number: u32) -> TimelineId {
    TimelineId::new(number).unwrap()
}

pub(crate) fn segment(on: u32, number: u64) -> SegmentName {
    SegmentName::from_number(timeline(on), number, SIZE)
}

pub(crate) fn range(on: u32, first: u64, last: u64) -> SegmentRange {
    SegmentRange {
        first: segment(on, first),
        last: segment(on, last),
    }
}

/// A complete backup on timeline 1 that needs the segments from the first to the last.
pub(crate) fn backup(name: &str, hours_ago: i64, first: u64, last: u64) -> HeldBackup {
    let at = |number: u64, offset| Lsn::new(number * SIZE.bytes() + offset);
    HeldBackup {
        stored: StoredBackup {
            id: name.to_owned(),
            name: None,
            annotations: Annotations::default(),
            state: BackupState::Complete,
            began: Some(ago(hours_ago) - SignedDuration::from_mins(10)),
            ended: Some(ago(hours_ago)),
            system_id: Some(SystemId::new(7)),
            server_version: Some(150_020),
            segment_size: Some(SIZE),
            timeline: Some(timeline(1)),
            start: Some(at(first, 40)),
            stop: Some(at(last, 80)),
            first_segment: Some(segment(1, first)),
            last_segment: Some(segment(1, last)),
            size: None,
            stored_size: 1000,
            keep: None,
        },
        kind: BackupKind::Full,
        prior: None,
        archive: String::new(),
        is_whole: true,
        may_expire: true,
        touched: None,
    }
}

/// What a destination in Barman's layout holds; its newest WAL came an hour ago.
pub(crate) fn catalog(segments: &[SegmentRange], backups: Vec<HeldBackup>) -> Catalog {
    Catalog {
        backups,
        archives: vec![HeldArchive {
            is_current: true,
            segments: segments.to_vec(),
            newest: (!segments.is_empty()).then(|| ago(1)),
            stored_size: 100,
            ..HeldArchive::default()
        }],
        segment_size: SIZE,
        ..Catalog::default()
    }
}

/// Adds a timeline that branched off at the begin of a segment.
pub(crate) fn branch(catalog: &mut Catalog, to: u32, from: u32, number: u64) {
    let at = Lsn::new(number * SIZE.bytes() + 100);
    let text = format!("{from}\t{at}\tno recovery target specified\n");
    let history = TimelineHistory::parse(timeline(to), &text).unwrap();
    let archive = &mut catalog.archives[0];
    archive.timelines.push(timeline(to));
    archive.histories.push(history);
}

pub(crate) fn observation(name: &str, catalog: Catalog) -> Observation {
    Observation {
        destination: id(name),
        format: Format::Barman,
        location: format!("memory:{name}"),
        catalog: Ok(catalog),
        look: None,
        remembered: Remembered::default(),
    }
}

/// Judges without policies.
pub(crate) fn judge(observations: &[Observation], expectations: &Expectations) -> Audit {
    judge_by(observations, expectations, &[])
}

pub(crate) fn judge_by(
    observations: &[Observation],
    expectations: &Expectations,
    policies: &[Vec<Policy>],
) -> Audit {
    let request = AuditRequest {
        level: Level::Listing,
        observations,
        policies,
        expectations,
        moment: moment(),
    };
    request.judge()
}
