//! A base backup on its way into the layout.

mod begin;
mod finish;
#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc};

use async_trait::async_trait;

use self::finish::Conclusion;
use super::{HistoryEntry, PgBackRestRepository, backup_encoder::FileEncoder, file_plan::FilePlan};
use crate::{
    codec::cipher::Passphrase,
    repository::{
        BackupContents, BackupEncoder, BackupEncoding, BackupEnd, BackupKind, BackupStart,
        BackupWriter, Error, ObjectName, Result, Taker,
        uploads::{Uploads, abort_below, delete_below},
    },
    store::Payload,
};

/// A base backup that is being written.
pub(super) struct PgBackRestBackupWriter {
    repository: PgBackRestRepository,
    label: String,
    kind: BackupKind,
    start: BackupStart,
    taker: Taker,
    /// The cluster in the history of the stanza.
    cluster: HistoryEntry,
    /// What manifests are encrypted with.
    manifests: Option<Passphrase>,
    plan: Arc<FilePlan>,
    uploads: Uploads,
}

/// Size of the parts of an object, in bytes: a file of 1 GiB has 128.
const PART: u64 = 8 << 20;

impl PgBackRestBackupWriter {
    /// Returns whether what is in its place is still that of this run.
    async fn is_ours(&self) -> Result<bool> {
        let taker = self.repository.taker_of(&self.label).await?;
        Ok(taker.is_some_and(|taker| taker.run == self.taker.run))
    }

    fn refused(&self, reason: String) -> Error {
        Error::Refused {
            repository: self.repository.to_string(),
            reason,
        }
    }
}

#[async_trait]
impl BackupWriter for PgBackRestBackupWriter {
    fn id(&self) -> &str {
        &self.label
    }

    fn encoding(&self) -> BackupEncoding {
        BackupEncoding::pgbackrest(Arc::clone(&self.plan))
    }

    fn encoder(&self, threads: usize) -> Box<dyn BackupEncoder> {
        Box::new(FileEncoder::new(Arc::clone(&self.plan), threads))
    }

    fn part_size(&self) -> u64 {
        PART
    }

    async fn put_part(&self, object: &ObjectName, index: u32, payload: Payload) -> Result<()> {
        self.uploads.put_part(object, index, payload).await
    }

    async fn complete(&self, object: &ObjectName, parts: u32) -> Result<()> {
        self.uploads.complete(object, parts).await
    }

    async fn discard(&self, object: &ObjectName) -> Result<()> {
        self.uploads.discard(object).await
    }

    async fn finish(&self, end: &BackupEnd, contents: &BackupContents) -> Result<()> {
        let contents = contents.as_pgbackrest();
        let contents = contents
            .ok_or_else(|| self.refused("the files were encoded for another layout".to_owned()))?;
        if !self.is_ours().await? {
            let label = &self.label;
            return Err(self.refused(format!("backup {label} was taken over by another run")));
        }
        self.uploads.check().await?;
        let conclusion = Conclusion {
            writer: self,
            end,
            contents,
        };
        conclusion.write().await?;
        if let Err(error) = abort_below(&*self.uploads.store, &self.uploads.prefix).await {
            tracing::debug!(backup = self.label, %error, "uploads may be left");
        }
        Ok(())
    }

    /// The layout has no place for the reason.
    async fn give_up(&self, _: &str) -> Result<()> {
        let is_ours = self.is_ours().await?;
        self.uploads.abort().await?;
        if is_ours {
            let (store, prefix) = (&*self.uploads.store, &self.uploads.prefix);
            abort_below(store, prefix).await?;
            delete_below(store, prefix, "backup.manifest.copy").await?;
        }
        Ok(())
    }
}

impl fmt::Debug for PgBackRestBackupWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgBackRestBackupWriter")
            .field("repository", &self.repository.to_string())
            .field("label", &self.label)
            .finish_non_exhaustive()
    }
}
