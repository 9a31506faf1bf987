//! What the plugin found in the repositories of a stanza.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::BackupType;
use crate::{
    crd::definition::Int,
    pg::{InvalidLsn, Lsn},
};

/// The oldest and the newest backup, whichever repository they are in.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RecoveryWindow {
    /// The oldest; empty while there is none.
    pub first_backup: Backup,
    /// The newest; empty while there is none.
    pub last_backup: Backup,
}

impl RecoveryWindow {
    /// Returns the oldest backup.
    pub fn first(&self) -> Option<&Backup> {
        Some(&self.first_backup).filter(|backup| backup.is_there())
    }

    /// Returns the newest backup.
    pub fn last(&self) -> Option<&Backup> {
        Some(&self.last_backup).filter(|backup| backup.is_there())
    }
}

/// A base backup as pgBackRest describes it; texts are empty and numbers 0 while there is none.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Backup {
    /// Its label, such as `20260210-101333F`.
    pub label: String,
    /// How much of the cluster it has.
    #[schemars(with = "String")]
    pub r#type: BackupType,
    /// The label of the backup that it builds on; empty of a full one.
    pub prior: String,
    /// The first and the last segment that it needs to be consistent.
    pub archive: Bounds<String>,
    /// The WAL positions of its beginning and its end.
    pub lsn: Bounds<String>,
    /// When it began and ended, in seconds since 1970.
    pub timestamp: Bounds<i64>,
}

impl Backup {
    /// Returns whether there is a backup.
    pub fn is_there(&self) -> bool {
        !self.label.is_empty()
    }

    /// Returns the WAL positions of its beginning and its end.
    ///
    /// # Errors
    /// A text is not a position; also while there is no backup.
    pub fn lsn(&self) -> Result<Bounds<Lsn>, InvalidLsn> {
        Ok(Bounds {
            start: self.lsn.start.parse()?,
            stop: self.lsn.stop.parse()?,
        })
    }

    /// Returns when it began and ended; `None` while there is no backup.
    pub fn time(&self) -> Option<Bounds<Timestamp>> {
        let time = |seconds: i64| Timestamp::from_second(seconds).ok();
        self.is_there().then_some(())?;
        Some(Bounds {
            start: time(self.timestamp.start)?,
            stop: time(self.timestamp.stop)?,
        })
    }
}

/// The backup that is not there.
impl Default for Backup {
    fn default() -> Self {
        Self {
            label: String::new(),
            r#type: BackupType::Other(String::new()),
            prior: String::new(),
            archive: Bounds::default(),
            lsn: Bounds::default(),
            timestamp: Bounds::default(),
        }
    }
}

/// Where something begins and ends.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Bounds<T> {
    /// Its beginning.
    pub start: T,
    /// Its end.
    pub stop: T,
}

/// How many backups there are. Since release 0.0.1b.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BackupsCount {
    /// Full ones.
    #[schemars(with = "Int")]
    pub full: i64,
    /// Those with what changed since the last one.
    #[schemars(with = "Int")]
    pub incr: i64,
    /// Those with what changed since the last full one.
    #[schemars(with = "Int")]
    pub diff: i64,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn there_is_no_backup_before_the_first() {
        let window = RecoveryWindow::default();

        assert_eq!((window.first(), window.last()), (None, None));
        assert_eq!(window.first_backup.time(), None);
        let json = serde_json::to_value(&window).unwrap();
        assert_eq!(json["firstBackup"]["label"], "");
        assert_eq!(json["firstBackup"]["timestamp"]["start"], 0);
    }

    #[test]
    fn a_backup_has_positions_and_times() {
        let backup: Backup = serde_json::from_value(json!({
            "label": "20260210-101333F",
            "type": "full",
            "prior": "",
            "archive": { "start": "000000010000000000000003", "stop": "000000010000000000000004" },
            "lsn": { "start": "0/3000028", "stop": "0/4000050" },
            "timestamp": { "start": 1_770_718_413, "stop": 1_770_718_420 },
        }))
        .unwrap();

        assert_eq!(backup.r#type, BackupType::Full);
        assert_eq!(backup.lsn().unwrap().stop.get(), 0x400_0050);
        let start = backup.time().unwrap().start;
        assert_eq!(start.to_string(), "2026-02-10T10:13:33Z");
    }
}
