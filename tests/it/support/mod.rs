//! What tests of several modules share.

#[cfg(feature = "cli")]
pub(crate) mod archived;
pub(crate) mod barman;
pub(crate) mod content;
pub(crate) mod overwriting;
pub(crate) mod pgbackrest;
#[cfg(feature = "cli")]
pub(crate) mod postgres;
pub(crate) mod program;
#[allow(dead_code, reason = "the example uses the rest")]
pub(crate) mod s3;
#[cfg(feature = "cli")]
pub(crate) mod wal;
#[cfg(feature = "cli")]
pub(crate) mod world;
