//! One process at a time in a spool.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::fs::{FlockOperation, flock};

/// The right to use a spool folder, given up when dropped or when the process dies.
#[derive(Debug)]
pub struct SpoolLock(#[expect(dead_code, reason = "held, not used")] File);

/// The folder cannot be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process uses it.
    #[error("the spool {0} is in use by another process")]
    InUse(PathBuf),
    /// The lock file cannot be opened.
    #[error("locking the spool {path}")]
    Io {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl SpoolLock {
    const PAUSE: Duration = Duration::from_millis(20);

    /// Locks `root`, creating it where it is missing, and waits up to `patience` for another
    /// process to leave it.
    pub async fn acquire(root: &Path, patience: Duration) -> Result<Self, LockError> {
        let started = tokio::time::Instant::now();
        loop {
            match Self::try_acquire(root) {
                Err(LockError::InUse(_)) if started.elapsed() < patience => {
                    tokio::time::sleep(Self::PAUSE).await;
                }
                result => return result,
            }
        }
    }

    fn try_acquire(root: &Path) -> Result<Self, LockError> {
        let error = |source| LockError::Io {
            path: root.to_owned(),
            source,
        };
        if let Err(source) = DirBuilder::new().recursive(true).mode(0o700).create(root)
            && !fs::exists(root).unwrap_or(false)
        {
            return Err(error(source));
        }
        // A read-only volume can be locked too: archiving goes on there while nothing is owed.
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(root.join("lock"))
            .or_else(|_| File::open(root))
            .map_err(error)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self(file)),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(LockError::InUse(root.to_owned())),
            Err(errno) => Err(error(errno.into())),
        }
    }
}
