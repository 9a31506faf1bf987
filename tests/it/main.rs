//! Tests through the public API, in one binary.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

#[cfg(all(feature = "s3", feature = "test-util"))]
mod s3;
