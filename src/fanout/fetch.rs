//! Where the bytes of an owed file come from: the spool, else a destination that holds them.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::timeout;

use super::{
    download::{Download, READ_PATIENCE},
    encode::{Encoder, Verified},
    lane::Lane,
};
use crate::{
    codec::{Decoder, Encoding},
    error::chain,
    pg::{SystemId, WalFileName},
    repository::{StoredWal, WalFile, same_content},
    spool::Entry,
};

/// The most bytes that a file of unknown size can have: the largest segment.
const LONGEST: u64 = 1 << 30;

/// Gets what one lane owes, in the encoding that its destination wants.
#[derive(Debug)]
pub(super) struct Fetcher {
    /// The lane that owes.
    pub own: Arc<Lane>,
    /// All lanes, the own one among them.
    pub lanes: Vec<Arc<Lane>>,
    pub encoder: Encoder,
    /// Whether fetched segments are looked into.
    pub verify: bool,
    /// The cluster that fetched segments must belong to, once known.
    pub cluster: Arc<Mutex<Option<SystemId>>>,
}

impl Fetcher {
    /// Gets the bytes from the spool, else from another destination; `None` if all the others
    /// answered and none holds it.
    pub(super) async fn load(&self, entry: &Entry) -> Result<Option<WalFile>, String> {
        match self.load_spooled(entry).await {
            Ok(Some(wal)) => return Ok(Some(wal)),
            Ok(None) => {}
            Err(reason) => {
                tracing::warn!(segment = %entry.name, reason, "fetched from a destination instead");
            }
        }
        self.load_from_others(entry).await
    }

    async fn load_from_others(&self, entry: &Entry) -> Result<Option<WalFile>, String> {
        let mut reasons = Vec::new();
        let mut others = self.others(entry);
        others.sort_by_key(|lane| !lane.is_closed());
        for other in &others {
            match self.load_from(other, entry).await {
                Ok(None) => {}
                Ok(Some(wal)) if entry.content.is_some() => return Ok(Some(wal)),
                Ok(Some(wal)) => return self.agreed(wal, other, &others).await.map(Some),
                Err(reason) => reasons.push(format!("{}: {reason}", other.destination.id)),
            }
        }
        if reasons.is_empty() {
            Ok(None)
        } else {
            Err(reasons.join("; "))
        }
    }

    /// Returns whether the own destination holds the file, whatever its content.
    pub(super) async fn is_held(&self, name: WalFileName) -> Result<bool, String> {
        let found = find(&self.own, name).await?;
        Ok(!found.is_empty())
    }

    /// The other destinations that may hold the file. Those that owe it do not, unless the record
    /// was lost: then all are said to owe it.
    fn others(&self, entry: &Entry) -> Vec<Arc<Lane>> {
        let may_hold = |lane: &&Arc<Lane>| {
            let id = &lane.destination.id;
            let owes = entry.content.is_some() && lane.spool.owes_file(id, entry.name);
            *id != self.own.destination.id && !owes
        };
        self.lanes.iter().filter(may_hold).cloned().collect()
    }

    /// Content that nobody remembers is taken only if no destination that answers holds other
    /// content: one of them may be another primary's.
    async fn agreed(
        &self,
        wal: WalFile,
        from: &Lane,
        others: &[Arc<Lane>],
    ) -> Result<WalFile, String> {
        for other in others
            .iter()
            .filter(|other| other.destination.id != from.destination.id)
        {
            let repository = &other.destination.repository;
            let Ok(Ok(found)) = timeout(READ_PATIENCE, repository.find_wal(wal.name)).await else {
                continue;
            };
            for stored in found {
                let Ok(body) = repository.read_wal(&stored, LONGEST).await else {
                    continue;
                };
                let same = same_content(body, &wal.content, &self.encoder.workers);
                if let Ok(Ok(false)) = timeout(READ_PATIENCE, same).await {
                    let (one, two) = (&from.destination.id, &other.destination.id);
                    return Err(format!("{one} and {two} hold different content"));
                }
            }
        }
        Ok(wal)
    }

    async fn load_spooled(&self, entry: &Entry) -> Result<Option<WalFile>, String> {
        let spool = &self.own.spool;
        let opened = spool
            .open_bytes(entry.name)
            .await
            .map_err(|error| chain(&error))?;
        let (Some(opened), Some(content)) = (opened, entry.content) else {
            return Ok(None);
        };
        let encoding = self.own.destination.repository.wal_encoding();
        let stored = opened.stored;
        // Bytes in the right encoding are copied as they are.
        let (len, codec, apply) = if stored.encoding == encoding {
            (stored.len, None, Encoding::PLAIN)
        } else {
            (content.len, stored.encoding.codec(), encoding)
        };
        let reservation = self.encoder.reserve(len, &[apply]).await;
        let open = move || {
            let verified = Verified::new(opened.reader, stored.len, stored.sha256);
            Decoder::new(codec, verified, len).map_err(std::io::Error::other)
        };
        let prepared = self
            .encoder
            .encode(entry.name, len, reservation, vec![apply], open)
            .await
            .map_err(|error| chain(&error))?;
        if apply == encoding && prepared.content() != Some(content) {
            return Err("the bytes in the spool are damaged".to_owned());
        }
        let identity = entry.identity;
        Ok(prepared.into_first().map(|wal| WalFile {
            content,
            identity,
            encoding,
            ..wal
        }))
    }

    async fn load_from(&self, other: &Lane, entry: &Entry) -> Result<Option<WalFile>, String> {
        let mut result = Ok(None);
        for stored in find(other, entry.name).await? {
            match self.fetch(other, entry, &stored).await {
                Ok(wal) => return Ok(Some(wal)),
                Err(reason) => result = Err(reason),
            }
        }
        result
    }

    async fn fetch(
        &self,
        other: &Lane,
        entry: &Entry,
        stored: &StoredWal,
    ) -> Result<WalFile, String> {
        let cluster = *self.cluster.lock().unwrap_or_else(PoisonError::into_inner);
        let download = Download {
            repository: &*other.destination.repository,
            stored,
            limit: entry.content.map_or(LONGEST, |content| content.len),
            verify: self.verify,
            cluster,
            encodings: vec![self.own.destination.repository.wal_encoding()],
        };
        let (prepared, identity) = download.run(&self.encoder).await?;
        let prepared = prepared.with_identity(identity.or(entry.identity));
        match (prepared.content(), entry.content) {
            (Some(found), Some(expected)) if found != expected => {
                Err(format!("{}: other content than was archived", stored.key))
            }
            _ => prepared
                .into_first()
                .ok_or_else(|| "nothing was encoded".to_owned()),
        }
    }
}

async fn find(lane: &Lane, name: WalFileName) -> Result<Vec<StoredWal>, String> {
    timeout(READ_PATIENCE, lane.destination.repository.find_wal(name))
        .await
        .map_err(|_| "no answer".to_owned())?
        .map_err(|error| chain(&error))
}
