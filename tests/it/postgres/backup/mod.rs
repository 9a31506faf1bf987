//! A real server is backed up to a folder and a bucket, lost, and restored from what they hold.
//!
//! Every primary has a tablespace and checksums of pages; a restore puts the tablespace elsewhere.

mod copies;
mod faults;
mod health;
mod killed;
mod pgbackrest;
mod points;
mod refusals;
mod standby;
mod timelines;
mod tools;
mod versions;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

use super::{Site, site::PATIENCE};
use crate::support::{
    postgres::{Cluster, Programs, Server, own},
    world::Ran,
};

/// A primary with a tablespace and two full segments.
fn site() -> Site {
    site_run_by(&Programs::usual())
}

fn site_run_by(programs: &Programs) -> Site {
    let site = Site::run_by(programs, &[PATIENCE]);
    let space = space(&site);
    fs::create_dir(&space).unwrap();
    own(&space);
    // Nobody needs them, and every backup would read them.
    site.primary.sql(
        "update pg_database set datistemplate = false; drop database template0; \
         drop database template1",
    );
    site.primary.sql(&format!(
        "create tablespace space location '{}'; create table in_space (i int) tablespace space; \
         insert into in_space select generate_series(1, 1000)",
        space.display()
    ));
    site.primary.fill_segments(2);
    site
}

/// Returns where the primary has its tablespace.
fn space(site: &Site) -> PathBuf {
    site.world.path("space")
}

/// Returns how many rows a server has outside and inside of the tablespace.
#[track_caller]
fn rows(server: &Server) -> String {
    let outside = "(select concat(count(*), '/', sum(hashtext(text)::bigint)) from t)";
    server.sql(&format!("select {outside}, (select sum(i) from in_space)"))
}

/// Backs up the primary.
fn backup(site: &Site, arguments: &[&str]) -> Ran {
    backup_of(site, &site.primary, arguments)
}

fn backup_of(site: &Site, server: &Server, arguments: &[&str]) -> Ran {
    let output = backup_command(site, server, arguments).output();
    output.unwrap().into()
}

fn backup_command(site: &Site, server: &Server, arguments: &[&str]) -> Command {
    let dsn = server.cluster.conninfo();
    let command = [
        "backup",
        "--fast-checkpoint",
        "--output=json",
        "--dsn",
        &dsn,
    ];
    let mut command = site.world.command(&[&command[..], arguments].concat());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Restores to a place of this name.
fn restore(site: &Site, name: &str, arguments: &[&str]) -> Ran {
    let output = restore_command(site, name, arguments).output();
    output.unwrap().into()
}

fn restore_command(site: &Site, name: &str, arguments: &[&str]) -> Command {
    let place = site.world.path(name);
    let target = place.join("data").display().to_string();
    let space = format!("--tablespace=space={}", place.join("space").display());
    let command = ["restore", "--target-dir", &target, &space];
    site.world.command(&[&command[..], arguments].concat())
}

/// Restores to a place of this name, starts the server there, which archives nothing, and waits
/// until it takes writes.
#[track_caller]
fn restored(site: &Site, name: &str, arguments: &[&str]) -> Server {
    restore(site, name, arguments).assert_ended(0, "");
    started(site, name).until_open()
}

/// Starts the server in the place of this name; it archives nothing.
fn started(site: &Site, name: &str) -> Server {
    let cluster = placed(site, name);
    cluster.configure("archive_mode = off\n");
    cluster.start(&site.world.command(&[]))
}

/// Returns the cluster in the place of this name, run by what runs the primary.
fn placed(site: &Site, name: &str) -> Cluster {
    let place = Cluster::of(&site.world.path(name));
    place.run_by(site.primary.cluster.programs())
}

/// What `info` says.
#[track_caller]
fn info(site: &Site) -> Value {
    let ran = site.world.run(&["info", "--output=json"]);
    serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"))
}

/// Returns the backups that `info` lists in the bucket and in the folder, oldest first.
#[track_caller]
fn listed(site: &Site) -> [Vec<Value>; 2] {
    let info = info(site);
    ["bucket", "folder"].map(|id| {
        let destinations = info["destinations"].as_array().unwrap();
        let destination = destinations.iter().find(|one| one["id"] == id).unwrap();
        let backups = destination["backups"].as_array();
        backups.unwrap_or_else(|| panic!("{destination}")).clone()
    })
}

/// Checks the states of the backups in the bucket and in the folder, oldest first.
#[track_caller]
fn assert_states(site: &Site, bucket: &[&str], folder: &[&str]) {
    let states = listed(site).map(|backups| {
        let states = backups.iter().map(|one| one["state"].as_str().unwrap());
        states.map(str::to_owned).collect::<Vec<_>>()
    });
    assert_eq!(states, [bucket, folder]);
}

/// Returns where the bucket has its base backups.
fn base_in_bucket(site: &Site) -> PathBuf {
    let bucket = &site.s3.options().bucket;
    site.world.path("s3").join(bucket).join("pg/main/base")
}

fn base_in_folder(site: &Site) -> PathBuf {
    site.world.path("folder/main/base")
}

/// Returns the files of a backup in a destination, by their paths.
fn archives(base: &Path, id: &str) -> BTreeSet<PathBuf> {
    files(&base.join(id))
}

/// Returns the files below a folder, by their paths in it; none if it is not there.
fn files(folder: &Path) -> BTreeSet<PathBuf> {
    let mut folders = vec![folder.to_owned()];
    let mut files = BTreeSet::new();
    while let Some(below) = folders.pop() {
        for entry in fs::read_dir(below).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(path.strip_prefix(folder).unwrap().to_owned());
            }
        }
    }
    files
}
