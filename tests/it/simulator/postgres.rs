//! What PostgreSQL does: it writes files, asks for them in order, and asks again when refused.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use walcast::{
    disk::sim::SimDisk,
    pg::{SegmentName, SegmentSize, TimelineId, WalFileName},
};

pub(super) const DATA: &str = "/pg";

/// The archiver's side of a PostgreSQL server.
#[derive(Debug)]
pub(super) struct Postgres {
    disk: SimDisk,
    timeline: u32,
    next: u64,
    last: Option<SegmentName>,
    /// Everything that was ever to be archived, by name.
    pub(super) written: BTreeMap<WalFileName, Vec<u8>>,
    /// What walcast said is archived.
    pub(super) acknowledged: BTreeMap<WalFileName, Vec<u8>>,
}

impl Postgres {
    pub(super) fn new(disk: SimDisk) -> Self {
        disk.place(&Path::new(DATA).join("pg_wal/archive_status/.keep"), b"");
        Self {
            disk,
            timeline: 1,
            next: 1,
            last: None,
            written: BTreeMap::new(),
            acknowledged: BTreeMap::new(),
        }
    }

    /// Fills one segment.
    pub(super) fn write_segment(&mut self, rng: &mut fastrand::Rng) -> WalFileName {
        let name = self.segment();
        self.next += 1;
        self.last = Some(name);
        let len = rng.usize(1..300);
        let content: Vec<u8> = std::iter::repeat_with(|| rng.u8(..4)).take(len).collect();
        self.write(WalFileName::Segment(name), content)
    }

    /// Promotes: the last segment becomes partial, and a new timeline begins.
    pub(super) fn switch_timeline(&mut self, rng: &mut fastrand::Rng) {
        let last = self.segment();
        let partial: Vec<u8> = std::iter::repeat_with(|| rng.u8(..)).take(20).collect();
        self.write(WalFileName::Partial(last), partial);
        self.timeline += 1;
        let history = format!("{}\t0/{:X}\tno reason\n", self.timeline - 1, self.next);
        let timeline = TimelineId::new(self.timeline).unwrap();
        self.write(WalFileName::History(timeline), history.into_bytes());
    }

    /// Ends a base backup that began in the last full segment.
    pub(super) fn write_label(&mut self) {
        let Some(segment) = self.last else { return };
        let content = format!("START WAL LOCATION: ({segment})\n").into_bytes();
        self.write(
            WalFileName::BackupLabel {
                segment,
                offset: 0x28,
            },
            content,
        );
    }

    /// Asks for an archived file again, as after a crash of PostgreSQL.
    pub(super) fn ask_again(&mut self, rng: &mut fastrand::Rng) {
        let archived: Vec<_> = self.acknowledged.keys().copied().collect();
        if let Some(name) = rng.choice(archived) {
            let content = self.acknowledged[&name].clone();
            self.write(name, content);
        }
    }

    /// Returns the file that is asked for next.
    pub(super) fn next_ready(&self) -> Option<WalFileName> {
        self.ready().into_iter().next()
    }

    pub(super) fn ready(&self) -> Vec<WalFileName> {
        let order = |name: &WalFileName| (!matches!(name, WalFileName::History(_)), *name);
        let mut ready: Vec<_> = self
            .written
            .keys()
            .filter(|name| !self.acknowledged.contains_key(name))
            .copied()
            .collect();
        ready.sort_by_key(order);
        ready
    }

    /// Returns a name that PostgreSQL will use next, for a second primary to take.
    pub(super) fn coming(&self) -> WalFileName {
        WalFileName::Segment(self.segment())
    }

    pub(super) fn acknowledge(&mut self, name: WalFileName) {
        let content = self.written[&name].clone();
        self.acknowledged.insert(name, content);
        // It recycles the file: whoever reads it from now on gets other bytes.
        self.disk.place(&path_of(name), b"recycled");
        self.disk.wipe(&status_of(name));
    }

    fn segment(&self) -> SegmentName {
        let timeline = TimelineId::new(self.timeline).unwrap();
        SegmentName::from_number(timeline, self.next, SegmentSize::DEFAULT)
    }

    fn write(&mut self, name: WalFileName, content: Vec<u8>) -> WalFileName {
        self.disk.place(&path_of(name), &content);
        self.disk.place(&status_of(name), b"");
        self.written.insert(name, content);
        self.acknowledged.remove(&name);
        name
    }
}

pub(super) fn path_of(name: WalFileName) -> PathBuf {
    Path::new(DATA).join("pg_wal").join(name.to_string())
}

fn status_of(name: WalFileName) -> PathBuf {
    Path::new(DATA)
        .join("pg_wal/archive_status")
        .join(format!("{name}.ready"))
}
