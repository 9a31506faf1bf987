//! A base backup made up for the checks, and what came back of one.

use std::{collections::BTreeMap, io, iter};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp, tz::Offset};

use super::{Checked, Complaint, IDENTITY, Sample, check};
use crate::{
    pg::{BackedUpServer, Lsn, Oid, SegmentSize, SystemId, Tablespace, TimelineId},
    repository::{
        Annotations, Attributes, BackupContents, BackupEnd, BackupKind, BackupStart, BackupWriter,
        ObjectName, ObjectSink, Tree, TreeEvent, TreePath,
    },
};

/// Everything that goes into a base backup.
#[derive(Clone, Debug)]
pub(super) struct Base {
    pub(super) start: BackupStart,
    pub(super) events: Vec<TreeEvent>,
    pub(super) end: BackupEnd,
}

/// The files of a base backup, by tree and path.
pub(super) type Files = BTreeMap<(Tree, TreePath), Node>;

/// Something in a tree, as far as every layout must keep it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Node {
    Directory(Attributes),
    File(Attributes, Vec<u8>),
    Symlink(String),
    HardLink(TreePath),
}

impl Base {
    /// One that began `minutes` later than others.
    pub(super) fn new(minutes: i64) -> Self {
        Self {
            start: start(minutes),
            events: [tablespace(), data_directory(Vec::new())].concat(),
            end: end(minutes),
        }
    }

    /// One with a file of so many bytes, of which no codec saves any.
    pub(super) fn with_file_of(len: usize) -> Self {
        let mut rng = fastrand::Rng::with_seed(1);
        let content: Vec<u8> = iter::repeat_with(|| rng.u8(..)).take(len).collect();
        let large = file("base/5/16384", 0o600, &content);
        Self {
            events: [tablespace(), data_directory(large)].concat(),
            ..Self::new(0)
        }
    }

    /// One of another cluster.
    pub(super) fn of_another_cluster() -> Self {
        let mut other = Self::new(1);
        other.start.server.system_id = SystemId::new(IDENTITY.system_id.get() + 1);
        other
    }

    /// Returns what must come back: all that went in, and the label.
    pub(super) fn files(&self) -> Checked<Files> {
        let mut arrival = Arrival::default();
        for event in &self.events {
            arrival.take(event.clone())?;
        }
        let mut files = arrival.files()?;
        files.retain(|(tree, path), _| !is_optional(*tree, path));
        Ok(files)
    }

    /// Encodes it into objects, on so many threads.
    pub(super) fn encode(
        &self,
        writer: &dyn BackupWriter,
        threads: usize,
    ) -> Checked<(Vec<Encoded>, BackupContents)> {
        let mut encoder = writer.encoder(threads);
        let mut objects = Objects::default();
        for event in &self.events {
            encoder.take(event, &mut objects)?;
        }
        let contents = encoder.finish(&self.end, &mut objects)?;
        check(objects.open.is_none(), || {
            "the last object did not end".to_owned()
        })?;
        Ok((objects.whole, contents))
    }
}

/// A layout may leave these out, or add them.
fn is_optional(tree: Tree, path: &TreePath) -> bool {
    match tree {
        // The location is there before the files.
        Tree::Tablespace(_) => path.is_root(),
        Tree::Data => {
            matches!(
                path.as_str(),
                "pg_wal" | "pg_wal/archive_status" | "tablespace_map"
            )
        }
    }
}

/// An object and its content.
pub(super) type Encoded = (ObjectName, Vec<u8>);

/// Keeps objects in memory, and checks that they come one after the other.
#[derive(Default)]
struct Objects {
    whole: Vec<Encoded>,
    open: Option<Encoded>,
}

impl ObjectSink for Objects {
    fn write(&mut self, name: &ObjectName, bytes: &[u8]) -> io::Result<()> {
        let (open, content) = self.open.get_or_insert_with(|| (name.clone(), Vec::new()));
        if open != name {
            return Err(io::Error::other(format!(
                "{name} begins before {open} ends"
            )));
        }
        content.extend_from_slice(bytes);
        Ok(())
    }

    fn end(&mut self, name: &ObjectName) -> io::Result<()> {
        let ended = self.open.take();
        let (open, content) = ended.unwrap_or_else(|| (name.clone(), Vec::new()));
        if open != *name || self.whole.iter().any(|(known, _)| known == name) {
            return Err(io::Error::other(format!("{name} ends out of order")));
        }
        self.whole.push((open, content));
        Ok(())
    }

    fn discard(&mut self, name: &ObjectName) -> io::Result<()> {
        match self.open.take() {
            Some((open, _)) if open == *name => Ok(()),
            _ => Err(io::Error::other(format!(
                "{name} is discarded out of order"
            ))),
        }
    }
}

/// The files that have come so far.
#[derive(Default)]
pub(super) struct Arrival {
    files: Files,
    tree: Option<Tree>,
    file: Option<(TreePath, Attributes, u64, Vec<u8>)>,
}

impl Arrival {
    /// Takes the next step, and checks that steps are in order.
    pub(super) fn take(&mut self, event: TreeEvent) -> Checked {
        if let TreeEvent::Tree(tree) = event {
            self.check_between_files()?;
            self.tree = Some(tree);
            return Ok(());
        }
        match event {
            TreeEvent::Tree(_) | TreeEvent::Pages(_) => Ok(()),
            TreeEvent::Directory(path, attributes) => self.add(&path, Node::Directory(attributes)),
            TreeEvent::Symlink(path, _, target) => self.add(&path, Node::Symlink(target)),
            TreeEvent::HardLink(path, _, first) => {
                let is_known = self.tree.is_some_and(|tree| {
                    let first = self.files.get(&(tree, first.clone()));
                    matches!(first, Some(Node::File(..)))
                });
                check(is_known, || format!("{path} came before {first}"))?;
                self.add(&path, Node::HardLink(first))
            }
            TreeEvent::File(path, attributes, size) => {
                self.check_between_files()?;
                self.file = Some((path, attributes, size, Vec::new()));
                Ok(())
            }
            TreeEvent::Data(bytes) => self.data(&bytes),
            TreeEvent::Unread(path, ..) | TreeEvent::DirectoryLink(path, ..) => {
                Err(Complaint(format!("{path} came without its content")))
            }
            TreeEvent::EndOfFile => match self.file.take() {
                Some((path, attributes, size, content)) if content.len() as u64 == size => {
                    self.add(&path, Node::File(attributes, content))
                }
                file => Err(Complaint(format!("a file ended too early: {file:?}"))),
            },
        }
    }

    /// Returns the files when all have come.
    pub(super) fn files(self) -> Checked<Files> {
        self.check_between_files()?;
        Ok(self.files)
    }

    fn data(&mut self, bytes: &Bytes) -> Checked {
        let Some((_, _, _, content)) = &mut self.file else {
            return Err(Complaint("data of no file came".to_owned()));
        };
        content.extend_from_slice(bytes);
        check(bytes.len() <= TreeEvent::MAX_DATA, || {
            format!("{} bytes came at once", bytes.len())
        })
    }

    fn add(&mut self, path: &TreePath, node: Node) -> Checked {
        self.check_between_files()?;
        let Some(tree) = self.tree else {
            return Err(Complaint(format!("{path} is of no tree")));
        };
        if let Some(parent) = path.parent() {
            let has_come = self.files.contains_key(&(tree, parent.clone()));
            check(has_come || is_optional(tree, &parent), || {
                format!("{path} came before {parent}")
            })?;
        }
        match self.files.insert((tree, path.clone()), node) {
            None => Ok(()),
            // What a link leads to follows it.
            Some(link @ (Node::HardLink(_) | Node::Symlink(_))) => {
                self.files.insert((tree, path.clone()), link);
                Ok(())
            }
            Some(_) => Err(Complaint(format!("{path} came twice"))),
        }
    }

    fn check_between_files(&self) -> Checked {
        check(self.file.is_none(), || {
            format!("a file did not end: {:?}", self.file)
        })
    }
}

/// Complains unless what came back is what went in.
pub(super) fn check_files(base: &Base, mut found: Files) -> Checked {
    let label = (Tree::Data, path(LABEL));
    let is_label = |node: &Node| matches!(node, Node::File(_, content) if content == base.end.label.as_bytes());
    let has_label = found.remove(&label).as_ref().is_some_and(is_label);
    check(has_label, || "the label is not the server's".to_owned())?;
    found.retain(|(tree, path), _| !is_optional(*tree, path));
    let expected = base.files()?;
    let content = |(tree, _): &(Tree, TreePath), first: &TreePath| match expected
        .get(&(*tree, first.clone()))
    {
        Some(Node::File(_, content)) => Some(content),
        _ => None,
    };
    let differing = expected
        .iter()
        .find(|(place, node)| match (node, found.get(*place)) {
            // A layout need not keep times of directories.
            (Node::Directory(mine), Some(Node::Directory(yours))) => owner(mine) != owner(yours),
            (Node::File(mine, content), Some(Node::File(yours, found))) => {
                (owner(mine), mine.modified, content) != (owner(yours), yours.modified, found)
            }
            // A layout without links has the file twice.
            (Node::HardLink(first), Some(Node::File(_, found))) => {
                content(place, first) != Some(found)
            }
            (node, found) => found != Some(*node),
        });
    check(differing.is_none(), || {
        let place = differing.map(|(place, _)| place);
        format!("{place:?} did not come back as it was")
    })?;
    check(found.len() == expected.len(), || {
        let further = found.keys().find(|place| !expected.contains_key(*place));
        format!("{further:?} was in no backup")
    })
}

/// What of attributes a layout must keep: names, which mean the same on every machine.
fn owner(attributes: &Attributes) -> (u32, Option<&str>, Option<&str>) {
    let Attributes {
        mode, user, group, ..
    } = attributes;
    (*mode, user.as_deref(), group.as_deref())
}

const LABEL: &str = "backup_label";
const LOCATION: &str = "/srv/fast disk";
const VERSION_FOLDER: &str = "PG_15_202209061";

fn oid() -> Oid {
    Oid::new(16_385).expect("it is not 0")
}

fn time(minutes: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_mins(30_000_000 + minutes)
}

/// Two hours east, so that local time is not taken for UTC.
fn offset() -> Offset {
    Offset::constant(2)
}

fn annotations() -> Annotations {
    let mut annotations = Annotations::default();
    let added = annotations.insert("walcast.dev/reason", "upgrade = 16");
    added.expect("it is a sensible one");
    annotations
}

fn start(minutes: i64) -> BackupStart {
    let folder = "/var/lib/postgresql/15/main";
    BackupStart {
        id: None,
        kind: BackupKind::Full,
        by_checksum: false,
        name: Some("nightly".to_owned()),
        annotations: annotations(),
        server: BackedUpServer {
            system_id: IDENTITY.system_id,
            version: 150_008,
            segment_size: SegmentSize::DEFAULT,
            data_directory: folder.to_owned(),
            config_file: Some(format!("{folder}/postgresql.conf")),
            hba_file: Some(format!("{folder}/pg_hba.conf")),
            ident_file: Some(format!("{folder}/pg_ident.conf")),
            included_files: vec!["/etc/postgresql/it's included.conf".to_owned()],
            tablespaces: vec![Tablespace {
                name: "fast \"disk\"".to_owned(),
                oid: oid(),
                location: LOCATION.to_owned(),
            }],
            databases: Vec::new(),
            data_checksums: true,
            summarize_wal: None,
            cluster_size: 30_000_000,
        },
        began: time(minutes),
        offset: offset(),
        timeline: TimelineId::FIRST,
        start: Lsn::new(0xA_0200_0028),
    }
}

fn end(minutes: i64) -> BackupEnd {
    BackupEnd {
        ended: time(minutes) + SignedDuration::from_secs(59),
        offset: offset(),
        timeline: TimelineId::FIRST,
        stop: Lsn::new(0xA_0300_0100),
        label: "START WAL LOCATION: A/2000028 (file 000000010000000A00000002)\n".to_owned(),
        tablespace_map: format!("16385 {LOCATION}\n"),
        notes: vec!["checksum is wrong: base/5/1259, block 3".to_owned()],
        wal_was_found: true,
    }
}

/// The location of a tablespace.
fn tablespace() -> Vec<TreeEvent> {
    let content = Sample::new(2, 20_000);
    [
        vec![
            TreeEvent::Tree(Tree::Tablespace(oid())),
            directory("", 0o700),
            directory(VERSION_FOLDER, 0o700),
            directory(&format!("{VERSION_FOLDER}/5"), 0o750),
        ],
        file(&format!("{VERSION_FOLDER}/5/16386"), 0o600, content.bytes()),
    ]
    .concat()
}

/// The data directory, with `extra` among the files of a database.
fn data_directory(extra: Vec<TreeEvent>) -> Vec<TreeEvent> {
    let deep = format!("base/5/{}", "d".repeat(120));
    let long = format!("{deep}/{}", "f".repeat(200));
    let target = format!("../{}/log", "t".repeat(150));
    [
        vec![TreeEvent::Tree(Tree::Data), directory("", 0o700)],
        file("PG_VERSION", 0o600, b"15\n"),
        vec![
            symlink("log", "elsewhere/log"),
            symlink("long link", &target),
        ],
        vec![directory("base", 0o700), directory("base/5", 0o750)],
        file("base/5/1259", 0o600, Sample::new(1, 600_000).bytes()),
        file("base/5/empty", 0o640, b""),
        vec![hard_link("base/5/1259 again", "base/5/1259")],
        file("base/5/1259 again", 0o600, Sample::new(1, 600_000).bytes()),
        NAMES
            .iter()
            .flat_map(|name| file(&format!("base/5/{name}"), 0o604, b"odd"))
            .collect(),
        extra,
        vec![directory(&deep, 0o700)],
        file(&long, 0o755, b"far away"),
        vec![directory("pg_notify", 0o500), directory("pg_tblspc", 0o700)],
        vec![directory("global", 0o700)],
        file("global/pg_control", 0o600, Sample::new(3, 8192).bytes()),
    ]
    .concat()
}

/// Names that formats with quotes, escapes or comments may stumble over.
const NAMES: [&str; 9] = [
    "with space",
    " ",
    "it's \"quoted\"",
    "back\\slash",
    "100%20",
    "-rf",
    "#a=b;[c]{d}",
    "ünïcödé ☃",
    "pg_internal.initial",
];

fn directory(at: &str, mode: u32) -> TreeEvent {
    TreeEvent::Directory(path(at), attributes(mode))
}

fn symlink(at: &str, target: &str) -> TreeEvent {
    TreeEvent::Symlink(path(at), attributes(0o777), target.to_owned())
}

fn hard_link(at: &str, first: &str) -> TreeEvent {
    TreeEvent::HardLink(path(at), attributes(0o600), path(first))
}

/// A file in blocks of uneven length.
fn file(at: &str, mode: u32, content: &[u8]) -> Vec<TreeEvent> {
    let begin = TreeEvent::File(path(at), attributes(mode), content.len() as u64);
    let blocks = content.chunks(100_001).map(Bytes::copy_from_slice);
    iter::once(begin)
        .chain(blocks.map(TreeEvent::Data))
        .chain([TreeEvent::EndOfFile])
        .collect()
}

fn path(text: &str) -> TreePath {
    match text {
        "" => TreePath::default(),
        text => TreePath::parse(text).expect("the paths in the checks are valid"),
    }
}

fn attributes(mode: u32) -> Attributes {
    Attributes {
        mode,
        uid: 26,
        gid: 27,
        user: Some("postgres".to_owned()),
        group: Some("ostgres".to_owned()),
        modified: time(-1),
    }
}
