//! Segments that recovery is going to ask for next.

use std::{
    fs::{self, DirBuilder, File},
    io::{self, Read},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::Duration,
};

use futures_util::future::{join, join_all};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use super::{
    Fetched, WalFetchError, WalFetcher,
    job::{Begun, Job, check},
};
use crate::{
    disk::{Disk, LocalDisk},
    pg::{SegmentHeader, SegmentName, SegmentSize, WalFileName},
};

/// Segments that were fetched before recovery asks for them, in a folder of `pg_wal`.
///
/// They lie in the data directory that they are for, so that those of one cluster never come to
/// another. A segment is durable before it gets its name there: recovery would take one that a
/// crash has cut short for the end of the WAL.
#[derive(Clone, Debug)]
pub struct Ahead {
    folder: PathBuf,
    /// How many there are at most.
    segments: usize,
}

/// Space that is left to the server, in bytes.
const SPARE: u64 = 1 << 30;

/// How long the following segments may take at least, once the one that was asked for is there.
const LEAST_PATIENCE: Duration = Duration::from_secs(1);

impl Ahead {
    /// The folder's name.
    pub const FOLDER: &'static str = "walcast.ahead";

    /// Returns the place for so many segments beside `target`; `None` if `target` is not in a
    /// folder `pg_wal`, so that whoever asks is not a server that recovers, or there shall be none.
    pub fn beside(target: &Path, segments: usize) -> Option<Self> {
        let folder = target.parent()?;
        let is_pg_wal = folder.file_name()? == "pg_wal";
        (is_pg_wal && segments > 0).then(|| Self {
            folder: folder.join(Self::FOLDER),
            segments,
        })
    }

    /// Removes everything. Blocking.
    fn clear(&self) {
        remove(fs::remove_dir_all(&self.folder));
    }

    /// Moves a segment to its place if it is here and sound, and returns its size in bytes.
    /// Blocking.
    fn take(&self, name: SegmentName, target: &Path) -> Option<u64> {
        let path = self.path(name);
        let len = match sound(&path, name) {
            Ok(len) => len,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "fetched ahead and of no use");
                return None;
            }
        };
        let taken = fs::rename(&path, target).ok().map(|()| len);
        self.remove_if_empty();
        taken
    }

    fn remove_if_empty(&self) {
        // Most often it is not.
        let _ = fs::remove_dir(&self.folder);
    }

    /// Keeps only the segments that are asked for next, and what is needed for them. Blocking.
    fn keep(&self, next: &[SegmentName]) {
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let is_next = next
                .iter()
                .any(|next| name.to_str() == Some(&next.to_string()));
            if !is_next {
                remove(fs::remove_file(entry.path()));
            }
        }
    }

    /// Returns which of the segments are to be fetched; none where they would take space that the
    /// server needs. Blocking.
    fn lacking(&self, next: Vec<SegmentName>, size: SegmentSize) -> io::Result<Vec<SegmentName>> {
        match DirBuilder::new().mode(0o700).create(&self.folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let wanted = next.len() as u64 * size.bytes();
        if LocalDisk.space(&self.folder)?.free < wanted.saturating_add(SPARE) {
            return Ok(Vec::new());
        }
        let is_lacking = |name: &SegmentName| !self.path(*name).exists();
        Ok(next.into_iter().filter(is_lacking).collect())
    }

    fn path(&self, name: SegmentName) -> PathBuf {
        self.folder.join(name.to_string())
    }

    /// Where a segment comes to before it is durable.
    fn coming(&self, name: SegmentName) -> PathBuf {
        self.folder.join(format!("{name}.coming"))
    }
}

impl WalFetcher {
    /// Does what [`fetch`](Self::fetch) does, and fetches the segments that recovery asks for next
    /// as well; what was fetched ahead before is used. Returns when all of them are there, or take
    /// longer than the first one promised.
    ///
    /// A segment that cannot be had ahead is no error: it will be asked for.
    pub async fn fetch_with(
        &self,
        ahead: &Ahead,
        name: WalFileName,
        target: &Path,
    ) -> Result<Fetched, WalFetchError> {
        let WalFileName::Segment(segment) = name else {
            // Recovery has come to an end, or looks for its way.
            let ahead = ahead.clone();
            self.workers.disk(move || ahead.clear()).await;
            return self.fetch(name, target).await;
        };
        let (place, to) = (ahead.clone(), target.to_owned());
        let taken = self.workers.disk(move || place.take(segment, &to)).await;
        if let Some(bytes) = taken {
            return Ok(Fetched {
                from: None,
                bytes,
                complaints: Vec::new(),
            });
        }
        let start = Instant::now();
        let (tell, begun) = watch::channel(None);
        let (landed, mut has_landed) = watch::channel(None);
        let job = async {
            let fetched = Job::new(self, name, target, tell).run().await;
            landed.send_replace(Some(start.elapsed()));
            fetched
        };
        let fill = async {
            let patience = async {
                // A sender that is dropped has sent before.
                let took = has_landed.wait_for(Option::is_some).await;
                let took = took.ok().and_then(|took| *took).unwrap_or_default();
                let share = u32::try_from(ahead.segments).unwrap_or(u32::MAX);
                sleep(took.saturating_mul(share).max(LEAST_PATIENCE)).await;
            };
            tokio::select! {
                () = self.fill(ahead, segment, begun) => {}
                () = patience => {}
            }
        };
        let (fetched, ()) = join(job, fill).await;
        fetched
    }

    /// Fetches what follows `segment` as soon as that is on its way, from whoever gives it: what he
    /// lacks is looked for elsewhere when it is asked for.
    async fn fill(
        &self,
        ahead: &Ahead,
        segment: SegmentName,
        mut begun: watch::Receiver<Option<Begun>>,
    ) {
        let begun = begun.wait_for(Option::is_some).await;
        let Some(Begun { from, size }) = begun.ok().and_then(|begun| begun.clone()) else {
            return;
        };
        let next = std::iter::successors(Some(segment), |name| Some(name.next(size)));
        let next: Vec<SegmentName> = next.skip(1).take(ahead.segments).collect();
        let _folder = RemovedIfEmpty(ahead);
        let place = ahead.clone();
        let look = move || {
            place.keep(&next);
            place.lacking(next, size)
        };
        let lacking = match self.workers.disk(look).await {
            Ok(lacking) => lacking,
            Err(error) => {
                tracing::debug!(folder = %ahead.folder.display(), %error, "nothing is fetched ahead");
                return;
            }
        };
        let giver = Self {
            destinations: self
                .destinations
                .iter()
                .filter(|one| one.id == from)
                .cloned()
                .collect(),
            ..self.clone()
        };
        let fetches = lacking.into_iter().map(|name| giver.fetch_one(ahead, name));
        join_all(fetches).await;
    }

    /// Fetches a segment ahead.
    async fn fetch_one(&self, ahead: &Ahead, name: SegmentName) {
        let coming = ahead.coming(name);
        match self.fetch(WalFileName::Segment(name), &coming).await {
            Ok(_) => {
                let place = ahead.path(name);
                let publish = move || {
                    File::open(&coming)?
                        .sync_all()
                        .and_then(|()| fs::rename(&coming, place))
                };
                if let Err(error) = self.workers.disk(publish).await {
                    tracing::debug!(%name, %error, "not kept ahead");
                }
            }
            Err(error) => tracing::debug!("{error}"),
        }
    }
}

/// Removes the folder when dropped, if nothing is there.
struct RemovedIfEmpty<'a>(&'a Ahead);

impl Drop for RemovedIfEmpty<'_> {
    fn drop(&mut self) {
        self.0.remove_if_empty();
    }
}

/// Checks that a file is this segment and whole, and returns its size in bytes.
fn sound(path: &Path, name: SegmentName) -> io::Result<u64> {
    let file = File::open(path)?;
    let len = file.metadata()?.len();
    let mut head = Vec::new();
    file.take(SegmentHeader::LEN as u64)
        .read_to_end(&mut head)?;
    let checked = check(WalFileName::Segment(name), &head, len);
    checked.map(|()| len).map_err(io::Error::other)
}

/// Passes over what cannot be removed: it is of no use, and does no harm.
fn remove(removed: io::Result<()>) {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::debug!(%error, "what was fetched ahead cannot be removed");
        }
        _ => {}
    }
}
