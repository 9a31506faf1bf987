//! What several tests need.

pub(crate) mod content;
pub(crate) mod program;
