//! What a restore tells while it goes on, and at its end.

use std::fmt;

use crate::{destination::DestinationId, pg::Oid, repository::Tree, restore::place::Placed};

/// What happens during a restore.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// A tree begins, perhaps again.
    Tree {
        /// Which.
        tree: Tree,
        /// Where it comes from.
        from: &'a DestinationId,
    },
    /// Files were put in their place; what is counted goes back when a tree begins again.
    Placed(Placed),
    /// A destination does not have a tree, or not sound.
    Complaint(&'a Complaint),
    /// All files came; what is left is to complete the data directory.
    Finishing,
}

/// What was restored.
#[derive(Clone, Debug, Eq, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RestoreReport {
    /// The backup.
    pub backup: String,
    /// Where each tree came from.
    pub trees: Vec<RestoredTree>,
    /// What was put in its place.
    pub placed: Placed,
    /// What destinations failed to give; others gave it.
    pub complaints: Vec<Complaint>,
}

/// A tree that was restored.
#[derive(Clone, Debug, Eq, PartialEq, serde::Serialize)]
pub struct RestoredTree {
    /// The tablespace; `None` for the data directory.
    pub tablespace: Option<Oid>,
    /// Where it came from.
    pub from: DestinationId,
}

/// What a destination failed to give.
#[derive(Clone, Debug, Eq, PartialEq, serde::Serialize)]
pub struct Complaint {
    /// The destination.
    pub destination: DestinationId,
    /// The tablespace; `None` for the data directory.
    pub tablespace: Option<Oid>,
    /// What it said, or what is wrong with what it gave.
    pub reason: String,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tree = self.tablespace.map_or(Tree::Data, Tree::Tablespace);
        write!(f, "{}: {}: {}", self.destination, Named(tree), self.reason)
    }
}

/// Prints what a tree is.
pub(super) struct Named(pub(super) Tree);

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Tree::Data => f.write_str("data directory"),
            Tree::Tablespace(oid) => write!(f, "tablespace {oid}"),
        }
    }
}
