//! What tests of several modules share.

#[cfg(feature = "s3")]
pub(crate) mod s3;
