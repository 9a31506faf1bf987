//! How a base backup begins in the layout: what contradicts it, and its first record.

use super::{
    BackupId, BackupInfo, BackupObject, BackupStatus, BarmanRepository, InfoTablespace, InfoTime,
    backup_writer::BarmanBackupWriter, check_backup_name, comments::Comments,
};
use crate::{
    pg::{Lsn, SegmentName, SegmentSize, SystemId, TimelineId},
    repository::{BackupStart, Error, Result, Taker, UnfinishedBackup},
    store::{Class, Key, ObjectMeta, PutMode, Store, StoreExt},
};

impl BarmanRepository {
    /// Begins a base backup: checks that nothing contradicts it, and writes that it began.
    pub(super) async fn begin(
        &self,
        start: &BackupStart,
        taker: &Taker,
    ) -> Result<BarmanBackupWriter> {
        // What another layout calls it is no name here.
        let id = start.id.as_deref().and_then(|id| id.parse().ok());
        let id = id.unwrap_or_else(|| BackupId::at(start.offset.to_datetime(start.began)));
        let comments = Comments {
            taker: Some(taker.clone()),
            annotations: start.annotations.clone(),
            notes: Vec::new(),
        };
        let started = started(start, &comments);
        let writer = BarmanBackupWriter::new(self, id, start.name.clone(), comments, started);
        if let Some(name) = &start.name {
            check_backup_name(name).map_err(|error| writer.refused(error.to_string()))?;
        }
        self.check_cluster(start.server.system_id).await?;
        let mode = self.free(id, &writer, taker).await?;
        match writer.write_started(mode).await {
            // An answer was lost, and what is there is ours.
            Err(error) if error.class() == Class::Conflict && writer.is_ours().await? => {}
            written => written?,
        }
        Ok(writer)
    }

    /// Refuses an id that a backup has already, unless it failed and left nothing but its record, or
    /// is to be replaced by a copy.
    async fn free(
        &self,
        id: BackupId,
        writer: &BarmanBackupWriter,
        taker: &Taker,
    ) -> Result<PutMode> {
        let level = self
            .store()
            .list_level(&self.backup_keys().folder(id))
            .await?;
        let info = writer.key(BackupObject::Info)?;
        let is_record = |objects: &[ObjectMeta]| matches!(objects, [one] if one.key == info);
        match (level.objects.is_empty(), level.prefixes.is_empty()) {
            (true, true) => Ok(PutMode::Create),
            (false, true) if is_record(&level.objects) => match read_record(self.store(), &info)
                .await?
            {
                Some(known) if *known.status() == BackupStatus::Failed => Ok(PutMode::Overwrite),
                _ => self.take_over(id, writer, taker).await,
            },
            _ => self.take_over(id, writer, taker).await,
        }
    }

    /// Removes for a copy what was begun on the same machine, and refuses everything else: the
    /// backup is complete elsewhere, so nobody works on it here, or fails when he finds it gone.
    async fn take_over(
        &self,
        id: BackupId,
        writer: &BarmanBackupWriter,
        taker: &Taker,
    ) -> Result<PutMode> {
        let is_left = |left: &UnfinishedBackup| taker.is_copy && left.taker.host == taker.host;
        let unfinished = match self.barman_backup(id).await? {
            Some(backup) => self.describe_unfinished(&backup).await?,
            None => None,
        };
        match unfinished.filter(is_left) {
            Some(left) if self.remove(&left).await? => Ok(PutMode::Create),
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
        let keys = self.backup_keys();
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
        read_record(self.store(), &key).await
    }
}

/// Reads a record; `None` if it is not there, or cannot be understood.
pub(super) async fn read_record(store: &dyn Store, key: &Key) -> Result<Option<BackupInfo>> {
    let bytes = match store.get_bytes(key, BackupInfo::MAX_LEN).await {
        Err(error) if error.class() == Class::Missing => return Ok(None),
        bytes => bytes?,
    };
    let text = str::from_utf8(&bytes).ok();
    Ok(text.and_then(|text| BackupInfo::parse(text).ok()))
}

/// Writes down what is known at the beginning.
fn started(start: &BackupStart, comments: &Comments) -> BackupInfo {
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
        comments: comments.lines(),
        ..BackupInfo::default()
    }
}

/// Where in the WAL something is.
pub(super) struct Position {
    pub segment: SegmentName,
    pub offset: u64,
}

impl Position {
    pub(super) fn of(timeline: TimelineId, lsn: Lsn, size: SegmentSize) -> Self {
        Self {
            segment: SegmentName::containing(lsn, timeline, size),
            offset: lsn.get() % size.bytes(),
        }
    }
}
