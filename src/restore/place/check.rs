//! Whether a backup may go where it is meant to go: looked at before anything is changed. Blocking.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Component, Path, PathBuf},
};

use super::{
    Delta, PlaceError, Placement,
    folder::{Access, Folder},
    marker::Marker,
};
use crate::{
    byte_size::ByteSize,
    disk::{Disk, LocalDisk},
    pg::{ControlData, Oid, SystemId},
    repository::TreePath,
};

/// What is at a place.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum There {
    Nothing,
    Empty,
    Something,
}

impl Placement {
    /// Checks that the backup may go where it is meant to go, and changes nothing. Blocking.
    pub fn check(&self) -> Result<(), PlaceError> {
        self.check_locations()?;
        let target = there(&self.target)?;
        let mut data = match (target, self.delta) {
            (There::Nothing | There::Empty, _) => None,
            (There::Something, Delta::Off) => return Err(self.occupied()),
            (There::Something, Delta::Keep) => Some(self.check_data_directory()?),
        };
        for (oid, path) in &self.tablespaces {
            let may_stay = match &mut data {
                Some(data) => data
                    .has_tablespace(*oid, path)
                    .map_err(PlaceError::io(path))?,
                None => false,
            };
            if there(path)? == There::Something && !may_stay {
                return Err(PlaceError::NotEmpty { path: path.clone() });
            }
        }
        match (self.size, self.delta) {
            (Some(size), Delta::Off) => self.check_space(size),
            _ => Ok(()),
        }
    }

    /// Checks that the volumes have so much space together.
    fn check_space(&self, size: u64) -> Result<(), PlaceError> {
        let mut free = BTreeMap::new();
        for (_, path) in self.places() {
            let io = || PlaceError::io(path);
            let absolute = std::path::absolute(path).map_err(io())?;
            let mut there = absolute.ancestors();
            let there = there
                .find(|one| one.exists())
                .unwrap_or_else(|| Path::new("/"));
            let volume = fs::metadata(there).map_err(io())?.dev();
            let space = LocalDisk.space(there).map_err(io())?;
            free.insert(volume, space.free);
        }
        let free = free.into_values().fold(0, u64::saturating_add);
        if free < size {
            return Err(PlaceError::NoSpace {
                path: self.target.clone(),
                needed: ByteSize::new(size),
                free: ByteSize::new(free),
            });
        }
        Ok(())
    }

    fn check_locations(&self) -> Result<(), PlaceError> {
        for path in self.tablespaces.values() {
            let reason = match path.to_str() {
                _ if !path.is_absolute() => "it is relative",
                None => "it is no text",
                Some(text) if text.contains(char::is_control) => "it has a control character",
                Some(_) => continue,
            };
            let path = path.clone();
            return Err(PlaceError::Location { path, reason });
        }
        let mut places: Vec<(PathBuf, &Path)> = Vec::new();
        for (_, path) in self.places() {
            let resolved = resolve(path).map_err(PlaceError::io(path))?;
            for (other_resolved, other) in &places {
                if resolved.starts_with(other_resolved) || other_resolved.starts_with(&resolved) {
                    return Err(PlaceError::Overlap {
                        one: (*other).to_owned(),
                        other: path.to_owned(),
                    });
                }
            }
            places.push((resolved, path));
        }
        Ok(())
    }

    fn occupied(&self) -> PlaceError {
        let path = self.target.clone();
        if path.join(Marker::FILE_NAME).exists() {
            PlaceError::Unfinished { path }
        } else {
            PlaceError::NotEmpty { path }
        }
    }

    /// Checks that the target is a data directory of the same cluster, or was to become one, and
    /// that nobody works in it.
    fn check_data_directory(&self) -> Result<Existing, PlaceError> {
        let target = &self.target;
        let io = || PlaceError::io(target);
        let foreign = |reason: String| PlaceError::Foreign {
            path: target.clone(),
            reason,
        };
        let mut folder = Folder::open(target).map_err(io())?;
        let is_there = |name: &str| fs::symlink_metadata(target.join(name)).is_ok();
        if is_there("postmaster.pid") {
            return Err(PlaceError::InUse {
                path: target.clone(),
                reason: "it has a postmaster.pid".to_owned(),
            });
        }
        if target.join("pg_wal").is_symlink() {
            return Err(foreign(
                "its pg_wal is a link; move the directory there, and back when all is restored"
                    .to_owned(),
            ));
        }
        let marker = Marker::read(&mut folder).map_err(io())?;
        let found = match (&marker, read_system_id(&mut folder)) {
            (Some(marker), _) => marker.system_id,
            (None, Ok(system_id)) => Some(system_id),
            (None, Err(reason)) => return Err(foreign(reason)),
        };
        match (found, self.system_id) {
            (Some(found), Some(expected)) if found == expected => Ok(Existing { folder, marker }),
            (Some(found), Some(expected)) => Err(foreign(format!(
                "it is of cluster {found}, the backup of {expected}"
            ))),
            _ => Err(foreign(
                "nobody knows whether it is of the backup's cluster".to_owned(),
            )),
        }
    }
}

/// A data directory that may be restored over.
struct Existing {
    folder: Folder,
    marker: Option<Marker>,
}

impl Existing {
    /// Returns whether `location` is that of its own tablespace.
    fn has_tablespace(&mut self, oid: Oid, location: &Path) -> io::Result<bool> {
        let marked = self
            .marker
            .as_ref()
            .and_then(|marker| marker.tablespaces.get(&oid));
        if marked.is_some_and(|marked| marked == location) {
            return Ok(true);
        }
        let directory = match self.folder.directory(&tablespace_links()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            opened => opened?,
        };
        let leads_to = rustix::fs::readlinkat(&directory, oid.to_string(), Vec::new());
        Ok(leads_to
            .is_ok_and(|leads_to| leads_to.to_bytes() == location.as_os_str().as_encoded_bytes()))
    }
}

/// The directory with the links of tablespaces.
pub(super) fn tablespace_links() -> TreePath {
    TreePath::parse("pg_tblspc").expect("it is a plain name")
}

/// The file without which PostgreSQL does not start.
pub(super) fn control_file() -> TreePath {
    TreePath::parse("global/pg_control").expect("it is a plain path")
}

fn read_system_id(folder: &mut Folder) -> Result<SystemId, String> {
    let file = folder
        .open_file(&control_file(), Access::Read)
        .map_err(|error| format!("its pg_control cannot be read: {error}"))?;
    let Some(file) = file else {
        return Err("it has no pg_control".to_owned());
    };
    let mut content = Vec::new();
    file.take(ControlData::LEN as u64)
        .read_to_end(&mut content)
        .map_err(|error| format!("its pg_control cannot be read: {error}"))?;
    let control = ControlData::parse(&content).map_err(|error| error.to_string())?;
    Ok(control.system_id)
}

fn there(path: &Path) -> Result<There, PlaceError> {
    match fs::read_dir(path) {
        Ok(mut entries) => Ok(match entries.next() {
            None => There::Empty,
            Some(_) => There::Something,
        }),
        // A link that leads nowhere is something.
        Err(error) if error.kind() == io::ErrorKind::NotFound && !path.is_symlink() => {
            Ok(There::Nothing)
        }
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            Err(PlaceError::NoDirectory {
                path: path.to_owned(),
            })
        }
        Err(error) => Err(PlaceError::io(path)(error)),
    }
}

/// Returns the path without links and `..`, also if its last parts are not there yet.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    let mut resolved = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                resolved.pop();
            }
            part => resolved.push(part),
        }
        match resolved.canonicalize() {
            Ok(canonical) => resolved = canonical,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(resolved)
}
