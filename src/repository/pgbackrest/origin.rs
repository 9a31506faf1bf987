//! What walcast adds to a manifest: who takes the backup, and what other layouts want to know.

use std::collections::BTreeMap;

use jiff::{Timestamp, tz::Offset};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Manifest, file_contents::FileContents};
use crate::{
    pg::{BackedUpServer, SegmentSize},
    repository::{Annotations, BackupEnd, BackupStart, Taker},
};

/// The annotation in which a backup's name is kept.
pub(super) const NAME: &str = "walcast.name";
const ORIGIN: &str = "origin";
const TAKER: &str = "taker";

/// Who takes the backup.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct TakerRecord {
    host: String,
    is_copy: bool,
    run: String,
}

/// What a manifest has no place for.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Origin {
    /// In microseconds since 1970.
    began: i64,
    /// In seconds east of UTC.
    began_offset: i32,
    cluster_size: u64,
    config_file: Option<String>,
    dangling: Vec<(String, String)>,
    data_checksums: bool,
    ended: i64,
    ended_offset: i32,
    hba_file: Option<String>,
    ident_file: Option<String>,
    included_files: Vec<String>,
    label: String,
    notes: Vec<String>,
    segment_size: u64,
    summarize_wal: Option<bool>,
    tablespace_map: String,
    version: u32,
}

impl TakerRecord {
    /// Returns it as an entry of the manifest.
    pub(super) fn entry(&self) -> BTreeMap<String, String> {
        entry(TAKER, self)
    }

    pub(super) fn read(manifest: &Manifest) -> Option<Taker> {
        let record: Self = read(manifest, TAKER)?;
        Some(Taker {
            run: record.run,
            host: record.host,
            is_copy: record.is_copy,
        })
    }
}

impl From<&Taker> for TakerRecord {
    fn from(taker: &Taker) -> Self {
        Self {
            host: taker.host.clone(),
            is_copy: taker.is_copy,
            run: taker.run.clone(),
        }
    }
}

impl Origin {
    pub(super) fn of(start: &BackupStart, end: &BackupEnd, contents: &FileContents) -> Self {
        let server = &start.server;
        Self {
            began: start.began.as_microsecond(),
            began_offset: start.offset.seconds(),
            cluster_size: server.cluster_size,
            config_file: server.config_file.clone(),
            dangling: contents.dangling.clone(),
            data_checksums: server.data_checksums,
            ended: end.ended.as_microsecond(),
            ended_offset: end.offset.seconds(),
            hba_file: server.hba_file.clone(),
            ident_file: server.ident_file.clone(),
            included_files: server.included_files.clone(),
            label: end.label.clone(),
            notes: end.notes.clone(),
            segment_size: server.segment_size.bytes(),
            summarize_wal: server.summarize_wal,
            tablespace_map: end.tablespace_map.clone(),
            version: server.version,
        }
    }

    /// Returns it as an entry of the manifest.
    pub(super) fn entry(&self) -> BTreeMap<String, String> {
        entry(ORIGIN, self)
    }

    /// Reads it from a manifest; `None` if another writer's, or of a backup that has not ended.
    pub(super) fn read(manifest: &Manifest) -> Option<Self> {
        read(manifest, ORIGIN)
    }

    /// Returns links to what was not there.
    pub(super) fn dangling(&self) -> &[(String, String)] {
        &self.dangling
    }

    /// Returns what was known when the backup began and ended.
    pub(super) fn records(self, manifest: &Manifest) -> Option<(BackupStart, BackupEnd)> {
        let mut annotations = manifest.annotations.clone();
        let name = annotations.remove(NAME);
        let (first, last) = (manifest.archive_start?, manifest.archive_stop?);
        let start = BackupStart {
            id: Some(manifest.label.clone()),
            kind: manifest.kind,
            by_checksum: false,
            name,
            annotations: Annotations::stored(annotations),
            server: BackedUpServer {
                system_id: manifest.cluster.system_id,
                version: self.version,
                segment_size: SegmentSize::new(self.segment_size).ok()?,
                data_directory: manifest.data_directory.clone(),
                config_file: self.config_file,
                hba_file: self.hba_file,
                ident_file: self.ident_file,
                included_files: self.included_files,
                tablespaces: manifest.tablespaces.clone(),
                databases: manifest.databases(),
                data_checksums: self.data_checksums,
                summarize_wal: self.summarize_wal,
                cluster_size: self.cluster_size,
            },
            began: Timestamp::from_microsecond(self.began).ok()?,
            offset: Offset::from_seconds(self.began_offset).ok()?,
            timeline: first.timeline(),
            start: manifest.lsn_start?,
        };
        let end = BackupEnd {
            ended: Timestamp::from_microsecond(self.ended).ok()?,
            offset: Offset::from_seconds(self.ended_offset).ok()?,
            timeline: last.timeline(),
            stop: manifest.lsn_stop?,
            label: self.label,
            tablespace_map: self.tablespace_map,
            notes: self.notes,
            wal_was_found: true,
        };
        Some((start, end))
    }
}

/// Returns a value as an entry of a manifest; none if the tool could not read the manifest then, as
/// it knows no numbers of characters.
fn entry(key: &str, value: &impl Serialize) -> BTreeMap<String, String> {
    let json = serde_json::to_string(value).unwrap_or_default();
    let is_readable = !json.is_empty() && !json.contains("\\u");
    let entry = is_readable.then(|| (key.to_owned(), json));
    entry.into_iter().collect()
}

fn read<T: DeserializeOwned>(manifest: &Manifest, key: &str) -> Option<T> {
    serde_json::from_str(manifest.extension.get(key)?).ok()
}
