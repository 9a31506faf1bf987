//! A real server is backed up to a folder and a bucket, lost, and restored from each alone.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{Site, site::PATIENCE};
use crate::support::{
    postgres::{Cluster, Server, own},
    world::Ran,
};

/// A primary with a tablespace that was backed up, went on, and was lost.
struct Lost {
    site: Site,
    /// What the primary held when it was lost, and at marks before.
    rows: String,
    marks: Vec<Mark>,
}

/// A moment to come back to, and what the primary held then.
struct Mark {
    target: [String; 2],
    rows: String,
}

const COUNT: &str = "select count(*), sum(hashtext(text)::bigint) from t, \
                     lateral (select count(*) from in_space) as s";

impl Lost {
    fn new() -> Self {
        let mut site = Site::new(&[PATIENCE]);
        let space = site.world.path("space");
        fs::create_dir(&space).unwrap();
        own(&space);
        let primary = &site.primary;
        primary.sql(&format!(
            "create tablespace space location '{}'; create table in_space (i int) tablespace space; \
             insert into in_space select generate_series(1, 1000)",
            space.display()
        ));
        primary.fill_segments(2);

        backup(&site, &["--name=nightly"]).assert_ended(0, "");

        let mut marks = Vec::new();
        primary.fill_segments(1);
        primary.sql("select pg_create_restore_point('half-way')");
        marks.push(mark(primary, "--target-name", "half-way".to_owned()));
        primary.fill_segments(1);
        let lsn = primary.sql("select pg_current_wal_insert_lsn()");
        marks.push(mark(primary, "--target-lsn", lsn));
        primary.fill_segments(1);
        let time = primary.sql("select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')");
        marks.push(mark(primary, "--target-time", time));
        site.archive(2);
        site.until_one_shots_complete();
        let rows = site.primary.sql(COUNT);
        site.primary.crash();
        fs::remove_dir_all(site.primary.cluster.data()).unwrap();
        fs::remove_dir_all(&space).unwrap();
        Self { site, rows, marks }
    }

    /// Restores into a new place with these arguments, starts the server and returns it.
    #[track_caller]
    fn restored(&self, name: &str, arguments: &[&str]) -> Server {
        let place = self.site.world.path(name);
        let cluster = Cluster::of(&place);
        let space = format!("--tablespace=space={}", place.join("space").display());
        let ran = self.restore(cluster.data(), &[&[space.as_str()], arguments].concat());
        ran.assert_ended(0, "");
        cluster.configure("archive_mode = off\n");
        cluster.start(&self.site.world.command(&[])).until_open()
    }

    fn restore(&self, target: &Path, arguments: &[&str]) -> Ran {
        let target = target.display().to_string();
        let command = ["restore", "--target-dir", &target];
        self.site.world.run(&[&command[..], arguments].concat())
    }
}

fn mark(primary: &Server, kind: &str, target: String) -> Mark {
    Mark {
        target: [kind.to_owned(), target],
        rows: primary.sql(COUNT),
    }
}

fn backup(site: &Site, arguments: &[&str]) -> Ran {
    let dsn = site.primary.cluster.conninfo();
    let command = ["backup", "--fast-checkpoint", "--dsn", &dsn];
    site.world.run(&[&command[..], arguments].concat())
}

#[test]
fn each_destination_alone_brings_everything_back_to_any_point() {
    let lost = Lost::new();

    for other in ["bucket", "folder"] {
        let without = ["--without", other];
        let server = lost.restored(&format!("without-{other}"), &without);
        assert_eq!(server.sql(COUNT), lost.rows, "without {other}");
        server.amcheck();
        for mark in &lost.marks {
            let [kind, target] = &mark.target;
            let arguments = [&without[..], &[kind, target, "--target-action=promote"]].concat();
            let server = lost.restored(&format!("{kind}-without-{other}"), &arguments);
            assert_eq!(server.sql(COUNT), mark.rows, "{kind} without {other}");
        }
    }
}

#[test]
fn the_tools_list_and_restore_what_is_backed_up() {
    let site = Site::new(&[PATIENCE]);
    site.primary.fill_segments(2);
    backup(&site, &["--name=nightly"]).assert_ended(0, "");
    let rows = site.primary.rows();
    site.archive(1);
    site.until_one_shots_complete();

    let barman = crate::support::barman::Barman::on(&site.s3);
    let url = format!("s3://{}/pg", site.s3.options().bucket);
    let listed = barman.backup_list(&url, "main");
    assert_eq!(
        listed["backups_list"][0]["backup_name"], "nightly",
        "{listed}"
    );
    assert_eq!(listed["backups_list"][0]["status"], "DONE");
    let place = site.world.path("by-the-tools");
    let cluster = Cluster::of(&place);
    barman.base_restore(&url, "main", "nightly", cluster.data());
    own(cluster.data());
    let command = env!("CARGO_BIN_EXE_walcast");
    cluster.configure(&format!(
        "archive_mode = off\nrestore_command = '\"{command}\" wal-restore \"%f\" \"%p\"'\n"
    ));
    cluster.recover();
    let server = cluster.start(&site.world.command(&[])).until_open();
    assert!(server.rows() >= rows, "{} and {rows}", server.rows());
}

#[test]
fn what_the_tools_backed_up_is_restored() {
    let site = Site::new(&[PATIENCE]);
    site.primary.fill_segments(2);
    let barman = crate::support::barman::Barman::on(&site.s3);
    let url = format!("s3://{}/pg", site.s3.options().bucket);
    let formats = [
        None,
        Some("--gzip"),
        Some("--bzip2"),
        Some("--snappy"),
        Some("--lz4"),
    ];
    for (index, format) in formats.into_iter().enumerate() {
        let name = format!("by-tools-{index}");
        barman.base_backup(
            &url,
            "main",
            &name,
            format,
            &site.primary.cluster.conninfo(),
        );
        site.archive(1);
        site.until_one_shots_complete();
        let rows = site.primary.rows();

        let cluster = Cluster::of(&site.world.path(&name));
        let target = cluster.data().display().to_string();
        let ran = site
            .world
            .run(&["restore", "--target-dir", &target, "--backup", &name]);
        ran.assert_ended(0, "");
        cluster.configure("archive_mode = off\n");
        let server = cluster.start(&site.world.command(&[])).until_open();

        assert_eq!(server.rows(), rows, "{format:?}");
    }
}

#[test]
fn a_destination_that_missed_a_backup_gets_it_from_another() {
    let site = Site::new(&[PATIENCE]);
    site.primary.fill_segments(1);
    let folder = site.world.path("folder");
    let away: PathBuf = site.world.path("away");
    fs::rename(&folder, &away).unwrap();
    backup(&site, &["--name=nightly"]).assert_ended(3, "");
    fs::rename(&away, &folder).unwrap();
    site.archive(1);
    site.until_one_shots_complete();

    site.world
        .run(&["heal", "--backup=nightly"])
        .assert_ended(0, "");

    let rows = site.primary.rows();
    let cluster = Cluster::of(&site.world.path("restored"));
    let target = cluster.data().display().to_string();
    let arguments = ["restore", "--target-dir", &target, "--without", "bucket"];
    site.world.run(&arguments).assert_ended(0, "");
    cluster.configure("archive_mode = off\n");
    let server = cluster.start(&site.world.command(&[])).until_open();
    assert_eq!(server.rows(), rows);
}

#[test]
fn a_damaged_page_is_named_and_the_backup_marked() {
    let site = Site::new(&[PATIENCE]);
    site.primary.fill_segments(1);
    site.primary.sql("checkpoint");
    let file = site.primary.sql("select pg_relation_filepath('t')");
    let path = site.primary.cluster.data().join(&file);
    let mut content = fs::read(&path).unwrap();
    content[8192 + 5000] ^= 1;
    fs::write(&path, content).unwrap();

    let ran = backup(&site, &[]);

    ran.assert_ended(3, "");
    let expected = format!("wrong checksum: {file}, block 1");
    assert!(ran.stdout.contains(&expected), "{ran:?}");
    let base = fs::read_dir(site.world.path("folder/main/base")).unwrap();
    let info = base.map(|one| one.unwrap().path().join("backup.info"));
    let info = fs::read_to_string(info.last().unwrap()).unwrap();
    assert!(
        info.contains(&format!("# checksum is wrong: {file}, block 1")),
        "{info}"
    );
}
