//! A base backup on its way into the layout.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;

use super::{
    ArchiveEncoder, ArchiveEncoding, BackupId, BackupInfo, BackupKeys, BackupObject, BackupStatus,
    BarmanRepository, InfoTime,
    backup_begin::{Position, read_record},
    comments::Comments,
    leftovers::is_being_written,
};
use crate::{
    repository::{
        BackupContents, BackupEncoder, BackupEncoding, BackupEnd, BackupWriter, Error, ObjectName,
        Result,
        uploads::{Uploads, abort_below, delete_all},
    },
    store::{Key, Payload, PutMode, PutOptions, Store, StoreExt, Tags},
};

/// A base backup that is being written.
pub(super) struct BarmanBackupWriter {
    store: Arc<dyn Store>,
    repository: String,
    keys: BackupKeys,
    id: BackupId,
    id_text: String,
    encoding: ArchiveEncoding,
    tags: Tags,
    name: Option<String>,
    comments: Comments,
    started: BackupInfo,
    archives: Uploads,
}

impl BarmanBackupWriter {
    /// Creates the writer of a backup whose record says `started`; nothing is written.
    pub(super) fn new(
        repository: &BarmanRepository,
        id: BackupId,
        name: Option<String>,
        comments: Comments,
        started: BackupInfo,
    ) -> Self {
        let (keys, tags) = (repository.backup_keys(), repository.settings.tags.clone());
        let encoding = repository.settings.archives;
        Self {
            archives: Uploads::new(
                Arc::clone(&repository.store_of_backups),
                repository.to_string(),
                keys.folder(id),
                encoding.limits().part_size(),
                tags.clone(),
            ),
            store: Arc::clone(&repository.store_of_backups),
            repository: repository.to_string(),
            keys,
            id,
            id_text: id.to_string(),
            encoding,
            tags,
            name,
            comments,
            started,
        }
    }

    pub(super) fn refused(&self, reason: String) -> Error {
        Error::Refused {
            repository: self.repository.clone(),
            reason,
        }
    }

    pub(super) fn is_taken(&self) -> Error {
        self.refused(format!("backup {} is there already", self.id))
    }

    pub(super) fn key(&self, object: BackupObject) -> Result<Key> {
        let key = self.keys.key(self.id, object);
        key.map_err(Error::of_key(&self.repository))
    }

    /// Writes that the backup began.
    pub(super) async fn write_started(&self, mode: PutMode) -> Result<()> {
        self.write_info(&self.started, mode).await
    }

    async fn write_info(&self, info: &BackupInfo, mode: PutMode) -> Result<()> {
        let options = PutOptions {
            mode,
            tags: self.tags.clone(),
        };
        let bytes = Bytes::from(info.to_string());
        let key = self.key(BackupObject::Info)?;
        Ok(self.store.put_bytes(&key, bytes, options).await?)
    }

    /// Removes the archives, be they complete or not.
    async fn remove_archives(&self) -> Result<()> {
        let keys = self.archives.abort().await?;
        delete_all(&*self.store, &keys).await
    }

    /// Returns whether the record is still that of this run.
    pub(super) async fn is_ours(&self) -> Result<bool> {
        let record = read_record(&*self.store, &self.key(BackupObject::Info)?).await?;
        let taker = self.comments.taker.as_ref();
        Ok(record
            .zip(taker)
            .is_some_and(|(info, taker)| is_being_written(&info, &taker.run)))
    }
}

#[async_trait]
impl BackupWriter for BarmanBackupWriter {
    fn id(&self) -> &str {
        &self.id_text
    }

    fn encoding(&self) -> BackupEncoding {
        BackupEncoding::barman(self.encoding)
    }

    fn encoder(&self, threads: usize) -> Box<dyn BackupEncoder> {
        Box::new(ArchiveEncoder::new(self.encoding, threads))
    }

    fn part_size(&self) -> u64 {
        self.archives.part_size
    }

    async fn put_part(&self, object: &ObjectName, index: u32, payload: Payload) -> Result<()> {
        self.archives.put_part(object, index, payload).await
    }

    async fn complete(&self, object: &ObjectName, parts: u32) -> Result<()> {
        self.archives.complete(object, parts).await
    }

    async fn discard(&self, object: &ObjectName) -> Result<()> {
        self.archives.discard(object).await
    }

    async fn finish(&self, end: &BackupEnd, _: &BackupContents) -> Result<()> {
        let started = &self.started;
        let position = Position::of(end.timeline, end.stop, started.segment_size());
        if !self.is_ours().await? {
            return Err(self.refused(format!("backup {} was taken over by another run", self.id)));
        }
        self.archives.check().await?;
        let comments = Comments {
            notes: end.notes.clone(),
            ..self.comments.clone()
        };
        let info = BackupInfo {
            backup_label: Some(end.label.clone()),
            backup_name: self.name.clone(),
            end_offset: Some(position.offset),
            end_time: Some(InfoTime::new(end.ended, end.offset)),
            end_wal: Some(position.segment),
            end_xlog: Some(end.stop),
            status: Some(BackupStatus::Done),
            comments: comments.lines(),
            ..started.clone()
        };
        self.write_info(&info, PutMode::Overwrite).await?;
        if let Err(error) = abort_below(&*self.store, &self.keys.folder(self.id)).await {
            tracing::debug!(backup = self.id_text, %error, "uploads may be left");
        }
        Ok(())
    }

    async fn give_up(&self, reason: &str) -> Result<()> {
        if !self.is_ours().await? {
            return self.archives.abort().await.map(drop);
        }
        let mut removed = self.remove_archives().await;
        if removed.is_ok() {
            removed = abort_below(&*self.store, &self.keys.folder(self.id)).await;
        }
        let info = BackupInfo {
            backup_name: self.name.clone(),
            error: Some(reason.to_owned()),
            status: Some(BackupStatus::Failed),
            ..self.started.clone()
        };
        self.write_info(&info, PutMode::Overwrite).await?;
        removed
    }
}

impl fmt::Debug for BarmanBackupWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BarmanBackupWriter")
            .field("repository", &self.repository)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
