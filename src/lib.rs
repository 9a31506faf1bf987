//! walcast keeps PostgreSQL backups in several places at once.

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod budget;
pub mod byte_size;
pub mod clock;
pub mod codec;
#[cfg(feature = "manifest")]
#[cfg_attr(docsrs, doc(cfg(feature = "manifest")))]
pub mod config;
#[cfg(feature = "manifest")]
#[cfg_attr(docsrs, doc(cfg(feature = "manifest")))]
pub mod crd;
pub mod destination;
pub mod disk;
pub mod error;
#[cfg(not(feature = "failpoints"))]
mod failpoint;
#[cfg(feature = "failpoints")]
#[doc(hidden)]
pub mod failpoint;
pub mod fanout;
#[cfg(feature = "manifest")]
#[cfg_attr(docsrs, doc(cfg(feature = "manifest")))]
pub mod manifest;
pub mod pg;
pub mod repository;
pub mod restore;
pub mod secret;
pub mod spool;
pub mod store;
pub mod workers;
