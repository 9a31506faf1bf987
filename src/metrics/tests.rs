use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::{
    fanout::{DestinationState, DestinationStatus, SpoolStatus},
    pg::Lsn,
    repository::Format,
    store::{Class, Count, Latency, Operation},
};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

/// A destination of which little is known.
fn destination(name: &str) -> DestinationStatus {
    DestinationStatus {
        id: name.parse().unwrap(),
        format: Format::PgBackRest,
        location: "pgbackrest:s3://backups".into(),
        state: DestinationState::Behind,
        owed: 2,
        owed_bytes: 32 << 20,
        gaps: 0,
        conflicts: 0,
        oldest_owed: None,
        owed_since: None,
        comparing: false,
        last_stored: None,
        last_stored_at: None,
        failures: 0,
        next_attempt: None,
        error: Some("a message".into()),
        hint: None,
    }
}

fn status(destinations: Vec<DestinationStatus>) -> Status {
    Status {
        at: at(0),
        system_id: None,
        last_archived: None,
        last_archived_at: None,
        spool: SpoolStatus {
            path: "/spool".into(),
            files: 2,
            bytes: 32 << 20,
            abandoned: Vec::new(),
        },
        destinations,
    }
}

fn holdings() -> Holdings {
    Holdings {
        at: at(-10),
        lag: None,
        holes: 0,
        missing_segments: 0,
        usable_backups: 0,
        first_recoverable: None,
        last_recoverable: None,
        last_backup: None,
        last_failed_backup: None,
        last_proof: None,
        wal_bytes: 0,
        backup_bytes: 0,
    }
}

/// What is there of everything, with one operation.
fn whole() -> Snapshot {
    let known = DestinationStatus {
        owed_since: Some(at(-60)),
        last_stored_at: Some(at(-61)),
        next_attempt: Some("2026-09-21T15:06:40.25Z".parse().unwrap()),
        failures: 3,
        state: DestinationState::Down,
        ..destination("oregon")
    };
    let id = known.id.clone();
    let point = |lsn, second| Point {
        lsn: Lsn::new(lsn),
        time: Some(at(second)),
    };
    let found = Holdings {
        lag: Some(Lag {
            segments: 2,
            bytes: 32 << 20,
            time: Duration::from_millis(61_500),
        }),
        holes: 1,
        missing_segments: 3,
        usable_backups: 4,
        first_recoverable: Some(point(0x0300_0028, -100_000)),
        last_recoverable: Some(point(0x16_B374_D848, -61)),
        last_backup: Some(at(-4_000)),
        last_failed_backup: Some(at(-90_000)),
        last_proof: Some(at(-200_000)),
        wal_bytes: 5 << 30,
        backup_bytes: 60 << 30,
        ..holdings()
    };
    let mut latency = Latency {
        sum: Duration::from_millis(1_250),
        ..Latency::default()
    };
    latency.buckets[4] = 20;
    latency.buckets[14] = 1;
    let measured = Measured {
        operation: Operation::BeginUpload,
        count: Count {
            requests: 22,
            errors: 1,
            bytes_in: 0,
            bytes_out: 1_000,
        },
        errors: vec![(Class::Throttled, 1)],
        latency,
    };
    Snapshot {
        requests: vec![(id.clone(), vec![measured])],
        holdings: vec![(id, found)],
        ..Snapshot::new(status(vec![known]), Source::Resident)
    }
}

fn names(text: &str) -> Vec<&str> {
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    let mut names: Vec<&str> = samples
        .map(|line| line.split(['{', ' ']).next().unwrap())
        .collect();
    names.dedup();
    names
}

#[test]
fn everything_that_is_known_is_told() {
    let text = whole().render();

    insta::assert_snapshot!(text.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
}

#[test]
fn what_is_not_known_has_no_sample() {
    let mut snapshot = Snapshot::new(status(vec![destination("a")]), Source::Unknown);
    let id = snapshot.status.destinations[0].id.clone();

    let expected = [
        "walcast_build_info",
        "walcast_status_timestamp_seconds",
        "walcast_resident_up",
        "walcast_status_known",
        "walcast_spool_files",
        "walcast_spool_bytes",
        "walcast_owed_files",
        "walcast_owed_bytes",
        "walcast_gap_files",
        "walcast_conflict_files",
        "walcast_destination_info",
    ];
    assert_eq!(names(&snapshot.render()), expected);

    snapshot.holdings.push((id, holdings()));
    let looked_at = [
        "walcast_audit_timestamp_seconds",
        "walcast_wal_holes",
        "walcast_wal_missing_segments",
        "walcast_usable_backups",
        "walcast_stored_bytes",
    ];
    let expected = [&expected[..], &looked_at].concat();
    assert_eq!(names(&snapshot.render()), expected);
}

#[test]
fn a_destination_has_one_state() {
    let text = whole().render();

    let states = text.lines().filter(|line| line.contains("state=\""));
    let states: Vec<&str> = states.filter(|line| line.ends_with(" 1")).collect();
    let expected = r#"walcast_destination_state{destination="oregon",state="down"} 1"#;
    assert_eq!(states, [expected]);
}

#[test]
fn the_breaker_is_open_until_an_attempt_succeeds() {
    let open = "walcast_breaker_open{destination=\"a\"} ";
    let told = |state, next_attempt| {
        let one = DestinationStatus {
            state,
            next_attempt,
            ..destination("a")
        };
        let text = Snapshot::new(status(vec![one]), Source::Spool).render();
        let value = text.lines().find_map(|line| line.strip_prefix(open));
        value.map(str::to_owned)
    };

    for state in [DestinationState::Down, DestinationState::Refused] {
        assert_eq!(told(state, None).as_deref(), Some("1"), "{state:?}");
    }
    assert_eq!(told(DestinationState::Behind, None).as_deref(), Some("0"));
    let paused = told(DestinationState::Conflict, Some(at(1)));
    assert_eq!(paused.as_deref(), Some("1"));
}

#[test]
fn addresses_and_messages_are_not_told() {
    let text = whole().render();

    assert!(
        !text.contains("backups\"") && !text.contains("s3:"),
        "{text}"
    );
    assert!(!text.contains("a message"), "{text}");
}

#[test]
fn names_are_escaped() {
    let odd = destination(r#"a "b"\c"#);

    let text = Snapshot::new(status(vec![odd]), Source::Spool).render();

    let sample = r#"walcast_owed_files{destination="a \"b\"\\c"} 2"#;
    assert!(text.lines().any(|line| line == sample), "{text}");
}

#[test]
fn a_snapshot_survives_the_way_to_another_process() {
    let snapshot = whole();

    let line = serde_json::to_string(&snapshot).unwrap();

    assert_eq!(serde_json::from_str::<Snapshot>(&line).unwrap(), snapshot);
}
