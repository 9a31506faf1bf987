//! A small base backup as a stream of files.

use std::path::Path;

use bytes::Bytes;
use jiff::Timestamp;

use crate::{
    pg::{BackupLabel, ControlData, Oid, SystemId},
    repository::{
        Annotations, Attributes, BackupState, StoredBackup, Tablespace, Tree, TreeEvent, TreePath,
    },
};

/// Reads a file that PostgreSQL 15 wrote.
pub(super) fn fixture(name: &str) -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pg/15");
    std::fs::read(root.join(name)).unwrap()
}

pub(super) fn system_id() -> SystemId {
    ControlData::parse(&fixture("pg_control"))
        .unwrap()
        .system_id
}

pub(super) fn oid() -> Oid {
    Oid::new(16_385).unwrap()
}

pub(super) fn path(text: &str) -> TreePath {
    if text.is_empty() {
        TreePath::default()
    } else {
        TreePath::parse(text).unwrap()
    }
}

pub(super) fn modified() -> Timestamp {
    "2026-11-22T12:00:00.5Z".parse().unwrap()
}

pub(super) fn attributes(mode: u32) -> Attributes {
    Attributes {
        mode,
        uid: rustix::process::geteuid().as_raw(),
        gid: rustix::process::getegid().as_raw(),
        user: None,
        group: None,
        modified: modified(),
    }
}

pub(super) fn directory(at: &str) -> TreeEvent {
    TreeEvent::Directory(path(at), attributes(0o700))
}

pub(super) fn symlink(at: &str, leads_to: &str) -> TreeEvent {
    TreeEvent::Symlink(path(at), attributes(0o777), leads_to.to_owned())
}

/// A file in two blocks.
pub(super) fn file(at: &str, content: &[u8]) -> Vec<TreeEvent> {
    let (one, other) = content.split_at(content.len() / 2);
    vec![
        TreeEvent::File(path(at), attributes(0o600), content.len() as u64),
        TreeEvent::Data(Bytes::copy_from_slice(one)),
        TreeEvent::Data(Bytes::copy_from_slice(other)),
        TreeEvent::EndOfFile,
    ]
}

/// The data directory, with `extra` between its own files.
pub(super) fn data_directory(extra: Vec<TreeEvent>) -> Vec<TreeEvent> {
    [
        vec![TreeEvent::Tree(Tree::Data), directory("")],
        file("PG_VERSION", b"15\n"),
        file("postgresql.auto.conf", b"work_mem = '64MB'\n"),
        file("backup_label", &fixture("backup_label")),
        file("tablespace_map", b"16385 /srv/fast\n"),
        file("standby.signal", b""),
        vec![directory("base"), directory("base/5")],
        file("base/5/1259", &[1; 16_384]),
        file("base/5/1260", &[2; 8192]),
        file("base/5/empty", b""),
        vec![
            directory("pg_notify"),
            directory("pg_tblspc"),
            directory("global"),
        ],
        extra,
        file("global/pg_control", &fixture("pg_control")),
    ]
    .concat()
}

/// The location of the tablespace.
pub(super) fn tablespace_files() -> Vec<TreeEvent> {
    let version = "PG_15_202209061";
    [
        vec![
            TreeEvent::Tree(Tree::Tablespace(oid())),
            directory(""),
            directory(version),
        ],
        file(&format!("{version}/16386"), b"pages"),
    ]
    .concat()
}

pub(super) fn backup() -> StoredBackup {
    let label = String::from_utf8(fixture("backup_label")).unwrap();
    let label = BackupLabel::parse(&label).unwrap();
    StoredBackup {
        id: "20261122T120000".to_owned(),
        name: None,
        annotations: Annotations::default(),
        state: BackupState::Complete,
        began: Some(modified()),
        ended: Some(modified()),
        system_id: Some(system_id()),
        server_version: Some(150_020),
        segment_size: None,
        timeline: Some(label.start_timeline),
        start: Some(label.start),
        stop: label.start.checked_add(256),
        first_segment: Some(label.start_segment),
        last_segment: Some(label.start_segment),
        size: None,
        stored_size: 4096,
        keep: None,
    }
}

pub(super) fn tablespaces(location: &Path) -> Vec<Tablespace> {
    vec![Tablespace {
        name: "fast".to_owned(),
        oid: oid(),
        location: location.to_str().unwrap().to_owned(),
    }]
}
