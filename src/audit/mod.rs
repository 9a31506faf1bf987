//! To which points in time can each destination *alone* restore? With evidence.
//!
//! [`observe`] asks a destination, as closely as a [`Level`] says. [`AuditRequest::judge`] decides
//! what that means, without asking anybody: the same observations at the same time give the same
//! [`Audit`]. What it took to read objects again is remembered as [`Evidence`], so that everything
//! is read within a period, a part in each run.

mod evidence;
mod fact;
mod judge;
mod lag;
mod observe;
mod prove;
mod report;
#[cfg(test)]
pub(crate) mod test_data;
#[cfg(test)]
mod tests;

use jiff::SignedDuration;

pub use self::{
    evidence::{Evidence, InvalidEvidence, Oddity, Problem, Proofs, ProvenBackup, ProvenWal},
    fact::{Fact, Finding, Severity},
    observe::{Look, Observation, observe},
    prove::{Proof, ProofSettings, prove},
    report::{Audit, AuditedBackup, DestinationAudit, Hole, Lag, Newest, ProofStatus},
};
use crate::{
    destination::DestinationId,
    drill::DrillRecord,
    retention::{Moment, Policy},
};

/// How closely a destination is looked at; each level includes those before it.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    Eq,
    Ord,
    PartialEq,
    PartialOrd,
    serde::Deserialize,
    serde::Serialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// What listings and the records of backups tell.
    #[default]
    Listing,
    /// And whether every object that a backup needs is there with the right size, what is foreign,
    /// and which uploads did not end.
    Metadata,
    /// And whether the content of a part is sound, by reading it.
    Digests,
    /// And that of everything.
    All,
}

/// What should be the case; what is not said is not asked for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Expectations {
    /// How old the newest WAL may be.
    pub wal_age: Option<SignedDuration>,
    /// How old the newest backup may be that can be restored.
    pub backup_age: Option<SignedDuration>,
    /// For how long a destination may be behind the best one.
    pub lag: SignedDuration,
    /// Within which time everything is to be read again.
    pub proof_period: Option<SignedDuration>,
    /// Within which time a backup is to be restored for practice.
    pub drill_age: Option<SignedDuration>,
}

impl Expectations {
    /// For how long a destination may be behind the best one, if nobody says.
    pub const LAG: SignedDuration = SignedDuration::from_mins(5);
}

/// What is asked of an audit.
#[derive(Clone, Debug)]
pub struct AuditRequest<'a> {
    /// How closely the destinations were looked at.
    pub level: Level,
    /// What was seen, one for each destination.
    pub observations: &'a [Observation],
    /// What each of them is to keep, in the same order.
    pub policies: &'a [Vec<Policy>],
    /// What should be the case.
    pub expectations: &'a Expectations,
    /// When that is.
    pub moment: Moment,
}

/// What is remembered of a destination beside what it holds itself.
#[derive(Clone, Debug, Default)]
pub struct Remembered {
    /// What was read again, and when.
    pub proofs: Proofs,
    /// The last restore for practice.
    pub drill: Option<DrillRecord>,
}

type Id = DestinationId;
