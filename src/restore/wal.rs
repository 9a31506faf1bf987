//! One file of the archive for PostgreSQL's `restore_command`.
//!
//! "Not found" ends recovery, and a standby is promoted on it: it is said only when *every*
//! destination answered and none holds the file. A destination that cannot be asked makes the
//! answer unknown, whatever the others say.

use std::{
    fmt,
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use futures_util::{
    TryStreamExt,
    stream::{FuturesUnordered, StreamExt},
};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::{
    destination::DestinationId,
    error::chain,
    fanout::Destination,
    pg::{SegmentHeader, SegmentSize, WalFileName},
    repository::StoredWal,
    workers::Workers,
};

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
    /// Which destination it came from.
    pub from: DestinationId,
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

/// A sound file under a temporary name.
struct Landed {
    from: DestinationId,
    bytes: u64,
    file: PathBuf,
}

/// Temporary files of downloads that were overtaken or given up, removed when dropped.
struct Leftovers(Vec<PathBuf>);

impl Drop for Leftovers {
    fn drop(&mut self) {
        for path in &self.0 {
            // Most of them were never there.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// What one destination said.
enum Answer {
    Landed(u64, PathBuf),
    Missing,
    Complaint(String),
    CannotWrite(io::Error),
}

impl WalFetcher {
    const FIRST_PAUSE: Duration = Duration::from_millis(250);
    const LONGEST_PAUSE: Duration = Duration::from_secs(5);
    /// How long a body may stand still.
    const STALL: Duration = Duration::from_secs(30);

    /// Writes the file `name` to `target`, which appears complete or not at all.
    ///
    /// Dropping the future leaves nothing behind.
    pub async fn fetch(&self, name: WalFileName, target: &Path) -> Result<Fetched, WalFetchError> {
        let ids = self.destinations.iter().map(|one| &one.id);
        let leftovers = Leftovers(ids.map(|id| temporary_beside(target, id)).collect());
        let fetched = self.fetch_until_known(name, target).await;
        self.workers.disk(move || drop(leftovers)).await;
        fetched
    }

    async fn fetch_until_known(
        &self,
        name: WalFileName,
        target: &Path,
    ) -> Result<Fetched, WalFetchError> {
        let deadline = Instant::now() + self.deadline;
        let mut pending: Vec<&Destination> = self.destinations.iter().collect();
        let mut pause = Self::FIRST_PAUSE;
        loop {
            let (landed, complaints) = self.round(name, target, &pending, deadline).await?;
            if let Some(Landed { from, bytes, file }) = landed {
                let to = target.to_owned();
                let renamed = self.workers.disk(move || std::fs::rename(file, to)).await;
                renamed.map_err(|source| cannot_write(target, source))?;
                return Ok(Fetched {
                    from,
                    bytes,
                    complaints,
                });
            }
            pending.retain(|one| complaints.iter().any(|(id, _)| *id == one.id));
            if pending.is_empty() {
                return Err(WalFetchError::NotFound {
                    name,
                    asked: self.destinations.len(),
                });
            }
            if Instant::now() + pause >= deadline {
                return Err(WalFetchError::Unknown { name, complaints });
            }
            sleep(pause).await;
            pause = (2 * pause).min(Self::LONGEST_PAUSE);
        }
    }

    /// Asks each of `pending` once: the next one when one has failed or is slow.
    async fn round(
        &self,
        name: WalFileName,
        target: &Path,
        pending: &[&Destination],
        deadline: Instant,
    ) -> Result<(Option<Landed>, Complaints), WalFetchError> {
        let mut waiting = pending.iter();
        let mut asked = FuturesUnordered::new();
        let mut complaints = Complaints::new();
        loop {
            if asked.is_empty() {
                match waiting.next() {
                    Some(one) => asked.push(self.ask(name, target, one)),
                    None => return Ok((None, complaints)),
                }
            }
            tokio::select! {
                Some((id, answer)) = asked.next() => match answer {
                    Answer::Landed(bytes, file) => {
                        return Ok((Some(Landed { from: id, bytes, file }), complaints));
                    }
                    Answer::Missing => {}
                    Answer::Complaint(reason) => complaints.push((id, reason)),
                    Answer::CannotWrite(source) => return Err(cannot_write(target, source)),
                },
                () = sleep(self.hedge), if waiting.len() > 0 => {
                    asked.extend(waiting.next().map(|one| self.ask(name, target, one)));
                }
                () = sleep_until(deadline) => {
                    complaints.extend(self.silent(pending, &complaints));
                    return Ok((None, complaints));
                }
            }
        }
    }

    /// Those that have not answered when the time is over.
    fn silent(&self, pending: &[&Destination], complaints: &Complaints) -> Complaints {
        let heard = |id: &DestinationId| complaints.iter().any(|(other, _)| other == id);
        let silent = pending.iter().filter(|one| !heard(&one.id));
        silent
            .map(|one| {
                (
                    one.id.clone(),
                    format!("no answer within {:?}", self.deadline),
                )
            })
            .collect()
    }

    async fn ask(
        &self,
        name: WalFileName,
        target: &Path,
        destination: &Destination,
    ) -> (DestinationId, Answer) {
        let answer = match destination.repository.find_wal(name).await {
            Ok(found) => self.land_first(name, target, destination, found).await,
            Err(error) => Answer::Complaint(chain(&error)),
        };
        (destination.id.clone(), answer)
    }

    /// Takes the first candidate that is sound.
    async fn land_first(
        &self,
        name: WalFileName,
        target: &Path,
        destination: &Destination,
        found: Vec<StoredWal>,
    ) -> Answer {
        let mut answer = Answer::Missing;
        for stored in found {
            let temporary = temporary_beside(target, &destination.id);
            answer = match self.land(name, &temporary, destination, &stored).await {
                Ok(bytes) => return Answer::Landed(bytes, temporary),
                Err(Landing::Write(error)) => Answer::CannotWrite(error),
                Err(Landing::Read(reason)) => Answer::Complaint(reason),
            };
        }
        answer
    }

    async fn land(
        &self,
        name: WalFileName,
        temporary: &Path,
        destination: &Destination,
        stored: &StoredWal,
    ) -> Result<u64, Landing> {
        let limit = SegmentSize::ALL
            .iter()
            .map(|size| size.bytes())
            .max()
            .unwrap_or(1 << 30);
        let mut body = destination.repository.read_wal(stored, limit).await?;
        let path = temporary.to_owned();
        let mut file = self
            .workers
            .disk(move || create(&path))
            .await
            .map_err(Landing::Write)?;
        let (mut head, mut len) = (Vec::new(), 0_u64);
        loop {
            let block = timeout(Self::STALL, body.try_next()).await;
            let block = block.map_err(|_| Landing::Read("the download stands still".into()))?;
            let Some(block) = block? else { break };
            len += block.len() as u64;
            let wanted = SegmentHeader::LEN
                .saturating_sub(head.len())
                .min(block.len());
            head.extend_from_slice(&block[..wanted]);
            let written = self
                .workers
                .disk(move || file.write_all(&block).map(|()| file))
                .await;
            file = written.map_err(Landing::Write)?;
        }
        check(name, &head, len)
            .map_err(|reason| Landing::Read(format!("{}: {reason}", stored.key)))?;
        Ok(len)
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

enum Landing {
    Read(String),
    Write(io::Error),
}

impl From<crate::repository::Error> for Landing {
    fn from(error: crate::repository::Error) -> Self {
        Self::Read(chain(&error))
    }
}

fn cannot_write(target: &Path, source: io::Error) -> WalFetchError {
    WalFetchError::Write {
        path: target.display().to_string(),
        source,
    }
}

/// A segment must be one, of this name and whole.
fn check(name: WalFileName, head: &[u8], len: u64) -> Result<(), String> {
    let (WalFileName::Segment(segment) | WalFileName::Partial(segment)) = name else {
        return Ok(());
    };
    let header = SegmentHeader::parse(head).map_err(|error| error.to_string())?;
    header
        .check_name(segment)
        .map_err(|error| error.to_string())?;
    let expected = header.segment_size.bytes();
    if len == expected {
        Ok(())
    } else {
        Err(format!("{len} bytes instead of {expected}"))
    }
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
}

fn temporary_beside(target: &Path, id: &DestinationId) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{id}.{}.tmp", std::process::id()));
    target.with_file_name(name)
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
