//! What a stanza holds, in the words of the tool's `info --output=json`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{BackupEntry, BackupInfo, HistoryEntry, InvalidInfo, PgBackRestRepository};
use crate::{
    pg::SegmentName,
    repository::{BackupKind, Result},
};

/// What a stanza holds, with the fields that the tool's `info --output=json` has for it.
///
/// There is one repository in it. Entries of `backup.info` that cannot be understood are left out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StanzaReport {
    /// The WAL of each cluster of which there is any.
    pub archive: Vec<ArchiveReport>,
    /// The base backups, by their ends.
    pub backup: Vec<BackupReport>,
    /// Whether the repository is encrypted: `none` or `aes-256-cbc`.
    pub cipher: &'static str,
    /// The clusters that the stanza was of, the first one first.
    pub db: Vec<ClusterReport>,
    /// The stanza's name.
    pub name: String,
    /// The repository.
    pub repo: [RepositoryReport; 1],
    /// Whether it can be used.
    pub status: StatusReport,
}

/// The WAL of one cluster.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ArchiveReport {
    /// Which cluster.
    pub database: DatabaseReport,
    /// The folder.
    pub id: String,
    /// The last segment.
    pub max: Option<String>,
    /// The first segment.
    pub min: Option<String>,
}

/// Which cluster and repository something is of.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct DatabaseReport {
    /// The number of the cluster in the history.
    pub id: u32,
    /// The number of the repository.
    #[serde(rename = "repo-key")]
    pub repo_key: u32,
}

/// A cluster that the stanza was of.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClusterReport {
    /// Its number in the history.
    pub id: u32,
    /// The number of the repository.
    #[serde(rename = "repo-key")]
    pub repo_key: u32,
    /// Its system identifier.
    #[serde(rename = "system-id")]
    pub system_id: u64,
    /// Its version.
    pub version: String,
}

/// A base backup.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BackupReport {
    /// What was written beside it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotation: BTreeMap<String, String>,
    /// The WAL that it needs.
    pub archive: Bounds<Option<String>>,
    /// The release that wrote it.
    pub backrest: WriterReport,
    /// The cluster.
    pub database: DatabaseReport,
    /// Whether pages have wrong checksums.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<bool>,
    /// Its sizes.
    pub info: SizeReport,
    /// What it is called.
    pub label: String,
    /// Its positions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lsn: Option<Bounds<String>>,
    /// The backup on which it is based.
    pub prior: Option<String>,
    /// The backups that hold files of it.
    pub reference: Option<Vec<String>>,
    /// When it began and ended, in seconds since 1970.
    pub timestamp: Bounds<i64>,
    /// What it holds.
    #[serde(rename = "type")]
    pub kind: BackupKind,
}

/// The begin and the end of something.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bounds<T> {
    /// The begin.
    pub start: T,
    /// The end.
    pub stop: T,
}

/// A writer of backups.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WriterReport {
    /// The format.
    pub format: u32,
    /// The release.
    pub version: String,
}

/// Sizes of a base backup, in bytes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SizeReport {
    /// Of the files that it holds itself, as they were.
    pub delta: u64,
    /// As they are stored.
    pub repository: StoredSizeReport,
    /// Of all files, as they were.
    pub size: u64,
}

/// Sizes of what is stored, in bytes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StoredSizeReport {
    /// Of the files that the backup holds itself.
    pub delta: u64,
    /// Of the block maps of these.
    #[serde(rename = "delta-map", skip_serializing_if = "Option::is_none")]
    pub delta_map: Option<u64>,
    /// Of all files; not known where files are stored in blocks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Of the block maps of these.
    #[serde(rename = "size-map", skip_serializing_if = "Option::is_none")]
    pub size_map: Option<u64>,
}

/// The repository.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RepositoryReport {
    /// Whether it is encrypted.
    pub cipher: &'static str,
    /// Its number.
    pub key: u32,
    /// Whether it can be used.
    pub status: CodeReport,
}

/// Whether something can be used.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CodeReport {
    /// 0 if it can, and 2 if there is no backup.
    pub code: u32,
    /// The same in words.
    pub message: &'static str,
}

/// Whether the stanza can be used, and whether somebody works on it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StatusReport {
    /// 0 if it can, and 2 if there is no backup.
    pub code: u32,
    /// What the tool works on, on this machine.
    pub lock: LockReport,
    /// The code in words.
    pub message: &'static str,
}

/// What the tool works on, on this machine.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LockReport {
    /// A backup, or what expires.
    pub backup: HeldReport,
}

/// Whether a lock is held.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct HeldReport {
    /// Whether it is.
    pub held: bool,
}

impl PgBackRestRepository {
    /// Returns what the stanza holds, in the words of the tool.
    ///
    /// # Errors
    ///
    /// [`Error::NotSetUp`](crate::repository::Error::NotSetUp) if there is no stanza, and those of the store.
    pub async fn report(&self) -> Result<StanzaReport> {
        let info = self.load_backup_info().await?;
        let key = self.settings.number;
        let mut archive = Vec::new();
        for cluster in info.history().entries() {
            archive.extend(self.archive_report(cluster, key).await?);
        }
        let backup = backups(&info, key);
        let cipher = match self.settings.passphrase {
            Some(_) => "aes-256-cbc",
            None => "none",
        };
        let (code, message) = if backup.is_empty() {
            (2, "no valid backups")
        } else {
            (0, "ok")
        };
        let cluster = |entry: &HistoryEntry| ClusterReport {
            id: entry.id,
            repo_key: key,
            system_id: entry.system_id.get(),
            version: entry.version.clone(),
        };
        let held = self.check_not_locked().await.is_err();
        Ok(StanzaReport {
            archive,
            backup,
            cipher,
            db: info.history().entries().iter().map(cluster).collect(),
            name: self.settings.stanza.clone(),
            repo: [RepositoryReport {
                cipher,
                key,
                status: CodeReport { code, message },
            }],
            status: StatusReport {
                code,
                lock: LockReport {
                    backup: HeldReport { held },
                },
                message,
            },
        })
    }

    /// Returns the first and the last segment of a cluster; `None` if it has no folder.
    async fn archive_report(
        &self,
        cluster: &HistoryEntry,
        key: u32,
    ) -> Result<Option<ArchiveReport>> {
        let id = cluster.archive_id();
        let prefix = self.keys.wals(&id);
        let level = self.store.list_level(&prefix).await?;
        if level.objects.is_empty() && level.prefixes.is_empty() {
            return Ok(None);
        }
        let folders = level.prefixes.iter();
        let folder = |prefix: &&String| self.keys.parse_folder(&id, prefix).is_some();
        let mut folders: Vec<_> = folders.filter(folder).collect();
        folders.sort();
        let mut segments: Vec<SegmentName> = Vec::new();
        for folder in folders.iter().take(1).chain(folders.iter().skip(1).last()) {
            let level = self.store.list_level(folder).await?;
            let named = level.objects.iter().filter_map(|object| {
                let stored = self.keys.parse(&id, &object.key)?;
                stored.name.segment().filter(|_| stored.name.is_segment())
            });
            segments.extend(named);
        }
        let text = |segment: Option<&SegmentName>| segment.map(ToString::to_string);
        Ok(Some(ArchiveReport {
            database: DatabaseReport {
                id: cluster.id,
                repo_key: key,
            },
            id: id.to_string(),
            max: text(segments.iter().max()),
            min: text(segments.iter().min()),
        }))
    }
}

/// Returns the base backups, by their ends.
fn backups(info: &BackupInfo, key: u32) -> Vec<BackupReport> {
    let readable = info.backups().filter_map(|(label, entry)| {
        let entry = entry.inspect_err(|error: &InvalidInfo| {
            tracing::warn!(label, %error, "the backup is left out");
        });
        Some(backup(label, entry.ok()?, key))
    });
    let mut backups: Vec<_> = readable.collect();
    backups.sort_by_key(|backup| backup.timestamp.stop);
    backups
}

fn backup(label: &str, entry: BackupEntry, key: u32) -> BackupReport {
    let in_blocks = entry.map_size.is_some();
    let segment = |segment: Option<SegmentName>| segment.map(|name| name.to_string());
    BackupReport {
        annotation: entry.annotations,
        archive: Bounds {
            start: segment(entry.archive_start),
            stop: segment(entry.archive_stop),
        },
        backrest: WriterReport {
            format: entry.format,
            version: entry.writer,
        },
        database: DatabaseReport {
            id: entry.history_id,
            repo_key: key,
        },
        error: entry.has_page_errors,
        info: SizeReport {
            delta: entry.size_delta,
            repository: StoredSizeReport {
                delta: entry.repository_size_delta,
                delta_map: entry.map_size_delta,
                size: (!in_blocks).then_some(entry.repository_size),
                size_map: entry.map_size,
            },
            size: entry.size,
        },
        label: label.to_owned(),
        lsn: entry
            .lsn_start
            .zip(entry.lsn_stop)
            .map(|(start, stop)| Bounds {
                start: start.to_string(),
                stop: stop.to_string(),
            }),
        reference: entry.prior.is_some().then_some(entry.references),
        prior: entry.prior,
        timestamp: Bounds {
            start: entry.began.as_second(),
            stop: entry.ended.as_second(),
        },
        kind: entry.kind,
    }
}
