//! A base backup on its way into the layout.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::OnceCell;

use super::{
    ArchiveEncoding, BackupId, BackupInfo, BackupKeys, BackupObject, BackupStatus,
    BarmanRepository, InfoTablespace, InfoTime, InvalidBackupId, check_backup_name,
};
use crate::{
    pg::{Lsn, SegmentName, SegmentSize, SystemId, TimelineId},
    repository::{BackupEnd, BackupStart, BackupWriter, Error, ObjectName, Result},
    store::{
        Key, ObjectMeta, Payload, PutMode, PutOptions, Store, StoreExt, Tags, Upload, UploadOptions,
    },
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
    started: BackupInfo,
    objects: Mutex<BTreeMap<ObjectName, Arc<Object>>>,
}

/// An archive on its way.
#[derive(Debug, Default)]
struct Object {
    upload: OnceCell<Box<dyn Upload>>,
}

impl BarmanRepository {
    /// Begins a base backup: checks that nothing contradicts it, and writes that it began.
    pub(super) async fn begin(&self, start: &BackupStart) -> Result<BarmanBackupWriter> {
        let id = match &start.id {
            None => BackupId::at(start.offset.to_datetime(start.began)),
            Some(id) => id
                .parse()
                .map_err(|error: InvalidBackupId| Error::Refused {
                    repository: self.to_string(),
                    reason: error.to_string(),
                })?,
        };
        let writer = BarmanBackupWriter {
            store: Arc::clone(&self.lister.store),
            repository: self.to_string(),
            keys: BackupKeys::new(&self.settings.prefix, &self.settings.server_name),
            id,
            id_text: id.to_string(),
            encoding: self.settings.archives,
            tags: self.settings.tags.clone(),
            name: start.name.clone(),
            started: started(start),
            objects: Mutex::default(),
        };
        if let Some(name) = &start.name {
            check_backup_name(name).map_err(|error| writer.refused(error.to_string()))?;
        }
        self.check_cluster(start.server.system_id).await?;
        let mode = self.free(&writer).await?;
        writer.write_info(&writer.started, mode).await?;
        Ok(writer)
    }

    /// Refuses an id that a backup has already, unless it failed and left nothing but its record.
    async fn free(&self, writer: &BarmanBackupWriter) -> Result<PutMode> {
        let level = self
            .store()
            .list_level(&writer.keys.folder(writer.id))
            .await?;
        let info = writer.key(BackupObject::Info)?;
        let is_record = |objects: &[ObjectMeta]| matches!(objects, [one] if one.key == info);
        match (level.objects.is_empty(), level.prefixes.is_empty()) {
            (true, true) => Ok(PutMode::Create),
            (false, true) if is_record(&level.objects) => match self.read_info(&info).await? {
                Some(known) if *known.status() == BackupStatus::Failed => Ok(PutMode::Overwrite),
                _ => Err(writer.is_taken()),
            },
            _ => Err(writer.is_taken()),
        }
    }

    /// Refuses a place where the newest backup is of another cluster.
    pub(super) async fn check_cluster(&self, system_id: SystemId) -> Result<()> {
        let newest = self.newest_info().await?;
        match newest.and_then(|info| info.systemid) {
            Some(other) if other != system_id => Err(Error::Refused {
                repository: self.to_string(),
                reason: format!("the newest backup is of the cluster {other}, not of {system_id}"),
            }),
            _ => Ok(()),
        }
    }

    /// Reads what the newest backup says of itself; `None` if there is none that can be read.
    async fn newest_info(&self) -> Result<Option<BackupInfo>> {
        let keys = BackupKeys::new(&self.settings.prefix, &self.settings.server_name);
        let level = self.store().list_level(keys.base()).await?;
        let id = |prefix: &String| {
            let name = prefix.strip_prefix(keys.base())?;
            name.trim_end_matches('/').parse::<BackupId>().ok()
        };
        let Some(id) = level.prefixes.iter().filter_map(id).max() else {
            return Ok(None);
        };
        let key = keys.key(id, BackupObject::Info);
        let key = key.map_err(Error::of_key(self))?;
        self.read_info(&key).await
    }

    /// Reads a record; `None` if it is not there, or cannot be understood.
    async fn read_info(&self, key: &Key) -> Result<Option<BackupInfo>> {
        let bytes = self.read_small(key, BackupInfo::MAX_LEN).await?;
        let text = bytes
            .as_deref()
            .and_then(|bytes| str::from_utf8(bytes).ok());
        Ok(text.and_then(|text| BackupInfo::parse(text).ok()))
    }
}

/// Writes down what is known at the beginning.
fn started(start: &BackupStart) -> BackupInfo {
    let server = &start.server;
    let position = Position::of(start.timeline, start.start, server.segment_size);
    let on = |flag: bool| if flag { "on" } else { "off" }.to_owned();
    let tablespaces = server.tablespaces.iter().map(|one| InfoTablespace {
        name: one.name.clone(),
        oid: one.oid,
        location: one.location.clone(),
    });
    let tablespaces: Vec<_> = tablespaces.collect();
    let included = server.included_files.clone();
    BackupInfo {
        begin_offset: Some(position.offset),
        begin_time: Some(InfoTime::new(start.began, start.offset)),
        begin_wal: Some(position.segment),
        begin_xlog: Some(start.start),
        cluster_size: Some(server.cluster_size),
        config_file: server.config_file.clone(),
        data_checksums: Some(on(server.data_checksums)),
        hba_file: server.hba_file.clone(),
        ident_file: server.ident_file.clone(),
        included_files: Some(included).filter(|files| !files.is_empty()),
        pgdata: Some(server.data_directory.clone()),
        server_name: Some(BackupInfo::SERVER_NAME.to_owned()),
        status: Some(BackupStatus::Started),
        summarize_wal: server.summarize_wal.map(on),
        systemid: Some(server.system_id),
        tablespaces: Some(tablespaces).filter(|tablespaces| !tablespaces.is_empty()),
        timeline: Some(start.timeline),
        version: Some(server.version),
        xlog_segment_size: Some(server.segment_size),
        comments: vec![MARK.to_owned()],
        ..BackupInfo::default()
    }
}

/// What tells our backups from those of Barman's tools.
const MARK: &str = concat!(" walcast ", env!("CARGO_PKG_VERSION"));

/// Where in the WAL something is.
struct Position {
    segment: SegmentName,
    offset: u64,
}

impl Position {
    fn of(timeline: TimelineId, lsn: Lsn, size: SegmentSize) -> Self {
        Self {
            segment: SegmentName::containing(lsn, timeline, size),
            offset: lsn.get() % size.bytes(),
        }
    }
}

impl BarmanBackupWriter {
    fn refused(&self, reason: String) -> Error {
        Error::Refused {
            repository: self.repository.clone(),
            reason,
        }
    }

    fn is_taken(&self) -> Error {
        self.refused(format!("backup {} is there already", self.id))
    }

    fn key(&self, object: BackupObject) -> Result<Key> {
        let key = self.keys.key(self.id, object);
        key.map_err(Error::of_key(&self.repository))
    }

    fn archive_key(&self, object: &ObjectName) -> Result<Key> {
        let key = Key::parse(format!("{}{object}", self.keys.folder(self.id)));
        key.map_err(Error::of_key(&self.repository))
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
        let deleted = self.store.delete(&keys).await;
        deleted
            .into_iter()
            .collect::<std::result::Result<Vec<()>, _>>()?;
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
        Ok(upload.put_part(index, payload).await?)
    }

    async fn complete(&self, object: &ObjectName, parts: u32) -> Result<()> {
        let object = self.upload(object).await?;
        let upload = object.upload.get().expect("it was begun above");
        Ok(upload.complete(parts).await?)
    }

    async fn finish(&self, end: &BackupEnd) -> Result<()> {
        let started = &self.started;
        let position = Position::of(end.timeline, end.stop, started.segment_size());
        let notes = end.notes.iter().map(|note| format!(" {note}"));
        let comments = started.comments.iter().cloned().chain(notes).collect();
        let info = BackupInfo {
            backup_label: Some(end.label.clone()),
            backup_name: self.name.clone(),
            end_offset: Some(position.offset),
            end_time: Some(InfoTime::new(end.ended, end.offset)),
            end_wal: Some(position.segment),
            end_xlog: Some(end.stop),
            status: Some(BackupStatus::Done),
            comments,
            ..started.clone()
        };
        self.write_info(&info, PutMode::Overwrite).await
    }

    async fn give_up(&self, reason: &str) -> Result<()> {
        let removed = self.remove_archives().await;
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
