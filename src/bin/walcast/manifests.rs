//! Manifests of a system, read and written.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use walcast::{
    error::chain,
    inventory::{Inventory, MAX_FILE},
};

use crate::{configuration::VariableOptions, output::Failure};

/// What standard input is called.
pub(crate) const STDIN: &str = "<stdin>";

/// Reads files and folders; `-` is standard input.
pub(crate) fn read(paths: &[PathBuf], variables: &VariableOptions) -> Result<Inventory, Failure> {
    let mut inventory = Inventory::new(variables.variables().unwrap_or_default());
    for path in paths {
        if path == Path::new("-") {
            let mut bytes = Vec::new();
            let mut stdin = io::stdin().take(MAX_FILE + 1);
            let read = stdin.read_to_end(&mut bytes);
            read.map_err(|error| Failure::new(format!("reading {STDIN}: {error}")))?;
            inventory.add_bytes(STDIN, bytes);
        } else {
            inventory.read(path).map_err(|error| Failure::of(&error))?;
        }
    }
    if inventory.files().is_empty() && inventory.troubles().is_empty() {
        let hint = "Folders are searched for files whose names end in .yaml or .yml.";
        return Err(Failure::new("there are no manifests").with_hint(Some(hint)));
    }
    Ok(inventory)
}

/// Writes a file in place of what it was.
pub(crate) fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    if path == Path::new(STDIN) {
        let hint = "Leave out --write to see what would be written.";
        let failure = Failure::new("standard input cannot be written");
        return Err(failure.with_hint(Some(hint)));
    }
    write(path, text).map_err(|error| failure(path, &error))
}

/// Writes a file that is not there yet, and its folders.
pub(crate) fn create(path: &Path, text: &str) -> Result<(), Failure> {
    let write = || {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = File::options().write(true).create_new(true).open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().map_err(|error| failure(path, &error))
}

fn failure(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("writing {}: {}", path.display(), chain(error)))
}

/// Replaces a file as a whole: it has its old text or its new one, whatever happens.
fn write(path: &Path, text: &str) -> io::Result<()> {
    // A link stays one.
    let path = fs::canonicalize(path)?;
    let folder = path.parent().unwrap_or_else(|| Path::new("/"));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let new = folder.join(format!(".{name}.walcast-{}", std::process::id()));
    let result = write_new(&new, &path, text).and_then(|()| fs::rename(&new, &path));
    if result.is_err() {
        // What is left of it says nothing.
        let _ = fs::remove_file(&new);
    }
    result?;
    File::open(folder)?.sync_all()
}

fn write_new(new: &Path, old: &Path, text: &str) -> io::Result<()> {
    let mut file = File::options().write(true).create_new(true).open(new)?;
    file.set_permissions(fs::metadata(old)?.permissions())?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
