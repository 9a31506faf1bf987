use std::fmt;

use serde::Deserialize;

use super::{InvalidInfo, parsed, required};
use crate::{
    pg::{MajorVersion, SystemId},
    repository::{
        ClusterIdentity,
        pgbackrest::ini::{Ini, json_string},
    },
};

/// The clusters that a stanza was of: one entry more with each upgrade.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct History {
    /// At least one, in ascending order of their numbers.
    entries: Vec<HistoryEntry>,
    /// The number of the current one.
    current: u32,
}

/// A cluster that a stanza is or was of.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HistoryEntry {
    /// Its number, from 1.
    pub id: u32,
    /// Its system identifier.
    pub system_id: SystemId,
    /// Its version as pgBackRest writes it, which may be one that walcast does not know.
    pub version: String,
}

impl HistoryEntry {
    /// Returns the folder of its WAL.
    pub fn archive_id(&self) -> ArchiveId {
        ArchiveId(format!("{}-{}", self.version, self.id))
    }

    /// Returns whether it is the cluster `identity`.
    pub fn is(&self, identity: &ClusterIdentity) -> bool {
        self.system_id == identity.system_id && self.version == identity.version.to_string()
    }

    /// Returns the version, if walcast knows it.
    pub fn major_version(&self) -> Option<MajorVersion> {
        self.version.parse().ok()
    }
}

/// Writes `version 15, system identifier 7…`.
impl fmt::Display for HistoryEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "version {}, system identifier {}",
            self.version, self.system_id
        )
    }
}

/// The folder of one cluster's WAL, such as `15-1`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ArchiveId(String);

impl ArchiveId {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ArchiveId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl History {
    /// Returns the cluster that the stanza is of now.
    pub fn current(&self) -> &HistoryEntry {
        let entry = self.entry(self.current);
        entry.expect("it was checked when the history was read")
    }

    /// Returns all of them in ascending order of their numbers.
    pub fn entries(&self) -> &[HistoryEntry] {
        &self.entries
    }

    /// Returns the one with this number.
    pub fn entry(&self, id: u32) -> Option<&HistoryEntry> {
        self.entries.iter().find(|entry| entry.id == id)
    }

    /// Returns the entries that are the current cluster, the newest first: a stanza may have been
    /// of it before.
    pub fn of_current(&self) -> impl Iterator<Item = &HistoryEntry> {
        let current = self.current();
        let is_same = |entry: &&HistoryEntry| {
            (entry.system_id, &entry.version) == (current.system_id, &current.version)
        };
        self.entries.iter().rev().filter(is_same)
    }

    pub(super) fn of(identity: &ClusterIdentity) -> Self {
        Self {
            entries: vec![entry(1, identity)],
            current: 1,
        }
    }

    /// Adds the cluster of an upgrade.
    pub(super) fn push(&mut self, identity: &ClusterIdentity) {
        let last = self.entries.last().map_or(0, |entry| entry.id);
        self.current = last + 1;
        self.entries.push(entry(self.current, identity));
    }

    pub(super) fn read(record: &Ini) -> Result<Self, InvalidInfo> {
        let mut entries = Vec::new();
        for (key, json) in record.section(HISTORY) {
            let entry: Entry = parsed(HISTORY, key, json)?;
            let id = key.parse().ok();
            let (Some(id), Some(system_id)) = (id, entry.system_id()) else {
                let (section, key) = (HISTORY, key.to_owned());
                return Err(InvalidInfo::Value { section, key });
            };
            entries.push(HistoryEntry {
                id,
                system_id: SystemId::new(system_id),
                version: entry.version,
            });
        }
        entries.sort_by_key(|entry| entry.id);
        let history = Self {
            entries,
            current: required(record, DB, "db-id")?,
        };
        let system_id = SystemId::new(required(record, DB, "db-system-id")?);
        let version: String = required(record, DB, "db-version")?;
        let is_current =
            |entry: &HistoryEntry| entry.system_id == system_id && entry.version == version;
        if history.entry(history.current).is_some_and(is_current) {
            Ok(history)
        } else {
            Err(InvalidInfo::Current(history.current))
        }
    }

    /// Writes the current entry as `archive.info` has it.
    pub(super) fn write_to_archive(&self, record: &mut Ini) {
        let current = self.current();
        let json = format!(
            "{{\"db-id\":{},\"db-version\":{}}}",
            current.system_id,
            json_string(&current.version)
        );
        self.write(record, json);
    }

    /// Writes the current entry as `backup.info` has it; the versions are those of `identity`.
    pub(super) fn write_to_backup(&self, record: &mut Ini, identity: &ClusterIdentity) {
        let current = self.current();
        let catalog = identity.version.catalog_version();
        let control = identity.version.control_version();
        record.set(DB, "db-catalog-version", catalog.to_string());
        record.set(DB, "db-control-version", control.to_string());
        let json = format!(
            "{{\"db-catalog-version\":{catalog},\"db-control-version\":{control},\
             \"db-system-id\":{},\"db-version\":{}}}",
            current.system_id,
            json_string(&current.version)
        );
        self.write(record, json);
    }

    fn write(&self, record: &mut Ini, entry: String) {
        let current = self.current();
        record.set(DB, "db-id", current.id.to_string());
        record.set(DB, "db-system-id", current.system_id.to_string());
        record.set(DB, "db-version", json_string(&current.version));
        record.set(HISTORY, &current.id.to_string(), entry);
    }
}

fn entry(id: u32, identity: &ClusterIdentity) -> HistoryEntry {
    HistoryEntry {
        id,
        system_id: identity.system_id,
        version: identity.version.to_string(),
    }
}

#[derive(Deserialize)]
struct Entry {
    /// In `archive.info`, whatever it is called.
    #[serde(rename = "db-id")]
    archived: Option<u64>,
    /// In `backup.info`.
    #[serde(rename = "db-system-id")]
    backed_up: Option<u64>,
    #[serde(rename = "db-version")]
    version: String,
}

impl Entry {
    fn system_id(&self) -> Option<u64> {
        self.backed_up.or(self.archived)
    }
}

const DB: &str = "db";
const HISTORY: &str = "db:history";
