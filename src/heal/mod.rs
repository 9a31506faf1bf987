//! What a destination lacks, from another one that holds it.
//!
//! [`HealRequest::plan`] decides what is copied, from where and in which order, by what an audit
//! observed; [`heal`] does it. What is done does not appear in the next plan, so whoever is stopped
//! goes on by asking again. A new, empty destination is filled in the same way.
//!
//! - A destination gets the backups that others can restore and that its own retention would keep,
//!   and the WAL that leads from them to the newest one; not what it would remove again.
//! - The newest backup and the WAL after it come first: the destination is good for something as
//!   early as possible.
//! - Nothing that is there is replaced. What is known to be damaged is set aside first, and only if
//!   sound bytes are there to take its place.

mod execute;
mod lacks;
mod plan;
mod report;
#[cfg(test)]
mod tests;

pub use self::{
    execute::{HealSettings, heal},
    plan::{HealPlan, HealRequest, Scope, Step, StepContent, Unavailable},
    report::{Failure, HealReport, StepReport},
};
