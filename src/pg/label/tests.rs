use proptest::{option, prelude::*, sample::select};

use super::*;
use crate::pg::segment_name::strategy;

macro_rules! fixture {
    ($path:literal) => {
        include_str!(concat!("../../../tests/fixtures/pg/", $path))
    };
}

const LABELS: &[&str] = &[
    fixture!("13/backup_label"),
    fixture!("13/backup_label.exclusive"),
    fixture!("15/backup_label"),
    fixture!("17/backup_label.incremental"),
    fixture!("18/backup_label.incremental"),
];

const HISTORIES: &[(&str, &str)] = &[
    (
        "000000010000000000000002.00000028.backup",
        fixture!("13/000000010000000000000002.00000028.backup"),
    ),
    (
        "000000010000000000000003.00000028.backup",
        fixture!("13/000000010000000000000003.00000028.backup"),
    ),
    (
        "000000010000000000000005.00000028.backup",
        fixture!("17/000000010000000000000005.00000028.backup"),
    ),
];

fn timeline(number: u32) -> TimelineId {
    TimelineId::new(number).unwrap()
}

#[test]
fn what_postgresql_wrote_is_read_and_written_back() {
    for text in LABELS {
        let label = BackupLabel::parse(text).unwrap();
        assert_eq!(label.to_string(), *text);
    }
    for (name, text) in HISTORIES {
        let history = BackupHistory::parse(text).unwrap();
        assert_eq!(history.to_string(), *text);
        let found = history.file_name(SegmentSize::DEFAULT).to_string();
        assert_eq!(found, *name);
    }
}

#[test]
fn each_field_is_where_postgresql_puts_it() {
    let label = BackupLabel::parse(fixture!("15/backup_label")).unwrap();

    assert_eq!(label.start.to_string(), "0/2000028");
    assert_eq!(label.start_segment.to_string(), "000000010000000000000002");
    assert_eq!(label.checkpoint.to_string(), "0/2000060");
    assert_eq!(label.method, BackupMethod::Streamed);
    assert_eq!(label.origin, BackupOrigin::Primary);
    assert_eq!(label.start_time, "2026-11-25 03:22:23 UTC");
    assert_eq!(label.label, "two\nlines");
    assert_eq!(label.start_timeline, timeline(1));
    assert_eq!(label.incremental_from, None);
}

#[test]
fn an_incremental_backup_and_an_exclusive_one_are_told() {
    let incremental = BackupLabel::parse(fixture!("18/backup_label.incremental")).unwrap();
    let exclusive = BackupLabel::parse(fixture!("13/backup_label.exclusive")).unwrap();

    let lsn = "0/3000028".parse().unwrap();
    let timeline = timeline(1);
    assert_eq!(
        incremental.incremental_from,
        Some(IncrementalFrom { lsn, timeline })
    );
    assert_eq!(exclusive.method, BackupMethod::Exclusive);
    assert_eq!(exclusive.origin, BackupOrigin::Master);
    assert!(!exclusive.origin.is_standby());
}

#[test]
fn a_history_file_tells_the_end() {
    let history = BackupHistory::parse(HISTORIES[2].1).unwrap();

    assert_eq!(history.stop.to_string(), "0/5000120");
    assert_eq!(history.stop_segment, history.label.start_segment);
    assert_eq!(history.stop_time, "2026-11-25 03:22:33 UTC");
    assert_eq!(history.stop_timeline, timeline(1));
    assert!(history.label.incremental_from.is_some());
}

#[test]
fn a_backup_history_file_of_barmans_is_read() {
    let text = "START WAL LOCATION: 0/6000028 (file 000000010000000000000006)\n\
                STOP WAL LOCATION: 0/6000138 (file 000000010000000000000006)\n\
                CHECKPOINT LOCATION: 0/6000060\nBACKUP METHOD: streamed\n\
                BACKUP FROM: standby\nSTART TIME: 2026-11-22 12:48:27 UTC\n\
                LABEL: Barman backup cloud 20261122T124827\nSTART TIMELINE: 1\n\
                STOP TIME: 2026-11-22 12:48:30 UTC\nSTOP TIMELINE: 1\n";

    let history = BackupHistory::parse(text).unwrap();

    assert!(history.label.origin.is_standby());
    assert_eq!(history.to_string(), text);
}

#[test]
fn later_lines_are_passed_over() {
    let text = format!("{}SOMETHING NEW: 1\n", LABELS[0]);

    let label = BackupLabel::parse(&text).unwrap();

    assert_eq!(label.to_string(), LABELS[0]);
}

#[test]
fn errors_tell_the_line_and_the_problem() {
    let label = fixture!("15/backup_label");
    for (from, to, line, problem) in [
        (
            "START WAL",
            "BEGIN WAL",
            1,
            "START WAL LOCATION was expected",
        ),
        (
            "0/2000028 (file",
            "0/x (file",
            1,
            "START WAL LOCATION cannot be `0/x (file 000000010000000000000002)`",
        ),
        (
            "0/2000060",
            "2000060",
            2,
            "CHECKPOINT LOCATION cannot be `2000060`",
        ),
        ("streamed", "copied", 3, "BACKUP METHOD cannot be `copied`"),
        ("primary", "mirror", 4, "BACKUP FROM cannot be `mirror`"),
        ("START TIMELINE: 1\n", "", 6, "the text ends here"),
        ("TIMELINE: 1\n", "TIMELINE: 1", 8, "the text ends here"),
        (
            "TIMELINE: 1",
            "TIMELINE: 0",
            8,
            "START TIMELINE cannot be `0`",
        ),
        (
            "TIMELINE: 1",
            "TIMELINE: 2",
            8,
            "timeline 2 is not that of the segment 000000010000000000000002",
        ),
    ] {
        let error = BackupLabel::parse(&label.replace(from, to)).unwrap_err();
        assert_eq!(error.line(), line, "{error}");
        assert_eq!(
            error.to_string(),
            format!("line {line} of the backup label: {problem}")
        );
    }
    assert_eq!(BackupLabel::parse("").unwrap_err().line(), 1);
    assert_eq!(BackupHistory::parse(label).unwrap_err().line(), 2);
}

fn any_label() -> impl Strategy<Value = BackupLabel> {
    let lsn = any::<u64>().prop_map(Lsn::new);
    let from = (lsn.clone(), strategy::timeline());
    let from = from.prop_map(|(lsn, timeline)| IncrementalFrom { lsn, timeline });
    (
        (lsn.clone(), lsn, strategy::name()),
        select(vec![BackupMethod::Streamed, BackupMethod::Exclusive]),
        select(vec![
            BackupOrigin::Primary,
            BackupOrigin::Master,
            BackupOrigin::Standby,
        ]),
        ("[0-9: A-Z-]{0,30}", "(?s).{0,40}"),
        option::of(from),
    )
        .prop_map(
            |((start, checkpoint, start_segment), method, origin, texts, from)| BackupLabel {
                start,
                start_segment,
                checkpoint,
                method,
                origin,
                start_time: texts.0,
                label: texts.1,
                start_timeline: start_segment.timeline(),
                incremental_from: from,
            },
        )
}

proptest! {
    #[test]
    fn text_form_round_trips(label in any_label(), stop: u64, name in strategy::name()) {
        let history = BackupHistory {
            label: label.clone(),
            stop: Lsn::new(stop),
            stop_segment: name,
            stop_time: label.start_time.clone(),
            stop_timeline: name.timeline(),
        };

        prop_assert_eq!(BackupLabel::parse(&label.to_string()), Ok(label));
        prop_assert_eq!(BackupHistory::parse(&history.to_string()), Ok(history));
    }

    #[test]
    fn any_text_is_read_or_refused(cut in 0..300_usize, text: String) {
        let label: String = LABELS[0].chars().take(cut).collect();
        if let Ok(label) = BackupLabel::parse(&format!("{label}{text}")) {
            prop_assert_eq!(BackupLabel::parse(&label.to_string()), Ok(label));
        }
    }
}
