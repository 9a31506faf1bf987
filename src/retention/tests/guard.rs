//! What no policy may do.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::{super::*, samples::*};
use crate::{
    pg::SystemId,
    repository::{BackupKind, BackupState, Catalog, DamagedBackup, Error, Keep, StrayBackup},
};

fn barman(events: &[Event]) -> (Catalog, Timestamp) {
    replay(Format::Barman, events)
}

/// Four full backups, one a day.
fn four() -> Vec<Event> {
    vec![Event::new(BackupKind::Full, 24); 4]
}

fn one() -> Policy {
    Policy::Barman(BarmanPolicy::redundancy(1))
}

fn gone(plan: &Plan) -> usize {
    plan.removed.len()
}

#[track_caller]
fn check_refused(held: &(Catalog, Timestamp), expected: impl Fn(&Refusal) -> bool) {
    let format = if held.0.archives[0].id.is_empty() {
        Format::Barman
    } else {
        Format::PgBackRest
    };
    let policy = match format {
        Format::PgBackRest => Policy::PgBackRest(PgBackRestPolicy {
            full: Fulls::Count(1),
            wal: WalRule::Backups(1, BackupKind::Full),
            ..PgBackRestPolicy::default()
        }),
        _ => one(),
    };
    let plan = plan(format, &policy, held);
    assert!(plan.is_empty(), "{:?}", plan.steps);
    assert!(plan.refusals.iter().any(expected), "{:?}", plan.refusals);
    assert!(plan.refusals.iter().all(Refusal::is_total));
    assert_eq!(plan.kept.len(), held.0.backups.len());
    assert!(
        plan.kept
            .iter()
            .all(|backup| backup.reasons == [Reason::Refused])
    );
}

#[test]
fn nothing_is_deleted_while_a_record_is_damaged() {
    let mut held = barman(&four());
    held.0.damaged.push(DamagedBackup {
        id: "20260101T000000".to_owned(),
        error: Error::NoBackup {
            repository: "here".to_owned(),
            id: "20260101T000000".to_owned(),
        },
    });

    check_refused(&held, |refusal| matches!(refusal, Refusal::Damaged { .. }));
}

#[test]
fn nothing_is_deleted_by_a_clock_that_is_wrong() {
    let (catalog, now) = barman(&four());
    let before = now - SignedDuration::from_hours(101);
    check_refused(&(catalog.clone(), before), |refusal| {
        matches!(refusal, Refusal::Clock { .. })
    });

    let mut held = (catalog, now);
    held.0.archives[0].newest = Some(now + SignedDuration::from_hours(1));
    check_refused(&held, |refusal| matches!(refusal, Refusal::Clock { .. }));
}

#[test]
fn nothing_is_deleted_while_somebody_takes_a_backup() {
    let mut events = four();
    events.push(Event {
        state: BackupState::Unfinished,
        ..Event::new(BackupKind::Full, 1)
    });
    let (catalog, later) = barman(&events);
    let soon = later - SignedDuration::from_hours(99);

    check_refused(&(catalog.clone(), soon), |refusal| {
        matches!(refusal, Refusal::InProgress { .. })
    });

    let mut written = (catalog.clone(), later);
    written.0.backups[4].touched = Some(later - SignedDuration::from_hours(1));
    check_refused(&written, |refusal| {
        matches!(refusal, Refusal::InProgress { .. })
    });

    let given_up = plan(Format::Barman, &one(), &(catalog, later));
    assert_eq!((gone(&given_up), given_up.refusals.len()), (3, 0));
}

#[test]
fn places_that_no_record_lists_are_left_alone_while_they_are_new() {
    let (mut catalog, now) = replay(Format::PgBackRest, &four());
    let stray = |hours: i64, is_complete: bool| StrayBackup {
        id: "20260101-000000F".to_owned(),
        is_complete,
        is_begun: true,
        touched: now - SignedDuration::from_hours(hours),
    };
    for (hours, is_complete) in [(1, false), (1000, true)] {
        catalog.strays = vec![stray(hours, is_complete)];
        check_refused(&(catalog.clone(), now), |refusal| match refusal {
            Refusal::InProgress { .. } => !is_complete,
            Refusal::Unlisted { .. } => is_complete,
            _ => false,
        });
    }

    catalog.strays = vec![stray(1000, false)];
    let policy = Policy::PgBackRest(PgBackRestPolicy::default());
    let plan = plan(Format::PgBackRest, &policy, &(catalog, now));

    assert_eq!(
        plan.steps,
        [Step::Backups(vec!["20260101-000000F".to_owned()])]
    );
}

#[test]
fn nothing_is_deleted_where_clusters_are_mixed() {
    let mut held = barman(&four());
    let system_ids = [1, 2, 1, 2].map(SystemId::new);
    for (backup, id) in held.0.backups.iter_mut().zip(system_ids) {
        backup.stored.system_id = Some(id);
    }

    check_refused(&held, |refusal| matches!(refusal, Refusal::Clusters(_)));

    let upgraded = [1, 1, 2, 2].map(SystemId::new);
    for (backup, id) in held.0.backups.iter_mut().zip(upgraded) {
        backup.stored.system_id = Some(id);
    }
    assert_eq!(gone(&plan(Format::Barman, &one(), &held)), 3);
}

#[test]
fn nothing_is_deleted_if_a_record_does_not_say_enough() {
    let mut held = barman(&four());
    held.0.backups[3].stored.first_segment = None;
    check_refused(&held, |refusal| {
        matches!(refusal, Refusal::Incomplete { .. })
    });

    let mut held = replay(Format::PgBackRest, &four());
    held.0.backups[3].prior = Some("20260101-000000F".to_owned());
    check_refused(&held, |refusal| matches!(refusal, Refusal::NoPrior { .. }));
}

#[test]
fn nothing_is_deleted_where_nothing_can_be_restored() {
    let mut held = barman(&four());
    held.0.archives[0].segments.clear();

    check_refused(&held, |refusal| *refusal == Refusal::NothingRestorable);
}

#[test]
fn policies_that_contradict_each_other_delete_nothing() {
    let held = barman(&four());
    let window = Policy::Barman(BarmanPolicy::window(1));
    let pgbackrest = Policy::PgBackRest(PgBackRestPolicy::default());
    let nothing = Policy::Generations(Generations::default());
    for policies in [&[one(), window][..], &[pgbackrest], &[nothing]] {
        let request = RetentionRequest {
            destination: DestinationId::parse("here").unwrap(),
            format: Format::Barman,
            policies,
            moment: Moment {
                now: held.1,
                zone: TimeZone::UTC,
            },
        };

        let plan = request.plan(&held.0);

        assert!(plan.is_empty());
        assert!(matches!(plan.refusals[..], [Refusal::Policy(_)]));
        assert!(plan.refusals[0].to_string().starts_with("the policy: "));
    }
}

#[test]
fn a_destination_that_is_behind_keeps_an_older_backup() {
    let mut events = four();
    events[3].lacks_wal = true;
    let (catalog, now) = barman(&events);
    let missing = catalog.backups[3].stored.first_segment;

    let plan = plan(Format::Barman, &one(), &(catalog, now));

    assert_eq!(gone(&plan), 2);
    assert_eq!(plan.kept[0].reasons, [Reason::StandsIn]);
    let id = plan.kept[1].id.clone();
    let behind = Refusal::Behind {
        backup: id,
        segment: missing,
    };
    assert_eq!(plan.refusals, [behind]);
}

#[test]
fn the_newest_backup_that_can_be_restored_stays() {
    let held = barman(&four());
    let nothing = Policy::Barman(BarmanPolicy::redundancy(0));

    let plan = plan(Format::Barman, &nothing, &held);

    assert_eq!(gone(&plan), 3);
    assert_eq!(plan.kept[0].reasons, [Reason::NewestRestorable]);
    assert!(matches!(
        plan.refusals[..],
        [Refusal::NewestRestorable { .. }]
    ));
}

#[test]
fn a_keep_on_a_damaged_backup_changes_nothing_for_the_others() {
    let mut events = four();
    events[0].keep = Some(Keep::Full);
    events[0].is_whole = false;
    let held = barman(&events);

    let plan = plan(Format::Barman, &one(), &held);

    assert_eq!(plan.kept.len(), 2);
    assert_eq!(plan.kept[0].reasons, [Reason::Annotated(Keep::Full)]);
    let wal = plan
        .steps
        .iter()
        .filter(|step| matches!(step, Step::Wal(_)));
    assert_eq!(wal.count(), 0);
}

#[test]
fn without_a_policy_everything_stays() {
    let (catalog, now) = barman(&four());
    let request = RetentionRequest {
        destination: DestinationId::parse("here").unwrap(),
        format: Format::Barman,
        policies: &[],
        moment: Moment {
            now,
            zone: TimeZone::UTC,
        },
    };

    let plan = request.plan(&catalog);

    assert!(plan.is_empty() && plan.refusals.is_empty());
    assert!(
        plan.kept
            .iter()
            .all(|backup| backup.reasons == [Reason::Everything])
    );
    assert_eq!(plan.before, plan.after);
}

#[test]
fn generations_keep_the_newest_of_each() {
    // One each 12 hours for a month.
    let events = vec![Event::new(BackupKind::Full, 12); 60];
    let held = barman(&events);
    let wanted = Generations {
        daily: 3,
        weekly: 2,
        monthly: 12,
        wal_days: Some(5),
        ..Generations::default()
    };

    let plan = plan(Format::Barman, &Policy::Generations(wanted), &held);

    insta::assert_snapshot!(describe(&plan), @r"
    20260930T141320: it is the newest of the month 2026-09
    20261018T141320: it is the newest of the week 2026-W42
    20261019T141320: it is the newest of the day 2026-10-19
    20261020T141320: it is the newest of the day 2026-10-20
    20261021T141320: it is the newest of the day 2026-10-21; it is the newest of the week 2026-W43; it is the newest of the month 2026-10
    WAL 000000010000000000000001 to 00000001000000000000006A
    WAL 00000001000000000000006D to 000000010000000100000042
    WAL 000000010000000100000045 to 00000001000000010000004E
    WAL 000000010000000100000051 to 00000001000000010000005A
    ");
}

fn describe(plan: &Plan) -> String {
    let kept = plan.kept.iter().map(|backup| {
        let reasons: Vec<_> = backup.reasons.iter().map(ToString::to_string).collect();
        format!("{}: {}\n", backup.id, reasons.join("; "))
    });
    let wal = plan.steps.iter().filter_map(|step| match step {
        Step::Wal(selection) => Some(&selection.segments),
        Step::Backups(_) | Step::Records(_) => None,
    });
    let wal = wal
        .flatten()
        .map(|range| format!("WAL {} to {}\n", range.first, range.last));
    kept.chain(wal).collect()
}
