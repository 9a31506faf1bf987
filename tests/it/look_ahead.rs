//! Look-ahead uses all the cores, and keeps the order.

use std::{
    io::{self, Read},
    path::Path,
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};

use walcast::{
    disk::{Disk, DiskFile, LocalDisk, Space, Stat},
    fanout::{Archiver, Destination, DestinationId, Settings},
    pg::SegmentHeader,
    repository::barman::{BarmanRepository, BarmanSettings},
    spool::{Spool, SpoolSettings},
    store::{MemoryStore, Observed, Operation},
    workers::Workers,
};

use crate::support::wal;

#[tokio::test]
async fn files_are_read_ahead_side_by_side() {
    let folder = tempfile::tempdir().unwrap();
    let pg_wal = folder.path().join("pg_wal");
    std::fs::create_dir_all(pg_wal.join("archive_status")).unwrap();
    for number in 1..=3 {
        wal::write(&pg_wal, number);
        let status = format!("archive_status/{}.ready", wal::name(number));
        std::fs::write(pg_wal.join(status), "").unwrap();
    }
    let observed = Observed::new(Arc::new(MemoryStore::new()));
    let counters = observed.counters();
    let workers = Workers::with_cpu_jobs(2);
    let settings = BarmanSettings::new("wal", "server");
    let repository = BarmanRepository::new(Arc::new(observed), settings, workers.clone());
    let id = DestinationId::parse("d").unwrap();
    let destination = Destination::new(id.clone(), Arc::new(repository));
    let (disk, settings) = (Arc::new(LocalDisk), SpoolSettings::default());
    let spool = folder.path().join("spool");
    let spool = Spool::open(disk, spool, vec![id], settings, workers.clone()).await;
    let names = [2, 3].map(wal::name);
    let together = Together {
        names,
        meeting: Arc::default(),
    };
    let archiver = Archiver::builder(vec![destination], spool.unwrap())
        .settings(Settings {
            look_ahead: 2,
            ..Settings::default()
        })
        .workers(workers)
        .disk(Arc::new(together))
        .start()
        .await;

    for number in 1..=3 {
        archiver
            .archive(&pg_wal.join(wal::name(number)))
            .await
            .unwrap();
    }
    archiver.shutdown().await;

    // One look for the first file; in another order, the others would be looked for too.
    assert_eq!(counters.of(Operation::Put).requests, 3);
    assert_eq!(counters.total().requests, 4);
}

/// A disk that gives the content of some files only while all of them are read.
#[derive(Debug)]
struct Together {
    names: [String; 2],
    meeting: Arc<Meeting>,
}

#[derive(Debug, Default)]
struct Meeting {
    came: Mutex<usize>,
    changed: Condvar,
}

impl Meeting {
    fn attend(&self, expected: usize) -> io::Result<()> {
        let mut came = self.came.lock().unwrap();
        *came += 1;
        self.changed.notify_all();
        // Only a failure takes that long.
        let longest = Duration::from_mins(1);
        let waited = self
            .changed
            .wait_timeout_while(came, longest, |came| *came < expected);
        let (_came, result) = waited.unwrap();
        if result.timed_out() {
            return Err(io::Error::other("the others are not read at the same time"));
        }
        Ok(())
    }
}

/// Reads the header at once, and the rest together with the other files.
struct Reader {
    inner: Box<dyn Read + Send + Sync>,
    meeting: Option<Arc<Meeting>>,
    expected: usize,
    position: usize,
}

impl Read for Reader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.position >= SegmentHeader::LEN
            && let Some(meeting) = self.meeting.take()
        {
            meeting.attend(self.expected)?;
        }
        let count = self.inner.read(buf)?;
        self.position += count;
        Ok(count)
    }
}

impl Disk for Together {
    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + Send + Sync>> {
        let inner = LocalDisk.open(path)?;
        if !self.names.iter().any(|name| path.ends_with(name)) {
            return Ok(inner);
        }
        Ok(Box::new(Reader {
            inner,
            meeting: Some(Arc::clone(&self.meeting)),
            expected: self.names.len(),
            position: 0,
        }))
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        LocalDisk.create_dir_all(path)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        LocalDisk.create(path)
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        LocalDisk.stat(path)
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<String>> {
        LocalDisk.read_dir(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        LocalDisk.rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        LocalDisk.remove_file(path)
    }

    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        LocalDisk.remove_dir_all(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        LocalDisk.sync_dir(path)
    }

    fn space(&self, path: &Path) -> io::Result<Space> {
        LocalDisk.space(path)
    }

    fn scratch(&self, folder: &Path) -> io::Result<std::fs::File> {
        LocalDisk.scratch(folder)
    }
}
