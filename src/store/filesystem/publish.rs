//! Files that appear under their name complete and durable, or not at all. Blocking.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Weak,
};

use rustix::{
    fs::{CWD, RenameFlags, renameat_with},
    io::Errno,
};

use super::{
    failure::{Attempt, Failure},
    tree::{Tree, sync_folder},
};
use crate::{
    failpoint,
    store::{Class, PutMode},
};

/// The hidden folder of files that are being written.
pub(super) const TEMPORARY: &str = "tmp";

/// A file without a name among the objects; removed when dropped.
#[derive(Debug)]
pub(super) struct TempFile {
    path: PathBuf,
    file: File,
}

impl TempFile {
    pub(super) fn create(tree: &Tree) -> Attempt<Self> {
        tree.check_root()?;
        let path = tree.hidden(TEMPORARY).join(random_name());
        let file = match create_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                tree.create_hidden(TEMPORARY)?;
                create_file(&path)?
            }
            created => created?,
        };
        Ok(Self { path, file })
    }

    pub(super) fn write_at(&self, block: &[u8], offset: u64) -> Attempt {
        Ok(self.file.write_all_at(block, offset)?)
    }

    /// Makes the file durable and, if somebody still waits, gives it the name `to`.
    pub(super) fn publish(
        self,
        tree: &Tree,
        to: &Path,
        mode: PutMode,
        waiter: &Weak<()>,
    ) -> Attempt {
        failpoint::pass("file-before-sync");
        self.file.sync_all()?;
        failpoint::pass("file-before-publish");
        if waiter.strong_count() == 0 {
            return Err(Failure::new(Class::Cancelled, "nobody waits any more"));
        }
        publish(tree, &self.path, to, mode)
    }

    /// Removes what puts left behind that were killed more than a day before this one, by the
    /// file system's clock.
    pub(super) fn sweep(&self) {
        const DAY: i64 = 24 * 60 * 60;
        let Ok(now) = self.file.metadata() else {
            return;
        };
        let is_old = |path: &Path| {
            fs::symlink_metadata(path).is_ok_and(|metadata| metadata.mtime() < now.mtime() - DAY)
        };
        let siblings = self.path.parent().map(fs::read_dir);
        for entry in siblings.into_iter().flatten().flatten().flatten() {
            let path = entry.path();
            if is_old(&path) && fs::remove_file(&path).is_ok() {
                tracing::info!(path = %path.display(), "removed what an old put left behind");
            }
        }
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        // After publishing there is nothing left to remove.
        fs::remove_file(&self.path).ok();
    }
}

/// Creates a file that must be new, for its owner and readable by its group.
pub(super) fn create_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o640).open(path)
}

/// Returns a name that is not in use.
pub(super) fn random_name() -> String {
    format!("{:016x}", fastrand::u64(..))
}

/// Moves the synced file `from` to the name `to`, durably.
pub(super) fn publish(tree: &Tree, from: &Path, to: &Path, mode: PutMode) -> Attempt {
    const ATTEMPTS: u32 = 16;
    for _ in 0..ATTEMPTS {
        match publish_once(tree, from, to, mode) {
            // Whoever deletes may remove a folder that was just needed.
            Err(failure) if failure.class == Class::Missing && from.exists() => {}
            Err(failure) if failure.class == Class::Missing => {
                tree.check_root()?;
                return Err(Failure::new(Class::Invalid, "its temporary file is gone"));
            }
            published => return published,
        }
    }
    let reason = "its folder vanished again and again";
    Err(Failure::new(Class::Transient, reason))
}

fn publish_once(tree: &Tree, from: &Path, to: &Path, mode: PutMode) -> Attempt {
    tree.create_folders_to(to)?;
    match mode {
        PutMode::Create => create(from, to)?,
        PutMode::Overwrite => fs::rename(from, to)?,
    }
    failpoint::pass("file-before-folder-sync");
    match to.parent().map_or(Ok(()), sync_folder) {
        // It was there, and somebody deleted it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        synced => Ok(synced?),
    }
}

fn create(from: &Path, to: &Path) -> Attempt {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => create_by_link(from, to),
        Err(Errno::EXIST) if to.is_dir() => Err(Errno::ISDIR.into()),
        renamed => Ok(renamed?),
    }
}

/// Does it where the file system cannot rename without replacing (NFS, some overlays).
fn create_by_link(from: &Path, to: &Path) -> Attempt {
    match fs::hard_link(from, to).map_err(|error| (Errno::from_io_error(&error), error)) {
        Ok(()) => Ok(fs::remove_file(from)?),
        Err((Some(Errno::EXIST), _)) if to.is_dir() => Err(Errno::ISDIR.into()),
        Err((Some(Errno::PERM | Errno::NOSYS | Errno::OPNOTSUPP), error)) => Err(Failure {
            hint: Some("Use a file system that has hard links."),
            source: Some(error),
            ..Failure::new(
                Class::Invalid,
                "the file system cannot create without replacing",
            )
        }),
        Err((_, error)) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_dropped_put_does_not_appear_after_a_slow_sync() {
        let (tree, folder) = tree();
        let temp = TempFile::create(&tree).unwrap();
        let (path, to) = (temp.path.clone(), folder.path().join("a"));

        let failure = temp.publish(&tree, &to, PutMode::Create, &Weak::new());

        assert_eq!(failure.unwrap_err().class, Class::Cancelled);
        assert!(!path.exists());
        assert!(!to.exists());
    }

    #[test]
    fn a_full_volume_fails_the_write_and_leaves_no_file() {
        let (tree, folder) = tree();
        let temp = TempFile::create(&tree).unwrap();
        let path = temp.path.clone();
        let temp = on_full_device(temp);

        let failure = temp.write_at(b"x", 0).unwrap_err();
        drop(temp);

        assert_eq!(failure.class, Class::Full);
        assert!(failure.hint.is_some());
        assert!(!path.exists());
        drop(folder);
    }

    #[test]
    fn a_failed_sync_fails_the_put_and_leaves_no_file() {
        let (tree, folder) = tree();
        let temp = TempFile::create(&tree).unwrap();
        let path = temp.path.clone();
        let to = folder.path().join("a");

        // The device refuses to be synced, like a disk that fails.
        let waiter = Arc::new(());
        let temp = on_full_device(temp);
        let published = temp.publish(&tree, &to, PutMode::Overwrite, &Arc::downgrade(&waiter));

        assert!(published.is_err());
        assert!(!path.exists());
        assert!(!to.exists());
    }

    #[test]
    fn a_link_creates_like_a_rename_without_replacing() {
        let (_tree, folder) = tree();
        let path = |name| folder.path().join(name);
        for name in ["first", "second"] {
            fs::write(path(name), name).unwrap();
        }
        fs::create_dir(path("folder")).unwrap();

        create_by_link(&path("first"), &path("a")).unwrap();
        for create in [create, create_by_link] {
            let failure = create(&path("second"), &path("a")).unwrap_err();
            assert_eq!(failure.class, Class::Conflict);
            let failure = create(&path("second"), &path("folder")).unwrap_err();
            assert_eq!(failure.class, Class::Invalid);
        }

        assert_eq!(fs::read(path("a")).unwrap(), b"first");
        assert!(!path("first").exists());
    }

    #[test]
    fn a_sweep_removes_only_what_is_old() {
        let (tree, _folder) = tree();
        let (old, young) = (
            TempFile::create(&tree).unwrap(),
            TempFile::create(&tree).unwrap(),
        );
        let modified = old.file.metadata().unwrap().modified().unwrap();
        let two_days = std::time::Duration::from_hours(48);
        old.file.set_modified(modified - two_days).unwrap();

        TempFile::create(&tree).unwrap().sweep();

        assert!(!old.path.exists());
        assert!(young.path.exists());
    }

    fn tree() -> (Tree, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        (Tree::open(folder.path().to_owned()).unwrap(), folder)
    }

    fn on_full_device(mut temp: TempFile) -> TempFile {
        temp.file = OpenOptions::new().write(true).open("/dev/full").unwrap();
        temp
    }
}
