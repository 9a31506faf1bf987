//! One file of the archive for PostgreSQL's `restore_command`.
//!
//! "Not found" ends recovery, and a standby is promoted on it: it is said only when *every*
//! destination answered and none holds the file. A destination that cannot be asked makes the
//! answer unknown, whatever the others say.

mod ahead;
mod job;

use std::{fmt, io, path::Path, time::Duration};

use tokio::sync::watch;

pub use self::ahead::Ahead;
use self::job::Job;
use crate::{destination::DestinationId, fanout::Destination, pg::WalFileName, workers::Workers};

/// Fetches files of the archive with failover between destinations.
#[derive(Clone, Debug)]
pub struct WalFetcher {
    /// The destinations, the best one first.
    pub destinations: Vec<Destination>,
    /// How long destinations that do not answer are asked again.
    pub deadline: Duration,
    /// How long one may take to open a file before the next is asked too.
    pub hedge: Duration,
    /// Threads for the files.
    pub workers: Workers,
}

/// A file was fetched.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fetched {
    /// Which destination it came from; `None` if it had been fetched ahead.
    pub from: Option<DestinationId>,
    /// Its size in bytes.
    pub bytes: u64,
    /// What other destinations said before, damaged objects among them.
    pub complaints: Vec<(DestinationId, String)>,
}

/// A file was not fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WalFetchError {
    /// Every destination answered, and none holds it.
    #[error("{name} is in none of the {asked} destinations")]
    NotFound {
        /// The file.
        name: WalFileName,
        /// How many were asked.
        asked: usize,
    },
    /// Some destination that may hold it could not be asked, or holds it damaged.
    #[error("{name} may exist, but cannot be had{}", Listed(complaints))]
    Unknown {
        /// The file.
        name: WalFileName,
        /// What each of them said.
        complaints: Complaints,
    },
    /// It cannot be written.
    #[error("writing {path}")]
    Write {
        /// Where.
        path: String,
        /// Why.
        source: io::Error,
    },
}

type Complaints = Vec<(DestinationId, String)>;

impl WalFetcher {
    /// Writes the file `name` to `target`, which appears complete or not at all.
    ///
    /// Dropping the future leaves nothing behind.
    pub async fn fetch(&self, name: WalFileName, target: &Path) -> Result<Fetched, WalFetchError> {
        Job::new(self, name, target, watch::channel(None).0)
            .run()
            .await
    }
}

impl WalFetchError {
    /// Returns what to do, as a full sentence.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotFound { .. } => None,
            Self::Unknown { .. } => Some(
                "Bring the destination back, or leave it out on purpose with --without if it is \
                 lost for good: recovery must not end early because a store is down.",
            ),
            Self::Write { .. } => Some("Give the data directory space and the right owner."),
        }
    }
}

/// Prints what each destination said.
struct Listed<'a>(&'a [(DestinationId, String)]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|(id, reason)| write!(f, "; {id}: {reason}"))
    }
}
