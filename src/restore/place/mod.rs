//! A base backup's files on their way to their place on disk.
//!
//! A restored server must never start from half a backup. So `global/pg_control`, without which
//! PostgreSQL does not start, is held back until all else is in its place and durable, and a file
//! `walcast.restoring` tells an interrupted restore from a data directory.
//!
//! Names and links in a backup are not trusted. Everything is created new below the directory that
//! was asked for, no link is ever followed on the way, and a link that leads out is refused.
//!
//! What would harm the restored server stays behind: the links of tablespaces, which are made anew
//! to where they are now, with the `tablespace_map` that would undo it; the signal files of an
//! earlier recovery; and what a running server leaves in its data directory.

mod check;
mod error;
mod finish;
mod folder;
mod links;
mod marker;
mod placer;
mod site;
#[cfg(test)]
mod tests;
mod verify;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

pub use self::{
    error::PlaceError,
    placer::{Placed, Placer},
};
use crate::{
    pg::{Lsn, Oid, SystemId},
    repository::{StoredBackup, Tablespace, Tree},
};

/// Where a backup goes.
#[derive(Clone, Debug)]
pub struct Placement {
    /// The data directory.
    pub target: PathBuf,
    /// The location of each tablespace that is outside the data directory; absolute.
    pub tablespaces: BTreeMap<Oid, PathBuf>,
    /// What happens to what is there already.
    pub delta: Delta,
    /// Whose the files are to be.
    pub ownership: Ownership,
    /// What to do with links that lead out of the data directory.
    pub outer_links: OuterLinks,
    /// The space that it needs, in bytes; `None` if nobody knows, or it shall not be looked at. A
    /// delta needs what differs, which nobody knows.
    pub size: Option<u64>,
    /// The backup, as reports call it.
    pub backup: String,
    /// The cluster that it is of, where its record says so; `pg_control` must agree.
    pub system_id: Option<SystemId>,
    /// Where recovery begins, where its record says so; `backup_label` must agree.
    pub start: Option<Lsn>,
}

/// What happens to files that are there already.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Delta {
    /// There must be none.
    #[default]
    Off,
    /// Those that are like the backup's stay, all others are corrected or removed.
    ///
    /// Only in a data directory of the same cluster without a running server, and in what an
    /// interrupted restore left. Costs about 100 bytes of memory for each file.
    Keep,
}

/// Whose the files are to be.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Ownership {
    /// Theirs who runs this process.
    Process,
    /// Those, by number, whose the tree's own directory was: PostgreSQL wants all of one owner, and
    /// some tools record another one for `backup_label`. Only root may do that.
    Recorded,
    /// Those of these numbers.
    Fixed {
        /// The owner.
        uid: u32,
        /// The group.
        gid: u32,
    },
}

impl Default for Ownership {
    /// What this process may do: as recorded for root, its own for all others.
    fn default() -> Self {
        if rustix::process::geteuid().is_root() {
            Self::Recorded
        } else {
            Self::Process
        }
    }
}

/// What to do with symbolic links that are absolute or lead out of the data directory, other than
/// those of tablespaces.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum OuterLinks {
    /// The backup is refused.
    #[default]
    Refuse,
    /// They are left out.
    LeaveOut,
}

impl Placement {
    /// Creates the placement of `backup` in `target`, an empty directory or none, with its
    /// tablespaces where they were.
    pub fn new(
        target: impl Into<PathBuf>,
        backup: &StoredBackup,
        tablespaces: &[Tablespace],
    ) -> Self {
        let recorded = |one: &Tablespace| (one.oid, PathBuf::from(&one.location));
        Self {
            target: target.into(),
            tablespaces: tablespaces.iter().map(recorded).collect(),
            delta: Delta::default(),
            ownership: Ownership::default(),
            outer_links: OuterLinks::default(),
            size: backup.size,
            backup: backup.id.clone(),
            system_id: backup.system_id,
            start: backup.start,
        }
    }

    /// Moves the tablespace that is called `name`, or has that number, to `location`.
    ///
    /// # Errors
    ///
    /// [`PlaceError::NoTablespace`] if the backup has none of that name.
    pub fn move_tablespace(
        &mut self,
        tablespaces: &[Tablespace],
        name: &str,
        location: impl Into<PathBuf>,
    ) -> Result<(), PlaceError> {
        let named = tablespaces.iter().find(|one| one.name == name);
        let numbered = || tablespaces.iter().find(|one| one.oid.to_string() == name);
        let tablespace = named
            .or_else(numbered)
            .ok_or_else(|| PlaceError::NoTablespace(name.to_owned()))?;
        self.tablespaces.insert(tablespace.oid, location.into());
        Ok(())
    }

    /// Returns where each tree goes.
    pub(super) fn places(&self) -> impl Iterator<Item = (Tree, &Path)> {
        let tablespaces = self.tablespaces.iter();
        let tablespaces = tablespaces.map(|(oid, path)| (Tree::Tablespace(*oid), path.as_path()));
        std::iter::once((Tree::Data, self.target.as_path())).chain(tablespaces)
    }
}
