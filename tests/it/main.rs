//! Tests through the public API, in one program so that it links once.

#![allow(
    clippy::unwrap_used,
    reason = "the helpers panic where a test should fail"
)]

mod support;

#[cfg(feature = "test-util")]
mod barman_conformance;
mod barman_golden;
#[cfg(all(
    feature = "s3",
    feature = "test-util",
    feature = "bzip2",
    feature = "lz4",
    feature = "snappy",
    feature = "xz",
    feature = "zstd"
))]
mod barman_interop;
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
