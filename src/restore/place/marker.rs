//! What tells an interrupted restore from a data directory.

use std::{
    collections::BTreeMap,
    io::{self, Read, Write},
    path::PathBuf,
};

use serde::{Deserialize, Serialize};

use super::folder::{Access, Folder};
use crate::{
    pg::{Oid, SystemId},
    repository::TreePath,
};

/// The content of the file that is in the data directory while it is restored.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct Marker {
    /// The backup that is restored.
    pub(super) backup: String,
    /// Of which cluster it is.
    pub(super) system_id: Option<SystemId>,
    /// Where its tablespaces go.
    pub(super) tablespaces: BTreeMap<Oid, PathBuf>,
}

impl Marker {
    /// The file's name in the data directory.
    pub(super) const FILE_NAME: &'static str = "walcast.restoring";
    const MAX_LEN: u64 = 1 << 20;

    pub(super) fn path() -> TreePath {
        TreePath::parse(Self::FILE_NAME).expect("it is a plain name")
    }

    /// Reads the marker; `None` if there is none, or none that can be understood.
    pub(super) fn read(folder: &mut Folder) -> io::Result<Option<Self>> {
        let Some(file) = folder.open_file(&Self::path(), Access::Read)? else {
            return Ok(None);
        };
        let mut content = Vec::new();
        file.take(Self::MAX_LEN).read_to_end(&mut content)?;
        Ok(serde_json::from_slice(&content).ok())
    }

    /// Writes the marker, durably.
    pub(super) fn write(&self, folder: &mut Folder) -> io::Result<()> {
        let content = serde_json::to_vec(self).map_err(io::Error::other)?;
        let mut file = folder.create(&Self::path())?;
        file.write_all(&content)?;
        file.sync_all()?;
        folder.sync(&TreePath::default())
    }
}
