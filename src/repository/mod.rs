//! One PostgreSQL cluster's backups on one store, in one on-store layout.
//!
//! A [`Repository`] says where a layout keeps things and what they look like there; it has no
//! opinion on how many copies are wanted or what to do when a store fails. The trait is the
//! intersection that the engines need: layouts are never abstracted together beyond it.

mod annotations;
mod backup;
pub mod barman;
mod base;
mod batch;
mod catalog;
#[cfg(feature = "test-util")]
#[cfg_attr(docsrs, doc(cfg(feature = "test-util")))]
pub mod conformance;
mod content;
mod decode;
mod download;
mod error;
mod listing;
mod note;
mod pace;
pub mod pgbackrest;
mod survey;
mod tree;
mod unfinished;
mod uploads;
mod wal;

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;

pub use self::{
    annotations::{Annotations, InvalidAnnotation},
    backup::{BackupState, Backups, DamagedBackup, Keep, StoredBackup},
    base::{
        BackupContents, BackupEncoder, BackupEncoding, BackupEnd, BackupKind, BackupReader,
        BackupStart, BackupWriter, FileFilter, ObjectName, ObjectSink,
    },
    catalog::{Catalog, HeldArchive, HeldBackup, Removal, StrayBackup, WalSelection},
    content::{digest_of, same_content},
    error::{Error, Result},
    note::{InvalidNoteName, NoteName},
    pace::Pace,
    survey::Survey,
    tree::{Attributes, InvalidTreePath, PageErrors, Tree, TreeEvent, TreePath},
    unfinished::{Taker, UnfinishedBackup},
    wal::{ClusterIdentity, StoredWal, WalFile},
};
pub use crate::pg::{BackedUpServer, Tablespace};
use crate::{codec::Encoding, pg::WalFileName};

/// A cluster's backups in one layout on one store.
#[async_trait]
pub trait Repository: fmt::Debug + fmt::Display + Send + Sync + 'static {
    /// Returns the layout.
    fn format(&self) -> Format;

    /// Returns how WAL must be encoded for [`put_wal`](Self::put_wal).
    fn wal_encoding(&self) -> Encoding;

    /// Returns whether [`put_wal`](Self::put_wal) encrypts what it is given, and so holds a copy
    /// of it in memory.
    fn encrypts_wal(&self) -> bool;

    /// Checks that the store answers and that nothing in it contradicts `identity`.
    async fn check(&self, identity: Option<&ClusterIdentity>) -> Result<()>;

    /// Stores one file of the archive; never replaces other content.
    ///
    /// With [`Expect::Absent`] a layout may save the look at what is there, and rely on the
    /// store's create-if-absent. May be repeated; after an error the file may be there. Dropping
    /// the future leaves the file there or not, never a part of it.
    ///
    /// # Errors
    ///
    /// Those of the store. Class [`Invalid`](crate::store::Class::Invalid) if what is there is
    /// damaged, so that it cannot be compared; it is not replaced. A layout that records digests
    /// may compare these alone, and finds a damaged file present.
    async fn put_wal(&self, wal: &WalFile, expect: Expect) -> Result<PutOutcome>;

    /// Returns the objects that hold the file named `name`, best first; none if it is not
    /// archived. More than one are the same file in several encodings, or a conflict.
    async fn find_wal(&self, name: WalFileName) -> Result<Vec<StoredWal>>;

    /// Opens a stored file, decoded. The stream fails with an error of class
    /// [`Invalid`](crate::store::Class::Invalid) when the object is damaged, and never yields more than
    /// `limit` bytes. Reading it to its end verifies what the layout lets one verify.
    ///
    /// Blocks have at most 256 KiB. The stream ends at its first error; dropping it cancels the
    /// download. Class [`Missing`](crate::store::Class::Missing) if the object was removed, be it
    /// from here or from the stream; errors of the network keep their class.
    async fn read_wal(
        &self,
        wal: &StoredWal,
        limit: u64,
    ) -> Result<BoxStream<'static, Result<Bytes>>>;

    /// Lists the archive in [archive order](WalFileName), from the first name that is not less
    /// than `from`. Foreign objects are passed by; objects that hold the same file follow each
    /// other. The stream ends at its first error. Memory is bounded by one directory of the layout.
    fn list_wal(&self, from: Option<WalFileName>) -> BoxStream<'static, Result<StoredWal>>;

    /// Returns the base backups, finished or not. One whose record cannot be understood is told
    /// apart and hides no other; one that is removed meanwhile may be left out.
    ///
    /// # Errors
    ///
    /// Those of the store; there is no partial answer.
    async fn backups(&self) -> Result<Backups>;

    /// Begins a base backup, and writes down that it began where the layout has a place for that.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] if what is there contradicts it: backups of another cluster, or one that
    /// began in the same second. Nothing was written then. A copy takes the place of what was begun
    /// on the same machine and is unfinished.
    async fn begin_backup(
        &self,
        start: &BackupStart,
        taker: &Taker,
    ) -> Result<Box<dyn BackupWriter>>;

    /// Returns base backups that walcast began and that did not end: somebody works on them, or
    /// was killed.
    async fn unfinished_backups(&self) -> Result<Vec<UnfinishedBackup>>;

    /// Removes what is there of an unfinished backup. Returns false, and leaves it alone, if it is
    /// gone, has ended, or is somebody else's by now. May be repeated after an error.
    async fn remove_unfinished(&self, backup: &UnfinishedBackup) -> Result<bool>;

    /// Opens a base backup that [`backups`](Self::backups) told of.
    ///
    /// # Errors
    ///
    /// Class [`Missing`](crate::store::Class::Missing) if it is gone, and
    /// [`Invalid`](crate::store::Class::Invalid) if its record cannot be understood or objects are
    /// missing.
    async fn open_backup(&self, id: &str) -> Result<Box<dyn BackupReader>>;

    /// Returns what is there, from listings and the records of base backups. WAL is listed side by
    /// side, and costs memory for each gap, not for each segment.
    ///
    /// WAL of which an earlier catalog, `known`, tells is not listed again, but for the folder of
    /// its last segment and what follows: that is cheap, and does not see what was filled in or
    /// removed before.
    ///
    /// # Errors
    ///
    /// Those of the store and of the layout's records; there is no partial answer.
    async fn catalog(&self, known: Option<&Catalog>) -> Result<Catalog>;

    /// Removes what a restore reads of base backups, listed or stray. WAL stays, and so does what
    /// [`remove_records`](Self::remove_records) removes when that is gone.
    ///
    /// The ids come with those of all backups that depend on them. A crash at any moment leaves the
    /// other backups as they were, and what is left to the next call, which goes on. One that is
    /// gone is a success; one that somebody has begun to keep meanwhile stays.
    ///
    /// # Errors
    ///
    /// Those of the store. [`Error::Refused`] if what is there by now contradicts it.
    async fn remove_backups(&self, ids: &[String], pace: &Pace) -> Result<Removal>;

    /// Removes files of the archive, oldest first, and returns how many objects that were. Foreign
    /// objects stay. May be repeated: then it goes on.
    ///
    /// # Errors
    ///
    /// Those of the store; files may be gone then.
    async fn remove_wal(&self, wal: &WalSelection, pace: &Pace) -> Result<u64>;

    /// Removes the last that is known of base backups that are gone, and returns how many objects
    /// that were: where a backup's record is an object of its own, it stays until the WAL is gone,
    /// so that whoever goes on after a crash finds what is still to be done; and what is
    /// [remembered](Catalog::remembered). May be repeated.
    ///
    /// # Errors
    ///
    /// Those of the store.
    async fn remove_records(&self, ids: &[String], pace: &Pace) -> Result<u64>;

    /// Lists everything below the repository's place, and tells what is not the layout's.
    ///
    /// # Errors
    ///
    /// Those of the store; there is no partial answer.
    async fn survey(&self) -> Result<Survey>;

    /// Keeps a small record of walcast's own, of at most 1 MiB, where the layout's tools do not
    /// look; it replaces one of the same name.
    ///
    /// # Errors
    ///
    /// Those of the store.
    async fn put_note(&self, name: &NoteName, content: Bytes) -> Result<()>;

    /// Returns the last `limit` [notes](Self::put_note) whose names begin with `prefix`, in the
    /// order of their names.
    ///
    /// # Errors
    ///
    /// Those of the store.
    async fn notes(&self, prefix: &str, limit: usize) -> Result<Vec<(NoteName, Bytes)>>;

    /// Moves an object of the archive to where [notes](Self::put_note) are, so that another one can
    /// take its place. May be repeated; one that is gone is a success.
    ///
    /// # Errors
    ///
    /// Those of the store; it may be in both places then.
    async fn set_aside(&self, wal: &StoredWal) -> Result<()>;
}

/// An on-store layout.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Format {
    /// Barman Cloud's.
    Barman,
    /// pgBackRest's.
    PgBackRest,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Barman => f.write_str("barman"),
            Self::PgBackRest => f.write_str("pgbackrest"),
        }
    }
}

/// What the caller of [`Repository::put_wal`] knows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Expect {
    /// This name was never offered to this repository before.
    Absent,
    /// It may have been: look first.
    Unknown,
}

/// What [`Repository::put_wal`] did.
#[derive(Clone, Debug, PartialEq)]
pub enum PutOutcome {
    /// It is there now.
    Stored,
    /// It was there already, with the same content.
    Present,
    /// Other content is there under this name; nothing was written.
    Conflict(StoredWal),
}
