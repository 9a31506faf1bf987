use std::{
    io,
    path::{Path, PathBuf},
};

/// Reading the server's files failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// A file or directory cannot be read.
    #[error("reading {}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A name cannot be in a base backup.
    #[error("{} cannot be in a base backup: {reason}", path.display())]
    Name {
        /// Where it is.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Nobody takes what is read any more.
    #[error("no destination takes it any more")]
    NobodyLeft,
}

impl SourceError {
    /// Returns what to do, as a full sentence.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Read { .. } => {
                "Run walcast on the server's machine, as the user that owns the data directory."
            }
            Self::Name { .. } => "Remove it from the data directory if it is not PostgreSQL's.",
            Self::NobodyLeft => "See what became of each destination.",
        }
    }
}

/// Takes what vanished for nothing: the server removed it, and the WAL says so.
pub(super) fn found<T>(path: &Path, result: io::Result<T>) -> Result<Option<T>, SourceError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(read_error(path, source)),
    }
}

pub(super) fn read_error(path: &Path, source: io::Error) -> SourceError {
    SourceError::Read {
        path: path.to_owned(),
        source,
    }
}
