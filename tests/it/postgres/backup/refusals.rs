//! What cannot be done is said before anything is changed.

use super::{
    assert_states, backup, backup_command, base_in_bucket, base_in_folder, files, restore,
    restored, site, space,
};
use crate::{
    postgres::Site,
    support::{postgres::Cluster, program::mounted, world::Ran},
};

#[test]
fn a_backup_that_cannot_be_is_refused_before_it_begins() {
    let mut site = site();
    let server = &site.primary;
    let hosts = format!("host={}", server.cluster.sockets().display());
    server.sql("create role keeper login");

    refused(&site, "host=/nowhere user=postgres", "/nowhere");
    refused(&site, "host=127.0.0.1 port=1 user=postgres", "127.0.0.1");
    refused(&site, &format!("{hosts} user=nobody"), "nobody");
    refused(
        &site,
        &format!("{hosts} user=postgres dbname=nowhere"),
        "nowhere",
    );
    refused(&site, &format!("{hosts} port=1 user=postgres"), "socket:1");
    let denied = refused(&site, &format!("{hosts} user=keeper"), "keeper");
    assert!(denied.stderr.contains("GRANT "), "{denied:?}");
    let dsn = site.primary.cluster.conninfo();
    let reserved = backup(&site, &["--name=latest"]);
    reserved.assert_ended(1, "a backup cannot be called `latest`");
    assert_untouched(&site);

    let zip = format!(
        "destinationPath: file://{}",
        site.world.path("zip").display()
    );
    site.world
        .add_store("zip", &[&zip, "data: {compression: zip}"]);
    let ran = refused(&site, &dsn, "zip");
    assert!(ran.stderr.contains("stores.yaml"), "{ran:?}");
}

#[test]
fn a_data_directory_that_is_not_the_servers_is_not_backed_up() {
    let site = site();
    let other = Cluster::init(&site.world.path("other"));
    let data = site.primary.cluster.data().to_str().unwrap();
    let bind = ["--bind", other.data().to_str().unwrap(), data];
    let nothing = ["-t", "tmpfs", "none", data];

    for (mount, why) in [
        (&bind[..], "of the cluster"),
        (&nothing[..], "No such file"),
    ] {
        let command = backup_command(&site, &site.primary, &[]);
        let ran: Ran = mounted(mount, &command).output().unwrap().into();

        ran.assert_ended(1, "is not the data directory of the server that answers");
        assert!(ran.stderr.contains(why), "{ran:?}");
        assert_untouched(&site);
    }
}

/// Checks that a backup of the server at `dsn` is refused, and that nothing has begun.
#[track_caller]
fn refused(site: &Site, dsn: &str, why: &str) -> Ran {
    let ran = site
        .world
        .run(&["backup", "--fast-checkpoint", "--dsn", dsn]);
    ran.assert_ended(1, why);
    assert_untouched(site);
    ran
}

/// Checks that no backup has begun anywhere.
#[track_caller]
fn assert_untouched(site: &Site) {
    for base in [base_in_bucket(site), base_in_folder(site)] {
        assert!(!base.exists(), "{:?}", files(&base));
    }
}

#[test]
fn a_destination_with_backups_of_another_cluster_takes_none() {
    let site = site();
    backup(&site, &[]).assert_ended(0, "");
    let other = Cluster::init(&site.world.path("other"));
    let server = other.start(&site.world.command(&[])).until_open();
    let dsn = server.cluster.conninfo();

    let ran = site.world.run(&["backup", "--dsn", &dsn]);

    ran.assert_ended(1, "of the cluster");
    assert_states(&site, &["complete"], &["complete"]);
}

#[test]
fn a_restore_that_cannot_be_is_refused_before_anything_is_written() {
    let site = site();
    restore(&site, "restored", &[]).assert_ended(1, "no destination has a complete backup");
    backup(&site, &[]).assert_ended(0, "");
    site.archive(1);
    site.until_one_shots_complete();
    let refused = |arguments: &[&str], why: &str| {
        let ran = restore(&site, "restored", arguments);
        ran.assert_ended(1, why);
        assert!(!site.world.path("restored/data").exists(), "{ran:?}");
        ran
    };

    let outside = [
        ("--target-time=2000-01-01T00:00:00Z", "it ended later"),
        (
            "--target-time=2200-01-01T00:00:00Z",
            "the newest segment was stored at",
        ),
        ("--target-lsn=0/1", "it stopped behind"),
        ("--target-lsn=F/0", "segments are in no destination"),
        ("--target-timeline=7", "timeline 7"),
    ];
    for (target, why) in outside {
        let ran = refused(&[target], why);
        for window in ["; bucket: from 0/", "; folder: from 0/"] {
            let is_told = ran.stderr.contains(window) || target == "--target-timeline=7";
            assert!(is_told, "{ran:?}");
        }
    }
    refused(&["--backup=other"], "other");
    refused(&["--without=other"], "other");
    refused(&["--tablespace=other=/tmp/x"], "other");
    // The last one counts, and the primary's is still there.
    let there = format!("--tablespace=space={}", space(&site).display());
    let ran = refused(&[&there], "is not empty");
    assert!(
        ran.stderr.contains(space(&site).to_str().unwrap()),
        "{ran:?}"
    );
    restore(&site, "restored", &["--dry-run"]).assert_ended(0, "");
    assert!(!site.world.path("restored/data").exists());

    let server = restored(&site, "restored", &[]);
    restore(&site, "restored", &[]).assert_ended(1, "is not empty");
    restore(&site, "restored", &["--delta"]).assert_ended(1, "is in use");
    assert_eq!(server.sql("select 1"), "1");
    let spaces = files(&site.world.path("restored/space"));
    assert!(!spaces.is_empty());
}
