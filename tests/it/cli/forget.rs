//! `forget`: debts of destinations that are given up.

use std::fs;

use super::World;

/// A world whose destination `b` owes segment 2 and was taken out of the configuration.
fn without_b() -> World {
    let mut world = World::with_folders(&["a", "b"]);
    world.archive(1, &[]).assert_silent_success();
    fs::remove_dir_all(world.path("b")).unwrap();
    assert_eq!(world.archive(2, &[]).code, Some(0));
    world.clear_configuration();
    fs::remove_dir_all(world.path("a")).unwrap();
    world.add_folder("a");
    world
}

#[test]
fn what_a_lost_destination_owes_is_said_and_dropped() {
    let world = without_b();
    assert_eq!(world.owed().len(), 1);
    let status = world.status(&[]);
    assert_eq!(status.code, Some(0), "{status:?}");
    assert!(status.stdout.contains("`walcast forget b`"), "{status:?}");

    let ran = world.run(&["forget", "--spool", "../spool", "b"]);

    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (Some(0), "b owes 1 file less\n")
    );
    assert_eq!(world.owed(), [""; 0]);
    assert!(!world.status(&[]).stdout.contains("forget"));
}

#[test]
fn the_resident_forgets_too() {
    let world = without_b();
    let resident = world.serve();

    let ran = world.run(&["forget", "--spool", "../spool", "b", "--output=json"]);

    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (Some(0), "{\"forgotten\":1}\n")
    );
    assert_eq!(world.known().spool.abandoned, []);
    assert_eq!(world.owed(), [""; 0]);
    assert_eq!(resident.stop(), Some(0));
}

#[test]
fn what_can_still_be_paid_is_not_forgotten() {
    let world = World::with_folders(&["a", "b"]);
    let resident = world.serve();

    let configured = world.run(&["forget", "--spool", "../spool", "b"]);
    let nowhere = world.run(&["forget", "--spool", "../nowhere", "c"]);

    configured.assert_ended(1, "b is configured: what it owes is sent to it");
    nowhere.assert_ended(1, "there is no spool at ../nowhere");
    assert!(!world.path("nowhere").exists());
    assert_eq!(resident.stop(), Some(0));
}
