//! A snapshot in which everything has a value, and its text taken apart.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::Timestamp;
use walcast::{
    fanout::{
        AbandonedDebt, DestinationId, DestinationState, DestinationStatus, SpoolStatus, Status,
    },
    metrics::{Holdings, Lag, Point, Snapshot, Source},
    pg::Lsn,
    repository::Format,
    store::{Class, Count, Latency, Measured, Operation},
};

/// Returns a snapshot of destinations of these names, in which everything has a value.
pub(super) fn full(names: &[&str]) -> Snapshot {
    let ids = || names.iter().map(|name| DestinationId::parse(name).unwrap());
    let abandoned = AbandonedDebt {
        id: ids().next().unwrap(),
        owed: 2,
        owed_bytes: 20,
    };
    let status = Status {
        at: at(1_000),
        system_id: None,
        last_archived: None,
        last_archived_at: Some(at(990)),
        spool: SpoolStatus {
            path: "/spool".into(),
            files: 12,
            bytes: 192 << 20,
            abandoned: vec![abandoned],
        },
        destinations: ids().map(destination).collect(),
    };
    Snapshot {
        requests: ids().map(|id| (id, measured())).collect(),
        holdings: ids().map(|id| (id, holdings())).collect(),
        ..Snapshot::new(status, Source::Resident)
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

fn destination(id: DestinationId) -> DestinationStatus {
    DestinationStatus {
        id,
        format: Format::Barman,
        location: "barman:s3://backups".into(),
        state: DestinationState::Down,
        owed: 10,
        owed_bytes: 160 << 20,
        gaps: 3,
        conflicts: 1,
        oldest_owed: None,
        owed_since: Some(at(500)),
        comparing: false,
        last_stored: None,
        last_stored_at: Some(at(499)),
        failures: 7,
        next_attempt: Some(at(1_060)),
        error: Some("no answer".into()),
        hint: None,
    }
}

fn measured() -> Vec<Measured> {
    let mut latency = Latency {
        sum: Duration::from_millis(12_345),
        ..Latency::default()
    };
    latency.buckets[5] = 90;
    *latency.buckets.last_mut().unwrap() = 10;
    let count = Count {
        requests: 101,
        errors: 4,
        bytes_in: 1_000,
        bytes_out: 2_000,
    };
    let of = |operation| Measured {
        operation,
        count,
        errors: vec![(Class::Transient, 3), (Class::Cancelled, 1)],
        latency,
    };
    Operation::ALL.into_iter().map(of).collect()
}

fn holdings() -> Holdings {
    let point = |lsn, second| Point {
        lsn: Lsn::new(lsn),
        time: Some(at(second)),
    };
    Holdings {
        at: at(980),
        lag: Some(Lag {
            segments: 4,
            bytes: 64 << 20,
            time: Duration::from_mins(10),
        }),
        holes: 1,
        missing_segments: 2,
        usable_backups: 3,
        first_recoverable: Some(point(0x0300_0028, -90_000)),
        last_recoverable: Some(point(0x16_B374_D848, 400)),
        last_backup: Some(at(-3_600)),
        last_failed_backup: Some(at(-7_200)),
        last_proof: Some(at(-86_400)),
        wal_bytes: 5 << 30,
        backup_bytes: 50 << 30,
    }
}

/// What a text has samples of: names, each with its labels and their values.
#[derive(Debug, Default)]
pub(super) struct Rendered(pub(super) BTreeMap<String, BTreeMap<String, BTreeSet<String>>>);

impl Rendered {
    /// Takes a text apart whose values have no quotes and no commas.
    pub(super) fn of(text: &str) -> Self {
        let mut rendered = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (sample, _) = line.rsplit_once(' ').unwrap();
            let (name, labels) = sample.split_once('{').unwrap_or((sample, "}"));
            let found = rendered.0.entry(name.to_owned()).or_default();
            let labels = labels.strip_suffix('}').unwrap();
            for label in labels.split(',').filter(|label| !label.is_empty()) {
                let (label, value) = label.split_once('=').unwrap();
                let values = found.entry(label.to_owned()).or_default();
                values.insert(value.trim_matches('"').to_owned());
            }
        }
        rendered
    }
}
