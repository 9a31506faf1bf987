//! pgBackRest's layout.
//!
//! What pgBackRest 2.45 to 2.59 writes and reads (repository format 5), and with it the plugin of
//! CloudNativePG that runs it. Below the path of a repository:
//!
//! | key | what |
//! | --- | --- |
//! | `archive/STANZA/archive.info` | which clusters the stanza is of |
//! | `archive/STANZA/<version>-<n>/<timeline>.history` | history files |
//! | `archive/STANZA/<version>-<n>/<first 16 digits>/<name>-<sha1>[.<ending>]` | segments, partial segments |
//! | `archive/STANZA/<version>-<n>/<first 16 digits>/<name>` | backup labels |
//! | `backup/STANZA/backup.info` | the same, and which base backups there are |
//! | `backup/STANZA/<label>/backup.manifest` | of what a base backup consists |
//! | `backup/STANZA/<label>/bundle/<n>` | small files, one behind the other |
//! | `backup/STANZA/<label>/pg_data/…`, `…/pg_tblspc/…` | other files |
//! | `backup/STANZA/backup.history/<year>/<label>.manifest.gz` | the manifest once more |
//!
//! Each info file has a copy with `.copy` behind its name. The ending names the codec: `gz`, `lz4`,
//! `zst` or `bz2`. Backup labels and history files are never compressed.
//!
//! # The stanza
//!
//! Nothing is stored before the stanza was made by [`create_stanza`], and nothing of a cluster
//! that it is not of: after `pg_upgrade` call [`upgrade_stanza`]. Both do what the commands of the
//! tool do, which may be used instead. [`check`](Repository::check) makes nothing. `archive.info`
//! is read once, and again when a file of another cluster comes or a check is asked for.
//!
//! # Encryption
//!
//! With a passphrase everything is encrypted. It opens the info files alone; they have random ones
//! for the WAL and for the rest. WAL is encrypted once for all repositories that share its
//! passphrase, see [`StanzaSecrets`].
//!
//! # Differences from the tool
//!
//! Nothing is replaced: the tool replaces history files and labels without a look. What comes back
//! is compared with the SHA-1 in its name, which the tool's `archive-get` does not do.
//!
//! Base backups are listed and read with all that the tool writes, also in blocks. They are written
//! full, differential and incremental, in bundles or file by file, but not in blocks. What the
//! layout has no place for stands in a section `[walcast]` of the manifest, which the tool passes
//! by. A backup that is not complete is never resumed.
//!
//! [`create_stanza`]: PgBackRestRepository::create_stanza
//! [`upgrade_stanza`]: PgBackRestRepository::upgrade_stanza

mod backup_encoder;
mod backup_reader;
mod backup_writer;
mod backups;
mod block_map;
mod catalog;
mod expire;
mod file_contents;
mod file_plan;
mod info;
mod info_file;
mod ini;
mod keys;
mod label;
mod latest;
mod leftovers;
mod list;
mod lock;
mod manifest;
mod origin;
mod owners;
mod put;
mod secrets;
mod stanza;
mod stanza_report;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream, stream::BoxStream};

pub(super) use self::{file_contents::FileContents, file_plan::FilePlan};
pub use self::{
    file_plan::Bundles,
    info::{ArchiveId, ArchiveInfo, BackupEntry, BackupInfo, History, HistoryEntry, InvalidInfo},
    ini::{Ini, InvalidIni},
    keys::{StanzaKeys, StoredName},
    manifest::{
        BlockMap, InBundle, InvalidManifest, Manifest, ManifestAttributes, ManifestCluster,
        ManifestDatabase, ManifestFile, ManifestLink,
    },
    secrets::StanzaSecrets,
    stanza::StanzaChange,
    stanza_report::{
        ArchiveReport, BackupReport, Bounds, ClusterReport, CodeReport, DatabaseReport, HeldReport,
        LockReport, RepositoryReport, SizeReport, StanzaReport, StatusReport, StoredSizeReport,
        WriterReport,
    },
};
use self::{list::Lister, stanza::Stanza};
use super::{
    BackupReader, BackupStart, BackupWriter, Backups, Catalog, ClusterIdentity, Expect, Format,
    NoteName, Pace, PutOutcome, Removal, Repository, Result, StoredWal, Survey, Taker,
    UnfinishedBackup, WalFile, WalSelection, content::verified, decode::Encoded, listing::Ahead,
    note,
};
use crate::{
    codec::{Codec, CodecError, Encoding, cipher::Passphrase},
    pg::WalFileName,
    store::{GetOptions, Object, Store, Tags},
    workers::Workers,
};

/// Where in a store a stanza is, and how it is written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PgBackRestSettings {
    /// The path of the repository (`repo1-path`); a slash at its ends does not matter.
    pub path: String,
    /// The name of the stanza.
    pub stanza: String,
    /// The number by which the tool calls the repository, for what is reported.
    pub number: u32,
    /// What opens the info files, if the repository is encrypted.
    pub passphrase: Option<Passphrase>,
    /// Tags of objects, where the store has tags.
    pub tags: Tags,
    /// The folder in which the tool has its locks, and in which `pgbackrest stop` leaves its files
    /// (`lock-path`): while the stanza is stopped, nothing is stored, and while the tool works on
    /// its backups, none begins. `None` does not look.
    pub lock_folder: Option<PathBuf>,
    /// Which files of a base backup are stored together; `None` stores each by itself.
    pub bundles: Option<Bundles>,
    /// Whether backups of changes compare all files by checksum (`delta`), not by size and time.
    pub by_checksum: bool,
    /// Where the repository is on this machine, if it is, for the link `latest`.
    pub local_folder: Option<PathBuf>,
    wal_encoding: Encoding,
}

impl PgBackRestSettings {
    /// Settings with nothing compressed or encrypted, and without tags.
    pub fn new(path: impl Into<String>, stanza: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            stanza: stanza.into(),
            number: 1,
            passphrase: None,
            tags: Tags::default(),
            lock_folder: None,
            bundles: Some(Bundles::default()),
            by_checksum: false,
            local_folder: None,
            wal_encoding: Encoding::PLAIN,
        }
    }

    /// Chooses how segments are compressed. What is there already may be compressed in any way.
    ///
    /// # Errors
    ///
    /// [`CodecError::Unavailable`] for xz and Snappy, which pgBackRest does not have.
    pub fn with_wal_encoding(self, wal_encoding: Encoding) -> Result<Self, CodecError> {
        check_codec(wal_encoding.codec())?;
        Ok(Self {
            wal_encoding,
            ..self
        })
    }
}

fn check_codec(codec: Option<Codec>) -> Result<(), CodecError> {
    match codec {
        Some(codec) if codec.pgbackrest_name().is_none() => Err(CodecError::Unavailable { codec }),
        _ => Ok(()),
    }
}

/// A stanza in pgBackRest's layout. Clones share what was read of it.
///
/// ```
/// use std::sync::Arc;
/// use walcast::{
///     pg::{MajorVersion, SystemId},
///     repository::{
///         ClusterIdentity, Repository,
///         pgbackrest::{PgBackRestRepository, PgBackRestSettings, StanzaChange, StanzaSecrets},
///     },
///     store::MemoryStore,
///     workers::Workers,
/// };
///
/// # async fn create() -> Result<(), Box<dyn std::error::Error>> {
/// let store = Arc::new(MemoryStore::new());
/// let settings = PgBackRestSettings::new("/var/lib/pgbackrest", "main");
/// let repository = PgBackRestRepository::new(store, settings, Workers::new());
/// let identity = ClusterIdentity {
///     system_id: SystemId::new(7712093325075265747),
///     version: MajorVersion::V15,
/// };
///
/// let change = repository.create_stanza(&identity, &StanzaSecrets::random()?).await?;
///
/// assert_eq!(change, StanzaChange::Created);
/// repository.check(Some(&identity)).await?;
/// # Ok(())
/// # }
/// # tokio::runtime::Builder::new_multi_thread().build()?.block_on(create())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct PgBackRestRepository {
    store: Arc<dyn Store>,
    keys: StanzaKeys,
    settings: PgBackRestSettings,
    workers: Workers,
    /// As it was read last.
    stanza: Arc<Mutex<Option<Arc<Stanza>>>>,
}

impl PgBackRestRepository {
    /// Creates a repository on `store`; asks nothing of it yet.
    pub fn new(store: Arc<dyn Store>, settings: PgBackRestSettings, workers: Workers) -> Self {
        Self {
            keys: StanzaKeys::new(&settings.path, &settings.stanza),
            stanza: Arc::default(),
            store,
            settings,
            workers,
        }
    }

    /// Returns what opens the info files, if the repository is encrypted.
    pub fn passphrase(&self) -> Option<&Passphrase> {
        self.settings.passphrase.as_ref()
    }

    fn lister(&self, stanza: &Stanza) -> Lister {
        Lister {
            store: Arc::clone(&self.store),
            keys: self.keys.clone(),
            ids: stanza.ids.clone(),
            preferred: self.settings.wal_encoding.codec(),
        }
    }

    fn decode(
        &self,
        object: Object,
        codec: Option<Codec>,
        passphrase: Option<Passphrase>,
        limit: u64,
    ) -> BoxStream<'static, Result<Bytes>> {
        let encoded = Encoded {
            repository: self.to_string(),
            key: object.meta.key.clone(),
            codec,
            passphrase,
            limit,
        };
        encoded.decode(object, self.workers.clone())
    }
}

#[async_trait]
impl Repository for PgBackRestRepository {
    fn format(&self) -> Format {
        Format::PgBackRest
    }

    fn wal_encoding(&self) -> Encoding {
        self.settings.wal_encoding
    }

    fn encrypts_wal(&self) -> bool {
        self.settings.passphrase.is_some()
    }

    /// Reads both info files: they must agree, as the tool demands it, and be of the cluster. A
    /// stanza that is not there is an error, as nothing could be stored.
    async fn check(&self, identity: Option<&ClusterIdentity>) -> Result<()> {
        self.check_stanza(identity).await
    }

    async fn put_wal(&self, wal: &WalFile, _: Expect) -> Result<PutOutcome> {
        self.put(wal).await
    }

    async fn find_wal(&self, name: WalFileName) -> Result<Vec<StoredWal>> {
        let stanza = self.stanza().await?;
        self.lister(&stanza).find(name).await
    }

    async fn read_wal(
        &self,
        wal: &StoredWal,
        limit: u64,
    ) -> Result<BoxStream<'static, Result<Bytes>>> {
        let passphrase = self.stanza().await?.passphrase.clone();
        let object = self.store.get(&wal.key, GetOptions::default()).await?;
        let decoded = self.decode(object, wal.codec, passphrase, limit);
        let Some(sha1) = wal.sha1 else {
            return Ok(decoded);
        };
        let workers = self.workers.clone();
        let (repository, key) = (self.to_string(), wal.key.clone());
        Ok(verified(decoded, sha1, workers, move |found| {
            super::Error::Damaged {
                repository,
                key,
                reason: format!("its content has the SHA-1 {found}"),
            }
        }))
    }

    fn list_wal(&self, from: Option<WalFileName>) -> BoxStream<'static, Result<StoredWal>> {
        let repository = self.clone();
        let listing = async move {
            let stanza = repository.stanza().await?;
            Ok::<_, super::Error>(repository.lister(&stanza).archive(from, Ahead::NONE))
        };
        stream::once(listing).try_flatten().boxed()
    }

    async fn backups(&self) -> Result<Backups> {
        self.describe_backups().await
    }

    async fn begin_backup(
        &self,
        start: &BackupStart,
        taker: &Taker,
    ) -> Result<Box<dyn BackupWriter>> {
        Ok(Box::new(self.begin(start, taker).await?))
    }

    async fn unfinished_backups(&self) -> Result<Vec<UnfinishedBackup>> {
        self.find_unfinished().await
    }

    async fn remove_unfinished(&self, backup: &UnfinishedBackup) -> Result<bool> {
        self.remove(backup).await
    }

    async fn open_backup(&self, id: &str) -> Result<Box<dyn BackupReader>> {
        Ok(Box::new(self.open_base_backup(id).await?))
    }

    async fn catalog(&self, known: Option<&Catalog>) -> Result<Catalog> {
        self.take_catalog(known).await
    }

    async fn remove_backups(&self, ids: &[String], pace: &Pace) -> Result<Removal> {
        self.expire_backups(ids, pace).await
    }

    async fn remove_wal(&self, wal: &WalSelection, pace: &Pace) -> Result<u64> {
        self.expire_wal(wal, pace).await
    }

    async fn remove_records(&self, ids: &[String], pace: &Pace) -> Result<u64> {
        self.expire_memories(ids, pace).await
    }

    async fn survey(&self) -> Result<Survey> {
        self.count_everything().await
    }

    async fn put_note(&self, name: &NoteName, content: Bytes) -> Result<()> {
        note::put(&*self.store, self, self.keys.notes(), name, content).await
    }

    async fn notes(&self, prefix: &str, limit: usize) -> Result<Vec<(NoteName, Bytes)>> {
        note::newest(&*self.store, self.keys.notes(), prefix, limit).await
    }

    async fn set_aside(&self, wal: &StoredWal) -> Result<()> {
        note::set_aside(&*self.store, self, self.keys.notes(), wal, &self.workers).await
    }
}

impl fmt::Display for PgBackRestRepository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pgbackrest:{}", self.store)?;
        let path = self.settings.path.trim_matches('/');
        if !path.is_empty() {
            write!(f, "/{path}")?;
        }
        write!(f, "/{}", self.settings.stanza)
    }
}
