//! walcast keeps PostgreSQL backups in several places at once.
//!
//! A WAL segment is read once, hashed once and compressed once, and goes to every *destination*.
//! One that is down, slow or full neither blocks PostgreSQL nor loses a segment: it *owes* it,
//! which is on record before PostgreSQL hears "archived", and is made good later, from the spool
//! or from a destination that holds it. A base backup reads the server's files once for all of them.
//! What is written, Barman Cloud's own tools restore, and the other way round.
//!
//! ```text
//!  archive_command     the program `walcast`, an example, your own code
//!        │
//!     metrics                             what is known of the destinations, for monitoring
//!        │
//!  audit  heal  drill  report             what can each destination restore? proved, mended, shown
//!        │
//!  fanout  backup  restore  retention     several destinations: policy, lanes, one pass, failover
//!        │
//!      spool                   what is owed, remembered durably
//!        │
//!    repository                a cluster's backups in an on-store layout (Barman Cloud, pgBackRest)
//!      │     │
//!   store   codec              bytes under keys (S3, folder, memory) · bytes to bytes
//!      │     │
//!       pg                     facts about PostgreSQL
//!
//!  manifest ─ crd ─ config     Kubernetes resources → destinations
//!       └─ inventory ─ lint ─ migrate   a system's manifests → what is wrong, how to move
//! ```
//!
//! Modules use what is below them, never what is above.
//!
//! # Example
//!
//! One file of the archive to two destinations in memory:
//!
//! ```
//! use std::sync::Arc;
//! use walcast::{
//!     codec::{Codec, Encoding},
//!     disk::LocalDisk,
//!     fanout::{Archiver, Destination, DestinationId, Outcome},
//!     repository::barman::{BarmanRepository, BarmanSettings},
//!     spool::{Spool, SpoolSettings},
//!     store::MemoryStore,
//!     workers::Workers,
//! };
//!
//! # async fn archive() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let history = folder.path().join("00000002.history");
//! std::fs::write(&history, "1\t0/3000000\tno recovery target specified\n")?;
//!
//! let workers = Workers::new();
//! let mut destinations = Vec::new();
//! for id in ["here", "there"] {
//!     let settings = BarmanSettings {
//!         wal_encoding: Encoding::new(Codec::Gzip, None)?,
//!         ..BarmanSettings::new("backups", "cluster-example")
//!     };
//!     let store = Arc::new(MemoryStore::new());
//!     let repository = BarmanRepository::new(store, settings, workers.clone());
//!     destinations.push(Destination::new(DestinationId::parse(id)?, Arc::new(repository)));
//! }
//!
//! let ids = destinations.iter().map(|destination| destination.id.clone()).collect();
//! let root = folder.path().join("spool");
//! let disk = Arc::new(LocalDisk);
//! let spool = Spool::open(disk, root, ids, SpoolSettings::default(), workers).await?;
//! let archiver = Archiver::builder(destinations, spool).start().await;
//!
//! let archived = archiver.archive(&history).await?;
//!
//! assert!(archived.outcomes.iter().all(|(_, outcome)| *outcome == Outcome::Stored));
//! archiver.shutdown().await;
//! # Ok(())
//! # }
//! # tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(archive())?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Features
//!
//! | feature | default | what you get |
//! | --- | --- | --- |
//! | `crd` | yes | typed resources of CloudNativePG and its backup plugins |
//! | `manifest` | yes | manifests as text; with `crd`, configuration from them |
//! | `s3` | yes | Amazon S3 and what speaks its protocol |
//! | `zstd`, `lz4` | yes | these codecs; gzip is always there |
//! | `bzip2`, `xz`, `snappy` | no | these codecs |
//! | `aws-chain` | no | credentials from the AWS provider chain (`inheritFromIAMRole`) |
//! | `postgres` | no | asking a server: facts, begin and end of a base backup |
//! | `metrics` | no | metrics of the destinations as OpenMetrics text |
//! | `cli` | no | the program `walcast`, with all of the above |
//! | `test-util` | no | fault injection, simulated disks, conformance suites |
//! | `failpoints` | no | places where a test may kill the process |
//!
//! With `crd`, the program that uses walcast says which version of Kubernetes it is built for, as
//! with every crate that uses k8s-openapi. One dependency of its own does it:
//!
//! ```toml
//! k8s-openapi = { version = "0.29", default-features = false, features = ["latest"] }
//! ```
//!
//! # Glossary
//!
//! - **Segment**: a file of write-ahead log (WAL), 16 MiB unless the cluster was made otherwise.
//! - **Timeline**: a line of history; a promotion begins a new one, told by its history file.
//! - **Store**: bytes under keys ([`store::Store`]).
//! - **Repository**: one cluster's backups in one on-store layout ([`repository::Repository`]).
//! - **Destination**: a repository as a target of the fan-out ([`fanout::Destination`]).
//! - **Policy**: what must hold before a file counts as archived ([`fanout::Policy`]).
//! - **Lane**: one destination's bounded worker; lanes never wait for each other.
//! - **Owe**: to miss a file that is on record, to be sent later ([`spool::Entry`]).
//! - **Gap**: a debt without bytes, filled from a destination that holds the file.
//! - **Spool**: the folder with the debts ([`spool::Spool`]).
//! - **Resident**: the process `walcast serve`, which the `archive_command` asks if it is there.

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod audit;
pub mod backup;
pub mod budget;
pub mod byte_size;
pub mod catalog;
pub mod clock;
pub mod codec;
#[cfg(all(feature = "crd", feature = "manifest"))]
#[cfg_attr(docsrs, doc(cfg(all(feature = "crd", feature = "manifest"))))]
pub mod config;
#[cfg(any(test, feature = "test-util"))]
#[cfg_attr(docsrs, doc(cfg(feature = "test-util")))]
pub mod conformance;
#[cfg(feature = "crd")]
#[cfg_attr(docsrs, doc(cfg(feature = "crd")))]
pub mod crd;
pub mod destination;
pub mod disk;
pub mod drill;
pub mod error;
#[cfg(not(feature = "failpoints"))]
mod failpoint;
#[cfg(feature = "failpoints")]
#[doc(hidden)]
pub mod failpoint;
pub mod fanout;
pub mod go_duration;
pub mod heal;
#[cfg(all(feature = "crd", feature = "manifest"))]
#[cfg_attr(docsrs, doc(cfg(all(feature = "crd", feature = "manifest"))))]
pub mod inventory;
#[cfg(all(feature = "crd", feature = "manifest"))]
#[cfg_attr(docsrs, doc(cfg(all(feature = "crd", feature = "manifest"))))]
pub mod lint;
#[cfg(feature = "manifest")]
#[cfg_attr(docsrs, doc(cfg(feature = "manifest")))]
pub mod manifest;
#[cfg(feature = "metrics")]
#[cfg_attr(docsrs, doc(cfg(feature = "metrics")))]
pub mod metrics;
#[cfg(all(feature = "crd", feature = "manifest"))]
#[cfg_attr(docsrs, doc(cfg(all(feature = "crd", feature = "manifest"))))]
pub mod migrate;
pub mod pg;
pub mod report;
pub mod repository;
pub mod restore;
pub mod retention;
pub mod schedule;
pub mod secret;
pub mod spool;
pub mod store;
pub mod workers;

/// The example of the README compiles.
#[cfg(all(doctest, feature = "manifest"))]
#[doc = include_str!("../README.md")]
struct Readme;
