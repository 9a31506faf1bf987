//! Tests through the public API, in one program so that it links once.

#![allow(
    clippy::unwrap_used,
    reason = "the helpers panic where a test should fail"
)]

#[cfg(all(
    feature = "bzip2",
    feature = "lz4",
    feature = "snappy",
    feature = "xz",
    feature = "zstd"
))]
mod codec_reference;

#[cfg(all(
    feature = "bzip2",
    feature = "lz4",
    feature = "snappy",
    feature = "xz",
    feature = "zstd"
))]
mod support;
