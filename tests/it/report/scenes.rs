//! Audits of destinations that are well, lost, behind, damaged and crowded.

use jiff::{SignedDuration, Timestamp};
use walcast::{
    audit::{
        Audit, AuditedBackup, DestinationAudit, Fact, Finding, Hole, Lag, Level, Newest,
        ProofStatus,
    },
    destination::DestinationId,
    drill::DrillRecord,
    pg::{Lsn, SegmentName, SegmentRange, SegmentSize, TimelineId},
    repository::{BackupKind, Format},
    restore::plan::Window,
};

/// When all scenes are looked at.
pub(crate) fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

/// Returns the time so many minutes before.
pub(crate) fn minutes_ago(minutes: i64) -> Timestamp {
    now() - SignedDuration::from_mins(minutes)
}

pub(crate) const HOUR: i64 = 60;
pub(crate) const DAY: i64 = 24 * HOUR;

/// Returns the position that the cluster had then: a segment in four minutes, for years.
pub(crate) fn position(time: Timestamp) -> Lsn {
    let minutes = now().duration_since(time).as_secs() / 60;
    Lsn::new((4_000_000_000 - u64::try_from(minutes).unwrap()) * (4 << 20))
}

pub(crate) fn timeline(number: u32) -> TimelineId {
    TimelineId::new(number).unwrap()
}

pub(crate) fn id(text: &str) -> DestinationId {
    text.parse().unwrap()
}

/// Returns an audit of these destinations; the findings come as they are found.
pub(crate) fn audit(destinations: Vec<(DestinationAudit, Vec<Fact>)>) -> Audit {
    let (mut judged, mut findings) = (Vec::new(), Vec::new());
    for (mut one, facts) in destinations {
        one.severity = facts.iter().map(Fact::severity).max();
        findings.extend(facts.into_iter().map(|fact| Finding {
            destination: one.id.clone(),
            severity: fact.severity(),
            message: fact.to_string(),
            hint: fact.hint(),
            fact,
        }));
        judged.push(one);
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    Audit {
        at: now(),
        level: Level::Metadata,
        destinations: judged,
        findings,
    }
}

/// Returns a destination that is there and has nothing.
pub(crate) fn empty(name: &str) -> DestinationAudit {
    DestinationAudit {
        id: id(name),
        format: Format::Barman,
        location: format!("s3://backups-{name} at s3.eu-central-1.amazonaws.com/postgres/main"),
        severity: None,
        is_readable: true,
        windows: Vec::new(),
        holes: Vec::new(),
        newest: None,
        lag: None,
        backups: Vec::new(),
        last_failed_backup: None,
        policies: vec!["RECOVERY WINDOW OF 28 DAYS".to_owned()],
        next_removed: Vec::new(),
        wal_bytes: 0,
        backup_bytes: 0,
        segments: 0,
        newest_wal: None,
        proof: ProofStatus::default(),
        drill: None,
    }
}

/// Returns a destination that cannot be read.
pub(crate) fn unreadable(name: &str) -> (DestinationAudit, Vec<Fact>) {
    let error = "listing wals/: no answer within 30s: connection refused".to_owned();
    let one = DestinationAudit {
        is_readable: false,
        ..empty(name)
    };
    (one, vec![Fact::Unreadable { error }])
}

/// Returns a backup that ended then.
pub(crate) fn backup(ended: Timestamp, kind: BackupKind, size: u64) -> AuditedBackup {
    let began = ended - SignedDuration::from_mins(14);
    AuditedBackup {
        id: began.strftime("%Y%m%dT%H%M%S").to_string(),
        name: None,
        kind,
        began: Some(began),
        ended: Some(ended),
        timeline: Some(timeline(1)),
        stop: Some(position(ended)),
        stored_size: size,
        is_restorable: true,
        problem: None,
        reaches: None,
        proved: None,
    }
}

/// Returns a window that begins with this backup.
pub(crate) fn window(
    name: &str,
    number: u32,
    first: &AuditedBackup,
    to: Timestamp,
    is_newest: bool,
) -> Window {
    Window {
        destination: id(name),
        timeline: timeline(number),
        backup: first.id.clone(),
        from: first.stop.unwrap(),
        since: first.ended,
        to: position(to),
        until: is_newest.then_some(to),
    }
}

/// Returns the segments that were written between two times, as missing.
pub(crate) fn hole(from: Timestamp, to: Timestamp) -> Hole {
    let size = SegmentSize::default();
    let first = SegmentName::containing(position(from), timeline(1), size);
    let last = SegmentName::containing(position(to), timeline(1), size);
    let range = SegmentRange { first, last };
    Hole {
        range,
        segments: range.count(size),
        from: first.start_lsn(size),
        to: last.next(size).start_lsn(size),
    }
}

/// Returns a destination with a backup each day for so many days, and all WAL until so many
/// minutes ago.
pub(crate) fn daily(name: &str, days: i64, until: i64) -> DestinationAudit {
    let backups: Vec<_> = (0..days)
        .rev()
        .map(|day| {
            let grown = u64::try_from(days - day).unwrap();
            let (kind, size) = if day % 7 == 0 {
                (BackupKind::Full, (40 << 30) + grown * (160 << 20))
            } else {
                (
                    BackupKind::Incremental,
                    (3 << 30) + (grown * 397 % 11) * (300 << 20),
                )
            };
            backup(minutes_ago(day * DAY + 10 * HOUR), kind, size)
        })
        .collect();
    let to = minutes_ago(until);
    DestinationAudit {
        windows: vec![window(name, 1, &backups[0], to, true)],
        newest: Some(Newest {
            timeline: timeline(1),
            position: position(to),
            at: Some(to),
        }),
        lag: Some(Lag {
            best: id(name),
            segments: 0,
            bytes: 0,
            seconds: 0,
        }),
        wal_bytes: 61 << 30,
        backup_bytes: backups.iter().map(|one| one.stored_size).sum(),
        segments: 11_160,
        newest_wal: Some(to),
        proof: ProofStatus {
            newest: Some(minutes_ago(9 * HOUR)),
            everything_since: Some(minutes_ago(6 * DAY)),
            due: 0,
        },
        drill: Some(drill(None)),
        backups,
        ..empty(name)
    }
}

pub(crate) fn drill(failure: Option<&str>) -> DrillRecord {
    DrillRecord {
        at: minutes_ago(3 * DAY),
        backup: "20260226T014600".to_owned(),
        failure: failure.map(str::to_owned),
        restore_ms: 754_000,
        recovery_ms: 63_000,
        check_ms: 41_500,
        files: 1912,
        bytes: 118 << 30,
        timeline: Some(timeline(1)),
        reached: Some(position(minutes_ago(3 * DAY))),
        last_commit: Some(minutes_ago(3 * DAY + 1)),
        databases: vec!["app".to_owned(), "postgres".to_owned()],
        answer: Some("42 orders".to_owned()),
        machine: "drill-host".to_owned(),
    }
}

/// A destination that is well, one that is empty, and one that lags and has a hole.
pub(crate) fn troubled() -> Audit {
    let mut frankfurt = daily("frankfurt", 30, 2);
    frankfurt.next_removed = frankfurt.backups[..2]
        .iter()
        .map(|one| one.id.clone())
        .collect();

    let oregon = empty("oregon");

    let mut vault = daily("vault", 30, 3 * HOUR);
    vault.format = Format::PgBackRest;
    vault.location = "file:///mnt/vault/pgbackrest".into();
    let (cut, mended) = (minutes_ago(12 * DAY + 7 * HOUR), minutes_ago(12 * DAY));
    let missing = hole(cut, mended);
    let before = window("vault", 1, &vault.backups[0], cut, false);
    let after = vault
        .backups
        .iter()
        .position(|one| one.ended.unwrap() > mended)
        .unwrap();
    let spoilt = &mut vault.backups[after - 1];
    spoilt.is_restorable = false;
    spoilt.problem = Some(format!("{} is missing", missing.range.first));
    let damaged = Fact::NotRestorable {
        backup: spoilt.id.clone(),
        segment: Some(missing.range.first),
        is_newest: false,
    };
    vault.windows = vec![
        Window {
            to: missing.from,
            ..before
        },
        window(
            "vault",
            1,
            &vault.backups[after],
            minutes_ago(3 * HOUR),
            true,
        ),
    ];
    vault.lag = Some(Lag {
        best: id("frankfurt"),
        segments: 44,
        bytes: 44 << 24,
        seconds: 178 * 60,
    });
    vault.holes = vec![missing];
    vault.drill = Some(drill(Some("pg_amcheck found 2 problems in app")));
    vault.proof = ProofStatus {
        newest: Some(minutes_ago(9 * HOUR)),
        everything_since: None,
        due: 312,
    };
    let facts = vec![
        Fact::Behind {
            best: id("frankfurt"),
            segments: 44,
            seconds: 178 * 60,
        },
        Fact::Hole {
            range: missing.range,
            segments: missing.segments,
        },
        damaged,
        Fact::NotProved {
            since: None,
            due: 312,
        },
    ];
    let foreign = Fact::Foreign {
        objects: 3,
        bytes: 4_200,
        examples: vec!["postgres/main/notes.txt".to_owned()],
    };
    audit(vec![
        (frankfurt, vec![foreign]),
        (oregon, vec![Fact::NoBackup]),
        (vault, facts),
    ])
}

/// One destination, as it should be.
pub(crate) fn sound() -> Audit {
    audit(vec![(daily("local", 9, 3), Vec::new())])
}

/// Six destinations: long names, a thousand backups, many holes, several timelines, and those of
/// which nothing is known.
pub(crate) fn crowded() -> Audit {
    let long = "a-destination-whose-name-somebody-made-very-long-so-that-it-says-where-it-is-in-europe-central-1";
    let mut thousand = daily(long, 1, 5);
    thousand.backups = (0..1000)
        .rev()
        .map(|number| {
            backup(
                minutes_ago(number * 12 * HOUR + 60),
                BackupKind::Full,
                1 << 30,
            )
        })
        .collect();
    thousand.windows = vec![window(long, 1, &thousand.backups[0], minutes_ago(5), true)];
    thousand.next_removed = thousand.backups[..400]
        .iter()
        .map(|one| one.id.clone())
        .collect();

    let mut torn = daily("torn", 300, 4);
    torn.holes = (0..250)
        .map(|number| {
            hole(
                minutes_ago(number * DAY + 700),
                minutes_ago(number * DAY + 600),
            )
        })
        .collect();
    torn.windows = (0..250_usize)
        .map(|number| {
            let first = &torn.backups[49 + number];
            window(
                "torn",
                1,
                first,
                first.ended.unwrap() + SignedDuration::from_hours(22),
                number == 249,
            )
        })
        .collect();
    let lost: Vec<_> = torn
        .holes
        .iter()
        .map(|hole| Fact::Hole {
            range: hole.range,
            segments: hole.segments,
        })
        .collect();

    let mut forked = daily("forked", 200, 6);
    let first = forked.backups[0].clone();
    forked.windows = (1..=7)
        .map(|number| {
            window(
                "forked",
                number,
                &first,
                minutes_ago(i64::from(7 - number) * 20 * DAY + 6),
                number == 7,
            )
        })
        .collect();

    audit(vec![
        (thousand, Vec::new()),
        (torn, lost),
        (forked, Vec::new()),
        unreadable("unreachable"),
        (empty("vacant"), vec![Fact::NoBackup]),
        (daily("plain", 40, 9), Vec::new()),
    ])
}

/// None can be read.
pub(crate) fn dark() -> Audit {
    audit(vec![unreadable("frankfurt"), unreadable("oregon")])
}

/// Names that would like to be more than names.
pub(crate) fn hostile() -> Audit {
    let name = "<script>document.title='taken'<\\script>\"'&amp;`\u{202e}";
    let mut one = daily(name, 3, 1);
    one.location = "s3://x\" onmouseover=\"document.title='taken'".into();
    one.policies = vec!["</style><script>document.title='taken'</script>".to_owned()];
    one.backups[0].id = "<img src=x onerror=\"document.title='taken'\">".into();
    one.backups[0].name = Some("]]></title><script>document.title='taken'</script>".to_owned());
    let problem = "`<b>` \u{0} \u{1b}[31m </p> <!-- ".to_owned();
    let fact = Fact::DamagedRecord {
        backup: "--><svg onload=alert(1)>".to_owned(),
        problem,
    };
    audit(vec![(one, vec![fact])])
}
