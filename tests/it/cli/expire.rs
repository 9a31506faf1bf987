//! `expire`: what the retention policies let go.

use std::fs;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use walcast::repository::barman::{BackupInfo, BackupStatus};

use super::World;
use crate::support::wal;

/// A destination with WAL and three backups, which ended 10, 5 and 1 days ago.
pub(super) fn world() -> World {
    let world = World::with_folders(&["here"]);
    for number in 1..=12 {
        let name = wal::name(number);
        write(&world, &format!("wals/{}/{name}.lz4", &name[..16]), "");
    }
    for (days, first) in [(10, 2), (5, 6), (1, 10)] {
        let ended = Timestamp::now() - SignedDuration::from_hours(days * 24);
        let began = ended - SignedDuration::from_mins(10);
        let segment = wal::name(first).parse().ok();
        let info = BackupInfo {
            begin_time: Some(began.into()),
            begin_wal: segment,
            begin_xlog: format!("0/{first}000028").parse().ok(),
            end_time: Some(ended.into()),
            end_wal: segment,
            end_xlog: format!("0/{first}000100").parse().ok(),
            status: Some(BackupStatus::Done),
            timeline: "00000001".parse().ok(),
            version: Some(150_020),
            ..BackupInfo::default()
        };
        let id = began.strftime("%Y%m%dT%H%M%S");
        write(&world, &format!("base/{id}/backup.info"), &info.to_string());
        write(&world, &format!("base/{id}/data.tar"), "");
    }
    world
}

fn write(world: &World, name: &str, content: &str) {
    let path = world.path("here/main").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn backups(world: &World) -> usize {
    let folder = fs::read_dir(world.path("here/main/base"));
    folder.unwrap().count()
}

fn expire(world: &World, arguments: &[&str]) -> (Option<i32>, Value) {
    let ran = world.run(&[&["expire", "--output=json"], arguments].concat());
    let told: Value = serde_json::from_str(&ran.stdout).unwrap();
    (ran.code, told["destinations"][0].clone())
}

#[test]
fn a_dry_run_tells_and_a_run_does() {
    let world = world();
    let options = ["--retention-policy=RECOVERY WINDOW OF 3 DAYS"];

    let (code, told) = expire(&world, &[&options[..], &["--dry-run"]].concat());

    assert_eq!(code, Some(0));
    assert_eq!(told["policies"], json!(["RECOVERY WINDOW OF 3 DAYS"]));
    assert_eq!((&told["segments"], backups(&world)), (&json!(5), 3));
    assert_eq!(told["removed"].as_array().unwrap().len(), 1);
    assert_eq!(told["kept"][0]["reasons"], json!(["leads_to_window"]));
    assert_eq!(told["before"][0]["from"], "0/2000100");
    assert_eq!(told["after"][0]["from"], "0/6000100");

    let (code, told) = expire(&world, &options);

    assert_eq!((code, &told["removed_objects"]), (Some(0), &json!(7)));
    assert_eq!(backups(&world), 2);
    let (code, told) = expire(&world, &options);
    assert_eq!((code, &told["steps"]), (Some(0), &json!([])));
}

#[test]
fn nothing_goes_without_a_policy() {
    let world = world();

    let ran = world.run(&["expire"]);

    assert_eq!((ran.code, backups(&world)), (Some(0), 3), "{ran:?}");
    assert!(
        ran.stdout.contains("no policy: everything stays"),
        "{ran:?}"
    );
}

#[test]
fn a_damaged_record_keeps_everything() {
    let world = world();
    write(&world, "base/20260101T000000/backup.info", "timeline=?");

    let ran = world.run(&["expire", "--retention-policy=1d"]);

    assert_eq!((ran.code, backups(&world)), (Some(1), 4), "{ran:?}");
    assert!(
        ran.stdout.contains("nothing goes: backup 20260101T000000"),
        "{ran:?}"
    );
}

#[test]
fn more_than_the_policy_says_stays_where_a_backup_cannot_be_restored() {
    let world = world();
    let name = wal::name(10);
    let segment = format!("here/main/wals/{}/{name}.lz4", &name[..16]);
    fs::remove_file(world.path(segment)).unwrap();

    let ran = world.run(&["expire", "--retention-policy=REDUNDANCY 1"]);

    assert_eq!((ran.code, backups(&world)), (Some(3), 2), "{ran:?}");
    let said = format!("lacks {name}, older ones stay");
    assert!(ran.stdout.contains(&said), "{ran:?}");
}

#[test]
fn only_known_destinations_can_be_chosen() {
    let ran = world().run(&["expire", "--destination=there"]);

    ran.assert_ended(1, "there is no such destination");
}
