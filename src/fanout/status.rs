//! What each destination holds and owes, for people and monitoring.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Destination, DestinationId};
use crate::{
    byte_size::ByteSize,
    clock,
    pg::{SystemId, WalFileName},
    repository::Format,
    spool::{Spool, State},
    store::Class,
};

/// The state of an archiver at one moment.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Status {
    /// When this was.
    pub at: Timestamp,
    /// The cluster, once a segment was seen.
    pub system_id: Option<SystemId>,
    /// The last file that was acknowledged to PostgreSQL.
    pub last_archived: Option<WalFileName>,
    /// When that was.
    pub last_archived_at: Option<Timestamp>,
    /// The spool.
    pub spool: SpoolStatus,
    /// The destinations, in the configured order.
    pub destinations: Vec<DestinationStatus>,
}

/// The state of the spool.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct SpoolStatus {
    /// Its folder.
    pub path: String,
    /// Files that somebody owes.
    pub files: usize,
    /// Bytes that it holds.
    pub bytes: u64,
    /// What destinations owe that are not configured any more, for
    /// [`Archiver::forget`](super::Archiver::forget).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub abandoned: Vec<AbandonedDebt>,
}

/// What a destination owes that is not configured any more.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct AbandonedDebt {
    /// Its name.
    pub id: DestinationId,
    /// Files that it owes.
    pub owed: usize,
    /// Their bytes in the spool.
    pub owed_bytes: u64,
}

/// The state of a destination.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct DestinationStatus {
    /// Its name.
    pub id: DestinationId,
    /// Its layout.
    pub format: Format,
    /// Where it is.
    pub location: String,
    /// How it is.
    pub state: DestinationState,
    /// Files that it owes.
    pub owed: usize,
    /// Their bytes in the spool.
    pub owed_bytes: u64,
    /// How many of them are recorded without bytes, to be fetched from another destination.
    pub gaps: usize,
    /// How many of them are parked because other content is there under the name.
    pub conflicts: usize,
    /// The oldest file that it owes.
    pub oldest_owed: Option<WalFileName>,
    /// Since when it owes something.
    pub owed_since: Option<Timestamp>,
    /// Whether it is still to be compared with others, after a spool was lost.
    pub comparing: bool,
    /// The last file that it took.
    pub last_stored: Option<WalFileName>,
    /// When that was.
    pub last_stored_at: Option<Timestamp>,
    /// Failures in a row.
    pub failures: u32,
    /// When it is asked again, if it is down.
    pub next_attempt: Option<Timestamp>,
    /// The last failure; none after a success.
    pub error: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

/// How a destination is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum DestinationState {
    /// It holds everything.
    Healthy,
    /// It takes files, and still owes some.
    Behind,
    /// It does not answer, or asks for a pause; it is tried again by itself.
    Down,
    /// It refuses until a person changes something.
    Refused,
    /// It holds other content under a name.
    Conflict,
}

impl Status {
    /// Puts together what the spool and `state` know of `destinations`.
    pub fn new(state: &State, spool: &Spool, destinations: &[Destination], at: Timestamp) -> Self {
        let (files, bytes) = spool.size();
        let path = spool.root().display().to_string();
        let abandoned = spool.abandoned().into_iter();
        Self {
            at,
            system_id: state.system_id,
            last_archived: state.last_archived,
            last_archived_at: state.last_archived_at,
            spool: SpoolStatus {
                path,
                files,
                bytes: bytes.bytes(),
                abandoned: abandoned.map(|id| AbandonedDebt::new(spool, id)).collect(),
            },
            destinations: destinations
                .iter()
                .map(|destination| DestinationStatus::new(state, spool, destination, at))
                .collect(),
        }
    }

    /// Returns whether every destination holds everything, as far as is known.
    pub fn is_complete(&self) -> bool {
        let complete = |destination: &DestinationStatus| {
            destination.state == DestinationState::Healthy && !destination.comparing
        };
        self.destinations.iter().all(complete)
    }
}

impl AbandonedDebt {
    fn new(spool: &Spool, id: DestinationId) -> Self {
        let owed = spool.owed(&id);
        Self {
            id,
            owed: owed.files,
            owed_bytes: owed.bytes.bytes(),
        }
    }
}

impl DestinationStatus {
    fn new(state: &State, spool: &Spool, destination: &Destination, at: Timestamp) -> Self {
        let id = &destination.id;
        let owed = spool.owed(id);
        let known = state.destinations.get(id).cloned().unwrap_or_default();
        let condition = match known.class {
            _ if owed.parked > 0 => DestinationState::Conflict,
            Some(Class::Denied | Class::Invalid | Class::Full) => DestinationState::Refused,
            Some(Class::Conflict) => DestinationState::Conflict,
            Some(_) if known.not_before.is_some() => DestinationState::Down,
            _ if owed.files > 0 => DestinationState::Behind,
            _ => DestinationState::Healthy,
        };
        let waits = known
            .not_before
            .filter(|&until| !clock::between(at, until).is_zero());
        Self {
            id: id.clone(),
            format: destination.repository.format(),
            location: destination.repository.to_string(),
            state: condition,
            owed: owed.files,
            owed_bytes: ByteSize::bytes(owed.bytes),
            gaps: owed.gaps,
            conflicts: owed.parked,
            oldest_owed: owed.oldest,
            owed_since: owed.since,
            comparing: state.comparisons.iter().any(|pair| pair.missing_in == *id),
            last_stored: known.last_stored,
            last_stored_at: known.last_stored_at,
            failures: known.failures,
            next_attempt: waits,
            error: known
                .error
                .or_else(|| owed.reason.filter(|_| owed.parked > 0)),
            hint: known.hint,
        }
    }
}
