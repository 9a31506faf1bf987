//! What is in a directory.

use std::{
    ffi::OsString,
    fs::{self, DirEntry, FileType},
    io,
    path::Path,
};

use super::error::{SourceError, found, read_error};
use crate::pg::{EntryKind, Fork, RelationFile};

/// Lists a directory by name, init forks of relations first; `None` if it is gone.
pub(super) fn list(directory: &Path) -> Result<Option<Vec<(String, DirEntry)>>, SourceError> {
    let Some(entries) = found(directory, fs::read_dir(directory))? else {
        return Ok(None);
    };
    let name = |entry: io::Result<DirEntry>| {
        let entry = entry.map_err(|source| read_error(directory, source))?;
        let text = entry.file_name().into_string();
        let name = text.map_err(|name: OsString| SourceError::Name {
            path: directory.join(name),
            reason: "its name is not UTF-8".to_owned(),
        })?;
        Ok((name, entry))
    };
    let mut entries = entries.map(name).collect::<Result<Vec<_>, _>>()?;
    entries.sort_unstable_by_key(|(name, _)| (!is_init_fork(name), name.clone()));
    Ok(Some(entries))
}

/// Tells what an entry is; `None` if it is gone.
pub(super) fn kind(entry: &DirEntry) -> Result<Option<EntryKind>, SourceError> {
    let path = entry.path();
    let of = |kind: FileType| {
        if kind.is_dir() {
            EntryKind::Directory
        } else if kind.is_file() {
            EntryKind::File
        } else {
            EntryKind::Special
        }
    };
    let Some(kind) = found(&path, entry.file_type())? else {
        return Ok(None);
    };
    if !kind.is_symlink() {
        return Ok(Some(of(kind)));
    }
    Ok(Some(match fs::metadata(&path) {
        Ok(target) if target.is_file() => EntryKind::FileLink,
        _ => EntryKind::DirectoryLink,
    }))
}

fn is_init_fork(name: &str) -> bool {
    RelationFile::parse(name).is_some_and(|file| file.fork == Fork::Init)
}
