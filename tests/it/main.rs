//! Tests through the public API and of the program, in one binary so that it links once.
//!
//! Run them with `scripts/test`, which installs the programs that they need.

#![allow(
    clippy::clone_on_ref_ptr,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking, reads the environment and prints what it does"
)]

mod architecture;
mod barman_conformance;
mod barman_golden;
mod barman_interop;
#[cfg(feature = "cli")]
mod cli;
mod codec_reference;
mod cost;
#[cfg(all(feature = "cli", feature = "failpoints"))]
mod crash;
mod crd;
#[cfg(feature = "metrics")]
mod metrics;
mod pgbackrest_conformance;
mod pgbackrest_interop;
#[cfg(feature = "cli")]
mod postgres;
mod report;
mod retention;
mod s3;
mod simulator;
mod support;
mod threads;
#[cfg(feature = "cli")]
mod trouble;
