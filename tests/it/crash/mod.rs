//! The program is killed, and no acknowledged segment is missing or torn afterwards.
//!
//! One destination is up all the time; the other comes and goes, so that the ways through the
//! spool are walked too.

mod failpoints;
mod random;
mod resident;
mod scene;

use self::{
    resident::Residents,
    scene::{Attempt, Scene},
};
