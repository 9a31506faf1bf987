//! The program, run as PostgreSQL and people run it.

mod ahead;
mod archive;
mod configuration;
mod crds;
mod expire;
mod forget;
mod lint;
mod metrics;
mod migrate;
mod report;
mod resident;
mod restore;
mod stanza;
mod status;

use crate::support::world::{Ran, World, block_on};
