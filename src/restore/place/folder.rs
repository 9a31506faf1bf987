//! Files below a directory, reached without following a link. Blocking.

use std::{
    ffi::CString,
    fs::{File, Permissions},
    io,
    os::{
        fd::OwnedFd,
        unix::fs::{PermissionsExt, fchown},
    },
    path::{Path, PathBuf},
    time::SystemTime,
};

use jiff::Timestamp;
use rustix::{
    fs::{
        AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat, linkat, mkdirat, openat, renameat, statat,
        symlinkat, unlinkat,
    },
    io::Errno,
};

use crate::repository::TreePath;

/// A directory below which nothing is reached through a link, whoever made it.
#[derive(Debug)]
pub(super) struct Folder {
    root: OwnedFd,
    path: PathBuf,
    /// The directory that was used last: files of one directory come one after the other.
    last: Option<(TreePath, OwnedFd)>,
}

/// An entry of a directory.
pub(super) struct Entry {
    pub(super) name: CString,
    pub(super) is_directory: bool,
}

impl Folder {
    /// Opens a directory; its own path may have links.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let root = openat(CWD, path, DIRECTORY, Mode::empty())?;
        Ok(Self {
            root,
            path: path.to_owned(),
            last: None,
        })
    }

    /// Returns the directory itself.
    pub(super) fn root(&self) -> &OwnedFd {
        &self.root
    }

    /// Returns where something is, for messages.
    pub(super) fn path_of(&self, path: &TreePath) -> PathBuf {
        self.path.join(path.as_str())
    }

    /// Opens a directory part by part.
    pub(super) fn directory(&self, path: &TreePath) -> io::Result<OwnedFd> {
        let mut directory = openat(&self.root, ".", DIRECTORY, Mode::empty())?;
        for part in path.as_str().split('/').filter(|part| !part.is_empty()) {
            directory = openat(
                &directory,
                part,
                DIRECTORY | OFlags::NOFOLLOW,
                Mode::empty(),
            )?;
        }
        Ok(directory)
    }

    /// Creates a directory for its owner alone; one that is there already is fine.
    pub(super) fn create_directory(&mut self, path: &TreePath) -> io::Result<()> {
        if path.is_root() {
            return Ok(());
        }
        let (parent, name) = self.parent(path)?;
        match mkdirat(parent, name, Mode::RWXU) {
            Err(Errno::EXIST) if is_directory(&stat(parent, name)?) => Ok(()),
            Err(Errno::EXIST) => {
                unlinkat(parent, name, AtFlags::empty())?;
                Ok(mkdirat(parent, name, Mode::RWXU)?)
            }
            created => Ok(created?),
        }
    }

    /// Creates a file for its owner alone, in place of what has its name and is no directory.
    pub(super) fn create(&mut self, path: &TreePath) -> io::Result<File> {
        let (parent, name) = self.parent(path)?;
        unlink(parent, name)?;
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | OFlags::NOFOLLOW;
        let file = openat(
            parent,
            name,
            flags | OFlags::CLOEXEC,
            Mode::RUSR | Mode::WUSR,
        )?;
        Ok(File::from(file))
    }

    /// Opens a regular file that is there, to read and to write; `None` if it is not.
    pub(super) fn open_file(&mut self, path: &TreePath, mode: Access) -> io::Result<Option<File>> {
        let (parent, name) = match self.parent(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            found => found?,
        };
        let access = match mode {
            Access::Read => OFlags::RDONLY,
            Access::ReadWrite => OFlags::RDWR,
        };
        // A pipe would block without a reader.
        let flags = access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        match openat(parent, name, flags, Mode::empty()) {
            Ok(file) => {
                let file = File::from(file);
                Ok(file.metadata()?.is_file().then_some(file))
            }
            Err(Errno::NOENT | Errno::LOOP | Errno::ISDIR | Errno::NXIO) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Makes a link in place of what has its name and is no directory.
    pub(super) fn create_link(&mut self, path: &TreePath, leads_to: &Path) -> io::Result<()> {
        let (parent, name) = self.parent(path)?;
        unlink(parent, name)?;
        Ok(symlinkat(leads_to, parent, name)?)
    }

    /// Gives the regular file `existing` another name.
    pub(super) fn create_hard_link(
        &mut self,
        path: &TreePath,
        existing: &TreePath,
    ) -> io::Result<()> {
        let (from, old_name) = self.parent(existing)?;
        // A link to a link would lead elsewhere from there.
        if FileType::from_raw_mode(stat(from, old_name)?.st_mode) != FileType::RegularFile {
            return Err(Errno::LOOP.into());
        }
        let from = from.try_clone()?;
        let old_name = old_name.to_owned();
        let (parent, name) = self.parent(path)?;
        unlink(parent, name)?;
        Ok(linkat(from, old_name, parent, name, AtFlags::empty())?)
    }

    /// Gives a file its final name, in the same directory.
    pub(super) fn rename(&mut self, from: &TreePath, to: &TreePath) -> io::Result<()> {
        let new_name = name_of(to);
        let (parent, name) = self.parent(from)?;
        Ok(renameat(parent, name, parent, new_name)?)
    }

    /// Returns what has this name; `None` if nothing has.
    pub(super) fn stat(&mut self, path: &TreePath) -> io::Result<Option<Stat>> {
        match self
            .parent(path)
            .and_then(|(parent, name)| stat(parent, name))
        {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sets the owner of a link.
    pub(super) fn own_link(&mut self, path: &TreePath, owner: Owner) -> io::Result<()> {
        let Some((uid, gid)) = owner else {
            return Ok(());
        };
        let (parent, name) = self.parent(path)?;
        let (uid, gid) = (
            rustix::fs::Uid::from_raw(uid),
            rustix::fs::Gid::from_raw(gid),
        );
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        Ok(rustix::fs::chownat(
            parent,
            name,
            Some(uid),
            Some(gid),
            flags,
        )?)
    }

    /// Removes what has this name, with what is in it; returns how many files that were.
    pub(super) fn remove(&mut self, path: &TreePath) -> io::Result<u64> {
        self.last = None;
        let name = CString::new(name_of(path)).map_err(io::Error::other)?;
        match self.parent(path) {
            Ok((parent, _)) => remove(parent, &name),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Forgets the directory that was used last, which may be gone.
    pub(super) fn forget_last(&mut self) {
        self.last = None;
    }

    /// Makes the names in a directory durable.
    pub(super) fn sync(&self, path: &TreePath) -> io::Result<()> {
        File::from(self.directory(path)?).sync_all()
    }

    fn parent<'a, 'b>(&'a mut self, path: &'b TreePath) -> io::Result<(&'a OwnedFd, &'b str)> {
        let parent = path.parent().unwrap_or_default();
        if self.last.as_ref().is_none_or(|(last, _)| *last != parent) {
            self.last = None;
            let directory = self.directory(&parent)?;
            self.last = Some((parent, directory));
        }
        let (_, directory) = self.last.as_ref().expect("it was just opened");
        Ok((directory, name_of(path)))
    }
}

/// What a file is opened for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Access {
    /// To read it.
    Read,
    /// To compare and correct it.
    ReadWrite,
}

/// Numbers of an owner and a group, where they are set at all.
pub(super) type Owner = Option<(u32, u32)>;

/// Sets whose an open file or directory is, what may be done with it, and when it changed last.
pub(super) fn set_attributes(
    file: &File,
    owner: Owner,
    mode: u32,
    modified: Timestamp,
) -> io::Result<()> {
    if let Some((uid, gid)) = owner {
        fchown(file, Some(uid), Some(gid))?;
    }
    file.set_permissions(Permissions::from_mode(mode))?;
    file.set_modified(SystemTime::from(modified))
}

/// Returns what is in a directory.
pub(super) fn entries(directory: &OwnedFd) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        let is_directory = match entry.file_type() {
            FileType::Unknown => is_directory(&statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)?),
            known => known == FileType::Directory,
        };
        entries.push(Entry {
            name: name.to_owned(),
            is_directory,
        });
    }
    Ok(entries)
}

/// Removes an entry of a directory, with what is in it; returns how many files that were.
pub(super) fn remove(parent: &OwnedFd, name: &CString) -> io::Result<u64> {
    match unlinkat(parent, name, AtFlags::empty()) {
        Ok(()) => return Ok(1),
        Err(Errno::NOENT) => return Ok(0),
        // Linux says the first, POSIX the second.
        Err(Errno::ISDIR | Errno::PERM) => {}
        Err(errno) => return Err(errno.into()),
    }
    let directory = openat(parent, name, DIRECTORY | OFlags::NOFOLLOW, Mode::empty())?;
    let mut removed = 0;
    for entry in entries(&directory)? {
        removed += remove(&directory, &entry.name)?;
    }
    unlinkat(parent, name, AtFlags::REMOVEDIR)?;
    Ok(removed)
}

const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::CLOEXEC);

fn stat(parent: &OwnedFd, name: &str) -> io::Result<Stat> {
    Ok(statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)?)
}

fn is_directory(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::Directory
}

fn unlink(parent: &OwnedFd, name: &str) -> io::Result<()> {
    match unlinkat(parent, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

fn name_of(path: &TreePath) -> &str {
    path.as_str().rsplit('/').next().unwrap_or_default()
}
