//! Barman's tools work on what is backed up, and what they back up is restored.

use super::{backup, info, listed, placed, restored, rows, site};
use crate::{
    postgres::Site,
    support::{barman::Barman, postgres::own},
};

/// Where the tools find the bucket.
fn url(site: &Site) -> String {
    format!("s3://{}/pg", site.s3.options().bucket)
}

#[test]
fn the_tools_list_show_and_restore_what_is_backed_up() {
    let site = site();
    backup(&site, &["--name=nightly"]).assert_ended(0, "");
    site.archive(1);
    site.until_one_shots_complete();
    let barman = Barman::on(&site.s3);

    let list = barman.backup_list(&url(&site), "main");
    let show = barman.backup_show(&url(&site), "main", "nightly");

    let (listed, shown) = (&list["backups_list"][0], &show["cloud"]);
    let id = listed["backup_id"].as_str().unwrap();
    for told in [listed, shown] {
        assert_eq!(told["backup_id"], id, "{told}");
        assert_eq!(told["backup_name"], "nightly", "{told}");
        assert_eq!(told["status"], "DONE", "{told}");
    }
    assert_eq!(shown["tablespaces"][0][0], "space", "{shown}");
    let place = placed(&site, "by-the-tools");
    let space = place.make_folder("space");
    let moved = format!("space:{}", space.display());
    let options = ["--tablespace", &moved];
    barman.base_restore(&url(&site), "main", "nightly", place.data(), &options);
    own(place.data());
    own(&space);
    let command = env!("CARGO_BIN_EXE_walcast");
    place.configure(&format!(
        "archive_mode = off\nrestore_command = '\"{command}\" wal-restore \"%f\" \"%p\"'\n"
    ));
    place.recover();
    let server = place.start(&site.world.command(&[])).until_open();
    assert_eq!(rows(&server), rows(&site.primary));
    server.amcheck();
}

#[test]
fn the_tools_keep_and_delete_what_is_backed_up() {
    let site = site();
    for name in ["monday", "tuesday", "wednesday", "thursday"] {
        backup(&site, &["--name", name]).assert_ended(0, "");
        site.archive(1);
    }
    site.until_one_shots_complete();
    let (barman, url) = (Barman::on(&site.s3), url(&site));

    for target in ["standalone", "full"] {
        barman.backup_keep(&url, "main", "monday", &["--target", target]);
        let status = barman.backup_keep(&url, "main", "monday", &["--status"]);
        assert_eq!(status.trim(), format!("Keep: {target}"));
        let [bucket, _] = listed(&site);
        assert_eq!(bucket[0]["keep"], target, "{bucket:?}");
        assert_eq!(bucket[0]["state"], "complete", "{bucket:?}");
    }
    let policy = ["--retention-policy", "REDUNDANCY 2"];
    barman.backup_delete(&url, "main", &policy);
    assert_eq!(names(&site), ["monday", "wednesday", "thursday"]);
    barman.backup_keep(&url, "main", "monday", &["--release"]);
    barman.backup_delete(&url, "main", &policy);
    assert_eq!(names(&site), ["wednesday", "thursday"]);
    let [bucket, _] = listed(&site);
    let id = bucket[0]["id"].as_str().unwrap();
    barman.backup_delete(&url, "main", &["--backup-id", id]);
    assert_eq!(names(&site), ["thursday"]);

    let wal = info(&site)["destinations"][0]["wal"].clone();
    let [bucket, folder] = listed(&site);
    assert_eq!(wal[0]["first"], bucket[0]["first_segment"], "{wal}");
    assert_eq!(folder.len(), 4);
    let server = restored(&site, "restored", &["--without=folder"]);
    assert_eq!(rows(&server), rows(&site.primary));
}

/// Returns what the backups in the bucket are called, oldest first, as both see them.
#[track_caller]
fn names(site: &Site) -> Vec<String> {
    let [bucket, _] = listed(site);
    let ours = bucket.iter().map(|one| one["name"].as_str().unwrap());
    let ours: Vec<_> = ours.map(str::to_owned).collect();
    let list = Barman::on(&site.s3).backup_list(&url(site), "main");
    let theirs = list["backups_list"].as_array().unwrap().iter();
    let theirs: Vec<_> = theirs
        .map(|one| one["backup_name"].as_str().unwrap())
        .collect();
    assert_eq!(ours, theirs);
    ours
}

#[test]
fn what_the_tools_backed_up_is_restored() {
    let site = site();
    let (barman, url) = (Barman::on(&site.s3), url(&site));
    let formats = [
        None,
        Some("--gzip"),
        Some("--bzip2"),
        Some("--snappy"),
        Some("--lz4"),
    ];
    let name = |format: Option<&str>| {
        format
            .unwrap_or("--none")
            .trim_start_matches('-')
            .to_owned()
    };
    for format in formats {
        let conninfo = site.primary.cluster.conninfo();
        barman.base_backup(&url, "main", &name(format), format, &conninfo);
    }
    site.archive(1);
    site.until_one_shots_complete();

    for name in formats.map(name) {
        let server = restored(&site, &name, &["--backup", &name]);
        assert_eq!(rows(&server), rows(&site.primary), "{name}");
        server.amcheck();
    }
}
