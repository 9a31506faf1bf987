//! PostgreSQL recovers from what was archived.

use std::{fs, path::PathBuf, process::Command};

use super::{
    Site,
    site::{PATIENCE, archiving},
};
use crate::support::{
    postgres::{Cluster, Server},
    s3::{Op, Rule},
    world::block_on,
};

/// A base backup of a primary that wrote more since, and what the primary holds.
struct Backup {
    site: Site,
    base: PathBuf,
    rows: String,
}

impl Backup {
    fn new() -> Self {
        let site = Site::new(&[PATIENCE]);
        site.primary.fill_segments(1);
        let base = site.world.path("base");
        site.primary.base_backup(&base);
        site.archive(4);
        site.until_one_shots_complete();
        Self {
            base,
            rows: site.primary.rows(),
            site,
        }
    }

    /// Makes a server of the base backup that recovers by `wal-restore` with these arguments.
    fn cluster(&self, name: &str, arguments: &[&str]) -> Cluster {
        let cluster = Cluster::copy(&self.base, &self.site.world.path(name));
        cluster.configure(&format!(
            "archive_mode = off\n\
             restore_command = '\"{}\" wal-restore --deadline=1s {} \"%f\" \"%p\"'\n",
            env!("CARGO_BIN_EXE_walcast"),
            arguments.join(" "),
        ));
        cluster.recover();
        cluster
    }

    fn start(&self, cluster: &Cluster) -> Server {
        cluster.start(&self.environment())
    }

    fn environment(&self) -> Command {
        self.site.world.command(&[])
    }
}

#[test]
fn each_destination_alone_leads_to_the_latest_data() {
    let backup = Backup::new();

    for other in ["bucket", "folder"] {
        let cluster = backup.cluster(&format!("not {other}"), &["--without", other]);
        let server = backup.start(&cluster).until_open();

        assert_eq!(server.rows(), backup.rows, "without {other}");
    }
}

#[test]
fn the_next_destination_is_read_where_the_first_cannot_be() {
    let backup = Backup::new();
    // It tells what it holds, and hands out nothing.
    backup
        .site
        .s3
        .faults()
        .add(Rule::error(500, "InternalError").on([Op::Get]));

    let cluster = backup.cluster("failover", &[]);
    let server = backup.start(&cluster).until_open();

    assert_eq!(server.rows(), backup.rows);
}

#[test]
fn recovery_stops_and_does_not_end_while_a_destination_is_unreachable() {
    let backup = Backup::new();
    let cluster = backup.cluster("stops", &[]);

    block_on(backup.site.s3.faults().refuse(true));
    let status = backup.start(&cluster).until_ended();

    assert_ne!(status.code(), Some(0));
    let log = cluster.log();
    assert!(
        log.contains("child process exited with exit code 200"),
        "{log}"
    );
    assert!(!log.contains("archive recovery complete"), "{log}");
    assert!(!cluster.data().join("pg_wal/00000002.history").exists());
    block_on(backup.site.s3.faults().refuse(false));
    let server = backup.start(&cluster).until_open();
    assert_eq!(server.rows(), backup.rows);
}

#[test]
fn a_promoted_server_archives_its_timeline_and_others_follow_it() {
    let mut backup = Backup::new();
    let promoted = backup.cluster("promoted", &[]);
    let spool = "spool-of-promoted";
    promoted.configure(&archiving(&backup.site.world, spool, &[PATIENCE]));
    // The last segment is not full: the promoted server has it from the primary's disk.
    let primary = &mut backup.site.primary;
    let insert = "insert into t (text) values ('not archived')";
    primary.sql(insert);
    let rows = primary.rows();
    let last = primary.sql("select pg_walfile_name(pg_current_wal_lsn())");
    primary.crash();
    let segment = primary.cluster.data().join("pg_wal").join(&last);
    fs::copy(segment, promoted.data().join("pg_wal").join(&last)).unwrap();

    let server = backup.start(&promoted).until_open();
    assert_eq!(server.rows(), rows);
    server.fill_segments(2);
    server.until_archived();

    let (folder, bucket) = (backup.site.in_folder(), backup.site.in_bucket());
    for name in [
        "00000002.history",
        &format!("{last}.partial"),
        &last.replacen("00000001", "00000002", 1),
    ] {
        assert!(folder.contains_key(name), "{name}: {:?}", folder.keys());
    }
    assert!(folder == bucket);
    assert_eq!(server.failed_count(), 0);
    let follower = backup.cluster("follower", &[]);
    let follower = backup.start(&follower).until_open();
    assert_eq!(follower.rows(), server.rows());
}
