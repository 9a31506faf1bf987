//! Base backups of a made-up cluster, from a fixed seed.
//!
//! Pages are made like those of `pgbench_accounts` after some work: tuples that count up, random
//! balances and checksums, blanks. Every sixteenth is random instead, as indexes and values that
//! are compressed already look to a compressor. Measured ratios: lz4 5.3, gzip 6.5.

use std::io;

use bytes::Bytes;
use jiff::{Timestamp, tz::Offset};
use walcast::{
    pg::{BackedUpServer, BackupLabel, ControlData, SegmentSize},
    repository::{
        Annotations, Attributes, BackupEnd, BackupKind, BackupStart, ObjectName, ObjectSink,
        Repository, Taker, Tree, TreeEvent, TreePath,
    },
    store::Payload,
};

const PAGE: usize = 8192;
/// Blocks of different content, which are read again and again.
const DISTINCT: usize = 64;

/// How many files of a relation a data directory has, and how large each is, in bytes.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) files: usize,
    pub(crate) size: usize,
}

impl Shape {
    /// Returns how many bytes it has.
    pub(crate) fn bytes(self) -> u64 {
        (self.files * self.size) as u64
    }
}

/// Writes a base backup of that shape into a repository, and returns its id.
pub(crate) async fn write(repository: &dyn Repository, shape: Shape) -> String {
    let writer = repository.begin_backup(&start(), &Taker::of_backup()).await;
    let writer = writer.expect("nothing contradicts it");
    let mut encoder = writer.encoder(1);
    let mut objects = Objects(Vec::new());
    for event in events(shape) {
        let taken = encoder.take(&event, &mut objects);
        taken.expect("memory can be written, and steps are in order");
    }
    let finished = encoder.finish(&end(), &mut objects);
    let contents = finished.expect("memory can be written, and all has come");
    let size = usize::try_from(writer.part_size()).expect("a part fits into memory");
    for (name, content) in objects.0 {
        let content = Bytes::from(content);
        let mut count = 0;
        for first in (0..content.len()).step_by(size) {
            let part = content.slice(first..content.len().min(first + size));
            let put = writer.put_part(&name, count, Payload::new(part)).await;
            put.expect("the store takes everything");
            count += 1;
        }
        let completed = writer.complete(&name, count).await;
        completed.expect("all parts are there");
    }
    let finished = writer.finish(&end(), &contents).await;
    finished.expect("the store takes everything");
    writer.id().to_owned()
}

/// Keeps objects in memory.
struct Objects(Vec<(ObjectName, Vec<u8>)>);

impl ObjectSink for Objects {
    fn write(&mut self, name: &ObjectName, bytes: &[u8]) -> io::Result<()> {
        match self.0.last_mut() {
            Some((last, content)) if last == name => content.extend_from_slice(bytes),
            _ => self.0.push((name.clone(), bytes.to_vec())),
        }
        Ok(())
    }

    fn end(&mut self, _: &ObjectName) -> io::Result<()> {
        Ok(())
    }

    fn discard(&mut self, _: &ObjectName) -> io::Result<()> {
        self.0.pop();
        Ok(())
    }
}

/// Returns the steps through the data directory.
fn events(shape: Shape) -> impl Iterator<Item = TreeEvent> {
    let blocks: Vec<Bytes> = (0..DISTINCT).map(|number| block(number as u64)).collect();
    let relations = (0..shape.files).flat_map(move |number| {
        let offsets = (0..shape.size).step_by(TreeEvent::MAX_DATA);
        let first = number * shape.size / TreeEvent::MAX_DATA;
        let content = offsets.enumerate().map(|(index, offset)| {
            let len = (shape.size - offset).min(TreeEvent::MAX_DATA);
            blocks[(first + number + index) % DISTINCT].slice(..len)
        });
        file(&format!("base/5/{}", 16_384 + number), content.collect())
    });
    let folders = ["", "base", "base/5"].map(directory);
    let control = file("global/pg_control", vec![Bytes::from_static(CONTROL)]);
    let global = [directory("global")].into_iter().chain(control);
    let begin = [TreeEvent::Tree(Tree::Data)].into_iter().chain(folders);
    begin.chain(relations).chain(global)
}

fn file(path: &str, content: Vec<Bytes>) -> Vec<TreeEvent> {
    let size = content.iter().map(|block| block.len() as u64).sum();
    let mut events = vec![TreeEvent::File(tree_path(path), attributes(0o600), size)];
    events.extend(content.into_iter().map(TreeEvent::Data));
    events.push(TreeEvent::EndOfFile);
    events
}

fn directory(path: &str) -> TreeEvent {
    TreeEvent::Directory(tree_path(path), attributes(0o700))
}

fn tree_path(text: &str) -> TreePath {
    match text {
        "" => TreePath::default(),
        text => TreePath::parse(text).expect("the text is a path"),
    }
}

fn attributes(mode: u32) -> Attributes {
    Attributes {
        mode,
        uid: 999,
        gid: 999,
        user: Some("postgres".to_owned()),
        group: Some("postgres".to_owned()),
        modified: Timestamp::UNIX_EPOCH,
    }
}

/// Returns as many pages as are read at once.
fn block(number: u64) -> Bytes {
    let mut rng = fastrand::Rng::with_seed(number);
    let mut pages = Vec::with_capacity(TreeEvent::MAX_DATA);
    let mut row = u32::try_from(number).unwrap_or(0) * 2000;
    for page in 0..TreeEvent::MAX_DATA / PAGE {
        if page % 16 == 15 {
            pages.extend(std::iter::repeat_with(|| rng.u8(..)).take(PAGE));
        } else {
            heap_page(&mut pages, &mut row, &mut rng);
        }
    }
    Bytes::from(pages)
}

/// Appends a page (`src/include/storage/bufpage.h`) full of rows.
fn heap_page(pages: &mut Vec<u8>, row: &mut u32, rng: &mut fastrand::Rng) {
    const TUPLES: u8 = 61;
    let end = pages.len() + PAGE;
    pages.extend_from_slice(&[0, 0, 0, 0]);
    pages.extend_from_slice(&(*row * 130).to_le_bytes());
    pages.extend_from_slice(&rng.u16(..).to_le_bytes());
    pages.extend_from_slice(&[4, 0, 0x0C, 1, 0x80, 1, 0, 0x20, 4, 0x20, 0, 0, 0, 0]);
    for item in 0..TUPLES {
        let pointer = (8192 - 128 * (u32::from(item) + 1)) | 0xC2_0000;
        pages.extend_from_slice(&pointer.to_le_bytes());
    }
    pages.resize(end - usize::from(TUPLES) * 128, 0);
    for item in (0..TUPLES).rev() {
        *row += 1;
        let (xid, balance) = (700 + rng.u32(..40_000), rng.i32(-5_000..5_000));
        pages.extend_from_slice(&xid.to_le_bytes());
        pages.extend_from_slice(&[0; 8]);
        pages.extend_from_slice(&(*row / u32::from(TUPLES)).to_le_bytes());
        pages.extend_from_slice(&[item + 1, 0, 4, 0, 2, 9, 24, 0]);
        for column in [*row, 1 + *row / 100_000, balance.cast_unsigned()] {
            pages.extend_from_slice(&column.to_le_bytes());
        }
        pages.resize(pages.len() + 92, b' ');
    }
}

/// Returns what is known at the begin: of the cluster whose files are among the fixtures.
fn start() -> BackupStart {
    let control = ControlData::parse(CONTROL).expect("the fixture is sound");
    let label = BackupLabel::parse(LABEL).expect("the fixture is sound");
    BackupStart {
        id: None,
        kind: BackupKind::Full,
        by_checksum: false,
        name: None,
        annotations: Annotations::default(),
        server: BackedUpServer {
            system_id: control.system_id,
            version: 150_020,
            segment_size: SegmentSize::DEFAULT,
            data_directory: "/var/lib/postgresql/15/main".to_owned(),
            config_file: None,
            hba_file: None,
            ident_file: None,
            included_files: Vec::new(),
            tablespaces: Vec::new(),
            databases: Vec::new(),
            data_checksums: true,
            summarize_wal: None,
            cluster_size: 0,
        },
        began: Timestamp::UNIX_EPOCH,
        offset: Offset::UTC,
        timeline: label.start_timeline,
        start: label.start,
    }
}

fn end() -> BackupEnd {
    let start = start();
    BackupEnd {
        ended: Timestamp::UNIX_EPOCH,
        offset: Offset::UTC,
        timeline: start.timeline,
        stop: start
            .start
            .checked_add(256)
            .expect("it is far from the end"),
        label: LABEL.to_owned(),
        tablespace_map: String::new(),
        notes: Vec::new(),
        wal_was_found: true,
    }
}

const CONTROL: &[u8] = include_bytes!("../../tests/fixtures/pg/15/pg_control");
const LABEL: &str = include_str!("../../tests/fixtures/pg/15/backup_label");
