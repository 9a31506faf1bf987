//! Tests through the public API, in one program so that it links once.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod architecture;
mod support;

#[cfg(all(
    feature = "bzip2",
    feature = "lz4",
    feature = "snappy",
    feature = "xz",
    feature = "zstd"
))]
mod codec_reference;
#[cfg(all(feature = "s3", feature = "test-util"))]
mod s3;
