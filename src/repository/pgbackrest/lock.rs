//! What the tool says in its folder of locks.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};

use super::PgBackRestRepository;
use crate::repository::{Error, Result};

impl PgBackRestRepository {
    /// Refuses while the tool works on the backups of the stanza on this machine.
    pub(super) async fn check_not_locked(&self) -> Result<()> {
        let Some(folder) = self.settings.lock_folder.clone() else {
            return Ok(());
        };
        let stanza = self.settings.stanza.clone();
        match self.workers.disk(move || held(&folder, &stanza)).await {
            None => Ok(()),
            Some(path) => Err(Error::Refused {
                repository: self.to_string(),
                reason: format!(
                    "pgbackrest works on the backups of the stanza: it holds {}",
                    path.display()
                ),
            }),
        }
    }
}

/// Returns a lock on the backups of a stanza that somebody holds: releases before 2.53 have one for
/// all repositories, later ones one for each.
fn held(folder: &Path, stanza: &str) -> Option<PathBuf> {
    let first = format!("{stanza}-backup");
    let entries = fs::read_dir(folder).ok()?.flatten();
    let mut locks = entries.filter(|entry| {
        let name = entry.file_name();
        let rest = name.to_str().and_then(|name| name.strip_prefix(&first));
        let number = rest.and_then(|rest| rest.strip_suffix(".lock"));
        number.is_some_and(|number| number.is_empty() || number.starts_with('-'))
    });
    let is_held = |path: &Path| {
        // One that cannot be opened is another user's, and there is no telling.
        let Ok(file) = File::open(path) else {
            return false;
        };
        flock(&file, FlockOperation::NonBlockingLockExclusive).is_err()
    };
    locks.find_map(|entry| Some(entry.path()).filter(|path| is_held(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_lock_that_is_held_on_this_stanza_counts() {
        let folder = tempfile::tempdir().unwrap();
        let lock = |name: &str| {
            let file = File::create(folder.path().join(name)).unwrap();
            flock(&file, FlockOperation::LockExclusive).unwrap();
            file
        };
        let others = [lock("main-archive-1.lock"), lock("mainly-backup.lock")];
        File::create(folder.path().join("main-backup-1.lock")).unwrap();

        assert_eq!(held(folder.path(), "main"), None);

        for name in ["main-backup.lock", "main-backup-2.lock"] {
            let ours = lock(name);
            assert_eq!(held(folder.path(), "main"), Some(folder.path().join(name)));
            drop(ours);
            assert_eq!(held(folder.path(), "main"), None);
        }
        drop(others);
    }
}
