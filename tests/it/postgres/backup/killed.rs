//! walcast is killed at one request to the bucket after the other.

use std::{collections::BTreeSet, path::PathBuf, process::Command};

use super::{
    archives, backup, backup_command, base_in_bucket, base_in_folder, files, listed,
    restore_command, restored, rows, site, started,
};
use crate::{
    postgres::Site,
    support::{
        postgres::until,
        s3::{Action, Op, Rule},
        world::Ran,
    },
};

#[test]
fn no_backup_that_is_listed_as_complete_lacks_anything_wherever_walcast_is_killed() {
    let site = site();
    backup(&site, &[]).assert_ended(0, "");
    let bases = [base_in_bucket(&site), base_in_folder(&site)];
    let whole = bases
        .clone()
        .map(|base| archives(&base, &only(&files(&base))));

    let mut kills = 0;
    let about = Rule::new(Action::Hang).about("base");
    while let Some(killed) = killed_at(
        &site,
        &about,
        kills,
        backup_command(&site, &site.primary, &[]),
    ) {
        // It may still be the second in which the one before began, which is refused.
        kills += u32::from(killed);
        let listed = listed(&site);
        let complete = |index: usize| {
            let backups = listed[index].iter();
            backups.filter(|one| one["state"] == "complete").count()
        };
        for (index, backups) in listed.iter().enumerate() {
            for backup in backups.iter().filter(|one| one["state"] == "complete") {
                let id = backup["id"].as_str().unwrap();
                assert_eq!(
                    archives(&bases[index], id),
                    whole[index],
                    "after {kills}: {id}"
                );
            }
        }
        if complete(0) > 1 {
            // What follows only tidies up, and each complete backup is one more to look at.
            break;
        }
    }

    assert!(kills > 8, "{kills}");
    for backups in listed(&site) {
        let left = backups.iter().find(|one| one["state"] == "unfinished");
        assert_eq!(left, None, "what the killed ones left is removed");
    }
    site.until_one_shots_complete();
    for other in ["bucket", "folder"] {
        let server = restored(&site, &format!("without-{other}"), &["--without", other]);
        assert_eq!(rows(&server), rows(&site.primary), "without {other}");
    }
}

#[test]
fn no_server_starts_from_a_restore_wherever_it_is_killed_and_another_completes_it() {
    let site = site();
    backup(&site, &[]).assert_ended(0, "");
    site.archive(1);
    site.until_one_shots_complete();

    let mut kills = 0;
    let about = Rule::new(Action::Hang).on([Op::Get]).about(".tar");
    let command = || restore_command(&site, "restored", &["--delta", "--without=folder"]);
    while let Some(true) = killed_at(&site, &about, kills, command()) {
        kills += 1;
        let control = site.world.path("restored/data/global/pg_control");
        assert!(!control.exists(), "after {kills}");
    }

    assert!(kills > 1, "{kills}");
    let server = started(&site, "restored").until_open();
    assert_eq!(rows(&server), rows(&site.primary));
    server.amcheck();
}

/// Runs a command and kills it at the request that the rule meets after so many others. Returns
/// whether it was killed there or failed before; `None` if it came to its end.
#[track_caller]
pub(super) fn killed_at(
    site: &Site,
    rule: &Rule,
    after: u32,
    mut command: Command,
) -> Option<bool> {
    let faults = site.s3.faults();
    faults.add(rule.clone().after(after));
    let mut child = command.spawn().unwrap();
    let look = || {
        let has_ended = child.try_wait().unwrap().is_some();
        (has_ended || faults.has_hung()).then_some(has_ended)
    };
    let has_ended = until("the request", look, String::new);
    child.kill().unwrap();
    faults.clear();
    let ran: Ran = child.wait_with_output().unwrap().into();
    match (has_ended, ran.code) {
        (false, _) => Some(true),
        (true, Some(0)) => None,
        (true, _) => {
            ran.assert_ended(1, "is there already");
            Some(false)
        }
    }
}

/// Returns the id of the one backup of which these are the files.
fn only(files: &BTreeSet<PathBuf>) -> String {
    let first = files.first().unwrap().iter().next().unwrap();
    first.to_str().unwrap().to_owned()
}
