use jiff::SignedDuration;

use super::{
    Expectations, Fact, Look, Observation, Problem, Severity,
    test_data::{
        ago, backup, branch, catalog, id, judge, judge_by, now, observation, range, segment,
        timeline,
    },
};
use crate::{
    drill::DrillRecord,
    pg::SystemId,
    repository::{BackupState, StrayBackup, Survey},
    retention::{BarmanPolicy, Generations, Policy},
};

fn expectations() -> Expectations {
    Expectations {
        lag: Expectations::LAG,
        ..Expectations::default()
    }
}

/// Two days of history with a backup a day.
fn healthy() -> crate::catalog::Catalog {
    catalog(
        &[range(1, 10, 50)],
        vec![backup("first", 30, 10, 11), backup("second", 6, 30, 31)],
    )
}

fn facts(observations: &[Observation]) -> Vec<Fact> {
    let audit = judge(observations, &expectations());
    audit.findings.into_iter().map(|one| one.fact).collect()
}

fn with(change: impl FnOnce(&mut crate::catalog::Catalog)) -> Vec<Fact> {
    let mut catalog = healthy();
    change(&mut catalog);
    facts(&[observation("first", catalog)])
}

#[test]
fn what_is_well_is_told_without_findings() {
    let audit = judge(&[observation("first", healthy())], &expectations());

    let one = &audit.destinations[0];
    assert_eq!(audit.findings, []);
    assert_eq!((one.severity, one.holes.len(), one.segments), (None, 0, 41));
    assert_eq!(one.windows.len(), 1);
    assert_eq!(one.windows[0].backup, "first");
    let newest = one.newest.unwrap();
    assert_eq!(
        newest.position,
        segment(1, 51).start_lsn(super::test_data::SIZE)
    );
    assert_eq!(
        (newest.at, one.wal_bytes, one.backup_bytes),
        (Some(ago(1)), 100, 2000)
    );
}

#[test]
fn an_empty_bucket_is_loud() {
    let audit = judge(
        &[
            observation("first", healthy()),
            observation("second", catalog(&[], Vec::new())),
        ],
        &expectations(),
    );

    assert_eq!(audit.severity(), Some(Severity::Critical));
    let (first, second) = (id("first"), id("second"));
    let of_second: Vec<_> = audit.findings_of(&second).collect();
    assert_eq!(of_second[0].fact, Fact::NoBackup);
    assert_eq!(audit.findings_of(&first).count(), 0);
    let lag = audit.destinations[1].lag.as_ref().unwrap();
    assert_eq!((lag.segments, lag.best.as_str()), (41, "first"));
}

#[test]
fn what_cannot_be_read_is_not_called_empty() {
    let mut one = observation("first", healthy());
    one.catalog = Err("no answer".to_owned());

    let audit = judge(&[one, observation("second", healthy())], &expectations());

    assert!(!audit.destinations[0].is_readable);
    assert_eq!(audit.destinations[0].severity, Some(Severity::Critical));
    let error = "no answer".to_owned();
    assert_eq!(audit.findings[0].fact, Fact::Unreadable { error });
    assert_eq!(audit.findings.len(), 1);
}

#[test]
fn a_hole_before_the_newest_backup_leaves_two_windows() {
    let mut held = healthy();
    held.archives[0].segments = vec![range(1, 10, 19), range(1, 22, 50)];

    let audit = judge(&[observation("first", held)], &expectations());

    let windows = &audit.destinations[0].windows;
    let backups: Vec<_> = windows.iter().map(|window| &*window.backup).collect();
    assert_eq!(backups, ["first", "second"]);
    let hole = Fact::Hole {
        range: range(1, 20, 21),
        segments: 2,
    };
    assert_eq!(audit.findings[0].fact, hole);
    assert_eq!(audit.severity(), Some(Severity::Warning));
}

#[test]
fn a_hole_after_the_newest_backup_cuts_off() {
    let found = with(|held| held.archives[0].segments = vec![range(1, 10, 40), range(1, 45, 50)]);

    let cut_off = Fact::CutOff {
        range: range(1, 41, 44),
        segments: 4,
    };
    assert_eq!(found, std::slice::from_ref(&cut_off));
    assert_eq!(cut_off.severity(), Severity::Critical);
}

#[test]
fn a_backup_without_its_wal_cannot_be_restored() {
    let found = with(|held| held.archives[0].segments = vec![range(1, 10, 30), range(1, 32, 50)]);

    assert!(found.contains(&Fact::NotRestorable {
        backup: "second".to_owned(),
        segment: Some(segment(1, 31)),
        is_newest: true,
    }));
    let found = with(|held| held.archives[0].segments = vec![range(1, 45, 50)]);
    assert!(found.contains(&Fact::NothingRestorable), "{found:?}");
}

#[test]
fn recovery_follows_timelines_and_needs_their_histories() {
    let mut held = healthy();
    held.archives[0].segments = vec![range(1, 10, 50), range(2, 48, 60)];
    branch(&mut held, 2, 1, 48);

    let audit = judge(&[observation("first", held.clone())], &expectations());

    assert_eq!(audit.findings, []);
    let one = &audit.destinations[0];
    let ends: Vec<_> = one.windows.iter().map(|one| one.timeline.get()).collect();
    assert_eq!(ends, [1, 2]);
    assert_eq!(one.newest.unwrap().timeline, timeline(2));

    held.archives[0].timelines.clear();
    held.archives[0].histories.clear();
    let found = facts(&[observation("first", held)]);
    assert!(found.contains(&Fact::NoHistory {
        timeline: timeline(2),
        is_newest: true,
    }));
}

#[test]
fn a_hole_where_timelines_part_is_found() {
    let mut held = healthy();
    held.archives[0].segments = vec![range(1, 10, 45), range(2, 48, 60)];
    branch(&mut held, 2, 1, 48);

    let found = facts(&[observation("first", held)]);

    let range = range(1, 46, 47);
    let segments = 2;
    assert_eq!(found, [Fact::CutOff { range, segments }]);
}

#[test]
fn lag_is_tolerated_for_a_while() {
    let mut late = catalog(&[range(1, 10, 47)], healthy().backups);
    late.archives[0].newest = Some(ago(1) - SignedDuration::from_mins(4));
    let observe = |late| [observation("first", healthy()), observation("second", late)];
    let audit = judge(&observe(late.clone()), &expectations());
    assert_eq!(audit.findings, []);
    let lag = audit.destinations[1].lag.clone().unwrap();
    assert_eq!((lag.segments, lag.bytes, lag.seconds), (3, 3 << 24, 240));

    late.archives[0].newest = Some(ago(1) - SignedDuration::from_mins(5));
    let found = facts(&observe(late));

    let behind = Fact::Behind {
        best: id("first"),
        segments: 3,
        seconds: 300,
    };
    assert_eq!(found, [behind]);
}

#[test]
fn a_destination_without_the_newest_backup_is_told() {
    let old = catalog(&[range(1, 10, 50)], vec![backup("first", 30, 10, 11)]);

    let found = facts(&[observation("first", old), observation("second", healthy())]);

    let older = Fact::OlderBackup {
        best: id("second"),
        backup: "second".to_owned(),
    };
    assert_eq!(found, [older]);
}

#[test]
fn another_cluster_is_not_compared() {
    let mut other = healthy();
    for backup in &mut other.backups {
        backup.stored.system_id = Some(SystemId::new(8));
    }
    other.archives[0].segments = vec![range(1, 10, 90)];

    let audit = judge(
        &[
            observation("first", healthy()),
            observation("second", other),
        ],
        &expectations(),
    );

    let (found, expected) = (SystemId::new(8), SystemId::new(7));
    let facts: Vec<_> = audit.findings.into_iter().map(|one| one.fact).collect();
    assert_eq!(facts, [Fact::OtherCluster { found, expected }]);
    assert_eq!(audit.destinations[1].lag, None);
    assert_eq!(audit.destinations[0].lag.as_ref().unwrap().segments, 0);
}

#[test]
fn what_is_expected_is_asked_for() {
    let expectations = Expectations {
        wal_age: Some(SignedDuration::from_mins(59)),
        backup_age: Some(SignedDuration::from_hours(5)),
        proof_period: Some(SignedDuration::from_hours(24)),
        drill_age: Some(SignedDuration::from_hours(24)),
        ..expectations()
    };

    let audit = judge(&[observation("first", healthy())], &expectations);

    let found: Vec<_> = audit.findings.into_iter().map(|one| one.fact).collect();
    assert_eq!(
        found,
        [
            Fact::WalTooOld {
                newest: Some(ago(1))
            },
            Fact::BackupTooOld {
                newest: Some(ago(6))
            },
            Fact::NoDrill { last: None },
            Fact::NotProved {
                since: None,
                due: 43
            },
        ]
    );
    let met = Expectations {
        wal_age: Some(SignedDuration::from_mins(60)),
        backup_age: Some(SignedDuration::from_hours(6)),
        ..self::expectations()
    };
    assert_eq!(judge(&[observation("first", healthy())], &met).findings, []);
}

#[test]
fn what_was_read_again_is_not_due() {
    let mut one = observation("first", healthy());
    let proofs = &mut one.remembered.proofs;
    let size = super::test_data::SIZE;
    proofs.add_wal(range(1, 10, 50), ago(20), size);
    proofs.add_wal(range(1, 20, 29), ago(2), size);
    proofs.add_backup("first", ago(40));
    proofs.add_backup("second", ago(3));
    let expectations = Expectations {
        proof_period: Some(SignedDuration::from_hours(24)),
        ..expectations()
    };

    let audit = judge(std::slice::from_ref(&one), &expectations);

    let proof = audit.destinations[0].proof;
    assert_eq!(
        (proof.newest, proof.everything_since, proof.due),
        (Some(ago(2)), Some(ago(40)), 1)
    );
    let since = Some(ago(40));
    assert_eq!(audit.findings[0].fact, Fact::NotProved { since, due: 1 });
}

#[test]
fn what_was_found_damaged_stays_a_finding_until_it_is_read_again() {
    let mut one = observation("first", healthy());
    let size = super::test_data::SIZE;
    let proofs = &mut one.remembered.proofs;
    proofs.add_wal(range(1, 10, 50), ago(20), size);
    let name = segment(1, 20).to_string();
    let problem = || Problem::Damaged("cut".to_owned());
    proofs.add_oddity(&name, problem(), ago(1), size);
    proofs.add_oddity("second", problem(), ago(1), size);
    let differs = Problem::Differs(id("other"));
    proofs.add_oddity(&segment(1, 21).to_string(), differs, ago(1), size);

    let found = facts(std::slice::from_ref(&one));

    let corrupt = |what: String| Fact::Corrupt {
        what,
        problem: "cut".to_owned(),
    };
    let conflict = Fact::Conflict {
        name: segment(1, 21).to_string(),
        other: id("other"),
    };
    assert_eq!(
        found,
        [corrupt(name), conflict, corrupt("second".to_owned())]
    );
    let proofs = &mut one.remembered.proofs;
    assert_eq!(proofs.due_wal(&healthy(), ago(24)), [range(1, 20, 21)]);
    proofs.add_wal(range(1, 20, 21), now(), size);
    proofs.add_backup("second", now());
    assert_eq!(facts(&[one]), []);
}

#[test]
fn policies_that_cannot_be_met_are_told() {
    let judge = |policy| {
        let audit = judge_by(
            &[observation("first", healthy())],
            &expectations(),
            &[vec![policy]],
        );
        let found: Vec<_> = audit.findings.into_iter().map(|one| one.fact).collect();
        found
    };
    assert_eq!(judge(Policy::Barman(BarmanPolicy::window(1))), []);

    let mut daily = healthy();
    daily.backups = (0..6)
        .map(|day| {
            backup(
                &format!("b{day}"),
                150 - 24 * day,
                10 + day.cast_unsigned(),
                11 + day.cast_unsigned(),
            )
        })
        .collect();
    let hourly = Generations {
        hourly: 24,
        daily: 7,
        ..Generations::default()
    };
    let audit = judge_by(
        &[observation("first", daily.clone())],
        &expectations(),
        &[vec![Policy::Generations(hourly)]],
    );
    assert_eq!(
        audit.findings[0].fact,
        Fact::TooSeldom {
            wanted: "hours",
            every: 86_400
        }
    );
    let window = Policy::Barman(BarmanPolicy::window(1));
    let audit = judge_by(
        &[observation("first", daily)],
        &expectations(),
        &[vec![window]],
    );
    assert_eq!(
        audit.findings[0].fact,
        Fact::OlderThanPolicy {
            newest: ago(30),
            policy: "RECOVERY WINDOW OF 1 DAYS".to_owned()
        }
    );
}

#[test]
fn a_closer_look_tells_what_listings_do_not() {
    let mut one = observation("first", healthy());
    one.look = Some(Look {
        survey: Survey {
            objects: 60,
            foreign: 2,
            foreign_bytes: 10,
            ..Survey::default()
        },
        odd: vec![("second".to_owned(), "data.tar is missing".to_owned())],
    });

    let found = facts(&[one]);

    assert_eq!(
        found,
        [
            Fact::Objects {
                backup: "second".to_owned(),
                problem: "data.tar is missing".to_owned()
            },
            Fact::Foreign {
                objects: 2,
                bytes: 10,
                examples: Vec::new()
            },
        ]
    );
}

#[test]
fn unfinished_and_failed_backups_are_told() {
    let found = with(|held| {
        held.backups[1].stored.state = BackupState::Unfinished;
        held.backups[1].touched = Some(ago(2));
        held.strays.push(StrayBackup {
            id: "stray".to_owned(),
            is_complete: false,
            is_begun: true,
            touched: ago(100),
        });
    });

    let unfinished = |backup: &str, hours, is_abandoned| Fact::Unfinished {
        backup: backup.to_owned(),
        since: Some(ago(hours)),
        is_abandoned,
    };
    assert_eq!(
        found,
        [
            unfinished("stray", 100, true),
            unfinished("second", 2, false)
        ]
    );
    let found = with(|held| {
        let reason = Some("disk full".to_owned());
        held.backups[1].stored.state = BackupState::Failed { reason };
    });
    assert!(matches!(&found[..], [Fact::Failed { backup, .. }] if backup == "second"));
}

#[test]
fn a_drill_that_failed_is_critical() {
    let mut one = observation("first", healthy());
    one.remembered.drill = Some(DrillRecord {
        failure: Some("pg_amcheck found something".to_owned()),
        ..DrillRecord::new(ago(5), "second")
    });

    let found = facts(&[one]);

    let failed = Fact::DrillFailed {
        at: ago(5),
        reason: "pg_amcheck found something".to_owned(),
    };
    assert_eq!(found, std::slice::from_ref(&failed));
    assert_eq!(failed.severity(), Severity::Critical);
}
