//! What tests of several modules share.

#[cfg(feature = "s3")]
#[allow(dead_code, reason = "the example uses the rest")]
pub(crate) mod s3;
