//! `status`, by the spool.

use std::fs;

use super::World;

#[test]
fn text_says_who_owes_what_and_what_to_do() {
    let world = World::with_folders(&["a", "b"]);
    world.archive(1, &[]).assert_silent_success();
    fs::rename(world.path("b"), world.path("elsewhere")).unwrap();
    assert_eq!(world.archive(2, &[]).code, Some(0));

    let ran = world.status(&[]);

    assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), ""));
    insta::assert_snapshot!(world.redacted(&ran.stdout), @"");
}

#[test]
fn text_is_short_when_everything_is_complete() {
    let world = World::with_folders(&["a"]);
    world.archive(1, &[]).assert_silent_success();

    let ran = world.status(&[]);

    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    insta::assert_snapshot!(world.redacted(&ran.stdout), @"");
}

#[test]
fn json_is_the_whole_status() {
    let world = World::with_folders(&["a", "b"]);
    fs::remove_dir(world.path("b")).unwrap();
    assert_eq!(world.archive(1, &[]).code, Some(0));

    let ran = world.status(&["--output=json"]);

    assert_eq!(ran.code, Some(1));
    let mut status: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    for time in ["at", "last_archived_at"] {
        assert!(status[time].take().is_string());
    }
    for destination in status["destinations"].as_array_mut().unwrap() {
        for time in ["owed_since", "last_stored_at", "next_attempt"] {
            destination[time].take();
        }
    }
    let text = serde_json::to_string_pretty(&status).unwrap();
    insta::assert_snapshot!(world.redacted(&text), @"");
}

#[test]
fn nothing_can_be_told_without_a_spool() {
    let world = World::with_folders(&["a"]);

    let ran = world.status(&[]);

    ran.assert_ended(2, "the first archived file creates the spool");
    assert!(!world.path("spool").exists());
}

#[test]
fn a_spool_without_state_is_not_called_complete() {
    let world = World::with_folders(&["a", "b"]);
    world.archive(1, &[]).assert_silent_success();
    fs::remove_file(world.path("spool/state.json")).unwrap();

    let ran = world.status(&[]);

    assert_eq!(ran.code, Some(2));
    assert!(ran.stdout.contains("the spool has no state"), "{ran:?}");
}

#[test]
fn status_reads_while_the_spool_is_locked_and_changes_nothing() {
    let world = World::with_folders(&["a"]);
    world.archive(1, &[]).assert_silent_success();
    let before = fs::read(world.path("spool/state.json")).unwrap();
    let lock = fs::File::open(world.path("spool/lock")).unwrap();
    lock.lock().unwrap();

    assert_eq!(world.status(&[]).code, Some(0));

    assert_eq!(fs::read(world.path("spool/state.json")).unwrap(), before);
}

#[test]
fn watching_ends_when_everything_is_complete() {
    let world = World::with_folders(&["a", "b"]);
    world.archive(1, &[]).assert_silent_success();

    let ran = world.status(&["--watch=1", "--until-complete"]);

    assert_eq!(ran.code, Some(0));
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{ran:?}");
    assert!(lines[0].ends_with("Z a healthy, owes nothing"), "{ran:?}");
    assert!(lines[1].ends_with("Z b healthy, owes nothing"), "{ran:?}");
}
