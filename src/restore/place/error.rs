//! Why files cannot be put in their place.

use std::{io, path::PathBuf};

use crate::{
    byte_size::ByteSize,
    pg::{Oid, SystemId},
    repository::TreePath,
};

/// A backup cannot be put in its place.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlaceError {
    /// Something is there already.
    #[error("{} is not empty", path.display())]
    NotEmpty {
        /// Where.
        path: PathBuf,
    },
    /// An earlier restore was interrupted there.
    #[error("{} has what an interrupted restore left", path.display())]
    Unfinished {
        /// Where.
        path: PathBuf,
    },
    /// There is too little space.
    #[error("the backup needs {}, and where {} is to be {} are free", needed.rounded(), path.display(), free.rounded())]
    NoSpace {
        /// The data directory.
        path: PathBuf,
        /// What it needs, as the server counted it.
        needed: ByteSize,
        /// What is free, on all volumes that it goes to.
        free: ByteSize,
    },
    /// What is there is not a directory.
    #[error("{} is not a directory", path.display())]
    NoDirectory {
        /// Where.
        path: PathBuf,
    },
    /// A server or another restore works there.
    #[error("{} is in use: {reason}", path.display())]
    InUse {
        /// Where.
        path: PathBuf,
        /// What says so.
        reason: String,
    },
    /// It is not what this backup could be restored over.
    #[error("{} cannot be restored over: {reason}", path.display())]
    Foreign {
        /// Where.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Two directories of the backup would be in each other.
    #[error("{} and {} are in each other", one.display(), other.display())]
    Overlap {
        /// One of them.
        one: PathBuf,
        /// The other.
        other: PathBuf,
    },
    /// A place cannot be one.
    #[error("{} cannot be the location of a tablespace: {reason}", path.display())]
    Location {
        /// The path.
        path: PathBuf,
        /// Why.
        reason: &'static str,
    },
    /// The backup has no such tablespace.
    #[error("the backup has no tablespace `{0}`")]
    NoTablespace(String),
    /// No place is known for a tablespace.
    #[error("tablespace {0} is not in the backup's record, so nobody knows its place")]
    UnknownTablespace(Oid),
    /// What comes cannot be part of a sound backup. Another copy may be sound.
    #[error("`{path}` in the backup: {reason}")]
    Content {
        /// What.
        path: TreePath,
        /// What is wrong with it.
        reason: String,
    },
    /// It is of another cluster.
    #[error("the backup's pg_control is of cluster {found} instead of {expected}")]
    OtherCluster {
        /// The one that the record names.
        expected: SystemId,
        /// The one that the file names.
        found: SystemId,
    },
    /// The file system refused.
    #[error("{}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl PlaceError {
    /// Returns whether the fault is in what came, so that another copy of it may do.
    pub fn is_of_content(&self) -> bool {
        matches!(
            self,
            Self::Content { .. } | Self::OtherCluster { .. } | Self::UnknownTablespace(_)
        )
    }

    /// Returns what to do, as a full sentence.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoSpace { .. } => Some(
                "Choose another volume, or say that space is not to be looked at: unlogged tables \
                 are counted and come back empty.",
            ),
            Self::NotEmpty { .. } => {
                Some("Choose an empty directory, or restore over what is there as a delta.")
            }
            Self::Unfinished { .. } => Some(
                "Restore again as a delta to complete it, or empty the directory; a server \
                 cannot start there, because its pg_control is missing.",
            ),
            Self::InUse { .. } => {
                Some("Stop the server; if none runs, remove the postmaster.pid that a crash left.")
            }
            Self::Foreign { .. } => {
                Some("Restore over the data directory of the same cluster only, or choose another.")
            }
            Self::Overlap { .. } | Self::Location { .. } => Some(
                "Give each tablespace an absolute path of its own, outside the data directory.",
            ),
            Self::NoTablespace(_) => Some("Name tablespaces as the backup's record does."),
            Self::Content { .. } | Self::OtherCluster { .. } | Self::UnknownTablespace(_) => {
                Some("Keep this copy for inspection, and restore from another destination.")
            }
            Self::NoDirectory { .. } => Some("Choose a directory, or a path where nothing is."),
            Self::Io { .. } => Some("Give the directory space and the right owner."),
        }
    }

    pub(super) fn content(path: &TreePath, reason: impl Into<String>) -> Self {
        Self::Content {
            path: path.clone(),
            reason: reason.into(),
        }
    }

    pub(super) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
