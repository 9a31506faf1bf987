//! Base backups on their way into a repository and out of it.

use std::{fmt, io};

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use jiff::{Timestamp, tz::Offset};

use super::{Annotations, Result, StoredBackup, Tree, TreeEvent, barman::ArchiveEncoding};
use crate::{
    pg::{BackedUpServer, Lsn, Tablespace, TimelineId},
    store::Payload,
};

/// What is known when a base backup begins; the same for every destination of a pass.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BackupStart {
    /// What the layout calls it elsewhere, for a copy; `None` for a new one.
    pub id: Option<String>,
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
}

/// How a repository wants a base backup to look; two that are equal share every byte of it.
///
/// Opaque: it is the layout's, made by [`Repository::backup_encoding`](super::Repository::backup_encoding).
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct BackupEncoding(LayoutEncoding);

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum LayoutEncoding {
    Barman(ArchiveEncoding),
    PgBackRest,
}

impl BackupEncoding {
    pub(super) const PG_BACK_REST: Self = Self(LayoutEncoding::PgBackRest);

    pub(super) fn barman(archives: ArchiveEncoding) -> Self {
        Self(LayoutEncoding::Barman(archives))
    }
}

impl fmt::Display for BackupEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            LayoutEncoding::Barman(archives) => archives.fmt(f),
            LayoutEncoding::PgBackRest => f.write_str("pgbackrest"),
        }
    }
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
    fn finish(&mut self, end: &BackupEnd, sink: &mut dyn ObjectSink) -> io::Result<()>;
}

/// Takes the objects of a base backup: one after the other, each from its begin to its end.
pub trait ObjectSink {
    /// Takes bytes of the object `name`, which is the one before, or the next.
    fn write(&mut self, name: &ObjectName, bytes: &[u8]) -> io::Result<()>;

    /// The object `name` is complete.
    fn end(&mut self, name: &ObjectName) -> io::Result<()>;
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

    /// Returns the size of the parts in which objects are given, in bytes; all but an object's last
    /// have it. Equal for repositories of equal encoding.
    fn part_size(&self) -> u64;

    /// Stores part `index` of an object, counted from 0; parts of one object may come at the same
    /// time, and again after an error.
    async fn put_part(&self, object: &ObjectName, index: u32, payload: Payload) -> Result<()>;

    /// Makes an object of `parts` parts whole.
    async fn complete(&self, object: &ObjectName, parts: u32) -> Result<()>;

    /// Writes down that the backup is complete, if all its objects are there.
    async fn finish(&self, end: &BackupEnd) -> Result<()>;

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
