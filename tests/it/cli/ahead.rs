//! `wal-restore`: segments that are fetched before PostgreSQL asks for them.

use std::fs;

use super::World;
use crate::support::wal;

/// Two destinations with segments 1 to 8.
fn archive() -> World {
    let world = World::with_folders(&["a", "b"]);
    for number in 1..=8 {
        world.archive(number, &[]).assert_silent_success();
    }
    world
}

fn restored(world: &World) -> Vec<u8> {
    fs::read(world.path("data/pg_wal/RECOVERYXLOG")).unwrap()
}

/// The segments that are there ahead, in order.
fn ahead(world: &World) -> Vec<String> {
    let Ok(folder) = fs::read_dir(world.path("data/pg_wal/walcast.ahead")) else {
        return Vec::new();
    };
    let mut names: Vec<_> = folder
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn names(numbers: impl IntoIterator<Item = u64>) -> Vec<String> {
    numbers.into_iter().map(wal::name).collect()
}

#[test]
fn what_follows_is_there_when_every_destination_is_gone() {
    let world = archive();

    world.restore(1, &[]).assert_silent_success();
    assert_eq!(ahead(&world), names(2..=5));
    for name in ["a", "b"] {
        fs::remove_dir_all(world.path(name)).unwrap();
    }

    for number in 2..=5 {
        world.restore(number, &[]).assert_silent_success();
        assert_eq!(restored(&world), wal::segment(number, wal::SYSTEM_ID));
    }
    assert_eq!(ahead(&world), names([]));
    assert_eq!(world.restore(6, &["--deadline=100ms"]).code, Some(200));
}

#[test]
fn the_archive_ends_where_it_ends() {
    let world = archive();

    world.restore(7, &[]).assert_silent_success();
    assert_eq!(ahead(&world), names([8]));
    world.restore(8, &[]).assert_silent_success();
    assert_eq!(world.restore(9, &[]).code, Some(1));
    assert_eq!(ahead(&world), names([]));
}

#[test]
fn only_what_is_asked_for_next_is_kept() {
    let world = archive();

    world.restore(1, &["--ahead=2"]).assert_silent_success();
    assert_eq!(ahead(&world), names([2, 3]));
    world.restore(6, &["--ahead=1"]).assert_silent_success();
    assert_eq!(ahead(&world), names([7]));
}

#[test]
fn nothing_is_left_when_recovery_looks_for_a_timeline() {
    let world = archive();
    world.restore(1, &[]).assert_silent_success();

    let ran = world.run(&["wal-restore", "00000002.history", "pg_wal/RECOVERYHISTORY"]);

    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(!world.path("data/pg_wal/walcast.ahead").exists());
}

#[test]
fn a_segment_that_is_damaged_ahead_is_fetched_again() {
    let world = archive();
    world.restore(1, &[]).assert_silent_success();
    let cut = world.path(format!("data/pg_wal/walcast.ahead/{}", wal::name(2)));
    fs::write(&cut, &wal::segment(2, wal::SYSTEM_ID)[..5000]).unwrap();

    let ran = world.restore(2, &[]);

    ran.assert_ended(0, "fetched ahead and of no use");
    assert_eq!(restored(&world), wal::segment(2, wal::SYSTEM_ID));
    assert_eq!(ahead(&world), names(3..=6));
}

#[test]
fn nothing_is_fetched_ahead_for_whoever_does_not_recover_or_does_not_want_it() {
    let world = archive();
    fs::create_dir(world.path("elsewhere")).unwrap();

    let ran = world.run(&["wal-restore", &wal::name(1), "../elsewhere/segment"]);
    ran.assert_silent_success();
    world.restore(1, &["--ahead=0"]).assert_silent_success();

    assert_eq!(ahead(&world), names([]));
    assert_eq!(fs::read_dir(world.path("elsewhere")).unwrap().count(), 1);
}
