//! What one process remembers for the next: hints, never facts that safety rests on.

use std::{collections::BTreeMap, io, path::Path};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    destination::DestinationId,
    disk::{self, Disk},
    failpoint,
    pg::{SystemId, WalFileName},
};

const STATE_FILE: &str = "state.json";
const LIMIT: u64 = 16 << 20;

/// What one process remembers for the next.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct State {
    /// When it was written.
    pub saved: Option<Timestamp>,
    /// The cluster whose files are archived here.
    pub system_id: Option<SystemId>,
    /// The last file that was acknowledged.
    pub last_archived: Option<WalFileName>,
    /// When that was.
    pub last_archived_at: Option<Timestamp>,
    /// The health of each destination.
    pub destinations: BTreeMap<DestinationId, RememberedDestination>,
    /// Comparisons that are still to be done, after a spool was lost.
    pub comparisons: Vec<RememberedPair>,
}

/// The health of a destination.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct RememberedDestination {
    /// Failures in a row.
    pub failures: u32,
    /// It is not asked before this time.
    pub not_before: Option<Timestamp>,
    /// The last failure, in one line.
    pub error: Option<String>,
    /// Its class.
    pub class: Option<crate::store::Class>,
    /// What to do about it.
    pub hint: Option<String>,
    /// The greatest name that was sent to it.
    pub greatest: Option<WalFileName>,
    /// The last file that it took.
    pub last_stored: Option<WalFileName>,
    /// When that was.
    pub last_stored_at: Option<Timestamp>,
}

/// A comparison of two destinations that is not finished.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct RememberedPair {
    /// The one that may miss files.
    pub missing_in: DestinationId,
    /// The one that may hold them.
    pub held_by: DestinationId,
    /// Names up to this one were compared.
    pub after: Option<WalFileName>,
}

pub(super) fn load(disk: &dyn Disk, root: &Path) -> Option<State> {
    disk::read(disk, &root.join(STATE_FILE), LIMIT)
        .ok()
        .and_then(|content| serde_json::from_slice(&content).ok())
}

pub(super) fn save(disk: &dyn Disk, root: &Path, state: &State) -> io::Result<()> {
    let content = serde_json::to_vec_pretty(state)?;
    failpoint::pass("state-before-save");
    disk::replace_hint(disk, &root.join(STATE_FILE), &content)?;
    failpoint::pass("state-after-save");
    Ok(())
}
