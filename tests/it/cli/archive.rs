//! `wal-archive` by itself.

use std::fs;

use super::{World, block_on};
use crate::support::{
    s3::{Action, Op, Rule, S3Server},
    wal,
};

#[test]
fn a_file_goes_to_every_destination_without_a_word() {
    let world = World::with_folders(&["a", "b"]);

    for number in 1..=3 {
        world.archive(number, &[]).assert_silent_success();
    }

    for number in 1..=3 {
        assert!(world.holds("a", number) && world.holds("b", number));
    }
    assert_eq!(world.owed(), [""; 0]);
    assert_eq!(world.status(&[]).code, Some(0));
}

#[test]
fn archiving_the_same_file_again_succeeds() {
    let world = World::with_folders(&["a", "b"]);
    world.archive(1, &[]).assert_silent_success();

    world.archive(1, &[]).assert_silent_success();
}

#[test]
fn json_says_what_became_of_the_file() {
    let world = World::with_folders(&["a", "b"]);

    let ran = world.archive(1, &["--output=json"]);

    let name = wal::name(1);
    let expected =
        format!("{{\"name\":\"{name}\",\"outcomes\":[[\"a\",\"stored\"],[\"b\",\"stored\"]]}}\n");
    assert_eq!((ran.code, ran.stdout), (Some(0), expected));
}

#[test]
fn a_missing_folder_costs_its_destination_alone_and_is_made_good() {
    let world = World::with_folders(&["a", "b"]);
    fs::remove_dir(world.path("b")).unwrap();

    let ran = world.archive(1, &[]);

    ran.assert_ended(0, "b owes 000000010000000000000001");
    assert!(world.holds("a", 1));
    assert_eq!(world.owed(), [wal::name(1)]);
    fs::create_dir(world.path("b")).unwrap();
    // The health of the destinations is forgotten, so that it is asked at once.
    fs::remove_file(world.path("spool/state.json")).unwrap();
    assert_eq!(world.archive(2, &[]).code, Some(0));
    assert!(world.holds("b", 1) && world.holds("b", 2));
    assert_eq!(world.owed(), [""; 0]);
    assert_eq!(world.status(&[]).code, Some(0));
}

#[test]
fn a_hanging_destination_costs_one_patience_however_many_files() {
    let mut world = World::with_folders(&["a"]);
    let server = S3Server::start();
    world.add_bucket("b", &server);
    server.faults().add(Rule::new(Action::Hang));
    let short = ["--patience=300ms", "--drain=100ms"];

    let first = world.archive(1, &short);
    let asked = server.faults().count(Op::List) + server.faults().count(Op::Put);
    let others: Vec<_> = (2..=5)
        .map(|number| world.archive(number, &short))
        .collect();

    first.assert_ended(0, "b owes 000000010000000000000001");
    for ran in others {
        ran.assert_ended(0, "no answer within 300ms");
    }
    assert!(asked > 0);
    let asked_then = server.faults().count(Op::List) + server.faults().count(Op::Put);
    assert_eq!(asked_then, asked);
    let state = world.state();
    assert_eq!(state["destinations"]["b"]["failures"], 1);
    assert_eq!(world.owed().len(), 5);

    server.faults().clear();
    fs::remove_file(world.path("spool/state.json")).unwrap();
    assert_eq!(world.archive(6, &["--drain=1m"]).code, Some(0));
    assert_eq!(world.owed(), [""; 0]);
    for number in 1..=6 {
        world
            .restore(number, &["--without=a"])
            .assert_silent_success();
    }
}

#[test]
fn a_policy_that_is_not_satisfied_refuses_the_file() {
    let world = World::with_folders(&["a", "b"]);
    fs::remove_dir(world.path("b")).unwrap();

    let ran = world.archive(1, &["--min-copies=all"]);
    ran.assert_ended(
        1,
        "000000010000000000000001 is not archived: too few destinations took it",
    );
    assert!(ran.stderr.contains("\nhint: "), "{ran:?}");
    let ran = world.archive(1, &["--required=b"]);
    ran.assert_ended(1, "a required destination did not take it");
    assert_eq!(world.owed(), [""; 0]);
    let ran = world.archive(1, &["--required=c"]);
    ran.assert_ended(1, "required c: there is no such destination");
    let ran = world.archive(1, &["--min-copies=3"]);
    ran.assert_ended(1, "3 copies are more than the 2 destinations can hold");
}

#[test]
fn what_is_not_a_segment_of_this_cluster_is_refused() {
    let world = World::with_folders(&["a"]);
    world.archive(1, &[]).assert_silent_success();
    let folder = world.path("data/pg_wal");
    let place = |number: u64, content: &[u8]| {
        fs::write(folder.join(wal::name(number)), content).unwrap();
        format!("pg_wal/{}", wal::name(number))
    };
    let whole = wal::segment(2, wal::SYSTEM_ID);

    let foreign = place(2, &wal::segment(2, wal::SYSTEM_ID + 1));
    world
        .archive_path(&foreign, &[])
        .assert_ended(1, "belongs to cluster");
    let truncated = place(2, &whole[..whole.len() - 1]);
    let said = "has 1048575 bytes instead of 1048576";
    world.archive_path(&truncated, &[]).assert_ended(1, said);
    let empty = place(2, b"");
    world
        .archive_path(&empty, &[])
        .assert_ended(1, "is refused");
    let renamed = place(3, &whole);
    world
        .archive_path(&renamed, &[])
        .assert_ended(1, "the page header says");
    fs::remove_file(folder.join(wal::name(2))).unwrap();
    world.archive_path(&empty, &[]).assert_ended(1, "reading ");
    world
        .archive_path("pg_wal/PG_VERSION", &[])
        .assert_ended(1, "not the name of a WAL file");

    assert!(!world.holds("a", 2) && !world.holds("a", 3));
    assert_eq!(world.owed(), [""; 0]);
}

#[test]
fn other_content_under_a_known_name_is_a_conflict() {
    let world = World::with_folders(&["a"]);
    world.archive(1, &[]).assert_silent_success();
    let path = world.write_segment(1);
    let mut content = fs::read(world.path("data").join(&path)).unwrap();
    *content.last_mut().unwrap() ^= 1;
    fs::write(world.path("data").join(&path), content).unwrap();

    let ran = world.archive_path(&path, &[]);

    ran.assert_ended(1, "conflict");
}

#[test]
fn a_termination_leaves_the_file_unarchived() {
    let mut world = World::new();
    let server = S3Server::start();
    world.add_bucket("b", &server);
    server.faults().add(Rule::new(Action::Hang));
    let path = world.write_segment(1);
    let mut command = world.command(&["wal-archive", &path, "--spool=../spool"]);
    let child = command
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    block_on(server.faults().arrived(Op::List));

    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();

    let ran = super::Ran::from(child.wait_with_output().unwrap());
    ran.assert_ended(1, "walcast was told to stop");
}

#[test]
fn a_spool_that_cannot_be_made_is_said() {
    let world = World::with_folders(&["a"]);
    let path = world.write_segment(1);

    let ran = world.run(&["wal-archive", &path, "--spool=/proc/walcast"]);

    ran.assert_ended(1, "locking the spool /proc/walcast");
    assert!(!world.holds("a", 1));
}
