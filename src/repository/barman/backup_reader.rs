//! A base backup on its way out of the layout.

use std::{io, sync::Arc};

use async_trait::async_trait;
use futures_util::{StreamExt, stream, stream::BoxStream};
use tokio::{sync::mpsc, task::JoinSet};

use super::{
    ArchiveSet, BackupId, BackupInfo, BackupObject, BarmanRepository, InvalidBackupId,
    StoredArchive, comments::Comments, tar::read_tar,
};
use crate::{
    codec::Decoder,
    repository::{
        BackedUpServer, BackupEnd, BackupKind, BackupReader, BackupStart, Error, Result,
        StoredBackup, Tablespace, Tree, TreeEvent, download::Downloads,
    },
};

/// A base backup that can be read.
#[derive(Debug)]
pub(super) struct BarmanBackupReader {
    downloads: Downloads,
    described: StoredBackup,
    tablespaces: Vec<Tablespace>,
    archives: Vec<StoredArchive>,
    origin: Option<(BackupStart, BackupEnd)>,
}

impl BarmanRepository {
    /// Opens the backup with this id, whatever its state.
    pub(super) async fn open_base_backup(&self, id: &str) -> Result<BarmanBackupReader> {
        let backup = match id.parse() {
            Ok(id) => self.barman_backup(id).await?,
            Err(InvalidBackupId { .. }) => None,
        };
        let backup = backup.ok_or_else(|| Error::NoBackup {
            repository: self.to_string(),
            id: id.to_owned(),
        })?;
        let missing = backup.missing_archives();
        if !missing.is_empty() {
            let names: Vec<_> = missing.iter().map(ToString::to_string).collect();
            let key = self.backup_keys().key(backup.id, BackupObject::Info);
            return Err(Error::Damaged {
                repository: self.to_string(),
                key: key.map_err(Error::of_key(self))?,
                reason: format!("the archives {} are missing", names.join(", ")),
            });
        }
        Ok(BarmanBackupReader {
            downloads: Downloads {
                store: Arc::clone(&self.lister.store),
                repository: self.to_string(),
            },
            described: backup.describe(),
            tablespaces: tablespaces(&backup.info),
            origin: origin(backup.id, &backup.info),
            archives: backup.archives,
        })
    }
}

/// Returns what was known when the backup began and ended; `None` if the record lacks a part.
fn origin(id: BackupId, info: &BackupInfo) -> Option<(BackupStart, BackupEnd)> {
    let is_on = |word: &String| word == "on";
    let server = BackedUpServer {
        system_id: info.systemid?,
        version: info.version?,
        segment_size: info.segment_size(),
        data_directory: info.pgdata.clone()?,
        config_file: info.config_file.clone(),
        hba_file: info.hba_file.clone(),
        ident_file: info.ident_file.clone(),
        included_files: info.included_files.clone().unwrap_or_default(),
        tablespaces: tablespaces(info),
        databases: Vec::new(),
        data_checksums: info.data_checksums.as_ref().is_some_and(is_on),
        summarize_wal: info.summarize_wal.as_ref().map(is_on),
        cluster_size: info.cluster_size.unwrap_or_default(),
    };
    let comments = Comments::read(&info.comments);
    let (began, ended) = (info.begin_time?, info.end_time?);
    let start = BackupStart {
        id: Some(id.to_string()),
        kind: BackupKind::Full,
        by_checksum: false,
        name: info.backup_name.clone(),
        annotations: comments.annotations,
        server,
        began: began.at(),
        offset: began.offset(),
        timeline: info.timeline?,
        start: info.begin_xlog?,
    };
    let end = BackupEnd {
        ended: ended.at(),
        offset: ended.offset(),
        timeline: info.end_wal?.timeline(),
        stop: info.end_xlog?,
        label: info.backup_label.clone()?,
        tablespace_map: String::new(),
        notes: comments.notes,
        wal_was_found: true,
    };
    Some((start, end))
}

fn tablespaces(info: &BackupInfo) -> Vec<Tablespace> {
    let tablespaces = info.tablespaces.iter().flatten();
    tablespaces
        .map(|one| Tablespace {
            name: one.name.clone(),
            oid: one.oid,
            location: one.location.clone(),
        })
        .collect()
}

fn tree(set: ArchiveSet) -> Tree {
    match set {
        ArchiveSet::Data => Tree::Data,
        ArchiveSet::Tablespace(oid) => Tree::Tablespace(oid),
    }
}

#[async_trait]
impl BackupReader for BarmanBackupReader {
    fn backup(&self) -> &StoredBackup {
        &self.described
    }

    fn tablespaces(&self) -> &[Tablespace] {
        &self.tablespaces
    }

    fn origin(&self) -> Option<&(BackupStart, BackupEnd)> {
        self.origin.as_ref()
    }

    fn trees(&self) -> Vec<(Tree, u64)> {
        let mut trees: Vec<(Tree, u64)> = Vec::new();
        // The data directory is first among the archives, and last of the trees.
        let (data, tablespaces): (Vec<_>, Vec<_>) = self
            .archives
            .iter()
            .partition(|archive| archive.name.set == ArchiveSet::Data);
        for archive in tablespaces.into_iter().chain(data) {
            let tree = tree(archive.name.set);
            match trees.last_mut() {
                Some((last, size)) if *last == tree => *size += archive.stored_size,
                _ => trees.push((tree, archive.stored_size)),
            }
        }
        trees
    }

    async fn read(&self, wanted: Tree) -> Result<BoxStream<'static, Result<TreeEvent>>> {
        let archives = self.archives.iter();
        let archives: Vec<_> = archives
            .filter(|archive| tree(archive.name.set) == wanted)
            .cloned()
            .collect();
        let (events, received) = mpsc::channel(EVENTS_AHEAD);
        let reading = Reading {
            downloads: self.downloads.clone(),
            events,
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(reading.run(wanted, archives));
        // The tasks end with the stream.
        let state = (received, tasks);
        Ok(stream::unfold(state, |(mut received, tasks)| async move {
            let event = received.recv().await?;
            Some((event, (received, tasks)))
        })
        .boxed())
    }
}

/// Events that wait for whoever takes them; each is at most 256 KiB.
const EVENTS_AHEAD: usize = 16;

/// Archives on their way.
struct Reading {
    downloads: Downloads,
    events: mpsc::Sender<Result<TreeEvent>>,
}

impl Reading {
    async fn run(self, tree: Tree, archives: Vec<StoredArchive>) {
        if self.events.send(Ok(TreeEvent::Tree(tree))).await.is_err() {
            return;
        }
        let mut has_label = false;
        let last = archives.last().cloned();
        for archive in archives {
            has_label = match self.archive(&archive).await {
                Ok(has_label) => has_label,
                Err(error) => {
                    let _ = self.events.send(Err(error)).await;
                    return;
                }
            };
        }
        if let Some(last) = last.filter(|_| tree == Tree::Data && !has_label) {
            let reason = "`backup_label` is not in the last archive: archives are missing";
            let error = self.downloads.damaged(&last.key, reason);
            let _ = self.events.send(Err(error)).await;
        }
    }

    /// Reads an archive, and returns whether it contains `backup_label`.
    async fn archive(&self, archive: &StoredArchive) -> Result<bool> {
        let events = self.events.clone();
        let codec = archive.codec;
        let whole = vec![(archive.key.clone(), 0..archive.stored_size)];
        let decode = move |input| {
            let mut has_label = false;
            let decoder = Decoder::new(codec, input, u64::MAX).map_err(io::Error::other)?;
            read_tar(decoder, |event| {
                if let TreeEvent::File(path, ..) = &event {
                    has_label |= path.as_str() == "backup_label";
                }
                let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
                events.blocking_send(Ok(event)).map_err(gone)
            })?;
            Ok(has_label)
        };
        self.downloads.decode(&archive.key, whole, decode).await
    }
}
