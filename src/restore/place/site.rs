//! The place of one tree. Blocking.

use std::{
    collections::{BTreeMap, HashSet},
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::Path,
};

use rustix::io::Errno;

use super::{
    Delta, Ownership, PlaceError,
    folder::{Access, Folder, Owner},
};
use crate::repository::{Attributes, TreePath};

/// The place of one tree, and what came of it so far.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) folder: Folder,
    /// The directories that came; what may be done with them is set at the end.
    pub(super) directories: BTreeMap<TreePath, Attributes>,
    /// Whose the tree's own directory was.
    owner: Owner,
    /// The files and links that came, where those that did not are to be removed.
    names: HashSet<TreePath>,
    delta: Delta,
}

/// A file to write to.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) file: File,
    /// Whether it was there and has the right size.
    pub(super) is_old: bool,
}

impl Site {
    /// Opens the directory, which is created for its owner alone if it is not there.
    pub(super) fn open(path: &Path, delta: Delta) -> Result<Self, PlaceError> {
        create_root(path).map_err(PlaceError::io(path))?;
        Ok(Self {
            folder: Folder::open(path).map_err(PlaceError::io(path))?,
            directories: BTreeMap::new(),
            owner: None,
            names: HashSet::new(),
            delta,
        })
    }

    /// Forgets what came; with [`Delta::Off`] it is removed, but for `kept`.
    pub(super) fn restart(&mut self, kept: &TreePath) -> Result<(), PlaceError> {
        self.directories.clear();
        self.names.clear();
        self.owner = None;
        match self.delta {
            Delta::Off => self.prune(|path| path == kept).map(drop),
            Delta::Keep => Ok(()),
        }
    }

    pub(super) fn directory(
        &mut self,
        path: TreePath,
        attributes: Attributes,
    ) -> Result<(), PlaceError> {
        let created = self.folder.create_directory(&path);
        created.map_err(self.fault(&path))?;
        if path.is_root() {
            self.owner = Some((attributes.uid, attributes.gid));
        }
        self.names.remove(&path);
        self.directories.insert(path, attributes);
        Ok(())
    }

    /// Opens a file of `size` bytes; one that is there may stay with [`Delta::Keep`].
    pub(super) fn open_file(&mut self, path: &TreePath, size: u64) -> Result<Opened, PlaceError> {
        self.make_way(path)?;
        if self.delta == Delta::Keep
            && let Some(file) = self.old_file(path, size)
        {
            return Ok(Opened { file, is_old: true });
        }
        let created = self.folder.create(path);
        let file = created.map_err(self.fault(path))?;
        Ok(Opened {
            file,
            is_old: false,
        })
    }

    pub(super) fn link(
        &mut self,
        path: &TreePath,
        owner: Owner,
        leads_to: &str,
    ) -> Result<(), PlaceError> {
        self.make_way(path)?;
        let created = self.folder.create_link(path, Path::new(leads_to));
        let linked = created.and_then(|()| self.folder.own_link(path, owner));
        linked.map_err(self.fault(path))
    }

    pub(super) fn hard_link(
        &mut self,
        path: &TreePath,
        existing: &TreePath,
    ) -> Result<(), PlaceError> {
        self.make_way(path)?;
        let linked = self.folder.create_hard_link(path, existing);
        linked.map_err(self.fault(path))
    }

    /// Returns whether a file of this name may be one that came; with [`Delta::Keep`] it may be an
    /// old one.
    pub(super) fn has_come(&self, path: &TreePath) -> bool {
        match self.delta {
            Delta::Off => true,
            Delta::Keep => self.names.contains(path),
        }
    }

    /// Returns whose something is to be.
    pub(super) fn owner(&self, ownership: Ownership, attributes: &Attributes) -> Owner {
        match ownership {
            Ownership::Process => None,
            Ownership::Recorded => self.owner.or(Some((attributes.uid, attributes.gid))),
            Ownership::Fixed { uid, gid } => Some((uid, gid)),
        }
    }

    /// Removes what did not come and is not `kept`; returns how many files that were.
    pub(super) fn prune(&mut self, kept: impl Fn(&TreePath) -> bool) -> Result<u64, PlaceError> {
        let mut removed = 0;
        let mut directories = vec![TreePath::default()];
        while let Some(directory) = directories.pop() {
            let fault = PlaceError::io(self.folder.path_of(&directory));
            removed += self
                .prune_directory(&directory, &kept, &mut directories)
                .map_err(fault)?;
        }
        Ok(removed)
    }

    fn prune_directory(
        &mut self,
        directory: &TreePath,
        kept: &impl Fn(&TreePath) -> bool,
        directories: &mut Vec<TreePath>,
    ) -> io::Result<u64> {
        let open = self.folder.directory(directory)?;
        let mut removed = 0;
        for entry in super::folder::entries(&open)? {
            // A name that is no text did not come.
            let path = entry
                .name
                .to_str()
                .ok()
                .and_then(|name| directory.join(name).ok());
            let path = path.filter(|path| {
                let came = if entry.is_directory {
                    self.directories.contains_key(path)
                } else {
                    self.names.contains(path)
                };
                came || kept(path)
            });
            match path {
                Some(path) if entry.is_directory && self.directories.contains_key(&path) => {
                    directories.push(path);
                }
                Some(_) => {}
                None => removed += super::folder::remove(&open, &entry.name)?,
            }
        }
        self.folder.forget_last();
        Ok(removed)
    }

    /// Returns who is to blame: in a directory of ours only the backup can put things in the way.
    pub(super) fn fault(&self, path: &TreePath) -> impl FnOnce(io::Error) -> PlaceError + use<> {
        let (place, path) = (self.folder.path_of(path), path.clone());
        move |error| match Errno::from_io_error(&error) {
            Some(Errno::NOENT | Errno::NOTDIR | Errno::ISDIR | Errno::LOOP | Errno::EXIST) => {
                PlaceError::content(&path, format!("it cannot be there: {error}"))
            }
            _ => PlaceError::io(place)(error),
        }
    }

    /// Notes that something comes at `path`, and removes an old directory that is there.
    fn make_way(&mut self, path: &TreePath) -> Result<(), PlaceError> {
        if self.delta == Delta::Off {
            return Ok(());
        }
        self.names.insert(path.clone());
        if self.directories.contains_key(path) {
            return Ok(());
        }
        let found = self.folder.stat(path).map_err(self.fault(path))?;
        let is_directory = found.is_some_and(|found| {
            rustix::fs::FileType::from_raw_mode(found.st_mode) == rustix::fs::FileType::Directory
        });
        if is_directory {
            self.folder.remove(path).map_err(self.fault(path))?;
        }
        Ok(())
    }

    /// Opens what may stay; what has another name elsewhere, or cannot be opened, may not.
    fn old_file(&mut self, path: &TreePath, size: u64) -> Option<File> {
        let file = self.folder.open_file(path, Access::ReadWrite).ok()??;
        let found = file.metadata().ok()?;
        (found.len() == size && found.nlink() == 1).then_some(file)
    }
}

/// Creates a directory for its owner alone, and those above it for everybody to pass through.
fn create_root(path: &Path) -> io::Result<()> {
    let path = std::path::absolute(path)?;
    let missing: Vec<&Path> = path.ancestors().take_while(|path| !path.exists()).collect();
    let Some((root, above)) = missing.split_first() else {
        return Ok(());
    };
    if let Some(parent) = above.first() {
        fs::create_dir_all(parent)?;
    }
    DirBuilder::new().mode(0o700).create(root)?;
    for created in missing.iter().rev() {
        if let Some(parent) = created.parent() {
            File::open(parent)?.sync_all()?;
        }
    }
    Ok(())
}
