//! Base backups that began and did not end.

use jiff::{SignedDuration, Timestamp};

/// Who writes a base backup into a repository, so that what a killed process left can be told from
/// what another one works on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Taker {
    /// Different for each backup and each copy.
    pub run: String,
    /// The name of the machine.
    pub host: String,
    /// Whether a backup from elsewhere is copied.
    pub is_copy: bool,
}

impl Taker {
    /// Creates one for this process, which takes a backup.
    pub fn of_backup() -> Self {
        Self::here(false)
    }

    /// Creates one for this process, which copies a backup from elsewhere.
    pub fn of_copy() -> Self {
        Self::here(true)
    }

    fn here(is_copy: bool) -> Self {
        let system = rustix::system::uname();
        let host = system.nodename().to_string_lossy();
        Self {
            run: format!("{:016x}", fastrand::u64(..)),
            host: host.replace(char::is_whitespace, "-"),
            is_copy,
        }
    }
}

/// A base backup of walcast's that began and did not end: somebody works on it, or was killed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UnfinishedBackup {
    /// What the layout calls it.
    pub id: String,
    /// Who writes or wrote it.
    pub taker: Taker,
    /// The server's data directory.
    pub data_directory: Option<String>,
    /// When something was last written, by the store's clock.
    pub touched: Timestamp,
}

impl UnfinishedBackup {
    /// After so long without a new object nobody works on it, whoever it was.
    pub const ABANDONED: SignedDuration = SignedDuration::from_hours(72);

    /// Returns whether nobody works on it any more, whoever it was.
    pub fn is_abandoned(&self, now: Timestamp) -> bool {
        now.duration_since(self.touched) >= Self::ABANDONED
    }
}
