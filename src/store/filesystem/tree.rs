//! The folder tree of a store: from keys to paths and safely through them. Blocking.

use std::{
    collections::HashSet,
    fs::{self, DirBuilder, File, Metadata, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, OnceLock},
};

use jiff::Timestamp;
use rustix::{fs::OFlags, io::Errno};

use super::failure::{Attempt, Failure};
use crate::store::{Class, ETag, Key, ObjectMeta};

/// Where walcast keeps what is not an object.
pub(super) const HIDDEN: &str = ".walcast";

/// Folders that file systems keep at the root of a volume.
const FOREIGN: [&str; 1] = ["lost+found"];

#[derive(Debug)]
pub(super) struct Tree {
    root: PathBuf,
    /// Device and inode of the root when it was first seen.
    identity: OnceLock<(u64, u64)>,
    /// Folders whose entry in their parent is known to be on disk.
    durable: Mutex<HashSet<PathBuf>>,
}

impl Tree {
    const FOLDER_MODE: u32 = 0o750;
    const LONGEST_NAME: usize = 255;
    const MOST_DURABLE: usize = 4096;

    /// Takes a folder that may not be there yet.
    pub(super) fn new(root: PathBuf) -> Self {
        Self {
            root,
            identity: OnceLock::new(),
            durable: Mutex::default(),
        }
    }

    /// Opens an existing folder.
    pub(super) fn open(root: PathBuf) -> Attempt<Self> {
        let metadata = fs::metadata(&root).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Failure::no_root(Some(error)),
            _ => error.into(),
        })?;
        if !metadata.is_dir() {
            return Err(Failure::no_root(None));
        }
        let tree = Self::new(root);
        tree.identity.get_or_init(|| identity(&metadata));
        Ok(tree)
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Returns a path below the hidden folder.
    pub(super) fn hidden(&self, name: &str) -> PathBuf {
        self.root.join(HIDDEN).join(name)
    }

    /// Fails if the folder is not there, or has become another since it was first seen: that below
    /// a volume which is not mounted any more. A remounted volume is known by the hidden folder.
    pub(super) fn check_root(&self) -> Attempt {
        let metadata = fs::metadata(&self.root).map_err(|e| Failure::no_root(Some(e)))?;
        if !metadata.is_dir() {
            return Err(Failure::no_root(None));
        }
        let found = identity(&metadata);
        let is_same = *self.identity.get_or_init(|| found) == found;
        if is_same || self.root.join(HIDDEN).is_dir() {
            Ok(())
        } else {
            Err(Failure::no_root(None))
        }
    }

    /// Returns the path of `key`, if it can have one inside the root.
    pub(super) fn path(&self, key: &Key) -> Attempt<PathBuf> {
        self.path_of(key.as_str()).ok_or_else(|| {
            let reason = "a part of the key is empty, `.`, `..`, longer than 255 bytes or reserved";
            Failure::new(Class::Invalid, reason)
        })
    }

    /// Returns the path of a `/`-separated text without empty parts.
    pub(super) fn path_of(&self, text: &str) -> Option<PathBuf> {
        let is_safe = |part: &str| {
            !part.is_empty() && part != "." && part != ".." && part.len() <= Self::LONGEST_NAME
        };
        let first = text.split('/').next()?;
        let is_inside = text.split('/').all(is_safe) && !is_reserved(first);
        is_inside.then(|| self.root.join(text))
    }

    /// Fails if a folder on the way from the root to `path` is a symbolic link.
    pub(super) fn check_links(&self, path: &Path) -> Attempt {
        for folder in self.folders_to(path) {
            match fs::symlink_metadata(folder) {
                Ok(metadata) if metadata.is_symlink() => {
                    return Err(Errno::LOOP.into());
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Opens the regular file at `path`, never through a symbolic link.
    pub(super) fn open_file(&self, path: &Path) -> Attempt<(File, Metadata)> {
        self.check_links(path)?;
        // A pipe in the way must not block: O_NONBLOCK means nothing for files.
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
        let flags = i32::try_from(flags).expect("flags of open are an int");
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(flags)
            .open(path)?;
        let metadata = file.metadata()?;
        let is_object = metadata.is_file();
        is_object
            .then_some((file, metadata))
            .ok_or_else(Failure::missing)
    }

    /// Returns what the file at `path` is, never through a symbolic link.
    pub(super) fn inspect(&self, path: &Path) -> Attempt<Metadata> {
        self.check_links(path)?;
        let metadata = fs::symlink_metadata(path)?;
        match metadata.file_type() {
            kind if kind.is_file() => Ok(metadata),
            kind if kind.is_symlink() => Err(Errno::LOOP.into()),
            _ => Err(Failure::missing()),
        }
    }

    /// Reads the folder at `path`, never through a symbolic link.
    pub(super) fn read_folder(&self, path: &Path) -> Attempt<fs::ReadDir> {
        self.check_links(path)?;
        if path != self.root && !fs::symlink_metadata(path)?.is_dir() {
            return Err(Errno::NOTDIR.into());
        }
        Ok(fs::read_dir(path)?)
    }

    /// Says what a reader's failure means: nothing is missing from a root that is not there.
    pub(super) fn explain(&self, failure: Failure) -> Failure {
        if !failure.is_absence() {
            return failure;
        }
        match self.check_root() {
            Ok(()) => Failure::missing(),
            Err(no_root) => no_root,
        }
    }

    /// Creates the folders that `path` needs, and makes their entries durable.
    pub(super) fn create_folders_to(&self, path: &Path) -> Attempt {
        self.check_links(path)?;
        for folder in self.folders_to(path) {
            let is_new = match DirBuilder::new().mode(Self::FOLDER_MODE).create(folder) {
                Ok(()) => true,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
                Err(error) => return Err(error.into()),
            };
            // Another process may have created it and not have synced it yet.
            if is_new || !self.durable().contains(folder) {
                sync_folder(folder.parent().unwrap_or(&self.root))?;
                self.remember(folder);
            }
        }
        Ok(())
    }

    /// Removes the empty folders from the parent of `path` up to the root, without it; returns
    /// the first that stays.
    pub(super) fn remove_empty_folders_to(&self, path: &Path) -> PathBuf {
        let mut folders = self.folders_to(path).collect::<Vec<_>>();
        while let Some(folder) = folders.pop() {
            if fs::remove_dir(folder).is_err() {
                return folder.to_owned();
            }
            self.durable().remove(folder);
        }
        self.root.clone()
    }

    /// Creates a folder below the hidden one; neither is an object's, so neither is synced.
    pub(super) fn create_hidden(&self, name: &str) -> Attempt {
        self.check_root()?;
        let mut folders = DirBuilder::new();
        folders.mode(Self::FOLDER_MODE).recursive(true);
        Ok(folders.create(self.hidden(name))?)
    }

    /// Returns the folders between the root and `path`, outermost first.
    fn folders_to<'a>(&self, path: &'a Path) -> impl Iterator<Item = &'a Path> + use<'a> {
        let depth = self.root.components().count();
        let mut folders = path
            .ancestors()
            .skip(1)
            .take_while(|folder| folder.components().count() > depth)
            .collect::<Vec<_>>();
        folders.reverse();
        folders.into_iter()
    }

    fn remember(&self, folder: &Path) {
        let mut durable = self.durable();
        if durable.len() >= Self::MOST_DURABLE {
            durable.clear();
        }
        durable.insert(folder.to_owned());
    }

    fn durable(&self) -> MutexGuard<'_, HashSet<PathBuf>> {
        self.durable.lock().expect("no holder of the lock panics")
    }
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// Returns whether an entry of the root is not part of the store.
pub(super) fn is_reserved(name: &str) -> bool {
    name == HIDDEN || FOREIGN.contains(&name)
}

/// Makes the entries of a folder durable.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Describes an object.
pub(super) fn meta(key: Key, metadata: &Metadata) -> ObjectMeta {
    let nanoseconds = i32::try_from(metadata.mtime_nsec()).unwrap_or_default();
    let etag = format!(
        "\"{:x}-{:x}.{:x}-{:x}\"",
        metadata.ino(),
        metadata.mtime(),
        nanoseconds,
        metadata.size()
    );
    ObjectMeta {
        key,
        size: metadata.size(),
        modified: Timestamp::new(metadata.mtime(), nanoseconds).unwrap_or_default(),
        etag: Some(ETag::new(etag)),
    }
}
