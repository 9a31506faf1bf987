//! What several tests need.

pub(crate) mod content;
pub(crate) mod plain_store;
pub(crate) mod program;
#[cfg(feature = "s3")]
#[allow(dead_code, reason = "the example uses the rest")]
pub(crate) mod s3;
