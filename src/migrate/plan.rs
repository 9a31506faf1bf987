//! What is to be done, in order.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::Target;

/// A move, step by step.
///
/// Two plans are the same if they do the same for the same reasons.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Plan {
    /// Where to.
    pub target: Target,
    /// The resources that move: `Cluster/shop`.
    pub moved: Vec<String>,
    /// What to do, in this order.
    pub steps: Vec<Step>,
    /// What has to be answered before all of it can be planned.
    pub questions: Vec<Question>,
    /// What cannot be moved at all.
    pub obstacles: Vec<Remark>,
    /// What is not the same afterwards.
    pub losses: Vec<Remark>,
    /// What is left as it is although it may be thought to move.
    pub untouched: Vec<Remark>,
    /// The errors that `walcast lint` still finds in what moves, when all steps are done.
    pub remaining: Vec<Remark>,
}

/// One step: changes that belong together, and how to see that they worked.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Step {
    /// What it does, in the imperative.
    pub title: String,
    /// Why it is there, and why it is there at this place.
    pub why: String,
    /// The files it changes or makes.
    pub changes: Vec<FileChange>,
    /// What to run for it.
    pub commands: Vec<String>,
    /// What must be so before the next step.
    pub checks: Vec<Check>,
}

/// A file before and after.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct FileChange {
    /// The file.
    pub file: PathBuf,
    /// Its text before; `None` if it is new.
    pub old: Option<String>,
    /// Its text afterwards.
    pub new: String,
    /// The resources that are changed or made.
    pub resources: Vec<String>,
    /// Whether comments and layout stay where they are. If not, comments stand before what is
    /// written anew.
    pub is_minimal: bool,
}

/// Something to look at.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// A command that shows it.
    pub command: String,
    /// What it must show.
    pub expect: String,
}

/// Something that the manifests do not tell.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Question {
    /// The resource it is about.
    pub about: String,
    /// What has to be known, and why.
    pub text: String,
    /// The option that answers it.
    pub option: String,
}

/// Something to know about a resource.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Remark {
    /// The resource.
    pub about: String,
    /// What there is to know.
    pub text: String,
}

impl Plan {
    pub(super) fn new(target: Target) -> Self {
        Self {
            target,
            moved: Vec::new(),
            steps: Vec::new(),
            questions: Vec::new(),
            obstacles: Vec::new(),
            losses: Vec::new(),
            untouched: Vec::new(),
            remaining: Vec::new(),
        }
    }

    /// Returns whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Returns whether everything that was asked for can be done.
    pub fn is_complete(&self) -> bool {
        self.questions.is_empty() && self.obstacles.is_empty()
    }

    /// Returns the files as they are after the first `steps` steps, each once.
    pub fn files(&self, steps: usize) -> Vec<FileChange> {
        let mut files: BTreeMap<&Path, FileChange> = BTreeMap::new();
        for change in self.steps.iter().take(steps).flat_map(|step| &step.changes) {
            match files.get_mut(change.file.as_path()) {
                Some(earlier) => {
                    earlier.new.clone_from(&change.new);
                    earlier.is_minimal &= change.is_minimal;
                    for resource in &change.resources {
                        if !earlier.resources.contains(resource) {
                            earlier.resources.push(resource.clone());
                        }
                    }
                }
                None => {
                    files.insert(&change.file, change.clone());
                }
            }
        }
        files.into_values().collect()
    }
}
