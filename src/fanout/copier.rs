//! Files of the archive from one destination to others, without an archiver.

use std::{env, sync::Arc};

use super::{
    Destination, DestinationId,
    builder::distinct_encodings,
    download::Download,
    encode::{Encoder, Prepared},
};
use crate::{
    budget::Budget,
    byte_size::ByteSize,
    codec::ContentDigest,
    disk::LocalDisk,
    pg::{SystemId, WalFileName},
    repository::{self, Expect, PutOutcome, StoredWal},
    workers::Workers,
};

/// Copies files of the archive between destinations. Cheap to clone.
///
/// A file is read once, checked, and encoded once for each encoding that is wanted. What is under
/// its name already is never replaced.
#[derive(Clone, Debug)]
pub struct WalCopier {
    encoder: Encoder,
}

/// A file of the archive cannot be copied.
#[derive(Clone, Debug, thiserror::Error)]
#[error("copying {name} from {from}: {reason}")]
pub struct CopyWalError {
    /// The file.
    pub name: WalFileName,
    /// Where it was read.
    pub from: DestinationId,
    /// Why not.
    pub reason: String,
}

/// A file of the archive that was read and checked, encoded for those who want it.
#[derive(Debug)]
pub struct FetchedWal(Prepared);

impl WalCopier {
    /// Creates one that takes so much memory; what does not fit goes through files in the folder
    /// for temporary ones.
    pub fn new(memory: ByteSize, workers: Workers) -> Self {
        Self {
            encoder: Encoder {
                budget: Budget::new(memory),
                workers,
                disk: Arc::new(LocalDisk),
                scratch: env::temp_dir(),
                encrypting: 0,
            },
        }
    }

    /// Reads a file of at most `limit` bytes that `from` holds, for each of `to`. A segment must be
    /// one, of its name, and of `cluster` where that is known.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or is damaged.
    pub async fn fetch(
        &self,
        stored: &StoredWal,
        from: &Destination,
        to: &[&Destination],
        limit: u64,
        cluster: Option<SystemId>,
    ) -> Result<FetchedWal, CopyWalError> {
        let encrypting = to.iter().filter(|one| one.repository.encrypts_wal());
        let encoder = Encoder {
            encrypting: encrypting.count(),
            ..self.encoder.clone()
        };
        let download = Download {
            repository: &*from.repository,
            stored,
            limit,
            verify: true,
            cluster,
            encodings: distinct_encodings(to.iter().copied()),
        };
        match download.run(&encoder).await {
            Ok((prepared, identity)) => Ok(FetchedWal(prepared.with_identity(identity))),
            Err(reason) => Err(CopyWalError {
                name: stored.name,
                from: from.id.clone(),
                reason,
            }),
        }
    }
}

impl FetchedWal {
    /// Returns what it is.
    pub fn content(&self) -> Option<ContentDigest> {
        self.0.content()
    }

    /// Puts it in a destination for which it was fetched.
    ///
    /// # Errors
    ///
    /// Those of [`Repository::put_wal`](crate::repository::Repository::put_wal).
    pub async fn put(&self, to: &Destination) -> repository::Result<PutOutcome> {
        let wal = self.0.variant(to.repository.wal_encoding());
        let wal = wal.expect("it was encoded for each destination for which it was fetched");
        to.repository.put_wal(&wal, Expect::Unknown).await
    }
}
