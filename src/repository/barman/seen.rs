use std::{
    collections::{HashSet, VecDeque},
    sync::{Mutex, MutexGuard},
};

use crate::pg::WalFileName;

/// Which files the folders of the archive held when this process came to them, and which ones it
/// put there since. Needed on stores that cannot refuse to replace an object.
///
/// WAL comes folder by folder, so only the last few are remembered; a forgotten one is listed
/// again.
#[derive(Debug, Default)]
pub(super) struct Seen(Mutex<VecDeque<(String, HashSet<WalFileName>)>>);

impl Seen {
    const FOLDERS: usize = 8;

    /// Says that `name` will be put into `folder`. Returns whether it may be there already;
    /// `None` if the folder has not been listed.
    pub(super) fn claim(&self, folder: &str, name: WalFileName) -> Option<bool> {
        let mut folders = self.lock();
        let (_, names) = folders.iter_mut().find(|(known, _)| known == folder)?;
        Some(!names.insert(name))
    }

    /// Remembers what a listing of `folder` found, beside what was claimed meanwhile.
    pub(super) fn remember(&self, folder: &str, found: HashSet<WalFileName>) {
        let mut folders = self.lock();
        if let Some((_, names)) = folders.iter_mut().find(|(known, _)| known == folder) {
            names.extend(found);
            return;
        }
        if folders.len() == Self::FOLDERS {
            folders.pop_front();
        }
        folders.push_back((folder.to_owned(), found));
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(String, HashSet<WalFileName>)>> {
        self.0.lock().expect("no holder of the lock panics")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_new_once_and_a_folder_unknown_until_listed() {
        let seen = Seen::default();
        let [old, new] = ["000000010000000000000001", "000000010000000000000002"]
            .map(|name| WalFileName::parse(name).unwrap());
        assert_eq!(seen.claim("a", new), None);

        seen.remember("a", HashSet::from([old]));

        assert_eq!(seen.claim("a", old), Some(true));
        assert_eq!(seen.claim("a", new), Some(false));
        assert_eq!(seen.claim("a", new), Some(true));
        seen.remember("a", HashSet::new());
        assert_eq!(seen.claim("a", new), Some(true));
        for other in 0..Seen::FOLDERS {
            seen.remember(&other.to_string(), HashSet::new());
        }
        assert_eq!(seen.claim("a", new), None);
    }
}
