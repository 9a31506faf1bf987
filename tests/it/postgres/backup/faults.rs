//! Destinations and servers fail while a base backup is taken, and destinations when it is restored.

use std::{fs, io::Write as _, path::Path, time::Duration};

use super::{
    Site, assert_states, backup, backup_command, base_in_bucket, base_in_folder, files, restore,
    restore_command, restored, rows, site, started,
};
use crate::support::{
    postgres::until,
    program::mounted,
    s3::{Action, Op, Rule},
    world::{Ran, block_on},
};

/// One whose data directory does not fit into one part, if nothing is compressed.
fn of_several_parts() -> Site {
    let site = site();
    site.primary.fill_segments(6);
    site
}

#[test]
fn a_destination_that_dies_before_the_backup_gets_it_later() {
    let site = site();
    block_on(site.s3.faults().refuse(true));
    backup(&site, &["--name=nightly"]).assert_ended(3, "");
    block_on(site.s3.faults().refuse(false));
    site.archive(1);
    site.until_one_shots_complete();

    let ran = site.world.run(&["heal", "--backup=nightly"]);

    ran.assert_ended(0, "");
    let server = restored(&site, "restored", &["--without=folder"]);
    assert_eq!(rows(&server), rows(&site.primary));
    server.amcheck();
}

#[test]
fn a_destination_that_fails_in_the_middle_leaves_the_others_complete_and_gets_it_later() {
    let faults = [
        (Rule::error(403, "AccessDenied"), Op::PutPart),
        (Rule::error(403, "AccessDenied"), Op::Complete),
        (Rule::error(507, "InsufficientStorage"), Op::PutPart),
    ];
    let site = of_several_parts();
    for (number, (fault, op)) in faults.into_iter().enumerate() {
        site.s3.faults().add(fault.on([op]));

        let name = format!("--name=number-{number}");
        let ran = backup(&site, &[&name, "--compression=none"]);

        ran.assert_ended(3, "");
        assert!(ran.stdout.contains("by decree"), "{ran:?}");
        site.s3.faults().clear();
        let left = files(&base_in_bucket(&site));
        assert!(
            left.iter().all(|path| path.ends_with("backup.info")),
            "{left:?}"
        );
    }
    assert_states(&site, &["failed"; 3], &["complete"; 3]);

    site.world
        .run(&["heal", "--backup=number-2"])
        .assert_ended(0, "");

    assert_states(&site, &["failed", "failed", "complete"], &["complete"; 3]);
}

#[test]
fn a_folder_that_is_full_leaves_the_others_complete() {
    let site = site();
    let folder = site.world.path("folder").display().to_string();
    let tmpfs = ["-t", "tmpfs", "-o", "size=1M", "none", &folder];
    let command = backup_command(&site, &site.primary, &[]);

    let ran: Ran = mounted(&tmpfs, &command).output().unwrap().into();

    ran.assert_ended(3, "");
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let [bucket, folder] = [0, 1].map(|index| &report["destinations"][index]);
    assert_eq!(bucket["outcome"], "complete", "{report}");
    let reason = folder["reason"].as_str().unwrap();
    assert!(reason.contains("space"), "{reason}");
}

#[test]
fn a_destination_that_dies_after_the_pass_leaves_the_others_complete_and_gets_it_later() {
    let site = site();
    let info = Rule::error(403, "AccessDenied")
        .on([Op::Put])
        .about("backup.info");
    // The first says that the backup begins.
    site.s3.faults().add(info.after(1));

    let ran = backup(&site, &["--name=nightly"]);

    ran.assert_ended(3, "");
    site.s3.faults().clear();
    assert_states(&site, &["unfinished"], &["complete"]);
    let left = files(&base_in_bucket(&site));
    assert_eq!(left.len(), 1, "{left:?}");

    // The next one removes what is left.
    backup(&site, &[]).assert_ended(0, "");
    assert_states(&site, &["complete"], &["complete"; 2]);
    let ran = site.world.run(&["heal", "--backup=nightly"]);
    ran.assert_ended(0, "");
    assert_states(&site, &["complete"; 2], &["complete"; 2]);
}

#[test]
fn a_destination_that_stands_still_is_left_behind() {
    let site = of_several_parts();
    let busy = Rule::error(503, "SlowDown").on([Op::PutPart]);
    site.s3.faults().add(busy);

    let ran = backup(&site, &["--stall-limit=8s", "--compression=none"]);

    site.s3.faults().clear();
    ran.assert_ended(3, "");
    assert!(ran.stdout.contains("goes on without it"), "{ran:?}");
    assert_states(&site, &["failed"], &["complete"]);
}

#[test]
fn a_destination_that_is_slow_holds_the_backup_too() {
    let site = site();
    let slow = Rule::new(Action::Delay(Duration::from_millis(500)));
    site.s3.faults().add(slow.about("base"));

    let ran = backup(&site, &["--stall-limit=30s"]);

    ran.assert_ended(0, "");
    assert_states(&site, &["complete"], &["complete"]);
}

#[test]
fn nothing_is_complete_when_the_server_stops_in_the_middle() {
    let mut site = site();
    let faults = site.s3.faults().clone();
    faults.add(Rule::new(Action::Hang).on([Op::Put]).about("base"));
    let child = backup_command(&site, &site.primary, &[]).spawn().unwrap();
    let hangs = || faults.has_hung().then_some(());
    until("the backup's begin", hangs, String::new);

    site.primary.crash();
    faults.clear();

    let ran: Ran = child.wait_with_output().unwrap().into();
    ran.assert_ended(1, "session with PostgreSQL is lost");
    assert_states(&site, &["failed"], &["failed"]);
}

#[test]
fn a_copy_that_lies_is_made_good_by_the_next_and_named_when_there_is_none() {
    let site = site();
    backup(&site, &[]).assert_ended(0, "");
    site.archive(1);
    site.until_one_shots_complete();
    let (bucket, folder) = (base_in_bucket(&site), base_in_folder(&site));
    let space = "select oid from pg_tablespace where spcname = 'space'";
    let space = format!("{}.tar.lz4", site.primary.sql(space));

    // Tablespaces come first, and who failed is asked last from then on.
    let halve = |content: &mut Vec<u8>| content.truncate(content.len() / 2);
    damage(&bucket, &space, halve);
    damage(&folder, "data.tar.gz", |content| {
        let middle = content.len() / 2;
        content[middle] ^= 0x55;
    });
    let ran = restore(&site, "restored", &[]);
    ran.assert_ended(0, "bucket: tablespace");
    assert!(ran.stderr.contains("folder: data directory"), "{ran:?}");
    let server = started(&site, "restored").until_open();
    assert_eq!(rows(&server), rows(&site.primary));
    server.amcheck();

    damage(&bucket, "data.tar.lz4", halve);
    let ran = restore(&site, "nowhere", &[]);
    ran.assert_ended(1, "no destination gives the data directory");
    for destination in ["bucket: ", "folder: "] {
        assert!(ran.stderr.contains(destination), "{ran:?}");
    }
    let control = site.world.path("nowhere/data/global/pg_control");
    assert!(!control.exists());
}

#[test]
fn a_place_that_is_full_ends_a_restore() {
    let site = site();
    backup(&site, &[]).assert_ended(0, "");
    let place = site.world.path("place");
    fs::create_dir(&place).unwrap();
    let place = place.display().to_string();
    let tmpfs = ["-t", "tmpfs", "-o", "size=1M", "none", &place];
    let command = restore_command(&site, "place", &[]);

    let ran: Ran = mounted(&tmpfs, &command).output().unwrap().into();

    ran.assert_ended(1, "space");
}

/// Damages the files below a folder whose names end like this.
#[track_caller]
fn damage(folder: &Path, ending: &str, how: impl Fn(&mut Vec<u8>)) {
    let files = files(folder).into_iter();
    let damaged = files.filter(|path| path.display().to_string().ends_with(ending));
    let paths: Vec<_> = damaged.map(|path| folder.join(path)).collect();
    assert!(!paths.is_empty(), "nothing ends with {ending}");
    for path in paths {
        let mut content = fs::read(&path).unwrap();
        how(&mut content);
        fs::File::create(path).unwrap().write_all(&content).unwrap();
    }
}
