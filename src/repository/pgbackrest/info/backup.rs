use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{History, InvalidInfo, parsed, passphrase, set_passphrase};
use crate::{
    codec::cipher::Passphrase,
    pg::{Lsn, SegmentName},
    repository::{BackupKind, ClusterIdentity, pgbackrest::ini::Ini},
};

/// What `backup.info` says. Keys that are not understood are kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BackupInfo {
    pub(super) record: Ini,
    history: History,
    passphrase: Option<Passphrase>,
}

/// What `backup.info` says of a base backup.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
pub struct BackupEntry {
    /// The format.
    #[serde(default, rename = "backrest-format")]
    pub format: u32,
    /// The release that wrote it.
    #[serde(default, rename = "backrest-version")]
    pub writer: String,
    /// Whether it holds all files or only what changed.
    #[serde(rename = "backup-type")]
    pub kind: BackupKind,
    /// The backup whose changes it holds.
    #[serde(rename = "backup-prior")]
    pub prior: Option<String>,
    /// The backups that hold files of it.
    #[serde(default, rename = "backup-reference")]
    pub references: Vec<String>,
    /// The first segment that recovery needs; none if the server did not run.
    #[serde(default, rename = "backup-archive-start", deserialize_with = "segment")]
    pub archive_start: Option<SegmentName>,
    /// The last segment that recovery needs.
    #[serde(default, rename = "backup-archive-stop", deserialize_with = "segment")]
    pub archive_stop: Option<SegmentName>,
    /// Where recovery begins.
    #[serde(default, rename = "backup-lsn-start", deserialize_with = "lsn")]
    pub lsn_start: Option<Lsn>,
    /// Where a recovered server is consistent at the earliest.
    #[serde(default, rename = "backup-lsn-stop", deserialize_with = "lsn")]
    pub lsn_stop: Option<Lsn>,
    /// When it began.
    #[serde(rename = "backup-timestamp-start", deserialize_with = "time")]
    pub began: Timestamp,
    /// When it ended.
    #[serde(rename = "backup-timestamp-stop", deserialize_with = "time")]
    pub ended: Timestamp,
    /// Size of the server's files, in bytes.
    #[serde(rename = "backup-info-size")]
    pub size: u64,
    /// Size of those of them that it holds itself.
    #[serde(rename = "backup-info-size-delta")]
    pub size_delta: u64,
    /// Size of all its files in the repository, in bytes.
    #[serde(rename = "backup-info-repo-size")]
    pub repository_size: u64,
    /// Size of those of them that it holds itself.
    #[serde(rename = "backup-info-repo-size-delta")]
    pub repository_size_delta: u64,
    /// Size of the block maps of all its files, if files are stored in blocks.
    #[serde(rename = "backup-info-repo-size-map")]
    pub map_size: Option<u64>,
    /// Size of the block maps of those that it holds itself.
    #[serde(rename = "backup-info-repo-size-map-delta")]
    pub map_size_delta: Option<u64>,
    /// Whether files have pages with wrong checksums; `None` if that was not written down.
    #[serde(rename = "backup-error")]
    pub has_page_errors: Option<bool>,
    /// What was added to it, by key.
    #[serde(default, rename = "backup-annotation")]
    pub annotations: BTreeMap<String, String>,
    /// The number of its cluster in the history.
    #[serde(rename = "db-id")]
    pub history_id: u32,
}

impl BackupInfo {
    /// Describes a new stanza, in the name of pgBackRest's release `writer`. The manifests are
    /// encrypted with `passphrase`.
    pub fn new(writer: &str, identity: &ClusterIdentity, passphrase: Option<Passphrase>) -> Self {
        let mut record = Ini::new(writer);
        let history = History::of(identity);
        history.write_to_backup(&mut record, identity);
        set_passphrase(&mut record, passphrase.as_ref());
        Self {
            record,
            history,
            passphrase,
        }
    }

    /// Reads it, without a look at the backups.
    pub fn parse(text: &str) -> Result<Self, InvalidInfo> {
        let record = Ini::parse(text)?;
        Ok(Self {
            history: History::read(&record)?,
            passphrase: passphrase(&record)?,
            record,
        })
    }

    /// Returns the text.
    pub fn to_text(&self) -> Zeroizing<String> {
        self.record.to_text()
    }

    /// Returns the clusters.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Returns what the manifests are encrypted with.
    pub fn passphrase(&self) -> Option<&Passphrase> {
        self.passphrase.as_ref()
    }

    /// Returns the base backups by their labels, oldest first.
    pub fn backups(&self) -> impl Iterator<Item = (&str, Result<BackupEntry, InvalidInfo>)> {
        let entries = self.record.section(CURRENT);
        entries.map(|(label, json)| (label, parsed(CURRENT, label, json)))
    }

    /// Adds a base backup, or replaces what is said of it.
    pub(in crate::repository::pgbackrest) fn insert(&mut self, label: &str, entry: String) {
        self.record.set(CURRENT, label, entry);
    }

    /// Takes base backups out.
    pub fn remove_backups(&mut self, labels: &BTreeSet<&str>) {
        for label in labels {
            self.record.remove(CURRENT, label);
        }
    }

    /// Makes the stanza one of another cluster.
    pub fn upgrade(&mut self, identity: &ClusterIdentity) {
        self.history.push(identity);
        self.history.write_to_backup(&mut self.record, identity);
    }
}

fn segment<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SegmentName>, D::Error> {
    from_text(deserializer)
}

fn lsn<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Lsn>, D::Error> {
    from_text(deserializer)
}

fn from_text<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let text = Option::<String>::deserialize(deserializer)?;
    let value = text.map(|text| text.parse().map_err(serde::de::Error::custom));
    value.transpose()
}

fn time<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let seconds = i64::deserialize(deserializer)?;
    Timestamp::from_second(seconds).map_err(serde::de::Error::custom)
}

const CURRENT: &str = "backup:current";
