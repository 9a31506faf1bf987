//! The part of a data directory that archiving sees.

use std::{
    fs::{self, OpenOptions},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use super::wal;

/// `pg_wal` and a place for the spool, in a folder.
///
/// As PostgreSQL does, it recycles the files that were archived, so that what is measured reads
/// from the page cache and no file has to be made meanwhile.
pub(crate) struct Cluster {
    root: PathBuf,
    next: u64,
    free: Vec<PathBuf>,
}

impl Cluster {
    /// Creates one in `root` with `files` files to be used.
    pub(crate) fn create(root: &Path, files: u32) -> Self {
        let status = root.join("pg_wal/archive_status");
        fs::create_dir_all(status).expect("the folder is ours");
        for index in 0..files {
            let content = wal::segment((index % DISTINCT).into());
            fs::write(free(root, index), content).expect("the volume has room");
        }
        Self::open(root)
    }

    /// Opens one that was created before.
    pub(crate) fn open(root: &Path) -> Self {
        let files = (0..).map(|index| free(root, index));
        Self {
            root: root.to_owned(),
            next: 1,
            free: files.take_while(|path| path.exists()).collect(),
        }
    }

    /// Fills the next segment and returns it; it is to be archived.
    pub(crate) fn fill(&mut self) -> PathBuf {
        let recycled = self.free.pop().expect("enough files were created");
        let name = wal::name(self.next);
        let path = self.root.join("pg_wal").join(&name);
        let file = OpenOptions::new().write(true).open(&recycled);
        let written = file.and_then(|file| file.write_all_at(&wal::header(self.next), 0));
        written.expect("the file is ours");
        fs::rename(recycled, &path).expect("the folder is ours");
        fs::write(self.ready(&path), "").expect("the folder is ours");
        self.next += 1;
        path
    }

    /// Takes back a segment that was archived.
    pub(crate) fn archived(&mut self, path: PathBuf) {
        fs::remove_file(self.ready(&path)).expect("it was filled");
        self.free.push(path);
    }

    /// Returns the folder for the spool.
    pub(crate) fn spool(&self) -> PathBuf {
        self.root.join("spool")
    }

    fn ready(&self, path: &Path) -> PathBuf {
        let name = path.file_name().expect("a segment has a name").display();
        let folder = self.root.join("pg_wal/archive_status");
        folder.join(format!("{name}.ready"))
    }
}

/// Segments of different content; the others differ in their first page.
const DISTINCT: u32 = 4;

fn free(root: &Path, index: u32) -> PathBuf {
    root.join("pg_wal").join(format!("free-{index}"))
}
