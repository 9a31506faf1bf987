//! Barman Cloud's layout.
//!
//! What the tools `barman-cloud-wal-archive` and `barman-cloud-wal-restore` 3.17 to 3.20 write and
//! read, and with them CloudNativePG and its Barman Cloud plugin. Below `PREFIX/SERVER/`:
//!
//! | key | what |
//! | --- | --- |
//! | `wals/<first 16 digits>/<name>[.<ending>]` | segments, partial segments, backup labels |
//! | `wals/<timeline>.history[.<ending>]` | history files |
//! | `base/<id>/backup.info` | what is known of a base backup |
//! | `base/<id>/data[_NNNN].tar[.<ending>]` | its data directory, in one archive or more |
//! | `base/<id>/<oid>[_NNNN].tar[.<ending>]` | each of its tablespaces |
//! | `base/<id>/annotations/keep` | that it must not be deleted |
//!
//! The ending names the codec: `gz`, `bz2`, `xz`, `zst`, `lz4` or `snappy`. There is no index and
//! no checksum of the content, so what is stored can be compared only by reading it. The tools
//! replace what is there without a look; we never do.

mod archive_encoding;
mod archive_name;
mod archive_writer;
mod backup_begin;
mod backup_id;
mod backup_keys;
mod backup_reader;
mod backup_writer;
mod backups;
mod catalog;
mod comments;
mod expire;
mod info;
mod keys;
mod leftovers;
mod list;
mod literal;
mod put;
mod seen;
mod tar;

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;

pub use self::{
    archive_encoding::ArchiveEncoding,
    archive_name::{ArchiveLimits, ArchiveName, ArchiveSet},
    archive_writer::ArchiveEncoder,
    backup_id::{BackupId, InvalidBackupId, InvalidBackupName, check_backup_name},
    backup_keys::{BackupKeys, BackupObject},
    backups::{BarmanBackup, StoredArchive},
    info::{
        BackupInfo, BackupStatus, InfoTablespace, InfoTime, InvalidBackupInfo, InvalidInfoTime,
    },
    keys::WalKeys,
    literal::{InvalidLiteral, Literal},
};
use self::{list::Lister, seen::Seen};
use super::{
    BackupReader, BackupStart, BackupWriter, Backups, Catalog, ClusterIdentity, Expect, Format,
    NoteName, Pace, PutOutcome, Removal, Repository, Result, StoredWal, Survey, Taker,
    UnfinishedBackup, WalFile, WalSelection, decode::Encoded, listing::Ahead, note,
};
use crate::{
    codec::{Codec, Encoding},
    pg::WalFileName,
    store::{GetOptions, Object, Store, Tags},
    workers::Workers,
};

/// Where in a store a server's backups are, and how they are written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BarmanSettings {
    /// The path of the destination's URL without its leading slashes, otherwise as given.
    pub prefix: String,
    /// The server's name, taken as it is.
    pub server_name: String,
    /// How WAL is written. What is there already may be encoded in any way.
    pub wal_encoding: Encoding,
    /// How the archives of base backups are written.
    pub archives: ArchiveEncoding,
    /// Tags of objects, where the store has tags.
    pub tags: Tags,
    /// Tags of history files instead of [`tags`](Self::tags); none for the same ones.
    pub history_tags: Tags,
}

impl BarmanSettings {
    /// Settings with nothing compressed and without tags, as the tools have them by default.
    pub fn new(prefix: impl Into<String>, server_name: impl Into<String>) -> Self {
        Self {
            prefix: prefix.into(),
            server_name: server_name.into(),
            wal_encoding: Encoding::PLAIN,
            archives: ArchiveEncoding::default(),
            tags: Tags::default(),
            history_tags: Tags::default(),
        }
    }
}

/// A server's backups in Barman Cloud's layout.
///
/// ```
/// use std::sync::Arc;
/// use walcast::{
///     codec::{Codec, Encoding},
///     repository::{Repository, barman::{BarmanRepository, BarmanSettings}},
///     store::MemoryStore,
///     workers::Workers,
/// };
///
/// let settings = BarmanSettings {
///     wal_encoding: Encoding::new(Codec::Gzip, None)?,
///     ..BarmanSettings::new("pg", "cluster-example")
/// };
/// let store = Arc::new(MemoryStore::new());
/// let repository = BarmanRepository::new(store, settings, Workers::new());
/// assert_eq!(repository.to_string(), "barman:memory/pg/cluster-example");
/// # Ok::<(), walcast::codec::CodecError>(())
/// ```
#[derive(Debug)]
pub struct BarmanRepository {
    lister: Lister,
    /// Where base backups are written; the same place as the lister's.
    store_of_backups: Arc<dyn Store>,
    settings: BarmanSettings,
    workers: Workers,
    seen: Seen,
}

impl BarmanRepository {
    /// Creates a repository on `store`; asks nothing of it yet.
    pub fn new(store: Arc<dyn Store>, settings: BarmanSettings, workers: Workers) -> Self {
        let lister = Lister {
            store: Arc::clone(&store),
            keys: WalKeys::new(&settings.prefix, &settings.server_name),
            preferred: settings.wal_encoding.codec(),
        };
        Self {
            lister,
            store_of_backups: store,
            settings,
            workers,
            seen: Seen::default(),
        }
    }

    /// Writes base backups through another store, which leads to the same place: it may ask for
    /// another encryption, for example.
    #[must_use]
    pub fn with_store_of_backups(mut self, store: Arc<dyn Store>) -> Self {
        self.store_of_backups = store;
        self
    }

    fn store(&self) -> &dyn Store {
        &*self.lister.store
    }

    fn keys(&self) -> &WalKeys {
        &self.lister.keys
    }

    fn decode(
        &self,
        object: Object,
        codec: Option<Codec>,
        limit: u64,
    ) -> BoxStream<'static, Result<Bytes>> {
        let encoded = Encoded {
            repository: self.to_string(),
            key: object.meta.key.clone(),
            codec,
            passphrase: None,
            limit,
        };
        encoded.decode(object, self.workers.clone())
    }
}

#[async_trait]
impl Repository for BarmanRepository {
    fn format(&self) -> Format {
        Format::Barman
    }

    fn wal_encoding(&self) -> Encoding {
        self.settings.wal_encoding
    }

    fn encrypts_wal(&self) -> bool {
        false
    }

    /// Asks for one level of a listing. Nothing but its base backups tells to which cluster the
    /// place belongs; the newest counts, as a cluster gets another identity by an upgrade.
    async fn check(&self, identity: Option<&ClusterIdentity>) -> Result<()> {
        if let Some(identity) = identity {
            return self.check_cluster(identity.system_id).await;
        }
        self.store().list_level(self.keys().server()).await?;
        Ok(())
    }

    async fn put_wal(&self, wal: &WalFile, expect: Expect) -> Result<PutOutcome> {
        self.put(wal, expect).await
    }

    async fn find_wal(&self, name: WalFileName) -> Result<Vec<StoredWal>> {
        self.lister
            .below(&self.keys().stem(name), |found| found == name)
            .await
    }

    async fn read_wal(
        &self,
        wal: &StoredWal,
        limit: u64,
    ) -> Result<BoxStream<'static, Result<Bytes>>> {
        let object = self.store().get(&wal.key, GetOptions::default()).await?;
        Ok(self.decode(object, wal.codec, limit))
    }

    fn list_wal(&self, from: Option<WalFileName>) -> BoxStream<'static, Result<StoredWal>> {
        self.lister.clone().archive(from, Ahead::NONE)
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
        self.expire_records(ids, pace).await
    }

    async fn survey(&self) -> Result<Survey> {
        self.count_everything().await
    }

    async fn put_note(&self, name: &NoteName, content: Bytes) -> Result<()> {
        let folder = self.notes_folder();
        note::put(self.store(), self, &folder, name, content).await
    }

    async fn notes(&self, prefix: &str, limit: usize) -> Result<Vec<(NoteName, Bytes)>> {
        note::newest(self.store(), &self.notes_folder(), prefix, limit).await
    }

    async fn set_aside(&self, wal: &StoredWal) -> Result<()> {
        note::set_aside(self.store(), self, &self.notes_folder(), wal, &self.workers).await
    }
}

impl fmt::Display for BarmanRepository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let server = self.keys().server();
        write!(
            f,
            "barman:{}/{}",
            self.store(),
            server.trim_end_matches('/')
        )
    }
}

#[cfg(test)]
mod tests;
