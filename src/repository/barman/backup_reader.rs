//! A base backup on its way out of the layout.

use std::{
    io::{self, Read},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream, stream::BoxStream};
use tokio::{sync::mpsc, task::JoinSet, time::sleep};

use super::{
    ArchiveSet, BackupId, BackupInfo, BackupObject, BarmanRepository, InvalidBackupId,
    StoredArchive, comments::Comments, tar::read_tar,
};
use crate::{
    codec::Decoder,
    repository::{
        BackedUpServer, BackupEnd, BackupReader, BackupStart, Error, Result, StoredBackup,
        Tablespace, Tree, TreeEvent,
    },
    store::{Class, GetOptions, Store},
};

/// A base backup that can be read.
#[derive(Debug)]
pub(super) struct BarmanBackupReader {
    store: Arc<dyn Store>,
    repository: String,
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
            let keys = BackupKeys::new(&self.settings.prefix, &self.settings.server_name);
            let key = keys.key(backup.id, BackupObject::Info);
            return Err(Error::Damaged {
                repository: self.to_string(),
                key: key.map_err(Error::of_key(self))?,
                reason: format!("the archives {} are missing", names.join(", ")),
            });
        }
        Ok(BarmanBackupReader {
            store: Arc::clone(&self.lister.store),
            repository: self.to_string(),
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
        data_checksums: info.data_checksums.as_ref().is_some_and(is_on),
        summarize_wal: info.summarize_wal.as_ref().map(is_on),
        cluster_size: info.cluster_size.unwrap_or_default(),
    };
    let comments = Comments::read(&info.comments);
    let (began, ended) = (info.begin_time?, info.end_time?);
    let start = BackupStart {
        id: Some(id.to_string()),
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
            store: Arc::clone(&self.store),
            repository: self.repository.clone(),
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
/// Blocks of encoded bytes that wait for the decoder.
const BLOCKS_AHEAD: usize = 16;
/// How often an interrupted download is taken up again without a byte in between.
const ATTEMPTS: u32 = 5;

/// Archives on their way.
struct Reading {
    store: Arc<dyn Store>,
    repository: String,
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
            let _ = self.events.send(Err(self.damaged(&last, reason))).await;
        }
    }

    /// Reads an archive, and returns whether it contains `backup_label`.
    async fn archive(&self, archive: &StoredArchive) -> Result<bool> {
        let (blocks, received) = mpsc::channel(BLOCKS_AHEAD);
        let events = self.events.clone();
        let codec = archive.codec;
        #[expect(
            clippy::disallowed_methods,
            reason = "it works as long as the restore lasts"
        )]
        let decoding = tokio::task::spawn_blocking(move || {
            let mut has_label = false;
            let input = Blocks::new(received);
            let decoder = Decoder::new(codec, input, u64::MAX).map_err(io::Error::other)?;
            read_tar(decoder, |event| {
                if let TreeEvent::File(path, ..) = &event {
                    has_label |= path.as_str() == "backup_label";
                }
                let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
                events.blocking_send(Ok(event)).map_err(gone)
            })?;
            Ok::<_, io::Error>(has_label)
        });
        let downloaded = self.download(archive, blocks).await;
        let decoded = decoding.await;
        downloaded?;
        match decoded {
            Ok(Ok(has_label)) => Ok(has_label),
            Ok(Err(error)) => Err(self.damaged(archive, &error.to_string())),
            Err(panicked) => Err(self.damaged(archive, &panicked.to_string())),
        }
    }

    /// Downloads an object, and takes an interrupted download up again where it ended.
    async fn download(&self, archive: &StoredArchive, blocks: mpsc::Sender<Bytes>) -> Result<()> {
        let (mut position, mut etag, mut failures) = (0, None, 0);
        while position < archive.stored_size {
            let options =
                GetOptions::range(position..archive.stored_size).with_if_match(etag.clone());
            let opened = self.store.get(&archive.key, options).await;
            let result = match opened {
                Ok(mut object) => {
                    etag = object.meta.etag.take();
                    loop {
                        match object.body.try_next().await {
                            Ok(Some(bytes)) => {
                                position += bytes.len() as u64;
                                failures = 0;
                                if blocks.send(bytes).await.is_err() {
                                    // The decoder has ended, for good or not.
                                    return Ok(());
                                }
                            }
                            Ok(None) => break Ok(()),
                            Err(error) => break Err(error),
                        }
                    }
                }
                Err(error) => Err(error),
            };
            match result {
                Ok(()) if position >= archive.stored_size => {}
                Err(error) if error.class() == Class::Missing => {
                    return Err(self.damaged(archive, "it was removed"));
                }
                Err(error) if !error.class().is_retriable() => return Err(error.into()),
                Err(error) if failures == ATTEMPTS => return Err(error.into()),
                Ok(()) if failures == ATTEMPTS => {
                    let reason = format!("only {position} bytes are returned");
                    return Err(self.damaged(archive, &reason));
                }
                Ok(()) | Err(_) => {
                    failures += 1;
                    sleep(Duration::from_millis(200) * 2_u32.pow(failures)).await;
                }
            }
        }
        Ok(())
    }

    fn damaged(&self, archive: &StoredArchive, reason: &str) -> Error {
        Error::Damaged {
            repository: self.repository.clone(),
            key: archive.key.clone(),
            reason: reason.to_owned(),
        }
    }
}

/// Reads what a channel brings, on a blocking thread.
struct Blocks {
    received: mpsc::Receiver<Bytes>,
    block: Bytes,
}

impl Blocks {
    fn new(received: mpsc::Receiver<Bytes>) -> Self {
        Self {
            received,
            block: Bytes::new(),
        }
    }
}

impl Read for Blocks {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.block.is_empty() {
            match self.received.blocking_recv() {
                Some(block) => self.block = block,
                None => return Ok(0),
            }
        }
        let taken = self.block.split_to(self.block.len().min(buf.len()));
        buf[..taken.len()].copy_from_slice(&taken);
        Ok(taken.len())
    }
}
