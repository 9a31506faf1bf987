//! `backup.manifest`: what a base backup consists of, and where in the repository it lies.

mod file;
mod read;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;

pub use self::{
    file::{BlockMap, InBundle, ManifestFile, PageErrors},
    read::InvalidManifest,
};
use super::BackupKind;
use crate::{
    codec::{Codec, cipher::Passphrase},
    pg::{Lsn, SegmentName, SystemId, Tablespace},
};

/// What a base backup consists of.
///
/// Takes about 200 bytes of memory for each file, and as many as its name has.
#[derive(Clone, Debug)]
pub struct Manifest {
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
    /// When it ended.
    pub ended: Timestamp,
    /// The first segment that recovery needs; `None` if the server did not run.
    pub archive_start: Option<SegmentName>,
    /// The last segment that recovery needs.
    pub archive_stop: Option<SegmentName>,
    /// Where recovery begins.
    pub lsn_start: Option<Lsn>,
    /// Where a recovered server is consistent at the earliest.
    pub lsn_stop: Option<Lsn>,
    /// Whether members of bundles lack what tells their format.
    pub is_raw: bool,
    /// How files are compressed.
    pub codec: Option<Codec>,
    /// The cluster that it is of.
    pub cluster: ManifestCluster,
    /// The server's data directory.
    pub data_directory: String,
    /// The tablespaces.
    pub tablespaces: Vec<Tablespace>,
    /// What files are encrypted with.
    pub passphrase: Option<Passphrase>,
    /// What was written beside it.
    pub annotations: BTreeMap<String, String>,
    /// Directories by their names, in order: `pg_data/…` and `pg_tblspc/OID/…`.
    pub directories: Vec<(String, ManifestAttributes)>,
    /// Files by their names, in order.
    pub files: Vec<(String, ManifestFile)>,
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
    /// Returns which of the backups holds a file.
    pub fn holder<'a>(&'a self, file: &'a ManifestFile) -> &'a str {
        file.reference.as_deref().unwrap_or(&self.label)
    }
}
