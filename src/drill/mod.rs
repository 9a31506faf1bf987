//! A restore for practice: the only proof that a backup is one.
//!
//! [`Drill::run`] restores a backup of *one* destination into an empty folder, starts a private
//! server on it, has it replay everything that this destination has, checks all tables and indexes
//! with `pg_amcheck`, asks what the user wants to know, and measures the time. What came of it is a
//! [`DrillRecord`], which [`remember_drill`] keeps beside the backups and audits read.
//!
//! The private server can do no harm: it listens on a socket in its folder alone, archives
//! nothing, loads no extension's library, and its subscriptions and scheduled jobs do not run.

mod evidence;
#[cfg(feature = "postgres")]
mod programs;
mod record;
#[cfg(feature = "postgres")]
mod run;
#[cfg(feature = "postgres")]
mod server;

pub use self::{
    evidence::{last_drill, remember_drill},
    record::DrillRecord,
};
#[cfg(feature = "postgres")]
#[cfg_attr(docsrs, doc(cfg(feature = "postgres")))]
pub use self::{
    programs::{NoPrograms, Programs},
    run::{Drill, Question},
};
