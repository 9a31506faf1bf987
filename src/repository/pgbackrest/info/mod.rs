//! `archive.info` and `backup.info`: which clusters a stanza is of, and its base backups.

mod archive;
mod backup;
mod entry;
mod history;
#[cfg(test)]
mod tests;

use serde::de::DeserializeOwned;

pub(super) use self::entry::entry_of;
pub use self::{
    archive::ArchiveInfo,
    backup::{BackupEntry, BackupInfo},
    history::{ArchiveId, History, HistoryEntry},
};
use super::ini::{Ini, InvalidIni};
use crate::{codec::cipher::Passphrase, secret::Secret};

/// A text is not an `archive.info` or a `backup.info`, or is damaged.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidInfo {
    /// It is no record at all.
    #[error(transparent)]
    Ini(#[from] InvalidIni),
    /// A value is missing.
    #[error("it has no {key} in [{section}]")]
    Missing {
        /// The section.
        section: &'static str,
        /// The key.
        key: String,
    },
    /// A value is not what it should be.
    #[error("{key} in [{section}] cannot be understood")]
    Value {
        /// The section.
        section: &'static str,
        /// The key.
        key: String,
    },
    /// The current cluster is not the one of the history.
    #[error("its current cluster {0} is not in its history")]
    Current(u32),
}

/// Reads a value that must be there.
fn required<T: DeserializeOwned>(
    record: &Ini,
    section: &'static str,
    key: &str,
) -> Result<T, InvalidInfo> {
    let json = record.get(section, key);
    let json = json.ok_or_else(|| InvalidInfo::Missing {
        section,
        key: key.to_owned(),
    })?;
    parsed(section, key, json)
}

fn parsed<T: DeserializeOwned>(
    section: &'static str,
    key: &str,
    json: &str,
) -> Result<T, InvalidInfo> {
    // The error of the parser may quote a secret.
    serde_json::from_str(json).map_err(|_| InvalidInfo::Value {
        section,
        key: key.to_owned(),
    })
}

/// Reads the passphrase of what belongs to the file, if that is encrypted.
fn passphrase(record: &Ini) -> Result<Option<Passphrase>, InvalidInfo> {
    if record.get(CIPHER, CIPHER_PASS).is_none() {
        return Ok(None);
    }
    let text: String = required(record, CIPHER, CIPHER_PASS)?;
    Ok(Some(Passphrase::new(Secret::new(text))))
}

fn set_passphrase(record: &mut Ini, passphrase: Option<&Passphrase>) {
    if let Some(passphrase) = passphrase {
        let json = super::ini::json_string(passphrase.reveal());
        record.set(CIPHER, CIPHER_PASS, json);
    }
}

const CIPHER: &str = "cipher";
const CIPHER_PASS: &str = "cipher-pass";
