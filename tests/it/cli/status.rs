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
    insta::assert_snapshot!(world.redacted(&ran.stdout), @r"
    not every destination holds everything (by the spool, last used TIME ago); last archived 000000010000000000000002 TIME ago

    DESTINATION LAYOUT STATE OWES OLDEST OWED SINCE LAST STORED NEXT ATTEMPT
    a barman healthy - - - 000000010000000000000002 TIME ago -
    b barman refused 1 file (SIZE) 000000010000000000000002 TIME ago 000000010000000000000001 TIME ago in TIME

    b (barman:file:///world/b/main):
      put main/wals/0000000100000000/000000010000000000000002.lz4 in file:///world/b: the folder of the store is not there: No such file or directory (os error 2)
      hint: Mount the volume or create the folder; walcast never creates it.
    ");
}

#[test]
fn text_is_short_when_everything_is_complete() {
    let world = World::with_folders(&["a"]);
    world.archive(1, &[]).assert_silent_success();

    let ran = world.status(&[]);

    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    insta::assert_snapshot!(world.redacted(&ran.stdout), @r"
    every destination holds everything (by the spool, last used TIME ago); last archived 000000010000000000000001 TIME ago

    DESTINATION LAYOUT STATE OWES OLDEST OWED SINCE LAST STORED NEXT ATTEMPT
    a barman healthy - - - 000000010000000000000001 TIME ago -
    ");
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
    assert!(status["spool"]["bytes"].take().as_u64() > Some(0));
    for destination in status["destinations"].as_array_mut().unwrap() {
        for unsteady in ["owed_bytes", "owed_since", "last_stored_at", "next_attempt"] {
            destination[unsteady].take();
        }
    }
    let text = serde_json::to_string_pretty(&status).unwrap();
    insta::assert_snapshot!(world.redacted(&text), @r#"
    {
      "at": null,
      "destinations": [
        {
          "comparing": true,
          "conflicts": 0,
          "error": null,
          "failures": 0,
          "format": "barman",
          "gaps": 0,
          "hint": null,
          "id": "a",
          "last_stored": "000000010000000000000001",
          "last_stored_at": null,
          "location": "barman:file:///world/a/main",
          "next_attempt": null,
          "oldest_owed": null,
          "owed": 0,
          "owed_bytes": null,
          "owed_since": null,
          "state": "healthy"
        },
        {
          "comparing": true,
          "conflicts": 0,
          "error": "list in file:///world/b: the folder of the store is not there: No such file or directory (os error 2)",
          "failures": 1,
          "format": "barman",
          "gaps": 0,
          "hint": "Mount the volume or create the folder; walcast never creates it.",
          "id": "b",
          "last_stored": null,
          "last_stored_at": null,
          "location": "barman:file:///world/b/main",
          "next_attempt": null,
          "oldest_owed": "000000010000000000000001",
          "owed": 1,
          "owed_bytes": null,
          "owed_since": null,
          "state": "refused"
        }
      ],
      "last_archived": "000000010000000000000001",
      "last_archived_at": null,
      "spool": {
        "bytes": null,
        "files": 1,
        "path": "../spool"
      },
      "system_id": "7000000000000000001"
    }
    "#);
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
