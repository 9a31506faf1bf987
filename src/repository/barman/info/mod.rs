//! `backup.info`: what Barman records of a base backup.

mod fields;
mod time;

use std::{collections::BTreeMap, fmt, str::FromStr};

pub use self::time::{InfoTime, InvalidInfoTime};
use super::Literal;
use crate::pg::{Lsn, Oid, SegmentName, SegmentSize, SystemId, TimelineId};

/// A text is not a `backup.info`.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("line {line} of backup.info: {problem}")]
pub struct InvalidBackupInfo {
    line: usize,
    problem: String,
}

impl InvalidBackupInfo {
    /// Returns the number of the line, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// Tells the user what to do.
    pub fn hint(&self) -> &'static str {
        "The file is damaged or of a version of Barman that is not known here; compare it with \
         what barman-cloud-backup-show says."
    }
}

/// The content of `backup.info`.
///
/// One `name=value` per line, ordered by name; the fields have the names and forms of
/// `barman-cloud-backup` 3.17 to 3.20, which write the same set. `None` in a file is nothing
/// here. Most fields are of use to people only; what the tools cannot do without is said.
///
/// **Barman stops at a name that it does not know**, for all backups of the server: put nothing
/// into [`others`](Self::others) that was not read. Lines that begin with `#` are ignored by all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BackupInfo {
    /// The text of the backup label, known from the end on.
    pub backup_label: Option<String>,
    /// The name that was given to the backup; written at the end. CloudNativePG finds its backup
    /// by it.
    pub backup_name: Option<String>,
    /// `begin_xlog` within its segment, in bytes.
    pub begin_offset: Option<u64>,
    /// When the backup began, by the server's clock. CloudNativePG needs it.
    pub begin_time: Option<InfoTime>,
    /// The segment in which the backup began. Deletion needs it.
    pub begin_wal: Option<SegmentName>,
    /// Where the backup began.
    pub begin_xlog: Option<Lsn>,
    /// Always nothing.
    pub children_backup_ids: Option<String>,
    /// Size of all tablespaces together, in bytes.
    pub cluster_size: Option<u64>,
    /// Always nothing, also for compressed backups: the names of the archives tell.
    pub compression: Option<String>,
    /// Path of `postgresql.conf`.
    pub config_file: Option<String>,
    /// How long the copy took, as a [dictionary](Literal::Dict).
    pub copy_stats: Option<Literal>,
    /// `on` or `off`.
    pub data_checksums: Option<String>,
    /// Always nothing.
    pub deduplicated_size: Option<u64>,
    /// Always nothing.
    pub encryption: Option<String>,
    /// `end_xlog` within its segment, in bytes.
    pub end_offset: Option<u64>,
    /// When the backup ended. Retention needs it, and CloudNativePG, to which a backup with both
    /// times is complete: a failed one must have none.
    pub end_time: Option<InfoTime>,
    /// The segment that contains `end_xlog`.
    pub end_wal: Option<SegmentName>,
    /// Where the backup ended.
    pub end_xlog: Option<Lsn>,
    /// Why the backup failed, in one line.
    pub error: Option<String>,
    /// Path of `pg_hba.conf`.
    pub hba_file: Option<String>,
    /// Path of `pg_ident.conf`.
    pub ident_file: Option<String>,
    /// Paths of further files with settings.
    pub included_files: Option<Vec<String>>,
    /// Always nothing.
    pub mode: Option<String>,
    /// Always nothing.
    pub parent_backup_id: Option<String>,
    /// Path of the data directory.
    pub pgdata: Option<String>,
    /// Always [`SERVER_NAME`](Self::SERVER_NAME), whatever the server is called.
    pub server_name: Option<String>,
    /// Always nothing.
    pub size: Option<u64>,
    /// What is known of snapshots of disks; left out of the file if there are none.
    pub snapshots_info: Option<Literal>,
    /// What became of the backup.
    pub status: Option<BackupStatus>,
    /// `on` or `off`, from PostgreSQL 17 on.
    pub summarize_wal: Option<String>,
    /// The system identifier.
    pub systemid: Option<SystemId>,
    /// The tablespaces. Restoration needs them.
    pub tablespaces: Option<Vec<InfoTablespace>>,
    /// The timeline on which the backup began. Deletion of WAL needs it.
    pub timeline: Option<TimelineId>,
    /// The server's version, such as 150020 for 15.20. Restoration needs it.
    pub version: Option<u32>,
    /// Size of a WAL segment, 16 MiB if there is nothing.
    pub xlog_segment_size: Option<SegmentSize>,
    /// Fields that are not known here, with their text.
    pub others: BTreeMap<String, String>,
    /// Lines that begin with `#`, without it; written first.
    pub comments: Vec<String>,
}

impl BackupInfo {
    /// What stands in place of the server's name. CloudNativePG looks for it.
    pub const SERVER_NAME: &'static str = "cloud";

    /// Most bytes that such a file can sensibly have.
    pub const MAX_LEN: u64 = 4 << 20;

    /// Reads the content of a file, as leniently as Barman does: in any order, with blanks around
    /// names and values, with CRLF.
    pub fn parse(text: &str) -> Result<Self, InvalidBackupInfo> {
        let mut info = Self::default();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() {
                continue;
            }
            if let Some(comment) = line.strip_prefix('#') {
                info.comments.push(comment.to_owned());
                continue;
            }
            info.read_line(line).map_err(|problem| InvalidBackupInfo {
                line: index + 1,
                problem,
            })?;
        }
        Ok(info)
    }

    /// Returns what became of the backup.
    pub fn status(&self) -> &BackupStatus {
        self.status.as_ref().unwrap_or(&BackupStatus::Empty)
    }

    /// Returns the size of a WAL segment.
    pub fn segment_size(&self) -> SegmentSize {
        self.xlog_segment_size.unwrap_or_default()
    }

    fn read_line(&mut self, line: &str) -> Result<(), String> {
        let (name, value) = line
            .split_once('=')
            .ok_or_else(|| "there is no `=`".to_owned())?;
        let (name, value) = (name.trim_end(), value.trim_start());
        match self.set(name, value) {
            Some(Ok(())) => {}
            Some(Err(problem)) => return Err(format!("{name} is `{value}`: {problem}")),
            None => {
                self.others.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(())
    }
}

impl fmt::Display for BackupInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for comment in &self.comments {
            writeln!(f, "#{}", one_line(comment))?;
        }
        let mut lines = self.values();
        lines.extend(
            self.others
                .iter()
                .map(|(name, value)| (name.as_str(), value.clone())),
        );
        lines.sort_by(|a, b| a.0.cmp(b.0));
        for (name, value) in lines {
            writeln!(f, "{name}={}", one_line(&value))?;
        }
        Ok(())
    }
}

/// Replaces line breaks, which the format cannot have outside of literals.
fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

/// What became of a backup.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum BackupStatus {
    /// Nothing was done yet.
    Empty,
    /// It is being taken, or its process was killed.
    Started,
    /// It failed.
    Failed,
    /// It is complete, but for WAL that is still to be archived. Only Barman's server writes this.
    WaitingForWals,
    /// It is being copied. Only Barman's server writes this.
    Syncing,
    /// It is complete.
    Done,
    /// Another word.
    Other(String),
}

impl BackupStatus {
    const ALL: [Self; 6] = [
        Self::Empty,
        Self::Started,
        Self::Failed,
        Self::WaitingForWals,
        Self::Syncing,
        Self::Done,
    ];

    /// Returns the word in the file.
    pub fn word(&self) -> &str {
        match self {
            Self::Empty => "EMPTY",
            Self::Started => "STARTED",
            Self::Failed => "FAILED",
            Self::WaitingForWals => "WAITING_FOR_WALS",
            Self::Syncing => "SYNCING",
            Self::Done => "DONE",
            Self::Other(word) => word,
        }
    }
}

impl fmt::Display for BackupStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for BackupStatus {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|status| status.word() == text);
        Ok(known.unwrap_or_else(|| Self::Other(text.to_owned())))
    }
}

/// A tablespace of a backup.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct InfoTablespace {
    /// Its name.
    pub name: String,
    /// Its identifier, after which its archives are named.
    pub oid: Oid,
    /// Where it was on the server.
    pub location: String,
}

#[cfg(test)]
mod tests;
