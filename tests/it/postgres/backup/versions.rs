//! The oldest and the newest version of PostgreSQL that are supported.

use super::{backup, placed, restore, restored, rows, site_run_by};
use crate::{postgres::site::archiving, support::postgres::Programs};

#[test]
fn version_13_is_backed_up_restored_and_promoted() {
    is_backed_up_restored_and_promoted(13);
}

#[test]
fn version_18_is_backed_up_restored_and_promoted() {
    is_backed_up_restored_and_promoted(18);
}

fn is_backed_up_restored_and_promoted(version: u32) {
    let site = site_run_by(&Programs::of_version(version));
    let said = site.primary.sql("show server_version_num");
    assert_eq!(said[..2], version.to_string());
    backup(&site, &["--name=nightly"]).assert_ended(0, "");
    site.primary.fill_segments(1);
    let at_point = rows(&site.primary);
    site.primary.sql("select pg_create_restore_point('point')");
    site.archive(1);
    site.until_one_shots_complete();

    let server = restored(&site, "latest", &["--without=bucket"]);
    assert_eq!(rows(&server), rows(&site.primary));
    let target = ["--target-name=point", "--target-action=promote"];
    let arguments = [&target[..], &["--without=folder"]].concat();
    restore(&site, "promoted", &arguments).assert_ended(0, "");
    let cluster = placed(&site, "promoted");
    cluster.configure(&archiving(&site.world, "its-spool", &["--patience=1m"]));
    let promoted = cluster.start(&site.world.command(&[])).until_open();
    assert_eq!(rows(&promoted), at_point);
    promoted.fill_segments(1);
    promoted.until_archived();
    // The program that checks asks for functions that version 13 does not have.
    if version > 13 {
        server.amcheck();
        promoted.amcheck();
    }

    let server = restored(&site, "across", &[]);
    assert_eq!(rows(&server), rows(&promoted));
}
