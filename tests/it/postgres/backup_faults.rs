//! Destinations, servers and walcast itself fail while a base backup is taken or restored.

use std::process::Stdio;

use walcast::restore::RecoverySettings;

use super::{Site, site::PATIENCE};
use crate::support::{
    postgres::{Cluster, until},
    s3::{Op, Rule},
    world::{Ran, block_on},
};

fn arguments(site: &Site) -> Vec<String> {
    let dsn = site.primary.cluster.conninfo();
    let words = [
        "backup",
        "--fast-checkpoint",
        "--output=json",
        "--dsn",
        &dsn,
    ];
    words.map(str::to_owned).to_vec()
}

fn backup(site: &Site, more: &[&str]) -> Ran {
    let arguments = arguments(site);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    site.world.run(&[&arguments[..], more].concat())
}

/// Returns the ids and states of the backups in each destination.
#[track_caller]
fn known(site: &Site) -> Vec<(String, Vec<String>)> {
    let ran = site.world.run(&["info", "--output=json"]);
    let info: serde_json::Value =
        serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
    let destinations = info["destinations"].as_array().unwrap().iter();
    let states = |destination: &serde_json::Value| {
        let backups = destination["backups"].as_array().unwrap().iter();
        backups
            .map(|one| one["state"].as_str().unwrap().to_owned())
            .collect()
    };
    destinations
        .map(|one| (one["id"].as_str().unwrap().to_owned(), states(one)))
        .collect()
}

#[track_caller]
fn assert_states(site: &Site, bucket: &[&str], folder: &[&str]) {
    let owned = |states: &[&str]| states.iter().map(ToString::to_string).collect::<Vec<_>>();
    let expected = [
        ("bucket".to_owned(), owned(bucket)),
        ("folder".to_owned(), owned(folder)),
    ];
    assert_eq!(known(site), expected);
}

fn site() -> Site {
    let site = Site::new(&[PATIENCE]);
    site.primary.fill_segments(2);
    site
}

#[test]
fn a_destination_that_fails_in_the_middle_leaves_the_others_complete() {
    for op in [Op::PutPart, Op::Complete] {
        let site = site();
        site.s3
            .faults()
            .add(Rule::error(403, "AccessDenied").on([op]));

        let ran = backup(&site, &[]);

        ran.assert_ended(3, "");
        assert!(ran.stdout.contains("AccessDenied"), "{ran:?}");
        site.s3.faults().clear();
        assert_states(&site, &["failed"], &["complete"]);
        let uploads = site.world.path("s3");
        let archives = walk(&uploads).filter(|path| path.contains(".tar"));
        assert_eq!(archives.count(), 0);
    }
}

#[test]
fn a_destination_that_stands_still_is_left_behind() {
    let site = site();
    block_on(site.s3.faults().refuse(true));
    let ran = backup(&site, &[]);
    block_on(site.s3.faults().refuse(false));
    ran.assert_ended(3, "");

    site.s3
        .faults()
        .add(Rule::error(503, "SlowDown").on([Op::PutPart]));
    let ran = backup(&site, &["--stall-limit=15s"]);
    site.s3.faults().clear();

    ran.assert_ended(3, "");
    assert!(ran.stdout.contains("goes on without it"), "{ran:?}");
    assert_states(&site, &["failed"], &["complete", "complete"]);
}

#[test]
fn nothing_is_complete_when_walcast_is_killed_in_the_middle() {
    let site = site();
    let arguments = arguments(&site);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut command = site.world.command(&arguments);
    command
        .args(["--max-rate=1MiB"])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    until_begun(&site);
    child.kill().unwrap();
    child.wait().unwrap();

    for (_, states) in known(&site) {
        assert!(
            states.iter().all(|state| state == "unfinished"),
            "{states:?}"
        );
    }
    // It may still be the second in which that one began.
    let look = || (backup(&site, &[]).code == Some(0)).then_some(());
    until("another backup", look, || format!("{:?}", known(&site)));
}

#[test]
fn nothing_is_complete_when_the_server_stops_in_the_middle() {
    let mut site = site();
    let arguments = arguments(&site);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut command = site.world.command(&arguments);
    command
        .args(["--max-rate=1MiB"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    until_begun(&site);
    site.primary.crash();

    let ran: Ran = child.wait_with_output().unwrap().into();

    ran.assert_ended(1, "session with PostgreSQL is lost");
    assert_states(&site, &["failed"], &["failed"]);
}

#[test]
fn what_contradicts_a_backup_is_refused_before_it_begins() {
    let site = site();
    backup(&site, &[]).assert_ended(0, "");
    let unreachable = ["backup", "--dsn", "host=/nowhere user=postgres"];
    site.world.run(&unreachable).assert_ended(1, "/nowhere");

    let other = Cluster::init(&site.world.path("other"));
    let server = other.start(&site.world.command(&[])).until_open();
    let dsn = server.cluster.conninfo();
    let ran = site.world.run(&["backup", "--dsn", &dsn]);

    ran.assert_ended(1, "of the cluster");
    assert_states(&site, &["complete"], &["complete"]);
}

#[test]
fn a_copy_that_is_damaged_is_made_good_by_the_next() {
    let site = site();
    backup(&site, &[]).assert_ended(0, "");
    site.archive(1);
    site.until_one_shots_complete();
    let rows = site.primary.rows();
    let archive = walk(&site.world.path("s3")).find(|path| path.ends_with("data.tar.lz4"));
    let archive = archive.unwrap();
    let mut content = std::fs::read(&archive).unwrap();
    let middle = content.len() / 2;
    content[middle] ^= 0x55;
    std::fs::write(&archive, content).unwrap();

    let cluster = Cluster::of(&site.world.path("restored"));
    let target = cluster.data().display().to_string();
    let ran = site.world.run(&["restore", "--target-dir", &target]);

    ran.assert_ended(0, "bucket");
    cluster.configure("archive_mode = off\n");
    let settings = cluster.data().join(RecoverySettings::FILE_NAME);
    assert!(
        std::fs::read_to_string(settings)
            .unwrap()
            .contains("wal-restore")
    );
    let server = cluster.start(&site.world.command(&[])).until_open();
    assert_eq!(server.rows(), rows);
}

#[test]
fn what_cannot_be_restored_is_said_before_anything_is_written() {
    let site = site();
    backup(&site, &[]).assert_ended(0, "");
    let target = site.world.path("restored").display().to_string();
    let restore = |more: &[&str]| {
        let command = ["restore", "--target-dir", &target];
        site.world.run(&[&command[..], more].concat())
    };

    restore(&["--target-time=2000-01-01T00:00:00Z"]).assert_ended(1, "no backup leads to");
    restore(&["--backup=other"]).assert_ended(1, "other");
    restore(&["--tablespace=other=/tmp/x"]).assert_ended(1, "other");
    restore(&["--dry-run"]).assert_ended(0, "");
    assert!(!site.world.path("restored").exists());
    std::fs::create_dir(&target).unwrap();
    std::fs::write(site.world.path("restored/file"), "").unwrap();
    restore(&[]).assert_ended(1, "restored");
}

/// Waits until a backup has begun, which then takes half a minute.
#[track_caller]
fn until_begun(site: &Site) {
    let base = site.world.path("folder/main/base");
    let look = || {
        let begun = base.exists() && walk(&base).any(|path| path.ends_with("backup.info"));
        begun.then_some(())
    };
    until("the backup's begin", look, String::new);
}

/// Returns the paths of all files below `folder`.
fn walk(folder: &std::path::Path) -> impl Iterator<Item = String> {
    let mut folders = vec![folder.to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path.display().to_string());
            }
        }
    }
    files.into_iter()
}
