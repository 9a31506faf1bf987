//! Reports as text: for people, for code hosts, for programs.
//!
//! As JSON a [`Report`](super::Report) is what serde makes of it.

mod github;
mod sarif;
mod text;

pub use self::{github::github, sarif::sarif, text::text};
