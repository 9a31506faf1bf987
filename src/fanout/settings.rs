//! Bounds and habits of an archiver.

use std::time::Duration;

use super::{breaker::BreakerSettings, policy::Policy};
use crate::byte_size::ByteSize;

/// Bounds and habits of an [`Archiver`](super::Archiver).
#[derive(Clone, Debug)]
pub struct Settings {
    /// When a file counts as archived.
    pub policy: Policy,
    /// When a destination counts as down.
    pub breaker: BreakerSettings,
    /// Most bytes of WAL in memory, whatever the number of destinations.
    pub memory: ByteSize,
    /// How many further files are sent while one is asked for.
    pub look_ahead: usize,
    /// Whether segments are looked into: right cluster, name, size. Off only in tests.
    pub verify: bool,
    /// Bytes of debts older than this are dropped from the spool and back-filled from a
    /// destination that holds them; `None` keeps them.
    pub max_debt_age: Option<Duration>,
}

impl Default for Settings {
    /// The default [`Policy`], 64 MiB of memory, no look-ahead, segments verified.
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            breaker: BreakerSettings::default(),
            memory: ByteSize::mib(64),
            look_ahead: 0,
            verify: true,
            max_debt_age: None,
        }
    }
}
