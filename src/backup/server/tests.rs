use std::{
    fs::{self, File},
    os::unix::fs::{MetadataExt, symlink},
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::Timestamp;
use tempfile::TempDir;

use super::{
    pages::PageCheck,
    source::{Source, SourceError, SourceReport, estimate},
};
use crate::{
    backup::{Progress, pass::Wishes},
    pg::{BackedUpServer, Lsn, MajorVersion, Oid, SegmentSize, SystemId, Tablespace},
    repository::{FileFilter, Tree, TreeEvent, TreePath},
};

fn server(data: &Path, tablespaces: Vec<Tablespace>) -> BackedUpServer {
    BackedUpServer {
        system_id: SystemId::new(7),
        version: 150_020,
        segment_size: SegmentSize::default(),
        data_directory: data.display().to_string(),
        config_file: None,
        hba_file: None,
        ident_file: None,
        included_files: Vec::new(),
        tablespaces,
        databases: Vec::new(),
        data_checksums: true,
        summarize_wal: None,
        cluster_size: 0,
    }
}

/// Reads a server's files, and calls `meanwhile` with each event.
fn read(
    server: &BackedUpServer,
    meanwhile: impl FnMut(&TreeEvent),
) -> Result<(Vec<TreeEvent>, SourceReport), SourceError> {
    read_for(&Wishes::default(), server, meanwhile)
}

fn read_for(
    wishes: &Wishes,
    server: &BackedUpServer,
    mut meanwhile: impl FnMut(&TreeEvent),
) -> Result<(Vec<TreeEvent>, SourceReport), SourceError> {
    let mut events = Vec::new();
    let progress = Progress::default();
    let check = PageCheck {
        start: Lsn::new(1 << 40),
    };
    let mut emit = |event: TreeEvent| {
        meanwhile(&event);
        events.push(event);
        Ok(())
    };
    let version = MajorVersion::V15;
    let source = Source::new(
        server,
        version,
        Some(check),
        None,
        wishes,
        &progress,
        &mut emit,
    );
    let report = source.read()?;
    Ok((events, report))
}

/// Names what came, and how long files are.
fn names(events: &[TreeEvent]) -> Vec<String> {
    let name = |event: &TreeEvent| match event {
        TreeEvent::Tree(Tree::Data) => Some("data:".to_owned()),
        TreeEvent::Tree(Tree::Tablespace(oid)) => Some(format!("{oid}:")),
        TreeEvent::Directory(path, _) => Some(format!("{path}/")),
        TreeEvent::File(path, _, len) => Some(format!("{path} {len}")),
        TreeEvent::Symlink(path, _, target) => Some(format!("{path} -> {target}")),
        TreeEvent::HardLink(path, _, other) => Some(format!("{path} = {other}")),
        TreeEvent::DirectoryLink(path, _, target) => Some(format!("{path} => {target}")),
        TreeEvent::Unread(path, ..) => Some(format!("{path} unread")),
        TreeEvent::Data(_) | TreeEvent::Pages(_) | TreeEvent::EndOfFile => None,
    };
    events.iter().filter_map(name).collect()
}

fn content(events: &[TreeEvent], file: &str) -> Vec<u8> {
    let mut content = Vec::new();
    let mut is_it = false;
    for event in events {
        match event {
            TreeEvent::File(path, ..) => is_it = path.as_str() == file,
            TreeEvent::Data(bytes) if is_it => content.extend_from_slice(bytes),
            _ => {}
        }
    }
    content
}

fn place(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

#[test]
fn tablespaces_come_first_and_the_control_file_last() {
    let data = place(&[
        ("PG_VERSION", b"15\n"),
        ("global/pg_control", b"control"),
        ("global/1262", b""),
        ("base/5/112", b""),
        ("pg_wal/000000010000000000000001", b"wal"),
        ("pg_notify/0000", b"x"),
        ("postmaster.pid", b"1"),
    ]);
    let location = place(&[
        ("PG_15_202209061/5/16385", b""),
        ("PG_14_202107181/5/1", b"old"),
    ]);
    let outside = place(&[("pg_hba.conf", b"hba")]);
    fs::create_dir(data.path().join("pg_tblspc")).unwrap();
    symlink(location.path(), data.path().join("pg_tblspc/16384")).unwrap();
    symlink("PG_VERSION", data.path().join("link")).unwrap();
    fs::hard_link(data.path().join("PG_VERSION"), data.path().join("same")).unwrap();
    let tablespace = Tablespace {
        name: "space".to_owned(),
        oid: Oid::new(16384).unwrap(),
        location: location.path().display().to_string(),
    };
    let mut server = server(data.path(), vec![tablespace]);
    server.hba_file = Some(outside.path().join("pg_hba.conf").display().to_string());
    server.config_file = Some(data.path().join("postgresql.conf").display().to_string());

    let (events, report) = read(&server, |_| {}).unwrap();

    assert_eq!(
        names(&events),
        [
            "16384:",
            "/",
            "PG_15_202209061/",
            "PG_15_202209061/5/",
            "PG_15_202209061/5/16385 0",
            "data:",
            "/",
            "PG_VERSION 3",
            "link -> PG_VERSION",
            "same = PG_VERSION",
            "base/",
            "base/5/",
            "base/5/112 0",
            "global/",
            "global/1262 0",
            "pg_notify/",
            "pg_tblspc/",
            "pg_wal/",
            "global/pg_control 7",
            "pg_hba.conf 3",
        ]
    );
    assert_eq!(content(&events, "global/pg_control"), b"control");
    assert!(report.bad_pages.is_empty());
}

#[test]
fn files_that_shrink_grow_or_vanish_keep_their_announced_length() {
    let large = vec![7; 1 << 20];
    let data = place(&[("a", &large), ("b", b"grows"), ("c", b"vanishes")]);
    let path = |name: &str| data.path().join(name);
    let meanwhile = |event: &TreeEvent| match event {
        TreeEvent::File(file, ..) if file.as_str() == "a" => {
            File::options()
                .write(true)
                .open(path("a"))
                .unwrap()
                .set_len(10)
                .unwrap();
            fs::remove_file(path("c")).unwrap();
        }
        TreeEvent::File(file, ..) if file.as_str() == "b" => {
            fs::write(path("b"), b"grows and grows").unwrap();
        }
        _ => {}
    };

    let (events, _) = read(&server(data.path(), vec![]), meanwhile).unwrap();

    assert_eq!(names(&events), ["data:", "/", "a 1048576", "b 5"]);
    let mut shrunk = vec![0; 1 << 20];
    shrunk[..10].fill(7);
    assert!(content(&events, "a") == shrunk);
    assert_eq!(content(&events, "b").len(), 5);
}

#[test]
fn a_bad_page_is_named_by_file_and_block() {
    let mut pages = vec![0; 3 * 8192];
    // Its last change is before the backup, and its checksum is none.
    pages[8192 + 14] = 1;
    let data = place(&[("base/5/16384", &pages), ("base/5/other", &pages)]);

    let (_, report) = read(&server(data.path(), vec![]), |_| {}).unwrap();

    let bad: Vec<_> = report.bad_pages.iter().map(ToString::to_string).collect();
    assert_eq!(bad, ["base/5/16384, block 1"]);
}

#[test]
fn reading_ends_when_nobody_takes_it() {
    let data = place(&[("a", b"x")]);
    let server = server(data.path(), vec![]);
    let progress = Progress::default();
    let wishes = Wishes::default();
    let mut emit = |_| Err(SourceError::NobodyLeft);

    let source = Source::new(
        &server,
        MajorVersion::V15,
        None,
        None,
        &wishes,
        &progress,
        &mut emit,
    );

    assert!(matches!(source.read(), Err(SourceError::NobodyLeft)));
}

/// Wants what is behind links, and no file of one byte.
struct Choosy(Mutex<Vec<String>>);

impl FileFilter for Choosy {
    fn notice(&self, _: Tree, path: &TreePath, size: u64, _: Timestamp) {
        self.0.lock().unwrap().push(format!("{path} {size}"));
    }

    fn wants(&self, _: Tree, _: &TreePath, size: u64, _: Timestamp) -> bool {
        size != 1
    }

    fn follows_links(&self) -> bool {
        true
    }
}

#[test]
fn what_nobody_wants_is_not_read_and_links_are_followed_for_whoever_wants_it() {
    let outside = place(&[("dir/inside", b"in"), ("conf", b"conf")]);
    let data = place(&[
        ("a", b"a"),
        ("b", b"bb"),
        ("base/5/1", b""),
        ("base/5/2", b""),
    ]);
    let path = |name: &str| data.path().join(name);
    fs::write(path("base/5/2_init"), b"").unwrap();
    symlink(outside.path().join("dir"), path("linked")).unwrap();
    symlink(outside.path().join("conf"), path("linked.conf")).unwrap();
    symlink(path("base"), path("inside")).unwrap();
    fs::hard_link(path("b"), path("same")).unwrap();
    let filter = Arc::new(Choosy(Mutex::default()));
    let wishes = Wishes::of_test(Arc::clone(&filter) as _);
    let server = server(data.path(), vec![]);

    let size = estimate(&server, &wishes);
    let (events, _) = read_for(&wishes, &server, |_| {}).unwrap();

    assert_eq!(size, 5);
    let mut noticed = filter.0.lock().unwrap().clone();
    noticed.sort();
    let expected = [
        "a 1",
        "b 2",
        "base/5/1 0",
        "base/5/2 0",
        "base/5/2_init 0",
        "same 2",
    ];
    assert_eq!(noticed, expected);
    let (dir, conf) = (outside.path().join("dir"), outside.path().join("conf"));
    let expected = [
        "data:".to_owned(),
        "/".to_owned(),
        "a unread".to_owned(),
        "b 2".to_owned(),
        format!("linked.conf -> {}", conf.display()),
        "linked.conf 4".to_owned(),
        "same = b".to_owned(),
        "same 2".to_owned(),
        "base/".to_owned(),
        "base/5/".to_owned(),
        "base/5/2_init 0".to_owned(),
        "base/5/1 0".to_owned(),
        "base/5/2 0".to_owned(),
        format!("linked => {}", dir.display()),
        "linked/".to_owned(),
        "linked/inside 2".to_owned(),
    ];
    assert_eq!(names(&events), expected);
}

#[test]
fn what_may_change_within_the_second_has_an_earlier_time() {
    let data = place(&[("new", b"x"), ("old", b"x")]);
    let old = File::options()
        .write(true)
        .open(data.path().join("old"))
        .unwrap();
    let now = old.metadata().unwrap().modified().unwrap();
    old.set_modified(now - Duration::from_mins(1)).unwrap();

    let (events, _) = read(&server(data.path(), vec![]), |_| {}).unwrap();

    let told = |name: &str| {
        let mut events = events.iter();
        let found = events.find_map(|event| match event {
            TreeEvent::File(path, attributes, _) if path.as_str() == name => {
                Some(attributes.modified.as_second())
            }
            _ => None,
        });
        found.unwrap()
    };
    let stored = |name: &str| {
        let metadata = fs::metadata(data.path().join(name)).unwrap();
        metadata.mtime()
    };
    assert_eq!(told("old"), stored("old"));
    assert_eq!(told("new"), stored("new") - 1);
}
