//! Reading back, from whichever destination has it.

pub mod base;
pub mod place;
pub mod plan;
mod target;
#[cfg(test)]
mod test_data;
mod wal;

pub use self::{
    target::{
        InvalidRecoverySettings, Purpose, RecoverySettings, RecoveryTarget, TargetAction,
        TargetTimeline,
    },
    wal::{Ahead, Fetched, WalFetchError, WalFetcher},
};
