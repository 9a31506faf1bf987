//! How long does it take to decide what goes, of 10,000 backups and 1,000,000 segments?

#![allow(missing_docs, reason = "criterion's macros write a function")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use walcast::{
    destination::DestinationId,
    pg::{Lsn, SegmentName, SegmentRange, SegmentSize, TimelineId},
    repository::{
        Annotations, BackupKind, BackupState, Catalog, Format, HeldArchive, HeldBackup,
        StoredBackup,
    },
    retention::{
        BarmanPolicy, Fulls, Generations, Moment, PgBackRestPolicy, Policy, RetentionRequest,
        WalRule,
    },
};

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = plan
}
criterion_main!(benches);

const BACKUPS: u64 = 10_000;
const SEGMENTS: u64 = 1_000_000;
const SIZE: SegmentSize = SegmentSize::DEFAULT;
/// In which the archive has a hole.
const HOLE: u64 = 1_000;

fn plan(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("plan for 10,000 backups and 1,000,000 segments");
    let incremental = PgBackRestPolicy {
        full: Fulls::Days(30),
        diff: Some(60),
        wal: WalRule::Backups(20, BackupKind::Differential),
        history: Some(365),
    };
    let generations = Generations {
        hourly: 48,
        daily: 30,
        weekly: 12,
        monthly: 24,
        yearly: 5,
        wal_days: Some(14),
    };
    for (name, format, policy) in [
        (
            "a window",
            Format::Barman,
            Policy::Barman(BarmanPolicy::window(30)),
        ),
        (
            "redundancy",
            Format::Barman,
            Policy::Barman(BarmanPolicy::redundancy(9_000)),
        ),
        (
            "pgBackRest",
            Format::PgBackRest,
            Policy::PgBackRest(incremental),
        ),
        (
            "generations",
            Format::PgBackRest,
            Policy::Generations(generations),
        ),
    ] {
        let (catalog, now) = catalog(format);
        let request = RetentionRequest {
            destination: DestinationId::parse("here").expect("it is short"),
            format,
            policies: &[policy],
            moment: Moment {
                now,
                zone: TimeZone::UTC,
            },
        };
        assert!(!request.plan(&catalog).is_empty());
        group.bench_function(name, |bencher| {
            bencher.iter(|| black_box(request.plan(&catalog)));
        });
    }
    group.finish();
}

/// A backup each hour, each tenth a full one, and 100 segments each; some are missing.
fn catalog(format: Format) -> (Catalog, Timestamp) {
    let is_pgbackrest = format == Format::PgBackRest;
    let archive = if is_pgbackrest { "15-1" } else { "" };
    let epoch = Timestamp::from_second(1_700_000_000).expect("it is a time");
    let name = |number| SegmentName::from_number(TimelineId::FIRST, number, SIZE);
    let mut catalog = Catalog {
        segment_size: SIZE,
        ..Catalog::default()
    };
    let mut full = String::new();
    for number in 0..BACKUPS {
        let hours = i64::try_from(number).expect("there are few");
        let began = epoch + SignedDuration::from_hours(hours);
        let (first, last) = (
            number * SEGMENTS / BACKUPS + 7,
            number * SEGMENTS / BACKUPS + 9,
        );
        let stamp = began.strftime("%Y%m%d-%H%M%S").to_string();
        let is_full = !is_pgbackrest || number % 10 == 0;
        let id = match (is_pgbackrest, is_full) {
            (false, _) => stamp.replace('-', "T"),
            (true, true) => format!("{stamp}F"),
            (true, false) => format!("{full}_{stamp}D"),
        };
        if is_full {
            full.clone_from(&id);
        }
        catalog.remembered.extend(is_pgbackrest.then(|| id.clone()));
        catalog.backups.push(HeldBackup {
            stored: StoredBackup {
                id,
                name: None,
                annotations: Annotations::default(),
                state: BackupState::Complete,
                began: Some(began),
                ended: Some(began + SignedDuration::from_mins(20)),
                system_id: None,
                server_version: None,
                segment_size: Some(SIZE),
                timeline: Some(TimelineId::FIRST),
                start: Some(Lsn::new(first * SIZE.bytes())),
                stop: Some(Lsn::new(last * SIZE.bytes())),
                first_segment: Some(name(first)),
                last_segment: Some(name(last)),
                size: None,
                stored_size: 1 << 30,
                keep: None,
            },
            kind: if is_full {
                BackupKind::Full
            } else {
                BackupKind::Differential
            },
            prior: (!is_full).then(|| full.clone()),
            archive: archive.to_owned(),
            is_whole: true,
            may_expire: true,
            touched: None,
        });
    }
    let segments = (0..SEGMENTS / HOLE).map(|part| SegmentRange {
        first: name(part * HOLE + 1),
        last: name((part + 1) * HOLE - 1),
    });
    catalog.archives.push(HeldArchive {
        id: archive.to_owned(),
        is_current: true,
        segments: segments.collect(),
        ..HeldArchive::default()
    });
    let hours = i64::try_from(BACKUPS).expect("there are few");
    (catalog, epoch + SignedDuration::from_hours(hours))
}
