//! `serve`, and the commands that use it.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::{fs::PermissionsExt, net::UnixStream},
    thread,
};

use rustix::process::Signal;

use super::{World, block_on};
use crate::support::{
    postgres::until,
    s3::{Op, S3Server},
    wal,
};

#[test]
fn commands_are_answered_through_the_socket() {
    let world = World::with_folders(&["a", "b"]);
    let resident = world.serve();
    let socket = world.path("spool/walcast.sock");
    let mode = fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    // Without destinations of its own, only the resident can archive it.
    fs::write(world.path("none.yaml"), "").unwrap();
    let none = world.path("none.yaml");
    let arguments = ["-f", none.to_str().unwrap()];
    world.archive(1, &arguments).assert_silent_success();
    // The new spool's destinations are compared first.
    let look = || Some(world.status(&[])).filter(|status| status.code == Some(0));
    let status = until("completion", look, || format!("{:?}", world.status(&[])));
    let refused = world.archive_path("pg_wal/nonsense", &arguments);

    assert!(world.holds("a", 1) && world.holds("b", 1));
    assert!(status.stdout.contains("says the resident"), "{status:?}");
    refused.assert_ended(1, "`nonsense` is not the name of a WAL file\nhint: ");
    assert_eq!(resident.stop(), Some(0));
    assert!(!socket.exists());
    assert_eq!(world.archive(2, &arguments).code, Some(1));
}

#[test]
fn a_command_goes_on_alone_when_the_resident_was_killed() {
    let world = World::with_folders(&["a"]);
    let resident = world.serve();
    world.archive(1, &[]).assert_silent_success();

    resident.kill();

    assert!(world.path("spool/walcast.sock").exists());
    world.archive(2, &[]).assert_silent_success();
    assert!(world.holds("a", 1) && world.holds("a", 2));
    let next = world.serve();
    world.archive(3, &[]).assert_silent_success();
    assert_eq!(next.stop(), Some(0));
}

#[test]
fn the_resident_says_who_comes_and_goes() {
    let world = World::with_folders(&["a", "b"]);
    fs::remove_dir(world.path("b")).unwrap();
    let mut resident = world.serve();

    world.archive(1, &[]).assert_ended(0, "b owes");
    resident.wait_until_it_says("gone destination=b");
    assert_eq!(world.status(&[]).code, Some(1));

    assert_eq!(resident.stop(), Some(0));
    fs::create_dir(world.path("b")).unwrap();
    fs::remove_file(world.path("spool/state.json")).unwrap();
    let mut resident = world.serve();
    assert_eq!(world.archive(2, &[]).code, Some(0));
    resident.wait_until_it_says("every destination holds everything");
    assert!(world.holds("b", 1));
    assert_eq!(world.status(&[]).code, Some(0));
}

#[test]
fn the_next_files_are_sent_before_they_are_asked_for() {
    let mut world = World::new();
    let server = S3Server::start();
    world.add_bucket("b", &server);
    let status = world.path("data/pg_wal/archive_status");
    fs::create_dir(&status).unwrap();
    for number in 1..=3 {
        world.write_segment(number);
        fs::write(status.join(format!("{}.ready", wal::name(number))), "").unwrap();
    }
    let resident = world.serve();

    world.archive(1, &[]).assert_silent_success();

    block_on(server.faults().arrived_often(Op::Put, 3));
    assert_eq!(resident.stop(), Some(0));
}

#[test]
fn one_connection_asks_many_things_and_nonsense_ends_it() {
    let world = World::with_folders(&["a"]);
    let resident = world.serve();
    let mut stream = UnixStream::connect(world.path("spool/walcast.sock")).unwrap();
    let mut answers = BufReader::new(stream.try_clone().unwrap()).lines();
    let mut ask = |line: &str| {
        writeln!(stream, "{line}").unwrap();
        answers.next().map(Result::unwrap)
    };

    for _ in 0..2 {
        let answer = ask(r#"{"v":1,"status":{}}"#).unwrap();
        assert!(answer.starts_with(r#"{"v":1,"status":{"at":"#), "{answer}");
    }
    let answer = ask(r#"{"v":1,"archive":"pg_wal/x"}"#).unwrap();
    assert_eq!(
        answer,
        r#"{"v":1,"invalid":"pg_wal/x is not an absolute path"}"#
    );
    let answer = ask(r#"{"v":2,"status":{}}"#).unwrap();
    assert_eq!(
        answer,
        r#"{"v":1,"invalid":"version 2 of the protocol, not 1"}"#
    );
    let mut rest = Vec::new();
    std::io::Read::read_to_end(&mut stream, &mut rest).unwrap();
    assert_eq!(rest, b"");
    // An open connection does not keep it.
    let _idle = UnixStream::connect(world.path("spool/walcast.sock")).unwrap();
    assert_eq!(resident.stop(), Some(0));
}

#[test]
fn a_resident_that_hangs_is_said_and_keeps_nobody() {
    let world = World::with_folders(&["a"]);
    let resident = world.serve();
    world.archive(1, &[]).assert_silent_success();
    resident.signal(Signal::STOP);

    let (status, archived) = thread::scope(|scope| {
        let status = scope.spawn(|| world.status(&[]));
        let archived = scope.spawn(|| world.archive(2, &["--deadline=1ms"]));
        (status.join().unwrap(), archived.join().unwrap())
    });

    assert_eq!(status.code, Some(2), "{status:?}");
    assert!(
        status.stdout.contains("the resident does not answer"),
        "{status:?}"
    );
    archived.assert_ended(1, "no answer from the resident at ");
    resident.signal(Signal::CONT);
    world.archive(2, &[]).assert_silent_success();
    assert_eq!(resident.stop(), Some(0));
}

#[test]
fn a_path_that_is_too_long_for_a_socket_is_said() {
    let world = World::with_folders(&["a"]);
    let path = "a-folder-with-a-name-".repeat(6);

    let ran = world.run(&["serve", "--spool", &path]);

    ran.assert_ended(1, "The path of a socket has at most 107 bytes");
}
