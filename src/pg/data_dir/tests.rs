use std::collections::BTreeSet;

use super::*;

/// A data directory of PostgreSQL 17 with temporary and unlogged relations, and what its own base
/// backup took of it; most system catalogues were left out of both.
const TREE: &str = include_str!("../../../tests/fixtures/pg/17/tree");
const TAKEN: &str = include_str!("../../../tests/fixtures/pg/17/taken");

/// An uncompressed base backup of Barman's, as `tar -t` lists it; from PostgreSQL 15.
const BARMAN: &str = include_str!("../../../tests/fixtures/barman/data.tar.txt");

fn rules(set: RuleSet, version: MajorVersion) -> DataDirRules {
    DataDirRules::new(set, version)
}

/// Walks a listing in the form of `find -printf '%y%Y %P'`.
fn walk(rules: DataDirRules, tree: &str) -> Vec<(String, Take)> {
    let entries: Vec<_> = tree.lines().map(|line| line.split_at(3)).collect();
    let mut taken = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let mut directory = rules.data_directory(&folder);
        let names = entries.iter().filter_map(|(kind, path)| {
            let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
            (parent == folder && !name.is_empty()).then_some((*kind, *path, name))
        });
        let names: Vec<_> = names.collect();
        for (_, _, name) in &names {
            directory.notice(name);
        }
        for (kind, path, name) in names {
            let kind = match kind {
                "ff " => EntryKind::File,
                "dd " => EntryKind::Directory,
                "ld " => EntryKind::DirectoryLink,
                "lf " => EntryKind::FileLink,
                other => panic!("{other} is no kind"),
            };
            let take = directory.take(name, kind);
            if take == Take::Whole && kind != EntryKind::File {
                folders.push(path.to_owned());
            }
            taken.push((path.to_owned(), take));
        }
    }
    taken
}

#[test]
fn postgresql_takes_what_its_own_base_backup_took() {
    let walked = walk(rules(RuleSet::PostgreSql, MajorVersion::V17), TREE);

    let taken = walked.iter().filter(|(_, take)| *take != Take::Nothing);
    let taken: BTreeSet<_> = taken.map(|(path, _)| path.as_str()).collect();
    // The label is not read from the directory.
    let expected = TAKEN.lines().filter(|path| *path != "backup_label");
    assert_eq!(taken, expected.collect());
    let special = walked
        .iter()
        .filter(|(_, take)| !matches!(take, Take::Nothing | Take::Whole));
    let special: BTreeSet<_> = special
        .map(|(path, take)| (path.as_str(), format!("{take:?}")))
        .collect();
    let of = |take: &str, paths: &[&'static str]| {
        paths
            .iter()
            .map(|path| (*path, take.to_owned()))
            .collect::<Vec<_>>()
    };
    let expected = [
        of("Last", &["global/pg_control"]),
        of("Link", &["pg_tblspc/16384", "pg_tblspc/16385"]),
        of(
            "Empty",
            &[
                "pg_dynshmem",
                "pg_notify",
                "pg_replslot",
                "pg_serial",
                "pg_snapshots",
                "pg_stat_tmp",
                "pg_subtrans",
                "pg_tblspc/16386",
                "pg_wal/archive_status",
                "pg_wal/summaries",
            ],
        ),
    ];
    assert_eq!(special, expected.concat().into_iter().collect());
}

#[test]
fn barman_takes_more_and_no_logs() {
    let walked = walk(rules(RuleSet::Barman, MajorVersion::V17), TREE);

    let take = |path: &str| {
        let found = walked.iter().find(|(walked, _)| walked == path);
        found.map(|(_, take)| *take)
    };
    for path in [
        "base/5/16392",
        "base/5/t0_16399",
        "backup_label.old",
        "tablespace_map",
    ] {
        assert_eq!(take(path), Some(Take::Whole), "{path}");
    }
    for path in ["pg_wal", "log", "pg_replslot", "pg_subtrans"] {
        assert_eq!(take(path), Some(Take::Empty), "{path}");
    }
    for path in [
        "pg_tblspc/16384",
        "pg_tblspc/16386",
        "postmaster.pid",
        "base/pgsql_tmp",
        "base/5/pg_internal.init",
        "current_logfiles.tmp",
    ] {
        assert_eq!(take(path), Some(Take::Nothing), "{path}");
    }
    assert_eq!(take("global/pg_control"), Some(Take::Last));
    assert_eq!(take("linked.conf"), Some(Take::Link));
    assert_eq!(take("log/server.log"), None);
}

#[test]
fn pgbackrest_takes_no_temporary_and_unlogged_relations() {
    let walked = walk(rules(RuleSet::PgBackRest, MajorVersion::V17), TREE);

    let take = |path: &str| {
        let found = walked.iter().find(|(walked, _)| walked == path);
        found.map(|(_, take)| *take)
    };
    for path in [
        "backup_label.old",
        "tablespace_map",
        "postmaster.pid",
        "base/5/t0_16399",
        "base/5/pg_internal.init",
        "base/pgsql_tmp",
    ] {
        assert_eq!(take(path), Some(Take::Nothing), "{path}");
    }
    for path in ["PG_VERSION", "base/5/pg_filenode.map", "pg_wal", "log"] {
        assert_eq!(take(path), Some(Take::Whole), "{path}");
    }
    for path in ["pg_replslot", "pg_wal/archive_status"] {
        assert_eq!(take(path), Some(Take::Empty), "{path}");
    }
    assert_eq!(take("global/pg_control"), Some(Take::Last));
    let unlogged = walked.iter().find(|(path, _)| path.ends_with("_init"));
    let (init, take_of_init) = unlogged.unwrap();
    assert_eq!(*take_of_init, Take::Whole);
    assert_eq!(
        take(init.strip_suffix("_init").unwrap()),
        Some(Take::Nothing)
    );
}

#[test]
fn everything_in_an_archive_of_barmans_would_be_taken() {
    let rules = rules(RuleSet::Barman, MajorVersion::V15);
    let mut directories = BTreeSet::new();
    for path in BARMAN
        .lines()
        .filter(|path| !matches!(*path, "./" | "backup_label"))
    {
        let path = path.strip_prefix("./").unwrap_or(path);
        let (kind, path) = match path.strip_suffix('/') {
            Some(path) => (EntryKind::Directory, path),
            None => (EntryKind::File, path),
        };
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let take = rules.data_directory(parent).take(name, kind);
        assert_ne!(take, Take::Nothing, "{path}");
        if take == Take::Empty {
            directories.insert(path);
        }
        assert!(
            !directories.contains(parent),
            "{path} is in an emptied directory"
        );
    }
    assert_eq!(directories.len(), 9, "{directories:?}");
}

#[test]
fn a_tablespace_has_the_directory_of_one_version() {
    for set in [RuleSet::PostgreSql, RuleSet::Barman] {
        let rules = rules(set, MajorVersion::V15);
        let root = rules.tablespace_directory("");

        assert_eq!(
            root.take("PG_15_202209061", EntryKind::Directory),
            Take::Whole
        );
        assert_eq!(
            root.take("PG_14_202107181", EntryKind::Directory),
            Take::Nothing
        );
        let database = rules.tablespace_directory("PG_15_202209061/5");
        assert!(database.relation_file("16384.1").is_some());
        assert_eq!(
            database.take("pgsql_tmp", EntryKind::Directory),
            Take::Nothing
        );
    }
}

#[test]
fn files_of_relations_are_in_databases_and_in_global_only() {
    let rules = rules(RuleSet::Barman, MajorVersion::V18);
    let file = |path: &str, name| rules.data_directory(path).relation_file(name);

    assert!(file("global", "1262").is_some());
    assert!(file("base/5", "16384_fsm").is_some());
    for (path, name) in [
        ("base/5", "t3_16384"),
        ("base/5", "PG_VERSION"),
        ("base", "5"),
        ("base/5/6", "16384"),
        ("pg_xact", "1000"),
        ("", "16384"),
    ] {
        assert_eq!(file(path, name), None, "{path}/{name}");
    }
}

#[test]
fn sockets_and_pipes_are_left_out() {
    for set in [RuleSet::PostgreSql, RuleSet::Barman] {
        let root = rules(set, MajorVersion::V13).data_directory("");
        assert_eq!(
            root.take(".s.PGSQL.5432", EntryKind::Special),
            Take::Nothing
        );
    }
}
