//! What goes, what stays, and why.

use std::{collections::BTreeSet, fmt};

use jiff::Timestamp;
use serde::Serialize;

use super::policy::Generation;
use crate::{
    catalog::Segments,
    pg::{SegmentName, SystemId, WalFileName},
    repository::{BackupKind, Catalog, HeldBackup, Keep, WalSelection},
    restore::plan::Window,
};

/// What retention will do to a destination, decided before anything is done.
///
/// A crash after any part of the steps leaves the destination able to restore everything that
/// stays; the next plan goes on.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// What to do, in this order.
    pub steps: Vec<Step>,
    /// The backups that stay, oldest first.
    pub kept: Vec<KeptBackup>,
    /// The backups that go, oldest first.
    pub removed: Vec<RemovedBackup>,
    /// Why more stays than the policy says, or everything.
    pub refusals: Vec<Refusal>,
    /// To which positions the destination alone can restore now.
    pub before: Vec<Window>,
    /// And when the plan is done.
    pub after: Vec<Window>,
}

/// One step of a [`Plan`].
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Base backups, listed or stray, with everything that a restore reads of them.
    Backups(Vec<String>),
    /// Files of the archive.
    Wal(WalSelection),
    /// The last that is known of base backups.
    Records(Vec<String>),
}

/// A backup that stays.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct KeptBackup {
    /// What the layout calls it.
    pub id: String,
    /// Whether it holds all files itself.
    pub kind: BackupKind,
    /// When it ended, where known.
    pub ended: Option<Timestamp>,
    /// Size of its objects, in bytes.
    pub stored_size: u64,
    /// Why it stays; at least one reason.
    pub reasons: Vec<Reason>,
}

/// A backup that goes.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct RemovedBackup {
    /// What the layout calls it.
    pub id: String,
    /// Whether it holds all files itself; `None` if no record lists it.
    pub kind: Option<BackupKind>,
    /// When it ended, where known.
    pub ended: Option<Timestamp>,
    /// Size of its objects, in bytes, where known.
    pub stored_size: u64,
}

/// Why a backup stays.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// There is no policy, or it lets backups of this kind stay.
    Everything,
    /// It is one of the newest so many.
    Newest(u32),
    /// It ended within the time that the policy wants.
    InWindow,
    /// It is the newest one that ended before that time, to which it leads.
    LeadsToWindow,
    /// So many stay in any case.
    Minimum(u32),
    /// It is the newest one of this stretch of time, which is called so.
    Generation(Generation, String),
    /// Somebody asked to keep it.
    Annotated(#[serde(serialize_with = "keep")] Keep),
    /// It stays as long as this backup, which it depends on.
    With(String),
    /// This backup depends on it.
    NeededBy(String),
    /// It is not complete, or in another state in which no policy looks at it.
    NoSubject,
    /// One that the policy would count cannot be restored, so this one counts instead.
    StandsIn,
    /// It is the newest one that can be restored.
    NewestRestorable,
    /// Nothing is deleted, see [`Plan::refusals`].
    Refused,
}

/// Why more stays than the policy says.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Refusal {
    /// Nothing is deleted: the policy is not meant for this layout, or contradicts itself.
    Policy(String),
    /// Nothing is deleted: what is there could not be listed.
    Listing(String),
    /// Nothing is deleted: what a backup needs is not known, as its record cannot be understood.
    Damaged {
        /// The backup.
        backup: String,
        /// What is wrong.
        problem: String,
    },
    /// Nothing is deleted: a clock is wrong.
    Clock {
        /// What is from the future.
        what: String,
        /// When that is.
        at: Timestamp,
    },
    /// Nothing is deleted: somebody takes a backup.
    InProgress {
        /// The backup.
        backup: String,
        /// When something was last heard of it.
        since: Timestamp,
    },
    /// Nothing is deleted: a backup looks complete, but no record lists it.
    Unlisted {
        /// The backup.
        backup: String,
    },
    /// Nothing is deleted: the record of a complete backup lacks something that retention needs.
    Incomplete {
        /// The backup.
        backup: String,
        /// What is missing.
        lacks: &'static str,
    },
    /// Nothing is deleted: a backup depends on one that is not there.
    NoPrior {
        /// The backup.
        backup: String,
        /// What is missing.
        prior: String,
    },
    /// Nothing is deleted: backups of several clusters are mixed.
    Clusters(Vec<SystemId>),
    /// Nothing is deleted: no backup can be restored, so nobody knows what will be needed.
    NothingRestorable,
    /// Older backups stay: one that the policy counts cannot be restored from here.
    Behind {
        /// The backup.
        backup: String,
        /// What it lacks; `None` if its own objects are not all there.
        segment: Option<SegmentName>,
    },
    /// A backup stays that the policy does not want, as it is the newest that can be restored.
    NewestRestorable {
        /// The backup.
        backup: String,
    },
    /// WAL stays that the product's own rule removes, as backups that stay need it.
    Wal {
        /// How many segments.
        segments: u64,
    },
}

impl KeptBackup {
    pub(super) fn new(backup: &HeldBackup, reasons: Vec<Reason>) -> Self {
        Self {
            id: backup.stored.id.clone(),
            kind: backup.kind,
            ended: backup.stored.ended,
            stored_size: backup.stored.stored_size,
            reasons,
        }
    }
}

impl Plan {
    /// What comes of a destination that could not be listed: nothing is deleted.
    pub fn unlisted(problem: impl Into<String>) -> Self {
        Self {
            steps: Vec::new(),
            kept: Vec::new(),
            removed: Vec::new(),
            refusals: vec![Refusal::Listing(problem.into())],
            before: Vec::new(),
            after: Vec::new(),
        }
    }

    /// Returns whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Returns how many segments go.
    pub fn segments(&self, catalog: &Catalog) -> u64 {
        let wal = self.steps.iter().filter_map(|step| match step {
            Step::Wal(selection) => Some(&selection.segments),
            Step::Backups(_) | Step::Records(_) => None,
        });
        let size = catalog.segment_size;
        wal.flatten().map(|range| range.count(size)).sum()
    }
}

impl Refusal {
    /// Returns whether nothing at all is deleted.
    pub fn is_total(&self) -> bool {
        match self {
            Self::Behind { .. } | Self::NewestRestorable { .. } | Self::Wal { .. } => false,
            Self::Policy(_)
            | Self::Listing(_)
            | Self::Damaged { .. }
            | Self::Clock { .. }
            | Self::InProgress { .. }
            | Self::Unlisted { .. }
            | Self::Incomplete { .. }
            | Self::NoPrior { .. }
            | Self::Clusters(_)
            | Self::NothingRestorable => true,
        }
    }

    /// Returns whether it is about what the policy says, or about when it was looked at; what else
    /// there is says that something is wrong with the destination, whatever its policy is.
    pub fn is_of_retention_alone(&self) -> bool {
        match self {
            Self::Policy(_)
            | Self::Clock { .. }
            | Self::Unlisted { .. }
            | Self::Incomplete { .. }
            | Self::NoPrior { .. }
            | Self::Clusters(_)
            | Self::Behind { .. }
            | Self::NewestRestorable { .. } => true,
            Self::Listing(_)
            | Self::Damaged { .. }
            | Self::InProgress { .. }
            | Self::NothingRestorable
            | Self::Wal { .. } => false,
        }
    }

    /// Returns what to do, as a full sentence.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Policy(_) => "Give it one policy that its layout knows.",
            Self::Listing(_) => "Make the destination readable, and try again.",
            Self::Damaged { .. } | Self::Incomplete { .. } => {
                "Put the record back from another destination, or remove the backup by hand."
            }
            Self::Clock { .. } => "Set the clocks of this machine, the server and the store right.",
            Self::InProgress { .. } => "Try again when the backup has ended.",
            Self::Unlisted { .. } => {
                "Have pgBackRest list it again by taking a backup, or remove it by hand."
            }
            Self::NoPrior { .. } => "Remove the backup by hand: it cannot be restored.",
            Self::Clusters(_) => "Give each cluster a place of its own.",
            Self::NothingRestorable => "Take a base backup, and see `walcast info`.",
            Self::Behind { .. } => {
                "See `walcast status`: what the destination is owed will come; what no destination \
                 has will not, and the backup ages."
            }
            Self::NewestRestorable { .. } => "Take a base backup.",
            Self::Wal { .. } => "Nothing needs to be done: it goes with the backups.",
        }
    }
}

impl Catalog {
    /// Returns what is left when a plan is done.
    #[must_use]
    pub fn after(&self, plan: &Plan) -> Self {
        let mut after = self.clone();
        for step in &plan.steps {
            match step {
                Step::Backups(ids) => {
                    let gone: BTreeSet<&String> = ids.iter().collect();
                    after.backups.retain(|one| !gone.contains(&one.stored.id));
                    after.strays.retain(|one| !gone.contains(&one.id));
                }
                Step::Wal(selection) => after.remove_wal(selection),
                Step::Records(ids) => {
                    let gone: BTreeSet<&String> = ids.iter().collect();
                    after.remembered.retain(|id| !gone.contains(id));
                }
            }
        }
        after
    }

    fn remove_wal(&mut self, selection: &WalSelection) {
        let size = self.segment_size;
        let archive = self.archives.iter_mut();
        for archive in archive.filter(|archive| archive.id == selection.archive) {
            let gone = Segments::of(&selection.segments, size);
            archive.segments = Segments::of(&archive.segments, size)
                .without(&gone)
                .ranges(size);
            archive.others.retain(|name| !selection.contains(*name));
            let is_there = |timeline| !selection.contains(WalFileName::History(timeline));
            archive.timelines.retain(|timeline| is_there(*timeline));
            archive
                .histories
                .retain(|history| is_there(history.timeline()));
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everything => f.write_str("no policy lets it go"),
            Self::Newest(1) => f.write_str("it is the newest"),
            Self::Newest(count) => write!(f, "it is one of the newest {count}"),
            Self::InWindow => f.write_str("it ended within the window"),
            Self::LeadsToWindow => f.write_str("it leads to the begin of the window"),
            Self::Minimum(count) => write!(f, "{count} stay in any case"),
            Self::Generation(generation, name) => {
                write!(f, "it is the newest of the {generation} {name}")
            }
            Self::Annotated(Keep::Full) => f.write_str("it is to be kept, with all WAL since"),
            Self::Annotated(Keep::Standalone) => f.write_str("it is to be kept, with its own WAL"),
            Self::With(backup) => write!(f, "{backup} stays"),
            Self::NeededBy(backup) => write!(f, "{backup} depends on it"),
            Self::NoSubject => f.write_str("it is not complete"),
            Self::StandsIn => f.write_str("a newer one cannot be restored"),
            Self::NewestRestorable => f.write_str("it is the newest that can be restored"),
            Self::Refused => f.write_str("nothing is deleted"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Policy(problem) => write!(f, "the policy: {problem}"),
            Self::Listing(problem) => write!(f, "it cannot be listed: {problem}"),
            Self::Damaged { backup, problem } => {
                write!(f, "backup {backup} is damaged: {problem}")
            }
            Self::Clock { what, at } => write!(f, "{what} is from the future, {at}"),
            Self::InProgress { backup, since } => {
                write!(f, "backup {backup} may be in progress, as of {since}")
            }
            Self::Unlisted { backup } => {
                write!(f, "backup {backup} looks complete, but no record lists it")
            }
            Self::Incomplete { backup, lacks } => {
                write!(f, "the record of backup {backup} does not say {lacks}")
            }
            Self::NoPrior { backup, prior } => {
                write!(f, "backup {backup} depends on {prior}, which is not there")
            }
            Self::Clusters(clusters) => {
                let ids: Vec<_> = clusters.iter().map(ToString::to_string).collect();
                write!(
                    f,
                    "backups of several clusters are mixed: {}",
                    ids.join(", ")
                )
            }
            Self::NothingRestorable => f.write_str("no backup can be restored from here"),
            Self::Behind {
                backup,
                segment: Some(segment),
            } => write!(f, "backup {backup} lacks {segment}, older ones stay"),
            Self::Behind {
                backup,
                segment: None,
            } => write!(
                f,
                "backup {backup} lacks some of its files, older ones stay"
            ),
            Self::NewestRestorable { backup } => {
                write!(
                    f,
                    "backup {backup} stays, as it is the newest that can be restored"
                )
            }
            Self::Wal { segments } => {
                write!(f, "{segments} segments stay that backups may need")
            }
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
fn keep<S: serde::Serializer>(keep: &Keep, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match keep {
        Keep::Full => "full",
        Keep::Standalone => "standalone",
    })
}
