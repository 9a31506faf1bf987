//! `wal-restore`: what its exit code tells PostgreSQL.

use std::fs;

use super::{World, block_on};
use crate::support::{
    s3::{Action, Op, Rule, S3Server},
    wal,
};

fn restored(world: &World) -> Option<Vec<u8>> {
    fs::read(world.path("data/pg_wal/RECOVERYXLOG")).ok()
}

#[test]
fn a_file_comes_back_as_it_was() {
    let world = World::with_folders(&["a", "b"]);
    world.archive(1, &[]).assert_silent_success();

    world.restore(1, &[]).assert_silent_success();

    assert_eq!(restored(&world), Some(wal::segment(1, wal::SYSTEM_ID)));
}

#[test]
fn a_file_that_nobody_has_is_the_end_of_the_archive() {
    let world = World::with_folders(&["a", "b"]);

    let ran = world.restore(1, &[]);

    assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), ""));
    let ran = world.restore(1, &["--log=info"]);
    ran.assert_ended(
        1,
        "000000010000000000000001 is in none of the 2 destinations",
    );
}

#[test]
fn recovery_stops_while_a_destination_cannot_be_asked() {
    let world = World::with_folders(&["a", "b"]);
    fs::remove_dir(world.path("b")).unwrap();

    let ran = world.restore(1, &["--deadline=100ms"]);
    ran.assert_ended(
        200,
        "000000010000000000000001 may exist, but cannot be had; b: ",
    );
    assert!(ran.stderr.contains("\nhint: "), "{ran:?}");

    assert_eq!(world.restore(1, &["--without=b"]).code, Some(1));
    world
        .restore(1, &["--without=c"])
        .assert_ended(200, "The destinations are a, b.");
    let ran = world.restore(1, &["--without=a", "--without=b"]);
    ran.assert_ended(200, "leaves no destination");
}

#[test]
fn the_other_destination_has_it() {
    let world = World::with_folders(&["a", "b"]);
    world.archive(1, &[]).assert_silent_success();
    fs::remove_dir_all(world.path("a")).unwrap();

    let ran = world.restore(1, &["--output=json"]);

    assert_eq!(ran.code, Some(0));
    let expected = format!(
        "{{\"bytes\":1048576,\"from\":\"b\",\"name\":\"{}\"}}\n",
        wal::name(1)
    );
    assert_eq!(ran.stdout, expected);
}

#[test]
fn a_destination_that_was_down_is_asked_last() {
    let mut world = World::new();
    let server = S3Server::start();
    world.add_bucket("b", &server);
    world.add_folder("a");
    server.faults().add(Rule::error(403, "AccessDenied"));
    assert_eq!(world.archive(1, &[]).code, Some(0));
    server.faults().forget();

    world
        .restore(1, &["--spool=../spool"])
        .assert_silent_success();
    assert_eq!(server.faults().count(Op::List), 0);

    assert_eq!(world.restore(1, &[]).code, Some(0));
    assert!(server.faults().count(Op::List) > 0);
}

#[test]
fn a_target_that_cannot_be_written_stops_recovery() {
    let world = World::with_folders(&["a"]);
    world.archive(1, &[]).assert_silent_success();

    let ran = world.run(&["wal-restore", &wal::name(1), "no/such/folder/RECOVERYXLOG"]);

    ran.assert_ended(200, "writing no/such/folder/RECOVERYXLOG");
}

#[test]
fn whatever_else_goes_wrong_stops_recovery_too() {
    let world = World::with_folders(&["a"]);
    fs::write(world.path("bad.yaml"), "kind: [").unwrap();
    let bad = world.path("bad.yaml");

    let ran = world.restore(1, &["-f", bad.to_str().unwrap()]);
    assert_eq!(ran.code, Some(200), "{ran:?}");
    let ran = world.run(&["wal-restore", "nonsense", "pg_wal/RECOVERYXLOG"]);
    ran.assert_ended(200, "`nonsense` is not the name of a WAL file");
    let ran = world.run(&["wal-restore", "--nonsense"]);
    assert_eq!(ran.code, Some(200), "{ran:?}");
    let ran = world.restore(1, &["-f", "/no/such/file.yaml"]);
    ran.assert_ended(200, "reading /no/such/file.yaml");
}

#[test]
fn a_termination_is_told_from_the_end_of_the_archive_and_leaves_nothing() {
    let mut world = World::new();
    let server = S3Server::start();
    world.add_bucket("b", &server);
    world.archive(1, &[]).assert_silent_success();
    fs::remove_file(world.path("data").join(world.write_segment(1))).unwrap();
    // Only beginnings come.
    server
        .faults()
        .add(Rule::new(Action::Truncate).on([Op::Get]));
    let arguments = ["wal-restore", &wal::name(1), "pg_wal/RECOVERYXLOG"];
    let mut child = world.command(&arguments).spawn().unwrap();
    block_on(server.faults().arrived_often(Op::Get, 2));

    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();

    assert_eq!(child.wait().unwrap().code(), Some(143));
    let left = fs::read_dir(world.path("data/pg_wal")).unwrap();
    assert_eq!(left.count(), 0);
}
