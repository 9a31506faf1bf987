//! What tests of several modules share.

#[cfg(all(
    feature = "s3",
    feature = "test-util",
    feature = "bzip2",
    feature = "lz4",
    feature = "snappy",
    feature = "xz",
    feature = "zstd"
))]
pub(crate) mod barman;
#[cfg(all(
    feature = "bzip2",
    feature = "lz4",
    feature = "snappy",
    feature = "xz",
    feature = "zstd"
))]
pub(crate) mod content;
#[cfg(feature = "test-util")]
pub(crate) mod overwriting;
#[cfg(all(
    feature = "bzip2",
    feature = "lz4",
    feature = "snappy",
    feature = "xz",
    feature = "zstd"
))]
pub(crate) mod program;
#[cfg(feature = "s3")]
#[allow(dead_code, reason = "the example uses the rest")]
pub(crate) mod s3;
