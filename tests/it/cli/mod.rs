//! The program, run as PostgreSQL and people run it.

mod archive;
mod configuration;
mod resident;
mod restore;
mod status;
mod world;

use self::world::{Ran, World};
