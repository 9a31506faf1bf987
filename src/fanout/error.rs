//! Why a file was not archived.

use std::{fmt, io};

use super::{DestinationId, policy::Refusal};
use crate::{
    pg::{InvalidSegment, InvalidWalName, SystemId, WalFileName},
    spool::SpoolError,
};

/// A file was not archived: PostgreSQL keeps it and asks again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The name is not that of a file of the WAL archive.
    #[error(transparent)]
    Name(#[from] InvalidWalName),
    /// The file cannot be read.
    #[error("reading {path}")]
    Read {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The file is not what its name says.
    #[error("{path} is refused: {reason}")]
    Refused {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: InvalidSegment,
    },
    /// The file has the wrong size, or changed while it was read.
    #[error("{path} has {found} bytes instead of {expected}")]
    Truncated {
        /// The file.
        path: String,
        /// The right size.
        expected: u64,
        /// Its size.
        found: u64,
    },
    /// The file belongs to another cluster.
    #[error("{path} belongs to cluster {found}, and this archive to cluster {expected}")]
    OtherCluster {
        /// The file.
        path: String,
        /// The cluster of this archive.
        expected: SystemId,
        /// The cluster of the file.
        found: SystemId,
    },
    /// Not enough destinations took it.
    #[error("{name} is not archived: {refusal}{}", Listed(outcomes))]
    Policy {
        /// The file.
        name: WalFileName,
        /// What the policy demands.
        refusal: String,
        /// What each destination said.
        outcomes: Vec<(DestinationId, Outcome)>,
    },
    /// A destination would owe it, and that cannot be recorded.
    #[error("{name} is not archived: what a destination owes cannot be recorded")]
    Spool {
        /// The file.
        name: WalFileName,
        /// Why.
        source: SpoolError,
    },
    /// The archiver is being shut down.
    #[error("{name} is not archived: walcast is stopping")]
    Stopping {
        /// The file.
        name: WalFileName,
    },
}

/// What became of a file at one destination.
#[derive(Clone, Debug, Eq, PartialEq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It is there.
    Stored,
    /// It is being sent.
    Sending,
    /// It was not sent, or sending failed, because of this.
    Missing(String),
    /// Other content is there under this name.
    Conflict(String),
}

impl ArchiveError {
    pub(super) fn refused(
        name: WalFileName,
        refusal: Refusal,
        outcomes: Vec<(DestinationId, Outcome)>,
    ) -> Self {
        Self::Policy {
            name,
            refusal: refusal.to_string(),
            outcomes,
        }
    }

    /// Returns what to do, as a full sentence.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Name(_) => Some("Call it with %p as PostgreSQL's archive_command does.".into()),
            Self::Read { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                Some("Run in the data directory, as PostgreSQL does, or give the full path.".into())
            }
            Self::Read { .. } => Some("Run as the user that owns the data directory.".into()),
            Self::Refused { reason, .. } => Some(reason.hint().into()),
            Self::Truncated { .. } => {
                Some("The file is damaged or still being written: look at its origin.".into())
            }
            Self::OtherCluster { .. } => Some(
                "Give each cluster its own server name and spool; after a new initdb use a new \
                 server name."
                    .into(),
            ),
            Self::Policy { .. } => {
                Some("PostgreSQL keeps the file and asks again; see `walcast status`.".into())
            }
            Self::Spool { source, .. } => Some(source.hint().into()),
            Self::Stopping { .. } => None,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooFewCopies => "too few destinations took it",
            Self::RequiredMissing => "a required destination did not take it",
            Self::SpoolFull => "a destination misses it and the spool is full",
        })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stored => f.write_str("stored"),
            Self::Sending => f.write_str("no answer yet"),
            Self::Missing(reason) => f.write_str(reason),
            Self::Conflict(reason) => write!(f, "conflict: {reason}"),
        }
    }
}

/// Prints what each destination said.
struct Listed<'a>(&'a [(DestinationId, Outcome)]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|(id, outcome)| write!(f, "; {id}: {outcome}"))
    }
}
