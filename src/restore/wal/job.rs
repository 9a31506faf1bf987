//! One file on its way.

use std::{
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
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until, timeout},
};

use super::{Complaints, Fetched, WalFetchError, WalFetcher};
use crate::{
    destination::DestinationId,
    error::chain,
    fanout::Destination,
    pg::{SegmentHeader, SegmentSize, WalFileName},
    repository::StoredWal,
};

/// One file on its way.
pub(super) struct Job<'a> {
    fetcher: &'a WalFetcher,
    name: WalFileName,
    target: &'a Path,
    begun: watch::Sender<Option<Begun>>,
}

/// The first bytes of a segment are there.
#[derive(Clone, Debug)]
pub(super) struct Begun {
    /// Who gives it.
    pub from: DestinationId,
    /// The size of segments.
    pub size: SegmentSize,
}

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

impl<'a> Job<'a> {
    const FIRST_PAUSE: Duration = Duration::from_millis(250);
    const LONGEST_PAUSE: Duration = Duration::from_secs(5);
    /// How long a body may stand still.
    const STALL: Duration = Duration::from_secs(30);

    pub(super) fn new(
        fetcher: &'a WalFetcher,
        name: WalFileName,
        target: &'a Path,
        begun: watch::Sender<Option<Begun>>,
    ) -> Self {
        Self {
            fetcher,
            name,
            target,
            begun,
        }
    }

    /// Fetches it.
    pub(super) async fn run(&self) -> Result<Fetched, WalFetchError> {
        let ids = self.fetcher.destinations.iter().map(|one| &one.id);
        let leftovers = Leftovers(ids.map(|id| temporary_beside(self.target, id)).collect());
        let fetched = self.until_known().await;
        self.fetcher.workers.disk(move || drop(leftovers)).await;
        fetched
    }

    async fn until_known(&self) -> Result<Fetched, WalFetchError> {
        let (name, target) = (self.name, self.target);
        let deadline = Instant::now() + self.fetcher.deadline;
        let mut pending: Vec<&Destination> = self.fetcher.destinations.iter().collect();
        let mut pause = Self::FIRST_PAUSE;
        loop {
            let (landed, complaints) = self.round(&pending, deadline).await?;
            if let Some(Landed { from, bytes, file }) = landed {
                let to = target.to_owned();
                let renamed = self
                    .fetcher
                    .workers
                    .disk(move || std::fs::rename(file, to))
                    .await;
                renamed.map_err(|source| cannot_write(self.target, source))?;
                return Ok(Fetched {
                    from: Some(from),
                    bytes,
                    complaints,
                });
            }
            pending.retain(|one| complaints.iter().any(|(id, _)| *id == one.id));
            if pending.is_empty() {
                return Err(WalFetchError::NotFound {
                    name,
                    asked: self.fetcher.destinations.len(),
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
        pending: &[&Destination],
        deadline: Instant,
    ) -> Result<(Option<Landed>, Complaints), WalFetchError> {
        let mut waiting = pending.iter();
        let mut asked = FuturesUnordered::new();
        let mut complaints = Complaints::new();
        loop {
            if asked.is_empty() {
                match waiting.next() {
                    Some(one) => asked.push(self.ask(one)),
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
                    Answer::CannotWrite(source) => return Err(cannot_write(self.target, source)),
                },
                () = sleep(self.fetcher.hedge), if waiting.len() > 0 => {
                    asked.extend(waiting.next().map(|one| self.ask(one)));
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
                    format!("no answer within {:?}", self.fetcher.deadline),
                )
            })
            .collect()
    }

    async fn ask(&self, destination: &Destination) -> (DestinationId, Answer) {
        let answer = match destination.repository.find_wal(self.name).await {
            Ok(found) => self.land_first(destination, found).await,
            Err(error) => Answer::Complaint(chain(&error)),
        };
        (destination.id.clone(), answer)
    }

    /// Takes the first candidate that is sound.
    async fn land_first(&self, destination: &Destination, found: Vec<StoredWal>) -> Answer {
        let mut answer = Answer::Missing;
        for stored in found {
            let temporary = temporary_beside(self.target, &destination.id);
            answer = match self.land(&temporary, destination, &stored).await {
                Ok(bytes) => return Answer::Landed(bytes, temporary),
                Err(Landing::Write(error)) => Answer::CannotWrite(error),
                Err(Landing::Read(reason)) => Answer::Complaint(reason),
            };
        }
        answer
    }

    async fn land(
        &self,
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
            .fetcher
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
            if wanted > 0 {
                self.tell(&head, &destination.id);
            }
            let written = self
                .fetcher
                .workers
                .disk(move || file.write_all(&block).map(|()| file))
                .await;
            file = written.map_err(Landing::Write)?;
        }
        check(self.name, &head, len)
            .map_err(|reason| Landing::Read(format!("{}: {reason}", stored.key)))?;
        Ok(len)
    }

    /// Tells the size of the segments once enough of this one is there.
    fn tell(&self, head: &[u8], from: &DestinationId) {
        if let Ok(header) = SegmentHeader::parse(head) {
            let (from, size) = (from.clone(), header.segment_size);
            self.begun.send_replace(Some(Begun { from, size }));
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
pub(super) fn check(name: WalFileName, head: &[u8], len: u64) -> Result<(), String> {
    let (WalFileName::Segment(segment) | WalFileName::Partial(segment)) = name else {
        return Ok(());
    };
    match SegmentHeader::check_whole(segment, head, len) {
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
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
