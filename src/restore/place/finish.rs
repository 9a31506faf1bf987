//! The end of a restore: what makes a data directory of the files.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::unix::fs::PermissionsExt,
};

use super::{
    Delta, PlaceError, Placed, Placer,
    check::{control_file, tablespace_links},
    folder::{Access, Folder, Owner, set_attributes},
    marker::Marker,
    placer::{Control, PERMISSIONS},
    site::Site,
};
use crate::{
    repository::{Attributes, Tree, TreePath},
    restore::target::{InvalidRecoverySettings, RecoverySettings},
};

impl Placer {
    /// Completes the data directory: what is not in the backup goes, tablespaces are linked,
    /// recovery is set up, everything is made durable, and `pg_control` comes last.
    ///
    /// Files that [`take_unsynced`](Self::take_unsynced) gave away must be synced before.
    ///
    /// # Errors
    ///
    /// Those of the file system; settings that are invalid, or a data directory that did not come,
    /// are a mistake of the caller and told as such.
    pub fn finish(mut self, settings: &RecoverySettings) -> Result<Placed, PlaceError> {
        let control = self.control.take().ok_or_else(|| {
            PlaceError::content(&control_file(), "the data directory did not come")
        })?;
        for file in self.take_unsynced() {
            file.sync_all()
                .map_err(PlaceError::io(&self.placement.target))?;
        }
        if self.placement.delta == Delta::Keep {
            self.prune()?;
        }
        let ownership = self.placement.ownership;
        let site = self.data_site();
        let own = Own {
            owner: site.owner(ownership, &control.attributes),
            mode: control.attributes.mode & PERMISSIONS,
        };
        let target = self.placement.target.clone();
        let set_up = self.set_up(own, settings);
        set_up.map_err(PlaceError::io(&target))?;
        self.settle_directories()?;
        let folder = &mut self.data_site().folder;
        let complete = complete(folder, own, &control);
        complete.map_err(PlaceError::io(target))?;
        Ok(self.placed)
    }

    fn prune(&mut self) -> Result<(), PlaceError> {
        let links = tablespace_links();
        let tablespaces = self.placement.tablespaces.keys();
        let kept: Vec<_> = tablespaces
            .filter_map(|oid| links.join(&oid.to_string()).ok())
            .chain([Marker::path()])
            .chain(TreePath::parse("lost+found"))
            .collect();
        for (tree, site) in &mut self.sites {
            let is_kept = |path: &TreePath| match tree {
                Tree::Data => kept.contains(path),
                Tree::Tablespace(_) => path.as_str() == "lost+found",
            };
            self.placed.removed += site.prune(is_kept)?;
        }
        Ok(())
    }

    fn set_up(&mut self, own: Own, settings: &RecoverySettings) -> io::Result<()> {
        let tablespaces = self.placement.tablespaces.clone();
        let site = self.data_site();
        let folder = &mut site.folder;
        if !site.directories.contains_key(&TreePath::default()) {
            own.give(&File::from(folder.directory(&TreePath::default())?), 0o700)?;
        }
        if !tablespaces.is_empty() {
            own.directory(folder, &tablespace_links())?;
        }
        for (oid, location) in tablespaces {
            let link = tablespace_links().join(&oid.to_string());
            let link = link.map_err(io::Error::other)?;
            folder.create_link(&link, &location)?;
            folder.own_link(&link, own.owner)?;
        }
        own.directory(folder, &plain("pg_wal"))?;
        let auto_conf = plain(RecoverySettings::FILE_NAME);
        let content = settings
            .apply(&read(folder, &auto_conf)?)
            .map_err(|error: InvalidRecoverySettings| io::Error::other(error))?;
        own.file(folder, &auto_conf, &content)?;
        for signal in RecoverySettings::SIGNAL_FILES {
            folder.remove(&plain(signal))?;
        }
        own.file(folder, &plain(settings.signal_file()), b"")
    }

    /// Gives directories what may be done with them and makes their names durable, those inside
    /// others first.
    fn settle_directories(&mut self) -> Result<(), PlaceError> {
        let ownership = self.placement.ownership;
        for site in self.sites.values() {
            for (path, attributes) in site.directories.iter().rev() {
                let owner = site.owner(ownership, attributes);
                settle(site, path, owner, attributes)
                    .map_err(PlaceError::io(site.folder.path_of(path)))?;
            }
            // Those that the backup does not have are not among them.
            let root = TreePath::default();
            site.folder
                .sync(&root)
                .map_err(PlaceError::io(site.folder.path_of(&root)))?;
        }
        let links = tablespace_links();
        let site = self.data_site();
        match site.folder.sync(&links) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            synced => synced.map_err(PlaceError::io(site.folder.path_of(&links))),
        }
    }
}

/// Whose the files are that are no part of the backup.
#[derive(Clone, Copy, Debug)]
struct Own {
    owner: Owner,
    mode: u32,
}

impl Own {
    fn file(self, folder: &mut Folder, path: &TreePath, content: &[u8]) -> io::Result<()> {
        let mut file = folder.create(path)?;
        file.write_all(content)?;
        self.give(&file, self.mode)?;
        file.sync_all()
    }

    /// Creates a directory, which may be there.
    fn directory(self, folder: &mut Folder, path: &TreePath) -> io::Result<()> {
        if folder.stat(path)?.is_some() {
            return Ok(());
        }
        folder.create_directory(path)?;
        let directory = File::from(folder.directory(path)?);
        // The group may enter where it may read files.
        let mode = if self.mode & 0o040 == 0 { 0o700 } else { 0o750 };
        self.give(&directory, mode)?;
        directory.sync_all()
    }

    fn give(self, file: &File, mode: u32) -> io::Result<()> {
        if let Some((uid, gid)) = self.owner {
            std::os::unix::fs::fchown(file, Some(uid), Some(gid))?;
        }
        file.set_permissions(PermissionsExt::from_mode(mode))
    }
}

/// Puts `pg_control` in its place: from now on it is a data directory.
fn complete(folder: &mut Folder, own: Own, control: &Control) -> io::Result<()> {
    let path = control_file();
    let parent = path.parent().unwrap_or_default();
    let temporary = parent
        .join("pg_control.walcast")
        .map_err(io::Error::other)?;
    let mut file = folder.create(&temporary)?;
    file.write_all(&control.content)?;
    set_attributes(&file, own.owner, own.mode, control.attributes.modified)?;
    file.sync_all()?;
    folder.rename(&temporary, &path)?;
    folder.sync(&parent)?;
    folder.remove(&Marker::path())?;
    folder.sync(&TreePath::default())
}

fn settle(site: &Site, path: &TreePath, owner: Owner, attributes: &Attributes) -> io::Result<()> {
    let directory = File::from(site.folder.directory(path)?);
    let mode = attributes.mode & PERMISSIONS;
    // PostgreSQL starts in no directory that is open to others.
    let mode = match mode {
        0o750 | 0o700 => mode,
        _ if path.is_root() => 0o700,
        _ => mode,
    };
    set_attributes(&directory, owner, mode, attributes.modified)?;
    directory.sync_all()
}

fn read(folder: &mut Folder, path: &TreePath) -> io::Result<Vec<u8>> {
    const MAX: u64 = 16 << 20;
    let mut content = Vec::new();
    if let Some(file) = folder.open_file(path, Access::Read)? {
        file.take(MAX).read_to_end(&mut content)?;
    }
    Ok(content)
}

fn plain(name: &str) -> TreePath {
    TreePath::parse(name).expect("it is a plain name")
}
