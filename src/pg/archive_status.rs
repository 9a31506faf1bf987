use std::fmt;

use super::{InvalidWalName, WalFileName};

/// What PostgreSQL's archiver knows about a file.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ArchiveStatus {
    /// The file waits to be archived (`.ready`).
    Ready,
    /// The file is archived; PostgreSQL may recycle it (`.done`).
    Done,
}

impl ArchiveStatus {
    /// Returns the ending of the status file, with its dot.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Ready => ".ready",
            Self::Done => ".done",
        }
    }
}

/// A file in `pg_wal/archive_status`: an empty file whose name is all that it says.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct StatusFile {
    /// The file that is archived or waits to be.
    pub file: WalFileName,
    /// Which of the two.
    pub status: ArchiveStatus,
}

impl StatusFile {
    /// Reads the base name of a status file.
    pub fn parse(name: &str) -> Result<Self, InvalidWalName> {
        [ArchiveStatus::Ready, ArchiveStatus::Done]
            .into_iter()
            .find_map(|status| Some((name.strip_suffix(status.suffix())?, status)))
            .ok_or_else(|| InvalidWalName::new(name))
            .and_then(|(file, status)| {
                Ok(Self {
                    file: file.parse()?,
                    status,
                })
            })
    }
}

impl fmt::Display for StatusFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.file, self.status.suffix())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_files_of_every_kind_round_trip() {
        for text in [
            "000000010000000000000001.ready",
            "000000010000000000000001.done",
            "00000002.history.ready",
            "000000010000000000000018.partial.done",
            "000000010000000000000006.00000028.backup.done",
        ] {
            assert_eq!(StatusFile::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn other_names_are_refused() {
        for text in [
            "",
            ".ready",
            "000000010000000000000001",
            "x.ready",
            "00000002.history.ok",
        ] {
            assert!(StatusFile::parse(text).is_err(), "{text}");
        }
    }
}
