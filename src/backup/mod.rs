//! Base backups to several destinations in one pass.
//!
//! ```text
//!                            ┌─ lane ─ repository ─ store     parts, uploaded side by side
//!  files ─ encode ── parts ──┼─ lane ─ repository ─ store
//!    │                       └─ lane ─ repository ─ store
//!    └──── encode ── parts ──── lane ─ repository ─ store     another encoding, the same read
//! ```
//!
//! Each file is read once, pages are checked on the way, and each distinct encoding is computed
//! once. Parts are shared by all destinations that want them alike, and a fixed number of buffers
//! bounds the memory, whatever the size of the database. A destination that fails or stalls leaves
//! the pass; the others go on. Metadata are written last, and only when the WAL that the backup
//! needs is in the destination: nothing lists a backup that cannot be restored.

mod begun;
mod copy;
mod lane;
mod parts;
mod pass;
mod progress;
mod report;
#[cfg(feature = "postgres")]
mod server;

use std::{thread::available_parallelism, time::Duration};

#[cfg(feature = "postgres")]
#[cfg_attr(docsrs, doc(cfg(feature = "postgres")))]
pub use self::server::{BackupError, BadPage, Report, SourceError, take_backup};
pub use self::{
    copy::{CopyError, copy_backup},
    progress::{Done, Event, Progress},
    report::{BackupOutcome, DestinationReport},
};
use crate::{
    byte_size::ByteSize,
    repository::{Annotations, BackupKind},
};

/// How a base backup is taken.
#[derive(Clone, Debug)]
pub struct BackupSettings {
    /// What it is called; must be free of what the layouts reserve.
    pub name: Option<String>,
    /// What is written beside it.
    pub annotations: Annotations,
    /// What it holds. Destinations of a layout without others get a full one.
    pub kind: BackupKind,
    /// Whether files of the same size and time are compared by their content.
    pub by_checksum: bool,
    /// Whether the server makes the first checkpoint as fast as it can.
    pub fast_checkpoint: bool,
    /// Whether checksums of data pages are verified, where the cluster has them.
    pub verify_pages: bool,
    /// Most bytes read per second.
    pub rate: Option<ByteSize>,
    /// Memory for parts on their way.
    pub memory: ByteSize,
    /// Threads that compress, for each distinct encoding; at least 1.
    pub threads: usize,
    /// How long a destination may take for one part before the pass goes on without it.
    pub stall_limit: Duration,
    /// How long to wait, at the end, for the WAL that the backup needs; `None` does not look.
    pub wal_patience: Option<Duration>,
}

impl Default for BackupSettings {
    /// A full backup, a spread checkpoint, pages verified, no limit of speed, 64 MiB, five minutes for a part and
    /// ten for the WAL.
    fn default() -> Self {
        Self {
            name: None,
            annotations: Annotations::default(),
            kind: BackupKind::Full,
            by_checksum: false,
            fast_checkpoint: false,
            verify_pages: true,
            rate: None,
            memory: ByteSize::mib(64),
            threads: available_parallelism().map_or(1, usize::from),
            stall_limit: Duration::from_mins(5),
            wal_patience: Some(Duration::from_mins(10)),
        }
    }
}
