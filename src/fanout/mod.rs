//! The WAL fan-out engine: read once, hash once, compress once, send to N destinations.
//!
//! ```text
//!                    ┌─ lane ─ repository ─ store      a bounded worker per destination
//!  file ─ encode ────┼─ lane ─ repository ─ store
//!           │        └─ lane ─ repository ─ store
//!        decide ── acknowledge
//!           │
//!         spool ──── backlog of each lane              what is owed, sent later
//! ```
//!
//! # Invariants
//! - **I1 no loss**: an acknowledged file is durable in the copies that the [`Policy`] demands,
//!   and every other destination has a durable record that it owes it.
//! - **I2 isolation**: lanes never wait for each other. One that is down, late or behind is not
//!   waited for.
//! - **I3 honesty**: nothing is acknowledged without I1, and what is owed is in the [`Status`].
//! - **I4 monotone**: a name never changes its content; other bytes under a known name are a
//!   conflict, reported, and both are kept.
//! - **I5 convergence**: when faults stop, every destination comes to hold what it owes.
//!
//! Decisions are pure ([`policy`](Policy), breaker, look-ahead); effects are thin.

mod answer;
mod archiver;
mod backlog;
mod breaker;
mod builder;
mod compare;
mod copier;
mod download;
mod encode;
mod error;
mod fetch;
mod flight;
mod flights;
mod lane;
mod look_ahead;
mod policy;
mod reads;
mod settings;
mod source;
mod status;

use std::sync::Arc;

pub use self::{
    archiver::{Archived, Archiver},
    breaker::BreakerSettings,
    builder::ArchiverBuilder,
    copier::{CopyWalError, FetchedWal, WalCopier},
    error::{ArchiveError, Outcome},
    policy::{AtLimit, InvalidAtLimit, InvalidMinCopies, MinCopies, Policy},
    settings::Settings,
    status::{AbandonedDebt, DestinationState, DestinationStatus, SpoolStatus, Status},
};
pub use crate::destination::DestinationId;
use crate::{repository::Repository, store::Counters};

/// A repository as a target of the fan-out; cheap to clone.
#[derive(Clone, Debug)]
pub struct Destination {
    /// Its name in reports and in the spool.
    pub id: DestinationId,
    /// Where the files go.
    pub repository: Arc<dyn Repository>,
    /// Files sent to it at the same time, of live traffic and of its backlog each; at least 1.
    pub parallel: usize,
    /// Parts of a base backup sent to it at the same time; at least 1.
    pub jobs: usize,
    /// What counts the requests to its store, if something does.
    pub requests: Option<Counters>,
}

impl Destination {
    /// Creates a destination that takes one live file and one of its backlog at a time, and two
    /// parts of a base backup.
    pub fn new(id: DestinationId, repository: Arc<dyn Repository>) -> Self {
        Self {
            id,
            repository,
            parallel: 1,
            jobs: 2,
            requests: None,
        }
    }

    /// Sets how many files are sent to it at the same time.
    #[must_use]
    pub fn with_parallel(mut self, parallel: usize) -> Self {
        self.parallel = parallel.max(1);
        self
    }

    /// Sets how many parts of a base backup are sent to it at the same time.
    #[must_use]
    pub fn with_jobs(mut self, jobs: usize) -> Self {
        self.jobs = jobs.max(1);
        self
    }

    /// Names what counts the requests to its store.
    #[must_use]
    pub fn with_requests(mut self, counters: Counters) -> Self {
        self.requests = Some(counters);
        self
    }
}
