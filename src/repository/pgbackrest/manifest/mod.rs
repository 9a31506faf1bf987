//! `backup.manifest`: what a base backup consists of, and where in the repository it lies.

mod file;
mod read;
#[cfg(test)]
mod tests;
mod write;

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde::Deserialize;

pub(super) use self::write::name_of;
pub use self::{
    file::{BlockMap, InBundle, ManifestFile},
    read::InvalidManifest,
};
use crate::{
    codec::{Codec, cipher::Passphrase},
    pg::{Database, Lsn, Oid, SegmentName, SystemId, Tablespace},
    repository::BackupKind,
};

/// What a base backup consists of.
///
/// Takes about 200 bytes of memory for each file, and as many as its name has.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The release that wrote it.
    pub writer: String,
    /// What it is called.
    pub label: String,
    /// Whether it holds all files or only what changed.
    pub kind: BackupKind,
    /// The backup whose changes it holds.
    pub prior: Option<String>,
    /// The backups that hold its files, its own label last. Block maps count them from 0.
    pub references: Vec<String>,
    /// When it began.
    pub began: Timestamp,
    /// When the first file was read.
    pub copy_began: Timestamp,
    /// When it ended; 1970 as long as it has not.
    pub ended: Timestamp,
    /// The first segment that recovery needs; `None` if the server did not run.
    pub archive_start: Option<SegmentName>,
    /// The last segment that recovery needs.
    pub archive_stop: Option<SegmentName>,
    /// Where recovery begins.
    pub lsn_start: Option<Lsn>,
    /// Where a recovered server is consistent at the earliest.
    pub lsn_stop: Option<Lsn>,
    /// Whether files may be stored in blocks.
    pub is_in_blocks: bool,
    /// Whether files are stored together.
    pub is_bundled: bool,
    /// Whether members of bundles lack what tells their format.
    pub is_raw: bool,
    /// How files are compressed.
    pub codec: Option<Codec>,
    /// The cluster that it is of.
    pub cluster: ManifestCluster,
    /// How it was taken: options by their names, values as JSON.
    pub options: BTreeMap<String, String>,
    /// The server's data directory.
    pub data_directory: String,
    /// The tablespaces.
    pub tablespaces: Vec<Tablespace>,
    /// Symbolic links whose content is among the files, by their names, in order.
    pub links: Vec<(String, ManifestLink)>,
    /// The databases, by their names.
    pub databases: BTreeMap<String, ManifestDatabase>,
    /// What files are encrypted with.
    pub passphrase: Option<Passphrase>,
    /// What was written beside it.
    pub annotations: BTreeMap<String, String>,
    /// Directories by their names, in order: `pg_data/…` and `pg_tblspc/OID/…`.
    pub directories: Vec<(String, ManifestAttributes)>,
    /// Files by their names, in order.
    pub files: Vec<(String, ManifestFile)>,
    /// What walcast adds, by keys, as JSON; the tool passes it by.
    pub(super) extension: BTreeMap<String, String>,
}

/// A symbolic link of the data directory whose content is among the files.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ManifestLink {
    /// Where it leads, as it was read.
    pub destination: String,
    /// The directory to which it leads, or in which the file is to which it leads.
    pub path: String,
    /// The name of the file to which it leads.
    pub file: Option<String>,
    /// Whose it is.
    pub attributes: ManifestAttributes,
}

/// A database.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
pub struct ManifestDatabase {
    /// Its number.
    #[serde(rename = "db-id")]
    pub id: u32,
    /// The largest number of the databases that `initdb` made.
    #[serde(rename = "db-last-system-id")]
    pub last_system_id: u32,
}

/// The cluster that a backup is of.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ManifestCluster {
    /// Its number in the history of the stanza.
    pub history_id: u32,
    /// Its identity.
    pub system_id: SystemId,
    /// The version as people write it, such as `15`.
    pub version: String,
    /// The version of the system catalogue.
    pub catalog_version: u32,
    /// The version of the control file.
    pub control_version: u32,
}

/// Whose something is and what may be done with it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ManifestAttributes {
    /// Permission bits.
    pub mode: u32,
    /// Name of the owner, where known.
    pub user: Option<Arc<str>>,
    /// Name of the group, where known.
    pub group: Option<Arc<str>>,
}

impl Manifest {
    /// Returns the databases.
    pub(super) fn databases(&self) -> Vec<Database> {
        let known = self.databases.iter().filter_map(|(name, database)| {
            let oid = Oid::new(database.id)?;
            Some(Database {
                name: name.clone(),
                oid,
            })
        });
        known.collect()
    }

    /// Returns which of the backups holds a file.
    pub fn holder<'a>(&'a self, file: &'a ManifestFile) -> &'a str {
        file.reference.as_deref().unwrap_or(&self.label)
    }
}
