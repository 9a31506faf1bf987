//! The local disk as the spool needs it: few operations, each with a known durability.
//!
//! The trait exists so that the simulator can crash a disk between any two operations. All
//! methods block: call them on [`Workers::disk`](crate::workers::Workers::disk).

mod local;
mod read_only;
#[cfg(any(test, feature = "test-util"))]
#[cfg_attr(docsrs, doc(cfg(feature = "test-util")))]
pub mod sim;

use std::{
    fmt,
    io::{self, Read, Write},
    path::Path,
};

pub use self::{local::LocalDisk, read_only::ReadOnly};

/// A file system.
///
/// A change of a name (create, rename, remove) survives a power failure only after
/// [`sync_dir`](Self::sync_dir) of its folder, written bytes only after [`DiskFile::sync`].
pub trait Disk: fmt::Debug + Send + Sync + 'static {
    /// Creates a folder and its parents; existing ones are fine.
    fn create_dir_all(&self, path: &Path) -> io::Result<()>;

    /// Creates a file, which must not exist.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Opens a file for reading.
    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + Send + Sync>>;

    /// Returns what is known of a file or folder.
    fn stat(&self, path: &Path) -> io::Result<Stat>;

    /// Returns the names in a folder, in byte order; those that are not UTF-8 are passed by.
    fn read_dir(&self, path: &Path) -> io::Result<Vec<String>>;

    /// Renames a file, replacing an existing one, or a folder.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Removes a folder with all that is in it.
    fn remove_dir_all(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in a folder durable.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;

    /// Returns the space on the volume that holds `path`.
    fn space(&self, path: &Path) -> io::Result<Space>;

    /// Creates a file without a name for content too large for memory, gone when closed.
    fn scratch(&self, folder: &Path) -> io::Result<std::fs::File>;
}

/// A file being written.
pub trait DiskFile: Write + Send {
    /// Makes the written bytes durable. After an error the content is unknown: nothing can be
    /// concluded from a second call that succeeds.
    fn sync(&mut self) -> io::Result<()>;
}

/// What is known of a file or folder.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Stat {
    /// Size in bytes.
    pub len: u64,
    /// Changes when another file takes the name or the content changes.
    pub version: (u64, i64, i64),
}

/// Space on a volume, in bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Space {
    /// Free for us.
    pub free: u64,
    /// In all.
    pub total: u64,
}

/// Writes a small file so that it is complete or absent after a crash, replacing an older one.
///
/// The new name is durable after [`Disk::sync_dir`] of its folder.
pub fn replace(disk: &dyn Disk, path: &Path, content: &[u8]) -> io::Result<()> {
    replace_with(disk, path, |temporary| write_new(disk, temporary, content))
}

/// As [`replace`], but the file may be empty or lost after a power failure: for hints.
pub fn replace_hint(disk: &dyn Disk, path: &Path, content: &[u8]) -> io::Result<()> {
    replace_with(disk, path, |temporary| {
        disk.create(temporary)?.write_all(content)
    })
}

fn replace_with(
    disk: &dyn Disk,
    path: &Path,
    write: impl FnOnce(&Path) -> io::Result<()>,
) -> io::Result<()> {
    let temporary = path.with_extension("tmp");
    match disk.remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    write(&temporary)?;
    disk.rename(&temporary, path)
}

/// Writes a new file and makes its bytes durable.
pub fn write_new(disk: &dyn Disk, path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = disk.create(path)?;
    file.write_all(content)?;
    file.sync()
}

/// Reads a whole small file, at most `limit` bytes.
pub fn read(disk: &dyn Disk, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    disk.open(path)?.take(limit + 1).read_to_end(&mut content)?;
    if content.len() as u64 > limit {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "the file is too large",
        ));
    }
    Ok(content)
}
