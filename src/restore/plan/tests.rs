use super::*;
use crate::repository::Annotations;

const SIZE: SegmentSize = SegmentSize::DEFAULT;

fn time(hour: i64) -> Timestamp {
    let start: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
    start + jiff::SignedDuration::from_hours(hour)
}

fn timeline(number: u32) -> TimelineId {
    TimelineId::new(number).unwrap()
}

fn lsn(segment: u64) -> Lsn {
    Lsn::new(segment * SIZE.bytes())
}

fn wal(number: u32, first: u64, last: u64) -> SegmentRange {
    let name = |at| SegmentName::from_number(timeline(number), at, SIZE);
    SegmentRange {
        first: name(first),
        last: name(last),
    }
}

/// A backup whose hour of end is its first segment, and which needs that one alone.
fn backup(id: &str, number: u32, segment: u64) -> StoredBackup {
    let name = SegmentName::from_number(timeline(number), segment, SIZE);
    StoredBackup {
        id: id.to_owned(),
        name: Some(format!("name of {id}")),
        annotations: Annotations::default(),
        state: BackupState::Complete,
        began: None,
        ended: Some(time(i64::try_from(segment).unwrap())),
        system_id: Some(SystemId::new(7)),
        server_version: Some(150_020),
        segment_size: Some(SIZE),
        timeline: Some(timeline(number)),
        start: lsn(segment).checked_add(40),
        stop: lsn(segment).checked_add(4096),
        first_segment: Some(name),
        last_segment: Some(name),
        size: None,
        stored_size: 1000,
        keep: None,
    }
}

fn holdings(id: &str, backups: Vec<StoredBackup>, wal: Vec<SegmentRange>) -> Holdings {
    Holdings {
        destination: id.parse().unwrap(),
        backups,
        wal,
        histories: Vec::new(),
        archived_until: None,
    }
}

fn request(target: RecoveryTarget) -> RestoreRequest {
    RestoreRequest {
        target,
        timeline: TargetTimeline::Latest,
        backup: None,
        system_id: None,
        segment_size: SIZE,
    }
}

/// Two destinations with the same two backups; the first one's archive has a gap.
fn two() -> [Holdings; 2] {
    let backups = || vec![backup("A", 1, 3), backup("B", 1, 10)];
    [
        holdings("here", backups(), vec![wal(1, 1, 5), wal(1, 9, 20)]),
        holdings("there", backups(), vec![wal(1, 2, 12)]),
    ]
}

#[test]
fn the_newest_backup_that_ended_before_the_target_is_taken() {
    let holdings = two();
    for (target, id) in [
        (RecoveryTarget::Latest, "B"),
        (RecoveryTarget::Immediate, "B"),
        (RecoveryTarget::Xid(9), "B"),
        (RecoveryTarget::Time(time(10)), "B"),
        (RecoveryTarget::Time(time(9)), "A"),
        (RecoveryTarget::Lsn(lsn(11)), "B"),
        (RecoveryTarget::Lsn(lsn(10)), "A"),
    ] {
        let plan = request(target.clone()).plan(&holdings).unwrap();
        assert_eq!(plan.backup.id, id, "{target}");
        assert_eq!(plan.passed_over, [], "{target}");
    }
}

#[test]
fn wal_comes_from_all_destinations_together() {
    let plan = request(RecoveryTarget::Time(time(4))).plan(&two()).unwrap();

    assert_eq!(plan.wal, [wal(1, 3, 20)]);
    assert_eq!(plan.missing, []);
    assert_eq!((plan.wal_segments, plan.wal_bytes), (18, 18 * SIZE.bytes()));
    assert_eq!(
        plan.to_string(),
        "backup   A (name of A), ended 2026-11-22T03:00:00Z\n\
         from     here, 1000 bytes\n\
         from     there, 1000 bytes\n\
         target   time 2026-11-22T04:00:00Z on timeline 00000001\n\
         wal      000000010000000000000003 to 000000010000000000000014\n\
         \x20        18 segments, 301989888 bytes when decoded\n\
         \x20        15 of them in here\n\
         \x20        10 of them in there\n"
    );
    let json = serde_json::to_value(&plan).unwrap();
    assert_eq!(json["walFrom"][1]["segments"], 10);
    assert_eq!(json["wal"][0]["last"], "000000010000000000000014");
}

#[test]
fn the_end_of_the_backup_and_a_position_need_no_more_than_up_to_there() {
    let holdings = two();

    let plan = request(RecoveryTarget::Immediate).plan(&holdings).unwrap();
    assert_eq!(plan.wal, [wal(1, 10, 10)]);
    let plan = request(RecoveryTarget::Lsn(lsn(13)))
        .plan(&holdings)
        .unwrap();
    assert_eq!(plan.wal, [wal(1, 10, 13)]);
}

#[test]
fn a_target_out_of_reach_is_told_with_what_is_in_reach() {
    let [here, there] = two();

    let plan = |target| request(target).plan(&[here.clone(), there.clone()]);
    let error = plan(RecoveryTarget::Time(time(2))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no backup leads to time 2026-11-22T02:00:00Z; \
         B: it ended later, at 2026-11-22T10:00:00Z; \
         A: it ended later, at 2026-11-22T03:00:00Z; \
         here: from 0/3001000 (2026-11-22T03:00:00Z) to 0/6000000 on timeline 00000001; \
         here: from 0/A001000 (2026-11-22T10:00:00Z) to 0/15000000 on timeline 00000001; \
         there: from 0/3001000 (2026-11-22T03:00:00Z) to 0/D000000 on timeline 00000001"
    );
    let error = plan(RecoveryTarget::Lsn(lsn(21))).unwrap_err();
    let PlanError::OutOfReach { passed_over, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(
        passed_over[0].reason,
        Unsuitable::MissingWal(vec![wal(1, 21, 21)])
    );
}

#[test]
fn what_was_committed_after_the_newest_segment_was_stored_is_out_of_reach() {
    let mut holdings = two();
    let plan = |holdings: &[Holdings]| request(RecoveryTarget::Time(time(30))).plan(holdings);

    holdings[0].archived_until = Some(time(20));
    assert!(
        plan(&holdings).is_ok(),
        "the other destination is not known"
    );
    holdings[1].archived_until = Some(time(12));
    let PlanError::OutOfReach { passed_over, .. } = plan(&holdings).unwrap_err() else {
        panic!("another error was expected");
    };
    assert_eq!(passed_over[0].reason, Unsuitable::NotYetArchived(time(20)));
}

#[test]
fn a_gap_is_told_and_a_backup_that_lacks_wal_of_its_own_is_passed_over() {
    let [here, _] = two();
    let mut spoilt = backup("C", 1, 22);
    spoilt.stop = lsn(24).checked_add(1);
    spoilt.last_segment = Some(wal(1, 24, 24).first);
    let mut here = here;
    here.backups.push(spoilt);
    here.wal.push(wal(1, 22, 23));

    let plan = request(RecoveryTarget::Latest).plan(&[here]).unwrap();

    assert_eq!(plan.backup.id, "B");
    assert_eq!(plan.missing, [wal(1, 21, 21)]);
    assert_eq!(
        plan.passed_over,
        [PassedOver {
            backup: "C".to_owned(),
            reason: Unsuitable::MissingWal(vec![wal(1, 24, 24)]),
        }]
    );
}

#[test]
fn only_destinations_with_a_complete_copy_are_asked() {
    let [mut here, there] = two();
    here.backups[1].state = BackupState::Unfinished;
    let plan = |backup: Option<&str>| {
        let request = RestoreRequest {
            backup: backup.map(str::to_owned),
            ..request(RecoveryTarget::Latest)
        };
        request.plan(&[here.clone(), there.clone()])
    };

    let from: Vec<_> = plan(None).unwrap().from;
    assert_eq!(from.len(), 1);
    assert_eq!(from[0].destination, there.destination);

    for chosen in ["A", "name of A"] {
        assert_eq!(plan(Some(chosen)).unwrap().from.len(), 2);
    }
    let error = plan(Some("Z")).unwrap_err();
    assert!(matches!(error, PlanError::UnknownBackup { known, .. } if known == ["B", "A"]));
    here.backups.truncate(0);
    let mut there = there.clone();
    there.backups[0].state = BackupState::Failed { reason: None };
    let chosen = RestoreRequest {
        backup: Some("A".to_owned()),
        ..request(RecoveryTarget::Latest)
    };
    let error = chosen.plan(std::slice::from_ref(&there)).unwrap_err();
    assert!(matches!(
        error,
        PlanError::NotSuitable {
            reason: Unsuitable::NotComplete,
            ..
        }
    ));
    there.backups.clear();
    let error = request(RecoveryTarget::Latest).plan(&[there]).unwrap_err();
    assert!(matches!(error, PlanError::NoBackup));
}

#[test]
fn backups_of_several_clusters_are_not_mixed_up() {
    let [here, mut there] = two();
    for backup in &mut there.backups {
        backup.system_id = Some(SystemId::new(8));
    }
    let holdings = [here, there];

    let error = request(RecoveryTarget::Latest).plan(&holdings).unwrap_err();
    assert!(matches!(error, PlanError::SeveralClusters(found) if found.len() == 2));
    let request = RestoreRequest {
        system_id: Some(SystemId::new(8)),
        ..request(RecoveryTarget::Immediate)
    };
    assert_eq!(request.plan(&holdings).unwrap().from.len(), 1);
}

/// Timeline 2 branched off from 1 in segment 12; the old primary went on to segment 20.
fn branched() -> [Holdings; 1] {
    let backups = vec![backup("A", 1, 3), backup("B", 1, 15), backup("C", 2, 13)];
    let mut here = holdings("here", backups, vec![wal(1, 1, 20), wal(2, 12, 16)]);
    let text = format!(
        "1\t{}\tno recovery target specified\n",
        lsn(12).checked_add(40).unwrap()
    );
    here.histories = vec![TimelineHistory::parse(timeline(2), &text).unwrap()];
    [here]
}

#[test]
fn a_timeline_that_ended_was_not_archived_until_now() {
    let [mut here] = branched();
    here.archived_until = Some(time(40));
    let until = |number| {
        let request = RestoreRequest {
            timeline: TargetTimeline::Number(timeline(number)),
            ..request(RecoveryTarget::Latest)
        };
        let windows = of_one(&request, &here);
        windows.last().map(|window| (window.to, window.until))
    };

    assert_eq!(until(1), Some((lsn(21), None)));
    assert_eq!(until(2), Some((lsn(17), Some(time(40)))));
}

#[test]
fn recovery_goes_the_way_of_the_history() {
    let plan = |target: RecoveryTarget, timeline| {
        let request = RestoreRequest {
            timeline,
            ..request(target)
        };
        request.plan(&branched())
    };

    let latest = plan(RecoveryTarget::Latest, TargetTimeline::Latest).unwrap();
    assert_eq!(latest.backup.id, "C");
    assert_eq!(
        latest.passed_over[0].reason,
        Unsuitable::NotOnTimeline(timeline(2))
    );

    let early = plan(RecoveryTarget::Time(time(5)), TargetTimeline::Latest).unwrap();
    assert_eq!(early.wal, [wal(1, 3, 11), wal(2, 12, 16)]);
    assert_eq!(early.timeline, timeline(2));

    let old = plan(RecoveryTarget::Latest, TargetTimeline::Number(timeline(1))).unwrap();
    assert_eq!(
        (old.backup.id.as_str(), old.wal),
        ("B", vec![wal(1, 15, 20)])
    );

    let back = RestoreRequest {
        timeline: TargetTimeline::Number(timeline(1)),
        backup: Some("C".to_owned()),
        ..request(RecoveryTarget::Latest)
    };
    let error = back.plan(&branched()).unwrap_err();
    let expected = Unsuitable::NotOnTimeline(timeline(1));
    assert!(
        matches!(&error, PlanError::NotSuitable { reason, .. } if *reason == expected),
        "{error}"
    );

    let current = plan(RecoveryTarget::Time(time(5)), TargetTimeline::Current).unwrap();
    assert_eq!(current.wal, [wal(1, 3, 20)]);

    let error = plan(RecoveryTarget::Latest, TargetTimeline::Number(timeline(9))).unwrap_err();
    let PlanError::OutOfReach { passed_over, .. } = error else {
        panic!("{error}");
    };
    assert!(
        passed_over
            .iter()
            .all(|one| one.reason == Unsuitable::UnknownTimeline("9".into()))
    );
}
