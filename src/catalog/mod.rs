//! What follows from what a destination [holds](Catalog): which base backups depend on which, which
//! of them can be restored, and how far.

mod chains;
mod segments;

pub use self::chains::{Chains, Health, Prior};
pub(crate) use self::segments::Segments;
pub use crate::repository::Catalog;
