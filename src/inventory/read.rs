//! Files and folders to texts.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::{Inventory, TroubleReason};

/// The largest file that is read, in bytes: far more than anybody writes.
pub const MAX_FILE: u64 = 16 << 20;

/// There is nothing to read at a path.
#[derive(Debug, thiserror::Error)]
#[error("{}", path.display())]
pub struct ReadError {
    /// The path.
    pub path: PathBuf,
    /// What the system says.
    pub source: io::Error,
}

/// Adds what is at `path`.
pub(super) fn path(inventory: &mut Inventory, path: &Path) -> Result<(), ReadError> {
    let failure = |source| ReadError {
        path: path.to_owned(),
        source,
    };
    let metadata = fs::metadata(path).map_err(failure)?;
    if metadata.is_dir() {
        fs::read_dir(path).map_err(failure)?;
        folder(inventory, path);
    } else {
        file(inventory, path);
    }
    Ok(())
}

fn folder(inventory: &mut Inventory, path: &Path) {
    if !is_new(inventory, path) {
        return;
    }
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) => return unreadable(inventory, path, &error),
    };
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in entries {
        match entry {
            Ok(entry) if entry.file_name().as_encoded_bytes().starts_with(b".") => {}
            Ok(entry) => paths.push(entry.path()),
            Err(error) => unreadable(inventory, path, &error),
        }
    }
    paths.sort_unstable();
    for path in paths {
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => folder(inventory, &path),
            Ok(_) if !is_manifest(&path) => {}
            Ok(_) => file(inventory, &path),
            Err(error) if is_manifest(&path) => unreadable(inventory, &path, &error),
            Err(_) => {}
        }
    }
}

fn file(inventory: &mut Inventory, path: &Path) {
    if !is_new(inventory, path) {
        return;
    }
    let mut bytes = Vec::new();
    // One byte more tells that it is too large.
    let read =
        fs::File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes));
    match read {
        Ok(_) => inventory.add_bytes(path, bytes),
        Err(error) => unreadable(inventory, path, &error),
    }
}

fn unreadable(inventory: &mut Inventory, path: &Path, error: &io::Error) {
    let reason = TroubleReason::Unreadable(error.to_string());
    inventory.trouble(path.to_owned(), reason);
}

fn is_new(inventory: &mut Inventory, path: &Path) -> bool {
    // What has no canonical path cannot be read either, which is said there.
    let canonical = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    inventory.visited.insert(canonical)
}

fn is_manifest(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| matches!(extension, "yaml" | "yml"))
}
