//! Doing what a plan says.

use super::{Plan, Refusal, Step};
use crate::repository::{Error, Pace, Repository};

/// What was done of a plan.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, serde::Serialize)]
pub struct Expired {
    /// How many objects were removed.
    pub objects: u64,
}

/// A plan was not done to its end. What is left is found by the next plan.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExpireError {
    /// The repository failed.
    #[error("after {objects} objects")]
    Repository {
        /// How many objects were removed before.
        objects: u64,
        /// What went wrong.
        source: Error,
    },
    /// Somebody has begun to keep backups that were to go.
    #[error("after {objects} objects: {} is to be kept by now", backups.join(", "))]
    Kept {
        /// How many objects were removed before.
        objects: u64,
        /// The backups.
        backups: Vec<String>,
    },
}

impl ExpireError {
    /// Returns how many objects were removed before.
    pub fn objects(&self) -> u64 {
        match self {
            Self::Repository { objects, .. } | Self::Kept { objects, .. } => *objects,
        }
    }

    /// Returns what to do, as a full sentence.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Repository { source, .. } => source.hint(),
            Self::Kept { .. } => Some("Try again: what its WAL is needed for is decided anew."),
        }
    }
}

/// Does what `plan` says, step by step, at `pace`. May be dropped or killed at any moment: what
/// stays can be restored, and the next plan goes on.
///
/// # Errors
///
/// The first error ends it. A plan that [refuses](Refusal::is_total) everything has nothing to do.
pub async fn expire(
    repository: &dyn Repository,
    plan: &Plan,
    pace: &Pace,
) -> Result<Expired, ExpireError> {
    let mut objects = 0;
    let is_refused = plan.refusals.iter().any(Refusal::is_total);
    for step in plan.steps.iter().filter(|_| !is_refused) {
        let failed = |source| ExpireError::Repository { objects, source };
        match step {
            Step::Backups(ids) => {
                let removal = repository.remove_backups(ids, pace).await.map_err(failed)?;
                objects += removal.objects;
                if !removal.kept.is_empty() {
                    let backups = removal.kept;
                    return Err(ExpireError::Kept { objects, backups });
                }
            }
            Step::Wal(selection) => {
                objects += repository
                    .remove_wal(selection, pace)
                    .await
                    .map_err(failed)?;
            }
            Step::Records(ids) => {
                objects += repository.remove_records(ids, pace).await.map_err(failed)?;
            }
        }
    }
    Ok(Expired { objects })
}
