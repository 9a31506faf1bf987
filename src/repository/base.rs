//! Base backups on their way into a repository and out of it.

use std::{fmt, io, sync::Arc};

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use jiff::{Timestamp, tz::Offset};
use serde::{Deserialize, Serialize};

use super::{
    Annotations, Result, StoredBackup, Tree, TreeEvent, TreePath,
    barman::ArchiveEncoding,
    pgbackrest::{FileContents, FilePlan},
};
use crate::{
    pg::{BackedUpServer, Lsn, Tablespace, TimelineId},
    store::Payload,
};

/// Whether a base backup holds all files or only what changed.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub enum BackupKind {
    /// All files.
    #[default]
    #[serde(rename = "full")]
    Full,
    /// What changed since the last full one.
    #[serde(rename = "diff")]
    Differential,
    /// What changed since any other.
    #[serde(rename = "incr")]
    Incremental,
}

/// What is known when a base backup begins; the same for every destination of a pass.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BackupStart {
    /// What the layout calls it elsewhere, for a copy; `None` for a new one.
    pub id: Option<String>,
    /// What it should hold. A layout without others, or without what it would be based on, makes a
    /// full one.
    pub kind: BackupKind,
    /// Whether files of the same size and time are read and compared with those of the backup on
    /// which it is based.
    pub by_checksum: bool,
    /// What whoever asked for it calls it.
    pub name: Option<String>,
    /// What he writes beside it.
    pub annotations: Annotations,
    /// The server.
    pub server: BackedUpServer,
    /// When it began, by the server's clock.
    pub began: Timestamp,
    /// The server's time zone then.
    pub offset: Offset,
    /// The timeline on which it began.
    pub timeline: TimelineId,
    /// Where recovery begins.
    pub start: Lsn,
}

/// What is known when all files were read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BackupEnd {
    /// When it ended, by the server's clock.
    pub ended: Timestamp,
    /// The server's time zone then.
    pub offset: Offset,
    /// The timeline on which it ended.
    pub timeline: TimelineId,
    /// Where a recovered server is consistent at the earliest.
    pub stop: Lsn,
    /// The content of `backup_label`.
    pub label: String,
    /// The content of `tablespace_map`; empty if there is none.
    pub tablespace_map: String,
    /// What whoever looks at the backup should know, one line each.
    pub notes: Vec<String>,
    /// Whether no destination lists the backup before it holds the WAL that it needs.
    pub wal_was_found: bool,
}

/// How a repository wants a base backup to look; two that are equal share every byte of it.
///
/// Opaque: it is the layout's, told by [`BackupWriter::encoding`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BackupEncoding(LayoutEncoding);

#[derive(Clone, Debug, Eq, PartialEq)]
enum LayoutEncoding {
    Barman(ArchiveEncoding),
    PgBackRest(Arc<FilePlan>),
}

impl BackupEncoding {
    pub(super) fn barman(archives: ArchiveEncoding) -> Self {
        Self(LayoutEncoding::Barman(archives))
    }

    pub(super) fn pgbackrest(plan: Arc<FilePlan>) -> Self {
        Self(LayoutEncoding::PgBackRest(plan))
    }
}

impl fmt::Display for BackupEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            LayoutEncoding::Barman(archives) => archives.fmt(f),
            LayoutEncoding::PgBackRest(plan) => plan.fmt(f),
        }
    }
}

/// What an encoder knows of the objects that it made, for [`BackupWriter::finish`]. Cheap to clone.
///
/// Opaque, as [`BackupEncoding`].
#[derive(Clone, Debug)]
pub struct BackupContents(LayoutContents);

#[derive(Clone, Debug)]
enum LayoutContents {
    Barman,
    PgBackRest(Arc<FileContents>),
}

impl BackupContents {
    /// Barman's archives tell everything themselves.
    pub(super) const BARMAN: Self = Self(LayoutContents::Barman);

    pub(super) fn pgbackrest(files: Arc<FileContents>) -> Self {
        Self(LayoutContents::PgBackRest(files))
    }

    /// Returns the files, if they are of that layout.
    pub(super) fn as_pgbackrest(&self) -> Option<&FileContents> {
        match &self.0 {
            LayoutContents::Barman => None,
            LayoutContents::PgBackRest(files) => Some(files),
        }
    }
}

/// What an encoder needs of the files, for whoever reads them. It tells the same for the same file
/// whenever it is asked, once all were [noticed](Self::notice).
pub trait FileFilter: Send + Sync {
    /// Looks at a file before any is read.
    fn notice(&self, tree: Tree, path: &TreePath, size: u64, modified: Timestamp);

    /// Returns whether the content of a file is needed.
    fn wants(&self, tree: Tree, path: &TreePath, size: u64, modified: Timestamp) -> bool;

    /// Returns whether it wants what is behind symbolic links.
    fn follows_links(&self) -> bool;
}

/// Turns the files of a base backup into objects, once for all destinations that want them alike.
/// Blocking.
pub trait BackupEncoder: Send {
    /// Takes the next step.
    ///
    /// # Errors
    ///
    /// Those of the sink, and of steps out of order.
    fn take(&mut self, event: &TreeEvent, sink: &mut dyn ObjectSink) -> io::Result<()>;

    /// Adds what is known at the end, and completes the last object.
    fn finish(&mut self, end: &BackupEnd, sink: &mut dyn ObjectSink) -> io::Result<BackupContents>;

    /// Returns what it needs of the files; `None` if that is everything, and links as links.
    fn filter(&self) -> Option<Arc<dyn FileFilter>>;
}

/// Takes the objects of a base backup: one after the other, each from its begin to its end.
pub trait ObjectSink {
    /// Takes bytes of the object `name`, which is the one before, or the next.
    fn write(&mut self, name: &ObjectName, bytes: &[u8]) -> io::Result<()>;

    /// The object `name` is complete.
    fn end(&mut self, name: &ObjectName) -> io::Result<()>;

    /// The object `name`, which has begun, is not needed after all.
    fn discard(&mut self, name: &ObjectName) -> io::Result<()>;
}

/// What a layout calls an object of a base backup, below the backup's place.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ObjectName(String);

impl ObjectName {
    pub(super) fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    #[cfg(test)]
    pub(crate) fn of_test(name: &str) -> Self {
        Self::new(name)
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A base backup on its way into a repository.
///
/// Nothing lists it as complete before [`finish`](Self::finish). Dropping it leaves what a killed
/// process leaves; call [`give_up`](Self::give_up).
#[async_trait]
pub trait BackupWriter: fmt::Debug + Send + Sync {
    /// Returns what the layout calls the backup.
    fn id(&self) -> &str;

    /// Returns how its files are to be encoded.
    fn encoding(&self) -> BackupEncoding;

    /// Creates an encoder of that encoding, which may use so many threads of its own.
    fn encoder(&self, threads: usize) -> Box<dyn BackupEncoder>;

    /// Returns the size of the parts in which objects are given, in bytes; all but an object's last
    /// have it. Equal for repositories of equal encoding.
    fn part_size(&self) -> u64;

    /// Stores part `index` of an object, counted from 0; parts of one object may come at the same
    /// time, and again after an error.
    async fn put_part(&self, object: &ObjectName, index: u32, payload: Payload) -> Result<()>;

    /// Makes an object of `parts` parts whole.
    async fn complete(&self, object: &ObjectName, parts: u32) -> Result<()>;

    /// Removes the parts of an object that is not complete.
    async fn discard(&self, object: &ObjectName) -> Result<()>;

    /// Writes down that the backup is complete, if all its objects are there. `contents` is what
    /// an encoder of its [encoding](Self::encoding) returned.
    async fn finish(&self, end: &BackupEnd, contents: &BackupContents) -> Result<()>;

    /// Removes what was written, and writes down why where the layout has a place for that. What
    /// somebody else has taken over is left to him.
    async fn give_up(&self, reason: &str) -> Result<()>;
}

/// A base backup on its way out of a repository.
#[async_trait]
pub trait BackupReader: fmt::Debug + Send + Sync {
    /// Returns what is known of it.
    fn backup(&self) -> &StoredBackup;

    /// Returns its tablespaces.
    fn tablespaces(&self) -> &[Tablespace];

    /// Returns what was recorded when it began and ended, for whoever writes it elsewhere; `None`
    /// if it is not complete, or its record lacks something.
    fn origin(&self) -> Option<&(BackupStart, BackupEnd)>;

    /// Returns its trees in the order in which they should be read, each with the size of its
    /// objects in bytes.
    fn trees(&self) -> Vec<(Tree, u64)>;

    /// Reads a tree, beginning with [`TreeEvent::Tree`]. The stream ends at its first error; class
    /// [`Invalid`](crate::store::Class::Invalid) for what is damaged or missing. Reading it to its
    /// end verifies what the layout lets one verify.
    async fn read(&self, tree: Tree) -> Result<BoxStream<'static, Result<TreeEvent>>>;
}
