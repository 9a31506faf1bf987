//! A restore for practice: the only proof that a backup is one.

mod evidence;
mod record;

pub use self::{
    evidence::{last_drill, remember_drill},
    record::DrillRecord,
};
