//! A base backup on its way into the layout.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::OnceCell;

use super::{
    ArchiveEncoding, BackupId, BackupInfo, BackupKeys, BackupObject, BackupStatus,
    BarmanRepository, InfoTime,
    backup_begin::{Position, read_record},
    comments::Comments,
    leftovers::{abort_below, delete_all, is_being_written},
};
use crate::{
    repository::{BackupEnd, BackupWriter, Error, ObjectName, Result},
    store::{Key, Payload, PutMode, PutOptions, Store, StoreExt, Tags, Upload, UploadOptions},
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
    objects: Mutex<BTreeMap<ObjectName, Arc<Object>>>,
}

/// An archive on its way.
#[derive(Debug, Default)]
struct Object {
    upload: OnceCell<Box<dyn Upload>>,
    /// The last part so far, and its size in bytes.
    last: Mutex<(u32, u64)>,
    /// Size of the whole, in bytes, once it is.
    size: OnceLock<u64>,
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
        Self {
            store: Arc::clone(&repository.store_of_backups),
            repository: repository.to_string(),
            keys: repository.backup_keys(),
            id,
            id_text: id.to_string(),
            encoding: repository.settings.archives,
            tags: repository.settings.tags.clone(),
            name,
            comments,
            started,
            objects: Mutex::default(),
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

    fn archive_key(&self, object: &ObjectName) -> Result<Key> {
        let key = Key::parse(format!("{}{object}", self.keys.folder(self.id)));
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

    async fn upload(&self, name: &ObjectName) -> Result<Arc<Object>> {
        let object = {
            let mut objects = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(objects.entry(name.clone()).or_default())
        };
        let begin = || async {
            let options = UploadOptions {
                part_size: self.part_size(),
                put: PutOptions::default().with_tags(self.tags.clone()),
            };
            let key = self.archive_key(name)?;
            Ok::<_, Error>(self.store.begin_upload(&key, options).await?)
        };
        object.upload.get_or_try_init(begin).await?;
        Ok(object)
    }

    /// Removes the archives, be they complete or not.
    async fn remove_archives(&self) -> Result<()> {
        let keys = self.abort_uploads().await?;
        delete_all(&*self.store, &keys).await
    }

    /// Aborts what is not complete, and returns the keys of everything.
    async fn abort_uploads(&self) -> Result<Vec<Key>> {
        let objects = {
            let mut objects = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *objects)
        };
        let mut keys = Vec::new();
        for (name, object) in objects {
            if let Some(upload) = object.upload.get() {
                upload.abort().await?;
            }
            keys.push(self.archive_key(&name)?);
        }
        Ok(keys)
    }

    /// Returns whether the record is still that of this run.
    pub(super) async fn is_ours(&self) -> Result<bool> {
        let record = read_record(&*self.store, &self.key(BackupObject::Info)?).await?;
        let taker = self.comments.taker.as_ref();
        Ok(record
            .zip(taker)
            .is_some_and(|(info, taker)| is_being_written(&info, &taker.run)))
    }

    /// Checks that every archive is there and has the size that was sent.
    async fn check_objects(&self) -> Result<()> {
        let sizes: Vec<(ObjectName, Option<u64>)> = {
            let objects = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
            let size = |object: &Object| object.size.get().copied();
            let sizes = objects
                .iter()
                .map(|(name, object)| (name.clone(), size(object)));
            sizes.collect()
        };
        for (name, size) in sizes {
            let key = self.archive_key(&name)?;
            let found = self.store.head(&key).await?.size;
            if Some(found) != size {
                return Err(Error::Damaged {
                    repository: self.repository.clone(),
                    key,
                    reason: format!("it has {found} bytes, not what was sent"),
                });
            }
        }
        Ok(())
    }
}

#[async_trait]
impl BackupWriter for BarmanBackupWriter {
    fn id(&self) -> &str {
        &self.id_text
    }

    fn part_size(&self) -> u64 {
        self.encoding.limits().part_size()
    }

    async fn put_part(&self, object: &ObjectName, index: u32, payload: Payload) -> Result<()> {
        let object = self.upload(object).await?;
        let upload = object.upload.get().expect("it was begun above");
        let part = (index, payload.len());
        upload.put_part(index, payload).await?;
        let mut last = object.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = part.max(*last);
        Ok(())
    }

    async fn complete(&self, object: &ObjectName, parts: u32) -> Result<()> {
        let object = self.upload(object).await?;
        let upload = object.upload.get().expect("it was begun above");
        upload.complete(parts).await?;
        let (index, len) = *object.last.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = object.size.set(u64::from(index) * self.part_size() + len);
        Ok(())
    }

    async fn finish(&self, end: &BackupEnd) -> Result<()> {
        let started = &self.started;
        let position = Position::of(end.timeline, end.stop, started.segment_size());
        self.check_objects().await?;
        if !self.is_ours().await? {
            return Err(self.refused(format!("backup {} was taken over by another run", self.id)));
        }
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
            return self.abort_uploads().await.map(drop);
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
