//! A disk in memory that crashes, loses what was not synced, and runs full.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    fs::File,
    io::{self, Cursor, Read, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{Disk, DiskFile, LocalDisk, Space, Stat};

/// A simulated disk; cheap to clone, all clones are the same disk.
///
/// Names are kept apart from content, and both have a durable and a current state, as on a real
/// file system: [`power_failure`](Self::power_failure) goes back to the durable one.
#[derive(Clone)]
pub struct SimDisk(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    current: BTreeMap<PathBuf, Entry>,
    durable: BTreeMap<PathBuf, Entry>,
    files: BTreeMap<u64, Content>,
    next_id: u64,
    operations: u64,
    crash_at: Option<u64>,
    fault: Option<DiskFault>,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Entry {
    Folder,
    File(u64),
}

impl Entry {
    fn file(&self) -> Option<u64> {
        match self {
            Self::File(id) => Some(*id),
            Self::Folder => None,
        }
    }
}

#[derive(Default)]
struct Content {
    current: Vec<u8>,
    durable: Vec<u8>,
    changes: i64,
}

/// What a [`SimDisk`] does wrong from now on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DiskFault {
    /// Nothing can be written: no space.
    Full,
    /// Reading and writing fail.
    Broken,
    /// Written bytes cannot be made durable, and are lost.
    FailedSync,
    /// Nothing can be written: the volume is read-only.
    ReadOnly,
}

impl SimDisk {
    /// Creates an empty disk.
    pub fn new() -> Self {
        let state = State {
            current: root(),
            durable: root(),
            ..State::default()
        };
        Self(Arc::new(Mutex::new(state)))
    }

    /// Returns how many operations were done.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Fails every operation from the `n`-th next one on, as if the process were dead.
    pub fn crash_after(&self, n: u64) {
        let mut state = self.state();
        state.crash_at = Some(state.operations + n);
    }

    /// Returns whether the crash of [`crash_after`](Self::crash_after) has come.
    pub fn has_crashed(&self) -> bool {
        let state = self.state();
        state.crash_at.is_some_and(|at| state.operations >= at)
    }

    /// Sets or clears a fault.
    pub fn set_fault(&self, fault: Option<DiskFault>) {
        self.state().fault = fault;
    }

    /// Goes on after the process died: everything written is still there.
    pub fn restart(&self) {
        self.state().crash_at = None;
    }

    /// Goes on after the power failed: only what was synced is there, and a file that was
    /// being written has any part of what was not (`rng` decides).
    pub fn power_failure(&self, rng: &mut fastrand::Rng) {
        let mut state = self.state();
        state.crash_at = None;
        state.current = state.durable.clone();
        for content in state.files.values_mut() {
            if content.current != content.durable {
                let kept = rng.usize(..=content.current.len());
                let torn = content.current.len() > content.durable.len() && rng.bool();
                if torn && kept >= content.durable.len() {
                    content.current.truncate(kept);
                } else {
                    content.current = content.durable.clone();
                }
                content.durable = content.current.clone();
            }
        }
    }

    /// Removes everything below `path`, durably: the volume was lost.
    pub fn wipe(&self, path: &Path) {
        let mut state = self.state();
        state.current.retain(|entry, _| !entry.starts_with(path));
        state.durable = state.current.clone();
    }

    /// Writes a file durably, whatever the faults: what PostgreSQL does.
    pub fn place(&self, path: &Path, content: &[u8]) {
        let mut state = self.state();
        let id = state.new_file();
        let file = Content {
            current: content.to_vec(),
            durable: content.to_vec(),
            changes: 0,
        };
        state.files.insert(id, file);
        for folder in path.ancestors().skip(1) {
            state.current.insert(folder.to_owned(), Entry::Folder);
            state.durable.insert(folder.to_owned(), Entry::Folder);
        }
        state.current.insert(path.to_owned(), Entry::File(id));
        state.durable.insert(path.to_owned(), Entry::File(id));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reading(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        state.step()?;
        match state.fault {
            Some(DiskFault::Broken) => Err(io::Error::from_raw_os_error(5)),
            _ => Ok(state),
        }
    }

    fn writing(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.reading()?;
        match state.fault {
            Some(DiskFault::Full) => Err(io::ErrorKind::StorageFull.into()),
            Some(DiskFault::ReadOnly) => Err(io::ErrorKind::ReadOnlyFilesystem.into()),
            Some(DiskFault::Broken | DiskFault::FailedSync) | None => Ok(state),
        }
    }
}

impl Default for SimDisk {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SimDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimDisk")
            .field("operations", &self.operations())
            .finish_non_exhaustive()
    }
}

impl State {
    fn step(&mut self) -> io::Result<()> {
        if self.crash_at.is_some_and(|at| self.operations >= at) {
            return Err(io::Error::other("the process has crashed"));
        }
        self.operations += 1;
        Ok(())
    }

    fn new_file(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    fn file(&self, path: &Path) -> io::Result<u64> {
        match self.current.get(path) {
            Some(Entry::File(id)) => Ok(*id),
            Some(Entry::Folder) => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn folder(&self, path: &Path) -> io::Result<()> {
        match self.current.get(path) {
            Some(Entry::Folder) => Ok(()),
            Some(Entry::File(_)) => Err(io::ErrorKind::NotADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn content(&mut self, id: u64) -> &mut Content {
        self.files.entry(id).or_default()
    }
}

impl Disk for SimDisk {
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        let mut state = self.writing()?;
        for folder in path.ancestors() {
            state
                .current
                .entry(folder.to_owned())
                .or_insert(Entry::Folder);
        }
        Ok(())
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.writing()?;
        state.folder(path.parent().unwrap_or_else(|| Path::new("")))?;
        if state.current.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let id = state.new_file();
        state.files.insert(id, Content::default());
        state.current.insert(path.to_owned(), Entry::File(id));
        Ok(Box::new(SimFile {
            disk: self.clone(),
            id,
        }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + Send + Sync>> {
        let mut state = self.reading()?;
        let id = state.file(path)?;
        let content = state.content(id).current.clone();
        Ok(Box::new(Cursor::new(content)))
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        let mut state = self.reading()?;
        match state.current.get(path) {
            None => Err(io::ErrorKind::NotFound.into()),
            Some(Entry::Folder) => Ok(Stat {
                len: 0,
                version: (0, 0, 0),
            }),
            Some(Entry::File(id)) => {
                let id = *id;
                let content = state.content(id);
                let len = content.current.len() as u64;
                Ok(Stat {
                    len,
                    version: (id, content.changes, 0),
                })
            }
        }
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<String>> {
        let state = self.reading()?;
        state.folder(path)?;
        let below = state
            .current
            .keys()
            .filter(|entry| entry.parent() == Some(path));
        Ok(below
            .filter_map(|entry| Some(entry.file_name()?.to_str()?.to_owned()))
            .collect())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.writing()?;
        state.folder(to.parent().unwrap_or_else(|| Path::new("")))?;
        if !state.current.contains_key(from) {
            return Err(io::ErrorKind::NotFound.into());
        }
        if matches!(state.current.get(to), Some(Entry::Folder)) {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        let below: Vec<_> = state
            .current
            .keys()
            .filter(|entry| entry.starts_with(from))
            .cloned()
            .collect();
        for old in below {
            let rest = old.strip_prefix(from).unwrap_or_else(|_| Path::new(""));
            let new = if rest == Path::new("") {
                to.to_owned()
            } else {
                to.join(rest)
            };
            if let Some(entry) = state.current.remove(&old) {
                state.current.insert(new, entry);
            }
        }
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let mut state = self.writing()?;
        state.file(path)?;
        state.current.remove(path);
        Ok(())
    }

    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        let mut state = self.writing()?;
        state.folder(path)?;
        state.current.retain(|entry, _| !entry.starts_with(path));
        Ok(())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.writing()?;
        state.folder(path)?;
        if state.fault == Some(DiskFault::FailedSync) {
            return Err(io::Error::from_raw_os_error(5));
        }
        // Renaming a folder carries its durable content along, as journalling file systems do.
        let State {
            current, durable, ..
        } = &mut *state;
        let names: Vec<_> = current
            .iter()
            .filter(|(entry, _)| entry.parent() == Some(path))
            .collect();
        let gone = |entry: &PathBuf| {
            entry.strip_prefix(path).is_ok_and(|rest| {
                rest.components()
                    .next()
                    .is_some_and(|first| !names.iter().any(|(name, _)| **name == path.join(first)))
            })
        };
        durable.retain(|entry, _| !gone(entry));
        let synced: BTreeSet<u64> = durable.values().filter_map(Entry::file).collect();
        for (name, entry) in &names {
            if durable.insert((*name).clone(), **entry).is_none() && **entry == Entry::Folder {
                let below = current.iter().filter(|(inner, entry)| {
                    inner.starts_with(name) && entry.file().is_none_or(|id| synced.contains(&id))
                });
                durable.extend(below.map(|(inner, entry)| (inner.clone(), *entry)));
            }
        }
        for folder in path.ancestors() {
            durable.entry(folder.to_owned()).or_insert(Entry::Folder);
        }
        Ok(())
    }

    fn space(&self, _path: &Path) -> io::Result<Space> {
        let state = self.reading()?;
        let total = 1 << 40;
        let free = if state.fault == Some(DiskFault::Full) {
            0
        } else {
            total
        };
        Ok(Space { free, total })
    }

    /// A file of the machine: what is in it never outlives the process.
    fn scratch(&self, _folder: &Path) -> io::Result<File> {
        drop(self.writing()?);
        LocalDisk.scratch(&std::env::temp_dir())
    }
}

struct SimFile {
    disk: SimDisk,
    id: u64,
}

impl Write for SimFile {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let mut state = self.disk.writing()?;
        let content = state.content(self.id);
        content.current.extend_from_slice(buf);
        content.changes += 1;
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl DiskFile for SimFile {
    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.disk.writing()?;
        if state.fault == Some(DiskFault::FailedSync) {
            return Err(io::Error::from_raw_os_error(5));
        }
        let content = state.content(self.id);
        content.durable = content.current.clone();
        Ok(())
    }
}

fn root() -> BTreeMap<PathBuf, Entry> {
    [
        (PathBuf::from("/"), Entry::Folder),
        (PathBuf::new(), Entry::Folder),
    ]
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk;

    fn path(text: &str) -> &Path {
        Path::new(text)
    }

    #[test]
    fn what_is_not_synced_is_lost_with_the_power() {
        let disk = SimDisk::new();
        disk.create_dir_all(path("/a")).unwrap();
        disk.sync_dir(path("/")).unwrap();
        disk::write_new(&disk, path("/a/synced"), b"1").unwrap();
        disk.sync_dir(path("/a")).unwrap();
        disk::write_new(&disk, path("/a/nameless"), b"2").unwrap();

        disk.power_failure(&mut fastrand::Rng::with_seed(1));

        assert_eq!(disk.read_dir(path("/a")).unwrap(), ["synced"]);
        assert_eq!(disk::read(&disk, path("/a/synced"), 9).unwrap(), b"1");
    }

    #[test]
    fn a_killed_process_leaves_what_it_wrote() {
        let disk = SimDisk::new();
        disk.create_dir_all(path("/a")).unwrap();
        disk::write_new(&disk, path("/a/x"), b"1").unwrap();
        disk.crash_after(1);
        assert!(disk.create(path("/a/y")).is_ok());
        assert!(disk.create(path("/a/z")).is_err());
        assert!(disk.has_crashed());

        disk.restart();

        assert_eq!(disk.read_dir(path("/a")).unwrap(), ["x", "y"]);
    }

    #[test]
    fn a_renamed_folder_is_durable_with_its_new_parent() {
        let disk = SimDisk::new();
        for folder in ["/new/1", "/queue"] {
            disk.create_dir_all(path(folder)).unwrap();
        }
        disk.sync_dir(path("/")).unwrap();
        disk::write_new(&disk, path("/new/1/bytes"), b"x").unwrap();
        disk.sync_dir(path("/new/1")).unwrap();
        disk.rename(path("/new/1"), path("/queue/1")).unwrap();
        disk.sync_dir(path("/queue")).unwrap();

        disk.power_failure(&mut fastrand::Rng::with_seed(1));

        assert_eq!(disk::read(&disk, path("/queue/1/bytes"), 9).unwrap(), b"x");
    }
}
