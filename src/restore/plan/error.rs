//! Why there is no plan.

use std::fmt;

use jiff::Timestamp;

use super::{PassedOver, Window};
use crate::{
    pg::{Lsn, SegmentRange, SystemId, TimelineId},
    restore::RecoveryTarget,
};

/// What was asked for cannot be restored.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// No destination has a complete backup.
    #[error("no destination has a complete backup of this cluster")]
    NoBackup,
    /// No backup has that id or name.
    #[error("no backup has the id or the name `{backup}`")]
    UnknownBackup {
        /// What was asked for.
        backup: String,
        /// The ids of those that there are, newest first.
        known: Vec<String>,
    },
    /// Destinations hold backups of different clusters.
    #[error("there are backups of several clusters{}", Listed(.0))]
    SeveralClusters(Vec<SystemId>),
    /// The backup that was asked for does not lead to the target.
    #[error("backup {backup} does not lead there: {reason}{}", Listed(windows))]
    NotSuitable {
        /// The backup.
        backup: String,
        /// Why.
        reason: Unsuitable,
        /// What could be restored.
        windows: Vec<Window>,
    },
    /// No backup leads to the target.
    #[error(
        "no backup leads to {target}{}{}",
        Listed(passed_over),
        Listed(windows)
    )]
    OutOfReach {
        /// The target.
        target: RecoveryTarget,
        /// The backups, newest first, and why they do not.
        passed_over: Vec<PassedOver>,
        /// What could be restored.
        windows: Vec<Window>,
    },
}

/// Why a backup does not lead to a target.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Unsuitable {
    /// It did not end, or failed.
    #[error("it is not complete")]
    NotComplete,
    /// Its record lacks where it begins or ends.
    #[error("its record does not say where it begins and ends")]
    NoPosition,
    /// It ended after the target.
    #[error("it ended later, at {0}")]
    EndedAfter(Timestamp),
    /// It stopped behind the target.
    #[error("it stopped behind, at {0}")]
    StoppedAfter(Lsn),
    /// The history of the timeline is not in the archive.
    #[error("the history of timeline {0} is in no destination")]
    UnknownTimeline(String),
    /// The timeline branched off before the backup ended.
    #[error("timeline {0} does not descend from it")]
    NotOnTimeline(TimelineId),
    /// Segments that it needs are in no destination.
    #[error("segments are in no destination{}", Listed(&names(.0)))]
    MissingWal(Vec<SegmentRange>),
    /// The target is younger than everything in the archive.
    #[error("the newest segment was stored at {0}, before the target")]
    NotYetArchived(Timestamp),
}

impl PlanError {
    /// Returns what to do, as a full sentence.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoBackup => {
                "Look whether the destinations and the server name are the right ones."
            }
            Self::UnknownBackup { .. } => "Choose one of the backups that are listed.",
            Self::SeveralClusters(_) => "Say which cluster is meant by its system identifier.",
            Self::NotSuitable { .. } | Self::OutOfReach { .. } => {
                "Choose a target inside one of the windows, or bring a destination back that holds \
                 what is missing."
            }
        }
    }
}

impl Unsuitable {
    /// Returns whether the backup was taken too late.
    pub(super) fn is_too_young(&self) -> bool {
        matches!(self, Self::EndedAfter(_) | Self::StoppedAfter(_))
    }
}

impl serde::Serialize for Unsuitable {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Writes ranges as people read them.
pub(super) fn names(ranges: &[SegmentRange]) -> Vec<String> {
    let name = |range: &SegmentRange| {
        if range.first == range.last {
            range.first.to_string()
        } else {
            format!("{} to {}", range.first, range.last)
        }
    };
    ranges.iter().map(name).collect()
}

/// Prints a few of them; a thousand backups that lack the same segment are no help.
struct Listed<'a, T>(&'a [T]);

impl<T: fmt::Display> fmt::Display for Listed<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 8;
        let mut shown = self.0.iter().take(SHOWN);
        shown.try_for_each(|one| write!(f, "; {one}"))?;
        match self.0.len().checked_sub(SHOWN) {
            None | Some(0) => Ok(()),
            Some(more) => write!(f, "; {more} more"),
        }
    }
}
