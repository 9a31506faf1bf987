//! Tests through the public API, in one binary.

mod support;

#[cfg(all(feature = "s3", feature = "test-util"))]
mod s3;
