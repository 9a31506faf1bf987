//! Barman's tools serve PostgreSQL from what we archived.

use std::fs;

use super::{Site, site::PATIENCE};
use crate::support::{barman::Barman, postgres::Cluster};

#[test]
fn postgresql_recovers_by_barman_from_what_we_archived() {
    let site = Site::new(&[PATIENCE]);
    site.primary.fill_segments(1);
    let base = site.world.path("base");
    site.primary.base_backup(&base);
    site.archive(3);
    assert!(site.known().is_complete());

    let barman = Barman::on(&site.s3);
    let spool = site.world.path("barman");
    fs::create_dir(&spool).unwrap();
    let mut restore = barman.wal_restore("s3://backups/pg", "main", &spool);
    let cluster = Cluster::copy(&base, &site.world.path("recovered"));
    let words: Vec<_> = restore
        .get_args()
        .map(|word| word.to_str().unwrap())
        .collect();
    cluster.configure(&format!(
        "archive_mode = off\nrestore_command = '\"{}\" \"{}\" %f %p'\n",
        restore.get_program().display(),
        words.join("\" \""),
    ));
    cluster.recover();
    let server = cluster
        .start(restore.env("PATH", "/usr/bin:/bin"))
        .until_open();

    assert_eq!(server.rows(), site.primary.rows());
    let log = cluster.log();
    assert!(log.contains("restored log file"), "{log}");
}
