//! Why a base backup was not restored.

use std::fmt;

use super::report::{Complaint, Named};
use crate::{
    destination::DestinationId,
    repository::Tree,
    restore::{place::PlaceError, target::InvalidRecoverySettings},
};

/// A base backup was not restored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// There is no copy to restore from.
    #[error("no destination holds the backup")]
    NoCopy,
    /// The copies are not of one backup.
    #[error("{one} and {other} hold different backups")]
    Different {
        /// A destination.
        one: DestinationId,
        /// Another one.
        other: DestinationId,
    },
    /// PostgreSQL would not take the settings.
    #[error(transparent)]
    Settings(#[from] InvalidRecoverySettings),
    /// It cannot be put in its place.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// No destination has a tree sound.
    #[error("no destination gives the {}{}", Named(*tree), Listed(complaints))]
    Unsound {
        /// The tree.
        tree: Tree,
        /// What was wrong, in order.
        complaints: Vec<Complaint>,
    },
}

impl RestoreError {
    /// Returns what to do, as a full sentence.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoCopy => Some("Choose a backup that some destination holds."),
            Self::Different { .. } => {
                Some("Look at both records; restore from one of the destinations only.")
            }
            Self::Settings(_) => Some("Correct the setting; nothing was changed."),
            Self::Place(error) => error.hint(),
            Self::Unsound { .. } => Some(
                "Bring a destination back that holds the backup, or choose another backup; then \
                 restore again as a delta, which keeps what is there already.",
            ),
        }
    }
}

/// Prints what each destination said.
struct Listed<'a>(&'a [Complaint]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut complaints = self.0.iter();
        complaints.try_for_each(|one| write!(f, "; {}: {}", one.destination, one.reason))
    }
}
