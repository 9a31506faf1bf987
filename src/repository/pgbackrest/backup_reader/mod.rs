//! A base backup on its way out of the layout.

mod member;
mod units;

use std::{io, ops::Range, sync::Arc};

use async_trait::async_trait;
use futures_util::{StreamExt, stream, stream::BoxStream};
use tokio::{sync::mpsc, task::JoinSet};

use self::{
    member::{Contents, decode},
    units::{Unit, Units},
};
use super::{Manifest, PgBackRestRepository, backups::stored, block_map::read_map, owners::Owners};
use crate::{
    codec::cipher::Passphrase,
    repository::{
        BackupEnd, BackupReader, BackupStart, Error, Result, StoredBackup, Tablespace, Tree,
        TreeEvent, download::Downloads,
    },
    store::{Class, Key},
};

/// A base backup that can be read.
#[derive(Debug)]
pub(super) struct PgBackRestBackupReader {
    downloads: Downloads,
    /// What the keys of all backups begin with.
    prefix: String,
    described: StoredBackup,
    manifest: Arc<Manifest>,
    owners: Arc<Owners>,
}

/// Steps that wait for whoever takes them; each is at most 256 KiB.
const EVENTS_AHEAD: usize = 8;
/// Units that are read at the same time.
const UNITS_AHEAD: usize = 4;

impl PgBackRestRepository {
    /// Opens the backup with this label.
    pub(super) async fn open_base_backup(&self, label: &str) -> Result<PgBackRestBackupReader> {
        let info = self.load_backup_info().await?;
        let missing = || Error::NoBackup {
            repository: self.to_string(),
            id: label.to_owned(),
        };
        let mut entries = info.backups();
        let (_, entry) = entries
            .find(|(known, _)| *known == label)
            .ok_or_else(missing)?;
        let key = |name: &str| {
            let key = Key::parse(format!("{}{label}/{name}", self.keys.backup()));
            key.map_err(Error::of_key(self))
        };
        let damaged = |reason: String| {
            Ok::<_, Error>(Error::Damaged {
                repository: self.to_string(),
                key: key("backup.manifest")?,
                reason,
            })
        };
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => return Err(damaged(error.to_string())?),
        };
        let first = key("backup.manifest")?;
        let manifest = match self.read_manifest(&first, info.passphrase()).await {
            Err(error) if error.class() == Class::Invalid => {
                let copy = key("backup.manifest.copy")?;
                let copy = self.read_manifest(&copy, info.passphrase()).await;
                // What is wrong with the first one is what counts.
                copy.map_err(|_| error)?
            }
            manifest => manifest?,
        };
        if manifest.label != label {
            return Err(damaged(format!("it is of backup {}", manifest.label))?);
        }
        Ok(PgBackRestBackupReader {
            downloads: self.downloads(),
            prefix: self.keys.backup().to_owned(),
            described: stored(label, &entry, info.history()),
            manifest: Arc::new(manifest),
            owners: Arc::new(self.workers.disk(Owners::read).await),
        })
    }

    async fn read_manifest(&self, key: &Key, passphrase: Option<&Passphrase>) -> Result<Manifest> {
        let downloads = self.downloads();
        let size = match self.store.head(key).await {
            Err(error) if error.class() == Class::Missing => {
                return Err(downloads.damaged(key, "it is missing"));
            }
            meta => meta?.size,
        };
        let passphrase = passphrase.cloned();
        let read = move |input| {
            let text = member::decrypted(input, passphrase, false);
            Manifest::read(io::BufReader::new(text)).map_err(io::Error::other)
        };
        downloads
            .decode(key, vec![(key.clone(), 0..size)], read)
            .await
    }

    fn downloads(&self) -> Downloads {
        Downloads {
            store: Arc::clone(&self.store),
            repository: self.to_string(),
        }
    }
}

#[async_trait]
impl BackupReader for PgBackRestBackupReader {
    fn backup(&self) -> &StoredBackup {
        &self.described
    }

    fn tablespaces(&self) -> &[Tablespace] {
        &self.manifest.tablespaces
    }

    /// The manifest lacks what other layouts want.
    fn origin(&self) -> Option<&(BackupStart, BackupEnd)> {
        None
    }

    fn trees(&self) -> Vec<(Tree, u64)> {
        let tablespaces = self.manifest.tablespaces.iter();
        let trees = tablespaces
            .map(|one| Tree::Tablespace(one.oid))
            .chain([Tree::Data]);
        trees
            .map(|tree| {
                let files = self.manifest.files.iter();
                let files = files.filter(|(name, _)| units::is_in(name, tree));
                (tree, files.map(|(_, file)| file.stored_size).sum())
            })
            .collect()
    }

    async fn read(&self, wanted: Tree) -> Result<BoxStream<'static, Result<TreeEvent>>> {
        let units = Units {
            manifest: &self.manifest,
            owners: &self.owners,
            prefix: &self.prefix,
            repository: &self.downloads.repository,
        };
        let units = units.of(wanted)?;
        let reading = Reading {
            downloads: self.downloads.clone(),
            manifest: Arc::clone(&self.manifest),
            prefix: self.prefix.clone(),
        };
        let started = stream::iter(units).map(move |unit| {
            let reading = reading.clone();
            async move { reading.start(unit) }
        });
        let events = started.buffered(UNITS_AHEAD).flat_map(|events| events);
        Ok(stream::once(async move { Ok(TreeEvent::Tree(wanted)) })
            .chain(events)
            .boxed())
    }
}

/// What units are read with.
#[derive(Clone, Debug)]
struct Reading {
    downloads: Downloads,
    manifest: Arc<Manifest>,
    prefix: String,
}

impl Reading {
    /// Begins to read a unit, and returns its steps; they end at the first error.
    fn start(self, unit: Unit) -> BoxStream<'static, Result<TreeEvent>> {
        let (events, received) = mpsc::channel(EVENTS_AHEAD);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            if let Err(error) = self.read(unit, &events).await {
                // Whoever is gone does not want to know.
                let _ = events.send(Err(error)).await;
            }
        });
        // The task ends with the stream.
        stream::unfold((received, tasks), |(mut received, tasks)| async move {
            let event = received.recv().await?;
            Some((event, (received, tasks)))
        })
        .boxed()
    }

    async fn read(&self, unit: Unit, events: &mpsc::Sender<Result<TreeEvent>>) -> Result<()> {
        let (key, contents, pieces) = match unit {
            Unit::Events(all) => {
                for event in all {
                    if events.send(Ok(event)).await.is_err() {
                        break;
                    }
                }
                return Ok(());
            }
            Unit::Members {
                key,
                range,
                members,
            } => {
                let pieces = vec![(key.clone(), range)];
                (key, Contents::Members(members), pieces)
            }
            Unit::Blocks { member, key, map } => {
                let (of, place) = map;
                let fault = |reason: &str| self.downloads.damaged(&key, reason);
                let bytes = self.map(&key, place).await?;
                let runs = read_map(&bytes, of, self.manifest.references.len());
                let runs = runs.map_err(fault)?;
                let pieces = units::pieces(&runs, &self.manifest, &self.prefix, &member.name);
                let pieces = pieces.map_err(|error| fault(&error.to_string()))?;
                (key, Contents::Blocks(member, of, runs), pieces)
            }
        };
        let to = events.clone();
        let emit = move |input| {
            decode(input, contents, &mut |event| {
                let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
                to.blocking_send(Ok(event)).map_err(gone)
            })
        };
        self.downloads.decode(&key, pieces, emit).await
    }

    /// Reads the map of a file, decrypted.
    async fn map(&self, key: &Key, place: Range<u64>) -> Result<Vec<u8>> {
        let passphrase = self.manifest.passphrase.clone();
        let read = move |input| {
            let mut bytes = Vec::new();
            member::decrypted(input, passphrase, true).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let pieces = vec![(key.clone(), place)];
        self.downloads.decode(key, pieces, read).await
    }
}

#[cfg(test)]
mod tests;
