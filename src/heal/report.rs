//! What became of a plan.

use serde::Serialize;

use super::Step;
use crate::{destination::DestinationId, pg::WalFileName};

/// What became of a plan.
#[derive(Clone, Debug, Default, Serialize)]
pub struct HealReport {
    /// Each step.
    pub steps: Vec<StepReport>,
}

/// What became of a step.
#[derive(Clone, Debug, Serialize)]
pub struct StepReport {
    /// The step.
    #[serde(flatten)]
    pub step: Step,
    /// How many files of the archive, or backups, are there now that were not, over all
    /// destinations.
    pub stored: u64,
    /// How many somebody else had stored by then.
    pub present: u64,
    /// What failed.
    pub failures: Vec<Failure>,
}

/// Something that could not be copied.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Failure {
    /// Who did not get it; `None` is nobody of those who should.
    pub destination: Option<DestinationId>,
    /// The file of the archive; `None` for a backup.
    #[serde(serialize_with = "name")]
    pub name: Option<WalFileName>,
    /// Why.
    pub reason: String,
}

#[expect(clippy::ref_option, reason = "serde wants it so")]
fn name<S: serde::Serializer>(
    name: &Option<WalFileName>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match name {
        Some(name) => serializer.collect_str(name),
        None => serializer.serialize_none(),
    }
}

impl HealReport {
    /// Returns whether everything was copied.
    pub fn is_complete(&self) -> bool {
        self.steps.iter().all(|step| step.failures.is_empty())
    }
}

impl StepReport {
    pub(super) fn new(step: &Step) -> Self {
        Self {
            step: step.clone(),
            stored: 0,
            present: 0,
            failures: Vec::new(),
        }
    }

    pub(super) fn fail(
        &mut self,
        destination: Option<&DestinationId>,
        name: Option<WalFileName>,
        reason: impl Into<String>,
    ) {
        self.failures.push(Failure {
            destination: destination.cloned(),
            name,
            reason: reason.into(),
        });
    }
}
