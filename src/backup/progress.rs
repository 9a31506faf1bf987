//! How far a base backup is.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// How far a base backup is, to be looked at by whoever shows it; counted by the engine.
#[derive(Debug)]
pub struct Progress {
    began: Instant,
    files: AtomicU64,
    bytes: AtomicU64,
    total: AtomicU64,
}

/// What was done at one moment.
#[derive(Clone, Copy, Debug, Eq, PartialEq, serde::Serialize)]
pub struct Done {
    /// Files that were read.
    pub files: u64,
    /// Bytes of files that were read.
    pub bytes: u64,
    /// Bytes of all files, as they were at the beginning; 0 while that is not known.
    pub total: u64,
    /// Since when, in seconds.
    pub seconds: u64,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            files: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            total: AtomicU64::new(0),
        }
    }
}

impl Progress {
    /// Returns what was done so far.
    pub fn done(&self) -> Done {
        Done {
            files: self.files.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            total: self.total.load(Ordering::Relaxed),
            seconds: self.began.elapsed().as_secs(),
        }
    }

    pub(super) fn expect(&self, total: u64) {
        self.total.store(total, Ordering::Relaxed);
    }

    pub(super) fn read(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn file(&self) {
        self.files.fetch_add(1, Ordering::Relaxed);
    }
}

impl Done {
    /// Returns the mean number of bytes per second.
    pub fn rate(&self) -> u64 {
        self.bytes / self.seconds.max(1)
    }

    /// Returns how long the rest will take at this rate; `None` while that cannot be told.
    pub fn left(&self) -> Option<Duration> {
        let rest = self.total.checked_sub(self.bytes)?;
        let rate = Some(self.rate()).filter(|rate| *rate > 0 && self.total > 0)?;
        Some(Duration::from_secs(rest / rate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_takes_as_long_as_what_was_done() {
        let done = Done {
            files: 1,
            bytes: 100,
            total: 300,
            seconds: 10,
        };

        assert_eq!(done.rate(), 10);
        assert_eq!(done.left(), Some(Duration::from_secs(20)));
        assert_eq!(Done { bytes: 0, ..done }.left(), None);
        assert_eq!(Done { total: 50, ..done }.left(), None);
    }
}
