//! What destinations owe, remembered durably.
//!
//! ```text
//! SPOOL/format.json                        written once
//! SPOOL/state.json                         health of the destinations, for the next process
//! SPOOL/new/N/                             an entry being written or removed
//! SPOOL/queue/TIMELINE/NAME/entry.json     which file, who owes it since when and why
//! SPOOL/queue/TIMELINE/NAME/NAME[.lz4]     its bytes, encoded; absent for a recorded gap
//! SPOOL/queue/TIMELINE/NAME/paid.DEST      DEST holds it by now
//! SPOOL/queue/TIMELINE/NAME/parked.DEST    DEST holds other content under this name
//! ```
//!
//! - An entry is synced in `new/` and renamed, and back when it is settled: it is complete or
//!   absent after any crash.
//! - Bytes are copied, never linked: PostgreSQL recycles its segments in place.
//! - A payment is not synced. Losing one costs a repeated upload of the same bytes.
//! - After a failed sync nothing is tried again on the same files: the entry is given up.
//! - Nothing is written while no destination is behind.

mod entry;
mod files;
mod inspect;
mod lock;
mod queue;
mod state;
#[cfg(test)]
mod tests;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::sync::{Notify, futures::Notified};

use self::queue::Queue;
pub use self::{
    entry::{Debt, Entry, StoredBytes},
    lock::{LockError, SpoolLock},
    queue::Owed,
    state::{RememberedDestination, RememberedPair, State},
};
use crate::{
    byte_size::ByteSize, destination::DestinationId, disk::Disk, error::chain, pg::WalFileName,
    repository::WalFile, store::Payload, workers::Workers,
};

/// What destinations owe; cheap to clone.
#[derive(Clone, Debug)]
pub struct Spool(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    disk: Arc<dyn Disk>,
    root: PathBuf,
    workers: Workers,
    settings: SpoolSettings,
    destinations: Vec<DestinationId>,
    /// Serialises changes of the files; held on blocking threads only.
    files: Mutex<Files>,
    /// The queue in memory; held for moments.
    queue: Mutex<Queue>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Files {
    loaded: bool,
    writable: bool,
    next_new: u64,
}

/// Bounds of a [`Spool`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SpoolSettings {
    /// Most bytes of WAL kept.
    pub max_bytes: ByteSize,
    /// Space on the volume that is left for others, PostgreSQL's `pg_wal` for one; `None` is a
    /// tenth of the volume, at most 1 GiB.
    pub keep_free: Option<ByteSize>,
}

impl Default for SpoolSettings {
    /// 4 GiB, and the volume's tenth (at most 1 GiB) left free.
    fn default() -> Self {
        Self {
            max_bytes: ByteSize::gib(4),
            keep_free: None,
        }
    }
}

/// The spool could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolError {
    /// The disk failed.
    #[error("{operation} in the spool {path}")]
    Io {
        /// What was done.
        operation: &'static str,
        /// Where.
        path: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The same name was spooled with other content.
    #[error("{name} is owed with other content than is offered now")]
    Conflict {
        /// The name.
        name: WalFileName,
    },
    /// The spool was written by a newer walcast, or is not one.
    #[error("{path} is not a spool that this version understands: {reason}")]
    Foreign {
        /// The file that says so.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Bytes in the spool are not those that were written.
    #[error("the bytes of {name} in the spool are damaged: {reason}")]
    Damaged {
        /// The name.
        name: WalFileName,
        /// What is wrong with them.
        reason: String,
    },
}

impl SpoolError {
    /// Returns what to do, as a full sentence.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Io { .. } => {
                "Make the spool folder writable and give its volume space; archiving goes on as \
                 long as no destination is behind."
            }
            Self::Conflict { .. } => {
                "Two clusters or a rewound one share this spool: give each its own, and look at \
                 the spooled file before you remove it."
            }
            Self::Foreign { .. } => "Use another folder, or the walcast version that wrote it.",
            Self::Damaged { .. } => "The file is fetched from another destination instead.",
        }
    }
}

impl Spool {
    /// Opens the spool in `root`, creating it where there is none, and clears what a crash left.
    ///
    /// A disk that cannot be written now is no error: it is tried again when a debt must be
    /// recorded. The caller holds the [`SpoolLock`] of the folder.
    pub async fn open(
        disk: Arc<dyn Disk>,
        root: impl Into<PathBuf>,
        destinations: Vec<DestinationId>,
        settings: SpoolSettings,
        workers: Workers,
    ) -> Result<Self, SpoolError> {
        let spool = Self::new(disk, root.into(), destinations, settings, workers);
        match spool.blocking(|inner| inner.ready().map(drop)).await {
            Err(error @ SpoolError::Foreign { .. }) => Err(error),
            Err(error) => {
                tracing::warn!(error = chain(&error), "the spool cannot be used for now");
                Ok(spool)
            }
            Ok(()) => Ok(spool),
        }
    }

    fn new(
        disk: Arc<dyn Disk>,
        root: PathBuf,
        destinations: Vec<DestinationId>,
        settings: SpoolSettings,
        workers: Workers,
    ) -> Self {
        Self(Arc::new(Inner {
            disk,
            root,
            workers,
            settings,
            destinations,
            files: Mutex::default(),
            queue: Mutex::default(),
            changed: Notify::new(),
        }))
    }

    /// Returns the folder.
    pub fn root(&self) -> &Path {
        &self.0.root
    }

    /// Records durably that `debts` owe `wal`, with its bytes if `with_bytes`.
    pub async fn owe(
        &self,
        wal: &WalFile,
        debts: Vec<(DestinationId, Debt)>,
        with_bytes: bool,
    ) -> Result<(), SpoolError> {
        let bytes = with_bytes.then(|| wal.payload.clone());
        self.record(Entry::of(wal, with_bytes, debts), bytes).await
    }

    /// Records durably that `debts` owe a file of which only the name is known.
    pub async fn owe_name(
        &self,
        name: WalFileName,
        debts: Vec<(DestinationId, Debt)>,
    ) -> Result<(), SpoolError> {
        self.record(Entry::unknown(name, debts), None).await
    }

    async fn record(&self, entry: Entry, bytes: Option<Payload>) -> Result<(), SpoolError> {
        let recorded = self.blocking(move |inner| inner.record(entry, bytes)).await;
        self.0.changed.notify_waiters();
        recorded
    }

    /// Returns whether `len` more bytes may be kept.
    pub async fn has_room(&self, len: u64) -> bool {
        self.blocking(move |inner| inner.has_room(len)).await
    }

    /// Marks that `destination` holds `name` now. Failures of the disk cost a repeated upload
    /// after a restart, no more, and are logged.
    pub async fn pay(&self, name: WalFileName, destination: &DestinationId) {
        let id = destination.clone();
        let paid = self.blocking(move |inner| inner.pay(name, &id)).await;
        if let Err(error) = paid {
            tracing::debug!(segment = %name, %destination, %error, "payment not recorded");
        }
        self.0.changed.notify_waiters();
    }

    /// Drops everything that `destination` owes, with the bytes that nobody else needs, and
    /// returns how many files that were. It is for a destination that is given up for good.
    pub async fn forget(&self, destination: &DestinationId) -> Result<usize, SpoolError> {
        let destination = destination.clone();
        let forgotten = self.blocking(move |inner| inner.forget(&destination)).await;
        self.0.changed.notify_waiters();
        forgotten
    }

    /// Puts the debt aside until `until`: the destination holds other content under this name.
    pub async fn park(
        &self,
        name: WalFileName,
        destination: &DestinationId,
        reason: String,
        until: Timestamp,
    ) {
        let destination = destination.clone();
        self.blocking(move |inner| inner.park(name, &destination, reason, until))
            .await;
        self.0.changed.notify_waiters();
    }

    /// Drops the bytes of entries that are older than `age`: they are back-filled.
    pub async fn drop_bytes_older_than(&self, age: Duration, now: Timestamp) {
        self.blocking(move |inner| inner.drop_old_bytes(age, now))
            .await;
    }

    /// Opens the bytes of `name`; `None` if there are none.
    pub async fn open_bytes(&self, name: WalFileName) -> Result<Option<Opened>, SpoolError> {
        self.blocking(move |inner| inner.open_bytes(name)).await
    }

    /// Returns the entry of `name`.
    pub fn entry(&self, name: WalFileName) -> Option<Entry> {
        self.0.lock_queue().get(name).cloned()
    }

    /// Returns the oldest file that `destination` owes, that is not parked at `now` and that
    /// `skip` does not name.
    pub fn next_owed(
        &self,
        destination: &DestinationId,
        now: Timestamp,
        skip: impl Fn(WalFileName) -> bool,
    ) -> Option<WalFileName> {
        self.0.lock_queue().next_owed(destination, now, skip)
    }

    /// Returns whether `destination` owes anything, parked or not.
    pub fn owes(&self, destination: &DestinationId) -> bool {
        self.0.lock_queue().owes(destination)
    }

    /// Returns whether `destination` owes `name`.
    pub fn owes_file(&self, destination: &DestinationId, name: WalFileName) -> bool {
        self.0
            .lock_queue()
            .get(name)
            .is_some_and(|entry| entry.owed.contains_key(destination))
    }

    /// Returns the destinations that owe something and are not those it was opened for: nobody
    /// pays their debts.
    pub fn abandoned(&self) -> Vec<DestinationId> {
        let queue = self.0.lock_queue();
        let is_abandoned = |id: &&DestinationId| !self.0.destinations.contains(id);
        queue.debtors().filter(is_abandoned).cloned().collect()
    }

    /// Sums up what `destination` owes.
    pub fn owed(&self, destination: &DestinationId) -> Owed {
        self.0.lock_queue().owed(destination)
    }

    /// Returns the entries, in archive order.
    pub fn entries(&self) -> Vec<Entry> {
        self.0.lock_queue().iter().cloned().collect()
    }

    /// Returns how many entries there are and how many bytes they hold.
    pub fn size(&self) -> (usize, ByteSize) {
        let queue = self.0.lock_queue();
        (queue.iter().count(), ByteSize::new(queue.bytes()))
    }

    /// Completes at the next change; create it before looking.
    pub fn changed(&self) -> Notified<'_> {
        self.0.changed.notified()
    }

    /// Reads what the last process remembered; `None` if that is lost or there was none: then
    /// debts may be lost too, and the destinations must be compared.
    pub async fn load_state(&self) -> Option<State> {
        self.blocking(|inner| state::load(&*inner.disk, &inner.root))
            .await
    }

    /// Remembers `state` for the next process. Losing it is harmless; failures are logged.
    pub async fn save_state(&self, state: State) {
        self.blocking(move |inner| {
            let saved = inner.ready().and_then(|_files| {
                state::save(&*inner.disk, &inner.root, &state)
                    .map_err(|source| inner.io("writing state.json", source))
            });
            if let Err(error) = saved {
                tracing::debug!(error = chain(&error), "state not saved");
            }
        })
        .await;
    }

    async fn blocking<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Inner) -> T + Send + 'static,
    ) -> T {
        let inner = Arc::clone(&self.0);
        self.0.workers.disk(move || job(&inner)).await
    }
}

/// The bytes of an entry, opened.
pub struct Opened {
    /// How they are encoded and what they must be.
    pub stored: StoredBytes,
    /// Reads them.
    pub reader: Box<dyn std::io::Read + Send + Sync>,
    /// The file itself, for content too large for memory.
    pub path: PathBuf,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened")
            .field("stored", &self.stored)
            .finish_non_exhaustive()
    }
}

impl Inner {
    fn lock_files(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn io(&self, operation: &'static str, source: std::io::Error) -> SpoolError {
        SpoolError::Io {
            operation,
            path: self.root.display().to_string(),
            source,
        }
    }
}
