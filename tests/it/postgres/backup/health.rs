//! What destinations can restore is told, proved and mended.

use std::{fs, process::Command};

use serde_json::Value;

use super::{backup, base_in_folder, files, restored, rows, site};
use crate::{
    postgres::Site,
    support::{postgres::as_server, world::Ran},
};

/// A server with a backup in both destinations and some WAL after it.
fn backed_up() -> Site {
    let site = site();
    backup(&site, &[]).assert_ended(0, "");
    site.primary.fill_segments(3);
    site.primary.until_archived();
    site
}

#[track_caller]
fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"))
}

fn audit(site: &Site, arguments: &[&str]) -> Ran {
    let all = [&["audit", "--output=json"], arguments].concat();
    site.world.run(&all)
}

/// Returns the codes of what is wrong with a destination.
#[track_caller]
fn findings(ran: &Ran, id: &str) -> Vec<String> {
    let findings = json(ran)["findings"].as_array().unwrap().clone();
    let of_it = findings.iter().filter(|one| one["destination"] == id);
    of_it
        .map(|one| one["code"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_destination_that_was_emptied_is_noticed_filled_and_restored() {
    let site = backed_up();
    let expected = rows(&site.primary);
    let ran = audit(&site, &["--level=metadata"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let whole = json(&ran);
    for destination in whole["destinations"].as_array().unwrap() {
        assert_eq!(
            destination["windows"].as_array().unwrap().len(),
            1,
            "{destination}"
        );
        assert_eq!(destination["lag"]["segments"], 0, "{destination}");
    }

    fs::remove_dir_all(site.world.path("folder/main")).unwrap();
    let ran = audit(&site, &[]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(findings(&ran, "folder").contains(&"no_backup".to_owned()));
    assert_eq!(findings(&ran, "bucket"), [""; 0]);

    let ran = site.world.run(&["heal", "--dry-run"]);
    ran.assert_ended(0, "");
    assert!(ran.stdout.contains("from bucket to folder"), "{ran:?}");
    assert!(!site.world.path("folder/main").exists());
    let ran = site.world.run(&["heal"]);
    ran.assert_ended(0, "");
    let ran = audit(&site, &["--level=metadata"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let [before, after] = [&whole, &json(&ran)].map(|audit| {
        let destinations = audit["destinations"].as_array().unwrap().clone();
        let folder = destinations.into_iter().find(|one| one["id"] == "folder");
        folder.unwrap()["windows"].clone()
    });
    let end = |windows: &Value| (windows[0]["backup"].clone(), windows[0]["to"].clone());
    assert_eq!(end(&before), end(&after));
    let again = site.world.run(&["heal"]);
    assert_eq!(again.stdout, "nothing is to be copied\n");

    let server = restored(&site, "restored", &["--without=bucket"]);
    assert_eq!(rows(&server), expected);
}

#[test]
fn content_that_went_bad_is_found_by_reading_and_replaced() {
    let site = backed_up();
    let evidence = format!("--evidence={}", site.world.path("evidence.json").display());
    let all = ["--level=all", &evidence];
    let ran = audit(&site, &all);
    assert_eq!(ran.code, Some(0), "{ran:?}");

    let wals = site.world.path("folder/main/wals");
    let names = files(&wals);
    let name = names
        .iter()
        .find(|name| name.extension().is_some_and(|one| one == "lz4"));
    let victim = wals.join(name.unwrap());
    let sound = fs::read(&victim).unwrap();
    let mut spoilt = sound.clone();
    let middle = spoilt.len() / 2;
    spoilt[middle] ^= 1;
    fs::write(&victim, &spoilt).unwrap();
    assert_eq!(
        audit(&site, &[]).code,
        Some(0),
        "a listing does not show it"
    );

    let ran = audit(&site, &all);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert_eq!(findings(&ran, "folder"), ["corrupt"]);
    assert_eq!(findings(&ran, "bucket"), [""; 0]);
    let heal = ["heal", "--corrupt", &evidence];
    let ran = site.world.run(&heal);
    ran.assert_ended(0, "");
    assert!(ran.stdout.contains("in place of damaged ones"), "{ran:?}");

    assert_eq!(fs::read(&victim).unwrap(), sound);
    let aside = site.world.path("folder/main/walcast/aside");
    let kept = files(&aside);
    assert_eq!(kept.len(), 1, "{kept:?}");
    let kept = fs::read(aside.join(kept.first().unwrap())).unwrap();
    assert_eq!(kept, spoilt);
    let ran = audit(&site, &all);
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

#[test]
fn a_backup_whose_objects_are_gone_is_told_by_metadata() {
    let site = backed_up();
    let base = base_in_folder(&site);
    let archive = files(&base)
        .into_iter()
        .find(|path| path.to_string_lossy().contains("data.tar"));
    fs::remove_file(base.join(archive.unwrap())).unwrap();

    let ran = audit(&site, &["--level=metadata"]);

    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(
        findings(&ran, "folder").contains(&"nothing_restorable".to_owned()),
        "{ran:?}"
    );
}

/// Runs the program as PostgreSQL's user: the server refuses root.
fn drill(site: &Site, arguments: &[&str]) -> Ran {
    let scratch = format!("--scratch={}", site.world.path("").display());
    let command = site
        .world
        .command(&[&["drill", "--output=json", &scratch], arguments].concat());
    let mut drill: Command = as_server(command.get_program());
    drill.args(command.get_args());
    for (name, value) in command.get_envs() {
        drill.env(name, value.unwrap_or_default());
    }
    drill.current_dir(command.get_current_dir().unwrap());
    drill.output().unwrap().into()
}

#[test]
fn each_destination_is_restored_for_practice() {
    let site = backed_up();
    let query = "--query=select count(*) from t";

    let ran = drill(&site, &[query]);

    assert_eq!(ran.code, Some(0), "{ran:?}");
    let drills = json(&ran)["drills"].as_array().unwrap().clone();
    let count = site.primary.sql("select count(*) from t");
    assert_eq!(drills.len(), 2);
    for one in &drills {
        let drill = &one["drill"];
        assert_eq!(drill["answer"], count.trim(), "{one}");
        assert!(
            drill["failure"].is_null() && drill["reached"].is_string(),
            "{one}"
        );
        assert_eq!(drill["databases"], serde_json::json!(["postgres"]), "{one}");
    }
    let left = fs::read_dir(site.world.path("")).unwrap();
    let left = left.filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_string_lossy().starts_with("drill-")
    });
    assert_eq!(left.count(), 0);
    let ran = audit(&site, &["--max-drill-age=1h"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");

    let ran = drill(
        &site,
        &["--query=select 1 where false", "--destination=folder"],
    );
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let ran = audit(&site, &[]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert_eq!(findings(&ran, "folder"), ["drill_failed"]);
}
