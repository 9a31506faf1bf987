//! Recovery across the switch to another timeline, and on the one before it.

use super::{backup, backup_of, info, placed, restore, restored, rows, site};
use crate::{
    postgres::{Site, site::archiving},
    support::postgres::Server,
};

/// A primary that wrote on after the point where another server was promoted.
struct Switched {
    site: Site,
    /// What the primary held in the end, on timeline 1.
    old: String,
    /// What the promoted server holds in the end, on timeline 2.
    new: String,
    _promoted: Server,
}

impl Switched {
    /// With a backup of each: `before` and `after`.
    fn new() -> Self {
        let site = site();
        backup(&site, &["--name=before"]).assert_ended(0, "");
        site.primary.fill_segments(1);
        let at_switch = rows(&site.primary);
        site.primary.sql("select pg_create_restore_point('switch')");
        site.archive(1);
        site.until_one_shots_complete();
        let old = rows(&site.primary);

        let target = ["--target-name=switch", "--target-action=promote"];
        restore(&site, "promoted", &target).assert_ended(0, "");
        let cluster = placed(&site, "promoted");
        // Nothing may be owed in the end.
        cluster.configure(&archiving(&site.world, "its-spool", &["--patience=1m"]));
        let promoted = cluster.start(&site.world.command(&[])).until_open();
        assert_eq!(rows(&promoted), at_switch);
        promoted.fill_segments(1);
        backup_of(&site, &promoted, &["--name=after"]).assert_ended(0, "");
        promoted.fill_segments(1);
        promoted.until_archived();
        Self {
            site,
            old,
            new: rows(&promoted),
            _promoted: promoted,
        }
    }
}

#[test]
fn a_backup_leads_across_a_switch_and_to_the_end_of_its_own_timeline() {
    let switched = Switched::new();
    let site = &switched.site;
    assert_ne!(switched.old, switched.new);

    for other in ["bucket", "folder"] {
        let backup = ["--backup=before", "--without", other];
        let server = restored(site, &format!("across-without-{other}"), &backup);
        assert_eq!(rows(&server), switched.new, "without {other}");
        server.amcheck();
    }
    let server = restored(site, "stays", &["--target-timeline=1"]);
    assert_eq!(rows(&server), switched.old);
    let server = restored(
        site,
        "current",
        &["--backup=before", "--target-timeline=current"],
    );
    assert_eq!(rows(&server), switched.old);
}

#[test]
fn a_backup_that_was_taken_after_a_switch_leads_to_the_end_and_not_back() {
    let switched = Switched::new();
    let site = &switched.site;

    for destination in info(site)["destinations"].as_array().unwrap() {
        let windows = destination["windows"].as_array().unwrap();
        let [window] = &windows[..] else {
            panic!("{destination}");
        };
        // The first backup leads to the new timeline as well.
        let first = &destination["backups"][0];
        assert_eq!(window["timeline"], 2, "{window}");
        assert_eq!(window["backup"], first["id"], "{window}");
        assert_eq!(window["since"], first["ended"], "{window}");
        assert!(window["until"].is_string(), "{window}");
    }
    let plan = restore(site, "latest", &["--dry-run"]);
    assert!(plan.stdout.contains("after"), "{plan:?}");
    let server = restored(site, "latest", &[]);
    assert_eq!(rows(&server), switched.new);
    server.amcheck();
    let back = ["--backup=after", "--target-timeline=1"];
    restore(site, "back", &back).assert_ended(1, "timeline 00000001 does not descend from it");
    assert!(!site.world.path("back").exists());
}
