//! A base backup on its way out of the layout.

mod member;
mod units;

use std::{
    collections::{BTreeMap, HashMap},
    io,
    ops::Range,
    sync::Arc,
};

use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt, stream, stream::BoxStream};
use tokio::{sync::mpsc, task::JoinSet};

use self::{
    member::{Contents, decode},
    units::{Unit, Units, astray, is_stored, place_of},
};
use super::{
    Manifest, PgBackRestRepository, backups::stored, block_map::read_map, origin::Origin,
    owners::Owners,
};
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
    origin: Option<(BackupStart, BackupEnd)>,
    /// Links to what was not there: their names, and where they lead.
    dangling: Arc<Vec<(String, String)>>,
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
        let key = self.backup_key(label, "backup.manifest")?;
        let damaged = |reason: String| Error::Damaged {
            repository: self.to_string(),
            key: key.clone(),
            reason,
        };
        let entry = entry.map_err(|error| damaged(error.to_string()))?;
        let manifest = self.load_manifest(label, info.passphrase()).await?;
        if let Some(name) = astray(&manifest) {
            return Err(damaged(format!("`{name}` is no path inside a base backup")));
        }
        self.check_objects(&manifest, &key).await?;
        let origin = Origin::read(&manifest);
        let dangling = origin.as_ref().map_or(&[][..], Origin::dangling).to_vec();
        Ok(PgBackRestBackupReader {
            downloads: self.downloads(),
            prefix: self.keys.backup().to_owned(),
            described: stored(label, &entry, info.history()),
            origin: origin.and_then(|origin| origin.records(&manifest)),
            dangling: Arc::new(dangling),
            manifest: Arc::new(manifest),
            owners: Arc::new(self.workers.disk(Owners::read).await),
        })
    }

    /// Reads the manifest of a backup, or its copy if that is damaged.
    pub(super) async fn load_manifest(
        &self,
        label: &str,
        passphrase: Option<&Passphrase>,
    ) -> Result<Manifest> {
        let key = self.backup_key(label, "backup.manifest")?;
        let manifest = match self.read_manifest(&key, passphrase).await {
            Err(error) if error.class() == Class::Invalid => {
                let copy = self.backup_key(label, "backup.manifest.copy")?;
                let copy = self.read_manifest(&copy, passphrase).await;
                // What is wrong with the first one is what counts.
                copy.map_err(|_| error)?
            }
            manifest => manifest?,
        };
        if manifest.label == label {
            return Ok(manifest);
        }
        Err(Error::Damaged {
            repository: self.to_string(),
            key,
            reason: format!("it is of backup {}", manifest.label),
        })
    }

    /// Checks that every object of a backup is there and is long enough, by listings.
    async fn check_objects(&self, manifest: &Manifest, key: &Key) -> Result<()> {
        let prefix = self.keys.backup();
        let mut wanted: BTreeMap<&str, HashMap<String, u64>> = BTreeMap::new();
        for (name, file) in manifest.files.iter().filter(|(_, file)| is_stored(file)) {
            let holder = manifest.holder(file);
            if !manifest.references.iter().any(|known| known == holder) {
                return Err(Error::Damaged {
                    repository: self.to_string(),
                    key: key.clone(),
                    reason: format!("`{name}` is in {holder}, which is none of its backups"),
                });
            }
            let (object, end) = place_of(name, file, manifest.codec);
            let objects = wanted.entry(holder).or_default();
            let least = objects.entry(object).or_default();
            *least = end.max(*least);
        }
        for (holder, mut objects) in wanted {
            let folder = format!("{prefix}{holder}/");
            let mut listed = self.store.list(&folder, None);
            while let Some(found) = listed.try_next().await? {
                let object = found.key.as_str().strip_prefix(&folder);
                let least = object.and_then(|object| objects.remove(object));
                if least.is_some_and(|least| found.size < least) {
                    let reason = format!("it has {} bytes, and files behind them", found.size);
                    return Err(self.downloads().damaged(&found.key, &reason));
                }
            }
            if let Some(missing) = objects.into_keys().min() {
                let key = self.backup_key(holder, &missing)?;
                return Err(self.downloads().damaged(&key, "it is missing"));
            }
        }
        Ok(())
    }

    pub(super) async fn read_manifest(
        &self,
        key: &Key,
        passphrase: Option<&Passphrase>,
    ) -> Result<Manifest> {
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

    /// The tool's manifests lack what other layouts want.
    fn origin(&self) -> Option<&(BackupStart, BackupEnd)> {
        self.origin.as_ref()
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
            dangling: &self.dangling,
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
