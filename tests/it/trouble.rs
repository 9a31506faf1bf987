//! What only a person can mend costs the one destination, and `status` tells the person what to do.

use std::{fs, io::Write as _};

use walcast::fanout::{DestinationState, DestinationStatus};

use crate::support::{
    s3::{Options, S3Server},
    wal,
    world::World,
};

/// A folder, and a bucket at `server` as a user described it: rightly or not.
fn world(server: &S3Server, described: &Options, lines: &[&str]) -> World {
    let mut world = World::with_folders(&["folder"]);
    world.add_bucket_at("bucket", &server.endpoint(), described, lines);
    world
}

/// Archives a segment, which must succeed, and returns what is known of the bucket then.
#[track_caller]
fn after_archiving(world: &World) -> DestinationStatus {
    let ran = world.archive(1, &["--patience=30s"]);

    ran.assert_ended(0, "bucket owes");
    assert!(world.holds("folder", 1));
    let mut status = world.known();
    assert_eq!(status.destinations[0].state, DestinationState::Healthy);
    assert_eq!(status.destinations[0].owed, 0);
    status.destinations.remove(1)
}

/// Checks that a person is told what is the matter and what to do.
#[track_caller]
fn assert_refused(bucket: &DestinationStatus, error: &str, hint: &str) {
    assert_eq!((bucket.state, bucket.owed), (DestinationState::Refused, 1));
    let (said, advised) = (bucket.error.as_deref(), bucket.hint.as_deref());
    assert!(said.is_some_and(|said| said.contains(error)), "{bucket:?}");
    assert!(
        advised.is_some_and(|advised| advised.contains(hint)),
        "{bucket:?}"
    );
}

#[test]
fn a_wrong_secret_key() {
    let server = S3Server::start();
    let described = Options {
        secret_key: "mistyped".to_owned(),
        ..Options::default()
    };
    let world = world(&server, &described, &[]);

    let bucket = after_archiving(&world);

    assert_refused(&bucket, "SignatureDoesNotMatch", "key");
    let state = fs::read_to_string(world.path("spool/state.json")).unwrap();
    assert!(!state.contains("mistyped"), "{state}");
}

#[test]
fn a_missing_bucket() {
    let server = S3Server::start();
    let described = Options {
        bucket: "nowhere".to_owned(),
        ..Options::default()
    };

    let bucket = after_archiving(&world(&server, &described, &[]));

    assert_refused(&bucket, "NoSuchBucket", "bucket");
}

#[test]
fn a_wrong_region() {
    let server = S3Server::start();
    server.faults().refuse_region("eu-central-1");

    let bucket = after_archiving(&world(&server, server.options(), &[]));

    assert_refused(&bucket, "eu-central-1", "region");
}

#[test]
fn an_unknown_authority() {
    let described = Options {
        tls: true,
        ..Options::default()
    };
    let (server, stranger) = (
        S3Server::start_with(described.clone()),
        S3Server::start_with(described.clone()),
    );
    let mut world = world(
        &server,
        &described,
        &["endpointCA: {name: ca, key: ca.crt}"],
    );
    let authority = stranger.ca().unwrap().replace('\n', "\n    ");
    world.add_document(&format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: ca}}\n\
         stringData:\n  ca.crt: |\n    {authority}\n"
    ));

    let bucket = after_archiving(&world);

    assert_refused(&bucket, "not trusted", "CA");
}

#[test]
fn another_segment_under_the_same_name() {
    let mut world = World::with_folders(&["folder"]);
    let server = S3Server::start_in(&world.path("s3"), Options::default());
    world.add_bucket("bucket", &server);
    let segment = wal::name(1);
    let folder = world.path("s3/backups/pg/main/wals").join(&segment[..16]);
    let other = wal::segment(1, wal::SYSTEM_ID + 1);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(&segment), &other).unwrap();

    let bucket = after_archiving(&world);

    assert_eq!(
        (bucket.state, bucket.conflicts),
        (DestinationState::Conflict, 1)
    );
    assert!(bucket.error.unwrap().contains("holds other content"));
    assert!(bucket.hint.unwrap().contains("server name"));
    assert!(fs::read(folder.join(&segment)).unwrap() == other);
    // Others go on.
    assert_eq!(world.archive(2, &[]).code, Some(0));
    assert!(folder.join(wal::name(2)).exists());
    assert_eq!(world.owed(), [segment]);
}

#[test]
fn a_spool_that_cannot_be_written_is_missed_only_when_somebody_is_behind() {
    let world = World::with_folders(&["a", "b"]);
    fs::create_dir(world.path("spool")).unwrap();
    // Stands where entries are prepared; permissions would not stop root.
    let mut obstacle = fs::File::create(world.path("spool/new")).unwrap();
    obstacle.write_all(b"in the way").unwrap();

    let ran = world.archive(1, &[]);
    ran.assert_ended(0, "the spool cannot be used for now");
    assert!(world.holds("a", 1) && world.holds("b", 1));

    fs::rename(world.path("b"), world.path("away")).unwrap();
    let ran = world.archive(2, &[]);
    ran.assert_ended(1, "Make the spool folder writable");
    assert!(world.holds("a", 2));

    fs::rename(world.path("away"), world.path("b")).unwrap();
    assert_eq!(world.archive(2, &[]).code, Some(0));
    assert!(world.holds("b", 2));
}

#[test]
fn a_damaged_record_is_healed_from_whoever_holds_the_file() {
    let world = World::with_folders(&["kept", "lost"]);
    world.archive(1, &[]).assert_silent_success();
    // `lost` owes the first, nobody holds the third; what was recorded of them cannot be read.
    let [first, third] = [1, 3].map(wal::name);
    fs::remove_dir_all(world.path("lost/main/wals")).unwrap();
    for name in [&first, &third] {
        let entry = world.path("spool/queue/00000001").join(name);
        fs::create_dir_all(&entry).unwrap();
        fs::write(entry.join("entry.json"), "{").unwrap();
    }

    let ran = world.archive(4, &["--drain=1m"]);

    ran.assert_ended(0, "damaged");
    assert!(world.holds("kept", 1) && world.holds("lost", 1));
    for destination in world.known().destinations {
        assert_eq!(destination.owed, 1, "{destination:?}");
    }
    let parked = format!("spool/queue/00000001/{third}/parked.lost");
    let parked = fs::read_to_string(world.path(parked)).unwrap();
    assert!(parked.contains("nobody holds it"), "{parked}");
}
