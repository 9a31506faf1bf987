//! A database under load is lost, and each destination alone leads to any point of it.

use std::{fs, path::PathBuf};

use super::{backup, base_in_folder, restored, site, space};
use crate::{
    postgres::Site,
    support::{postgres::until, s3::S3Server},
};

/// A primary that was backed up while it worked, went on, and was lost.
struct Lost {
    site: Site,
    /// A second bucket, called `other`.
    _s3: S3Server,
    /// What the primary held at the end, and at marks before.
    content: String,
    marks: Vec<Mark>,
}

/// A moment to come back to, and what the primary held then.
struct Mark {
    target: [String; 2],
    content: String,
}

/// The moments, as expressions that say where they are.
const MARKS: [(&str, &str); 3] = [
    (
        "--target-name",
        "case when pg_create_restore_point('amid') is not null then 'amid' end",
    ),
    ("--target-lsn", "pg_current_wal_insert_lsn()"),
    (
        "--target-time",
        "to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
    ),
];

impl Lost {
    fn new() -> Self {
        let mut site = site();
        let s3 = S3Server::start();
        let compression = ["wal: {compression: zstd}", "data: {compression: snappy}"];
        site.world
            .add_bucket_at("other", &s3.endpoint(), s3.options(), &compression);
        let primary = &site.primary;
        primary.make_accounts("space");
        primary.sql("create unlogged table scratch (i int); insert into scratch values (1)");
        let load = primary.load();
        let until_more = |than: u64| {
            let look = || Some(primary.transactions()).filter(|count| *count > than);
            until("more load", look, || primary.cluster.log())
        };

        let before = until_more(0);
        backup(&site, &["--name=nightly"]).assert_ended(0, "");
        let mut transactions = until_more(before);
        let marks = MARKS.map(|(kind, expression)| {
            transactions = until_more(transactions);
            let (target, content) = primary.held_still(expression);
            let target = [kind.to_owned(), target];
            Mark { target, content }
        });
        // Recovery ends at a time only if something was committed later.
        until_more(transactions);
        drop(load);
        let content = primary.accounts();
        site.archive(1);
        site.until_one_shots_complete();

        site.primary.crash();
        fs::remove_dir_all(site.primary.cluster.data()).unwrap();
        fs::remove_dir_all(space(&site)).unwrap();
        Self {
            site,
            _s3: s3,
            content,
            marks: marks.into(),
        }
    }
}

#[test]
fn each_destination_alone_brings_everything_back_to_any_point() {
    let lost = Lost::new();

    for others in [
        ["bucket", "other"],
        ["bucket", "folder"],
        ["folder", "other"],
    ] {
        let without = ["--without", others[0], "--without", others[1]];
        let place = format!("without-{}", others.join("-"));
        let server = restored(&lost.site, &place, &without);
        assert_eq!(server.accounts(), lost.content, "without {others:?}");
        assert_eq!(server.sql("select count(*) from scratch"), "0");
        server.amcheck();
        for mark in &lost.marks {
            let [kind, target] = &mark.target;
            let arguments = [&without[..], &[kind, target, "--target-action=promote"]].concat();
            let server = restored(&lost.site, &format!("{place}{kind}"), &arguments);
            assert_eq!(server.accounts(), mark.content, "{kind} without {others:?}");
            server.assert_balanced();
        }
    }
}

#[test]
fn a_damaged_page_is_named_and_the_backup_marked() {
    let site = site();
    site.primary.sql("checkpoint");
    let damaged = ["t", "in_space"].map(|table| {
        let file = format!("select pg_relation_filepath('{table}')");
        let file = site.primary.sql(&file);
        let path = site.primary.cluster.data().join(&file);
        let mut content = fs::read(&path).unwrap();
        content[8192 + 5000] ^= 1;
        fs::write(&path, content).unwrap();
        // A backup calls a tablespace by its number alone.
        let file = file.trim_start_matches("pg_tblspc/");
        let file = file.replacen("/PG_", ", PG_", 1);
        format!("{file}, block 1")
    });

    let ran = backup(&site, &[]);

    ran.assert_ended(3, "");
    let base = fs::read_dir(base_in_folder(&site)).unwrap();
    let infos = base.map(|one| one.unwrap().path().join("backup.info"));
    let infos: Vec<PathBuf> = infos.collect();
    let info = fs::read_to_string(&infos[0]).unwrap();
    for page in damaged {
        assert!(ran.stdout.contains(&page), "{ran:?}");
        let is_marked =
            |line: &str| line.starts_with("# checksum is wrong: ") && line.ends_with(&page);
        assert!(info.lines().any(is_marked), "{info}");
    }
}
