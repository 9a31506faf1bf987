//! One file that somebody owes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    codec::{Codec, ContentDigest, Encoding, Sha256},
    destination::DestinationId,
    pg::{MajorVersion, SystemId, WalFileName},
    repository::{ClusterIdentity, WalFile},
};

/// One file that somebody owes.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its name.
    pub name: WalFileName,
    /// The digest of its content, where known.
    pub content: Option<ContentDigest>,
    /// Which cluster wrote it, where known.
    pub identity: Option<ClusterIdentity>,
    /// Its bytes in the spool; none for a recorded gap.
    pub stored: Option<StoredBytes>,
    /// Who owes it.
    pub owed: BTreeMap<DestinationId, Debt>,
}

/// Why and since when a destination owes a file.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Debt {
    /// Since when.
    pub since: Timestamp,
    /// Why, in one line.
    pub reason: String,
    /// The destination holds other content under this name; looked at again at this time.
    #[serde(skip)]
    pub parked: Option<Timestamp>,
}

/// Bytes in the spool.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StoredBytes {
    /// How they are encoded.
    pub encoding: Encoding,
    /// How many.
    pub len: u64,
    /// Their SHA-256.
    pub sha256: Sha256,
}

impl Entry {
    pub(super) fn of(wal: &WalFile, with_bytes: bool, debts: Vec<(DestinationId, Debt)>) -> Self {
        let stored = with_bytes.then(|| StoredBytes {
            encoding: wal.encoding,
            len: wal.payload.len(),
            sha256: wal.payload.sha256(),
        });
        Self {
            name: wal.name,
            content: Some(wal.content),
            identity: wal.identity,
            stored,
            owed: debts.into_iter().collect(),
        }
    }

    pub(super) fn unknown(name: WalFileName, debts: Vec<(DestinationId, Debt)>) -> Self {
        let owed = debts.into_iter().collect();
        Self {
            name,
            content: None,
            identity: None,
            stored: None,
            owed,
        }
    }

    /// Returns the name of the file with the bytes, with the suffix of its codec.
    pub(super) fn bytes_name(name: WalFileName, encoding: Encoding) -> String {
        match encoding.codec() {
            Some(codec) => format!("{name}.{}", codec.barman_extension()),
            None => name.to_string(),
        }
    }

    /// Returns the bytes that count against the limit.
    pub(super) fn len(&self) -> u64 {
        self.stored.map_or(0, |stored| stored.len)
    }
}

/// `entry.json`.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Record {
    name: WalFileName,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<ContentDigest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<IdentityRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stored: Option<StoredRecord>,
    owed: BTreeMap<DestinationId, Debt>,
}

#[derive(Debug, Deserialize, Serialize)]
struct IdentityRecord {
    system_id: SystemId,
    version: MajorVersion,
}

#[derive(Debug, Deserialize, Serialize)]
struct StoredRecord {
    codec: Option<Codec>,
    level: Option<i32>,
    len: u64,
    sha256: Sha256,
}

impl From<&Entry> for Record {
    fn from(entry: &Entry) -> Self {
        Self {
            name: entry.name,
            content: entry.content,
            identity: entry.identity.map(|identity| IdentityRecord {
                system_id: identity.system_id,
                version: identity.version,
            }),
            stored: entry.stored.map(|stored| StoredRecord {
                codec: stored.encoding.codec(),
                level: stored.encoding.level(),
                len: stored.len,
                sha256: stored.sha256,
            }),
            owed: entry.owed.clone(),
        }
    }
}

impl Record {
    /// Returns the entry; bytes in an encoding that this build lacks are left where they are and
    /// the entry counts as a gap.
    pub(super) fn into_entry(self) -> Entry {
        let stored = self.stored.and_then(|stored| {
            let encoding = match stored.codec {
                Some(codec) => Encoding::new(codec, stored.level).ok()?,
                None => Encoding::PLAIN,
            };
            Some(StoredBytes {
                encoding,
                len: stored.len,
                sha256: stored.sha256,
            })
        });
        Entry {
            name: self.name,
            content: self.content,
            identity: self.identity.map(|identity| ClusterIdentity {
                system_id: identity.system_id,
                version: identity.version,
            }),
            stored,
            owed: self.owed,
        }
    }
}
