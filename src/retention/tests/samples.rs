//! Destinations with a past, made up from a few numbers.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::{Index, select},
};

use super::super::*;
use crate::{
    pg::{Lsn, SegmentRange, SegmentSize, TimelineId},
    repository::{Annotations, BackupKind, BackupState, HeldBackup, Keep, StoredBackup},
};

pub(super) const SIZE: SegmentSize = SegmentSize::DEFAULT;
pub(super) const START: i64 = 1_790_000_000;

/// What happened before a backup and in it.
#[expect(clippy::struct_excessive_bools, reason = "each is a claim of its own")]
#[derive(Clone, Debug)]
pub(super) struct Event {
    /// Hours since the one before.
    pub(super) hours: i64,
    /// Segments since the one before, and during it.
    pub(super) segments: (u64, u64),
    /// Whether a promotion came before.
    pub(super) is_promoted: bool,
    /// Whether another cluster came before, in pgBackRest's layout.
    pub(super) is_upgraded: bool,
    pub(super) kind: BackupKind,
    pub(super) state: BackupState,
    pub(super) keep: Option<Keep>,
    /// Whether the segment with which it begins is missing.
    pub(super) lacks_wal: bool,
    /// Whether its objects are all there.
    pub(super) is_whole: bool,
}

impl Event {
    /// An ordinary one.
    pub(super) fn new(kind: BackupKind, hours: i64) -> Self {
        Self {
            hours,
            segments: (4, 1),
            is_promoted: false,
            is_upgraded: false,
            kind,
            state: BackupState::Complete,
            keep: None,
            lacks_wal: false,
            is_whole: true,
        }
    }
}

pub(super) fn events(most: usize) -> impl Strategy<Value = Vec<Event>> {
    let rarely = |odds: u32| (0..odds).prop_map(|number| number == 0);
    let extents = [
        BackupKind::Full,
        BackupKind::Full,
        BackupKind::Differential,
        BackupKind::Incremental,
        BackupKind::Incremental,
    ];
    let failed = BackupState::Failed { reason: None };
    let complete = BackupState::Complete;
    let states = [
        complete.clone(),
        complete.clone(),
        complete.clone(),
        complete.clone(),
        complete,
        failed,
        BackupState::Unfinished,
    ];
    let keep = option::weighted(0.15, select(vec![Keep::Full, Keep::Standalone]));
    let damage = (rarely(12), rarely(15));
    let event = (
        1..60_i64,
        (0..300_u64, 0..3_u64),
        (rarely(8), rarely(12)),
        select(extents.to_vec()),
        select(states.to_vec()),
        keep,
        damage,
    );
    let event = event.prop_map(
        |(hours, segments, switches, kind, state, keep, damage)| Event {
            hours,
            segments,
            is_promoted: switches.0,
            is_upgraded: switches.1,
            kind,
            state,
            keep,
            lacks_wal: damage.0,
            is_whole: !damage.1,
        },
    );
    vec(event, 1..most)
}

/// Replays what happened; the time of the plan is a few hours after the last backup.
pub(super) fn replay(format: Format, events: &[Event]) -> (Catalog, Timestamp) {
    let mut past = Past::new(format);
    for event in events {
        past.take(event);
    }
    past.end()
}

struct Past {
    format: Format,
    catalog: Catalog,
    at: Timestamp,
    timeline: TimelineId,
    number: u64,
    /// The first segment of the timeline, or of what follows one that is missing.
    first: u64,
    full: Option<String>,
    last: Option<String>,
}

impl Past {
    fn new(format: Format) -> Self {
        let mut past = Self {
            format,
            catalog: Catalog {
                segment_size: SIZE,
                ..Catalog::default()
            },
            at: Timestamp::from_second(START).unwrap(),
            timeline: TimelineId::FIRST,
            number: 1,
            first: 1,
            full: None,
            last: None,
        };
        past.begin_archive();
        past
    }

    fn begin_archive(&mut self) {
        let id = match self.format {
            Format::Barman => String::new(),
            Format::PgBackRest => format!("15-{}", self.catalog.archives.len() + 1),
        };
        for archive in &mut self.catalog.archives {
            archive.is_current = false;
        }
        self.catalog.archives.push(HeldArchive {
            id,
            is_current: true,
            ..HeldArchive::default()
        });
    }

    fn take(&mut self, event: &Event) {
        let is_pgbackrest = self.format == Format::PgBackRest;
        if event.is_upgraded && is_pgbackrest {
            self.archive();
            self.begin_archive();
            (self.timeline, self.number, self.first) = (TimelineId::FIRST, 1, 1);
            (self.full, self.last) = (None, None);
        }
        self.at += SignedDuration::from_hours(event.hours);
        if event.is_promoted {
            self.promote();
        }
        self.number += event.segments.0;
        let first = self.number;
        let last = first + event.segments.1;
        if event.lacks_wal {
            self.archive();
            self.first = first + 1;
        }
        self.number = last + 1;
        let is_full = !is_pgbackrest || event.kind == BackupKind::Full || self.full.is_none();
        let kind = if is_full {
            BackupKind::Full
        } else {
            event.kind
        };
        let stamp = self.at.strftime("%Y%m%d-%H%M%S").to_string();
        let id = match (is_pgbackrest, kind) {
            (false, _) => stamp.replace('-', "T"),
            (true, BackupKind::Full) => format!("{stamp}F"),
            (true, BackupKind::Differential) => format!("{}_{stamp}D", self.full.clone().unwrap()),
            (true, BackupKind::Incremental) => format!("{}_{stamp}I", self.full.clone().unwrap()),
        };
        let prior = match kind {
            BackupKind::Full => None,
            BackupKind::Differential => self.full.clone(),
            BackupKind::Incremental => self.last.clone(),
        };
        if is_pgbackrest {
            if is_full {
                self.full = Some(id.clone());
            }
            self.last = Some(id.clone());
            self.catalog.remembered.push(id.clone());
        }
        let stored = self.stored(event, id, first, last);
        self.catalog.backups.push(HeldBackup {
            stored,
            kind,
            prior,
            archive: self.catalog.archives.last().unwrap().id.clone(),
            is_whole: event.is_whole,
            may_expire: is_pgbackrest || event.state == BackupState::Complete,
            touched: None,
        });
    }

    fn stored(&self, event: &Event, id: String, first: u64, last: u64) -> StoredBackup {
        let is_pgbackrest = self.format == Format::PgBackRest;
        let name = |number| SegmentName::from_number(self.timeline, number, SIZE);
        StoredBackup {
            id,
            name: None,
            annotations: Annotations::default(),
            state: if is_pgbackrest {
                BackupState::Complete
            } else {
                event.state.clone()
            },
            began: Some(self.at),
            ended: Some(self.at + SignedDuration::from_mins(20)),
            system_id: None,
            server_version: None,
            segment_size: Some(SIZE),
            timeline: Some(self.timeline),
            start: Some(Lsn::new(first * SIZE.bytes() + 40)),
            stop: Some(Lsn::new(last * SIZE.bytes() + 256)),
            first_segment: Some(name(first)),
            last_segment: Some(name(last)),
            size: None,
            stored_size: 1000,
            keep: event.keep.filter(|_| !is_pgbackrest),
        }
    }

    fn promote(&mut self) {
        self.archive();
        self.timeline = TimelineId::new(self.timeline.get() + 1).unwrap();
        self.first = self.number;
        let archive = self.catalog.archives.last_mut().unwrap();
        archive.timelines.push(self.timeline);
    }

    /// Archives what was written since the timeline began, or since a missing segment.
    fn archive(&mut self) {
        if self.first < self.number {
            let name = |number| SegmentName::from_number(self.timeline, number, SIZE);
            let archive = self.catalog.archives.last_mut().unwrap();
            archive.segments.push(SegmentRange {
                first: name(self.first),
                last: name(self.number - 1),
            });
        }
    }

    fn end(mut self) -> (Catalog, Timestamp) {
        self.number += 3;
        self.archive();
        let now = self.at + SignedDuration::from_hours(100);
        (self.catalog, now)
    }
}

/// Plans for a destination.
pub(super) fn plan(format: Format, policy: &Policy, (catalog, now): &(Catalog, Timestamp)) -> Plan {
    let request = RetentionRequest {
        destination: DestinationId::parse("here").unwrap(),
        format,
        policies: std::slice::from_ref(policy),
        moment: Moment {
            now: *now,
            zone: TimeZone::UTC,
        },
    };
    request.plan(catalog)
}

/// A format with policies for it, of which the second keeps no less than the first.
pub(super) fn policies() -> impl Strategy<Value = (Format, Policy, Policy)> {
    let barman = (0..8_u32, 0..400_u32, 0..4_u32, 0..4_u32, any::<bool>());
    let barman = barman.prop_map(|(count, days, minimum, more, is_window)| {
        let rule = |add: u32| {
            let policy = if is_window {
                BarmanPolicy::window((days + add * 20) / 20)
            } else {
                BarmanPolicy::redundancy(count + add)
            };
            Policy::Barman(policy.with_minimum(minimum))
        };
        (Format::Barman, rule(0), rule(more))
    });
    let pgbackrest = (1..6_u32, any::<bool>(), option::of(1..6_u32), 0..4_u32);
    let pgbackrest = pgbackrest.prop_map(|(full, is_time, diff, more)| {
        let rule = |add: u32| {
            let (full, wal) = if is_time {
                (Fulls::Days(full * 2 + add), WalRule::WithFulls)
            } else {
                let count = full + add;
                (
                    Fulls::Count(count),
                    WalRule::Backups(count, BackupKind::Full),
                )
            };
            Policy::PgBackRest(PgBackRestPolicy {
                full,
                diff: diff.map(|diff| diff + add),
                wal,
                history: None,
            })
        };
        (Format::PgBackRest, rule(0), rule(more))
    });
    let counts = (0..30_u32, 0..8_u32, 0..5_u32, 0..5_u32, 1..3_u32);
    let rest = (option::of(0..20_u32), 0..3_u32, any::<Index>());
    let generations = (counts, rest).prop_map(|(counts, (wal_days, more, format))| {
        let rule = |add: u32| {
            Policy::Generations(Generations {
                hourly: counts.0 + add,
                daily: counts.1 + add,
                weekly: counts.2,
                monthly: counts.3,
                yearly: counts.4 + add,
                wal_days: wal_days.map(|days| days + add),
            })
        };
        let format = *format.get(&[Format::Barman, Format::PgBackRest]);
        (format, rule(0), rule(more))
    });
    prop_oneof![2 => barman, 2 => pgbackrest, 1 => generations]
}
