use std::{collections::BTreeMap, fs::File, io, os::unix::fs::FileExt};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};

use super::{
    OuterLinks, PlaceError, Placement,
    check::{control_file, tablespace_links},
    folder::set_attributes,
    links::leads_inside,
    marker::Marker,
    site::Site,
};
use crate::{
    pg::Oid,
    repository::{Attributes, Tree, TreeEvent, TreePath},
    restore::target::RecoverySettings,
};

/// Puts the files of a base backup in their place. Blocking.
///
/// Trees come one after the other, each from [`TreeEvent::Tree`] to [`end_tree`](Self::end_tree);
/// one that comes again replaces what came of it before. Dropping it leaves what an interrupted
/// restore leaves: a directory in which no server can start.
#[derive(Debug)]
pub struct Placer {
    pub(super) placement: Placement,
    pub(super) sites: BTreeMap<Tree, Site>,
    pub(super) control: Option<Control>,
    pub(super) placed: Placed,
    current: Option<Tree>,
    /// The tree that came last, and what was placed before it.
    before: Option<(Tree, Placed)>,
    incoming: Option<Incoming>,
    unsynced: Vec<File>,
    scratch: Vec<u8>,
}

/// What was put in its place.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Placed {
    /// Regular files.
    pub files: u64,
    /// Bytes of files that were written.
    pub written: u64,
    /// Bytes of files that were there already.
    pub kept: u64,
    /// Files that were there and are not in the backup.
    pub removed: u64,
    /// Links that were left out because they lead out of the data directory.
    pub left_out: u64,
}

/// `pg_control`, held back.
#[derive(Debug)]
pub(super) struct Control {
    pub(super) attributes: Attributes,
    pub(super) content: Vec<u8>,
}

/// The file that comes.
#[derive(Debug)]
struct Incoming {
    path: TreePath,
    attributes: Attributes,
    size: u64,
    /// How many bytes of it came.
    at: u64,
    to: Goal,
}

/// Where a file's bytes go.
#[derive(Debug)]
enum Goal {
    /// To a new file.
    New(File),
    /// To a file that may have them.
    Old(File),
    /// To memory: it is `pg_control`.
    Memory(Vec<u8>),
    /// Nowhere: the restored server must not see it.
    Nowhere,
}

impl Placer {
    /// Most bytes of a `pg_control` (`PG_CONTROL_FILE_SIZE` is 8192).
    const MAX_CONTROL: u64 = 64 << 10;

    /// Checks that the backup may go there, creates the directories, and writes down that what is
    /// in them is unfinished.
    ///
    /// # Errors
    ///
    /// Those of [`Placement::check`], with nothing changed, and those of the file system.
    pub fn begin(placement: Placement) -> Result<Self, PlaceError> {
        placement.check()?;
        let mut sites = BTreeMap::new();
        for (tree, path) in placement.places() {
            sites.insert(tree, Site::open(path, placement.delta)?);
        }
        let mut placer = Self {
            placement,
            sites,
            control: None,
            placed: Placed::default(),
            current: None,
            before: None,
            incoming: None,
            unsynced: Vec::new(),
            scratch: Vec::new(),
        };
        placer.lock()?;
        placer.mark()?;
        Ok(placer)
    }

    /// Takes the next step.
    ///
    /// # Errors
    ///
    /// Those of [content](PlaceError::is_of_content) leave it ready for the tree to come again.
    pub fn take(&mut self, event: TreeEvent) -> Result<(), PlaceError> {
        match event {
            TreeEvent::Tree(tree) => self.begin_tree(tree),
            TreeEvent::Directory(path, attributes) => self.directory(path, attributes),
            TreeEvent::File(path, attributes, size) => self.file(path, attributes, size),
            TreeEvent::Data(block) => self.data(&block),
            TreeEvent::Pages(_) => Ok(()),
            TreeEvent::EndOfFile => self.end_of_file(),
            TreeEvent::Unread(path, ..) | TreeEvent::DirectoryLink(path, ..) => {
                unreachable!("no repository gives {path} without its content")
            }
            TreeEvent::Symlink(path, attributes, leads_to) => {
                self.symlink(&path, &attributes, &leads_to)
            }
            TreeEvent::HardLink(path, _, existing) => self.hard_link(&path, &existing),
        }
    }

    /// Checks that the tree is whole: no file is cut off, and the data directory has what recovery
    /// begins with.
    ///
    /// # Errors
    ///
    /// Those of [content](PlaceError::is_of_content).
    pub fn end_tree(&mut self) -> Result<(), PlaceError> {
        self.check_between_files()?;
        match self.current.take() {
            Some(Tree::Data) => self.check_data_directory(),
            Some(Tree::Tablespace(_)) => Ok(()),
            None => Err(PlaceError::content(&TreePath::default(), "nothing came")),
        }
    }

    /// Takes the files that are complete and not yet synced.
    pub fn take_unsynced(&mut self) -> Vec<File> {
        std::mem::take(&mut self.unsynced)
    }

    /// Returns what was put in its place so far.
    pub fn placed(&self) -> Placed {
        self.placed
    }

    /// The place of the data directory.
    pub(super) fn data_site(&mut self) -> &mut Site {
        let site = self.sites.get_mut(&Tree::Data);
        site.expect("every placement has a data directory")
    }

    /// Two restores into one directory would spoil each other.
    fn lock(&mut self) -> Result<(), PlaceError> {
        let path = self.placement.target.clone();
        let root = self.data_site().folder.root();
        match flock(root, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(()),
            Err(Errno::WOULDBLOCK) => Err(PlaceError::InUse {
                path,
                reason: "another restore works there".to_owned(),
            }),
            Err(errno) => Err(PlaceError::io(path)(errno.into())),
        }
    }

    /// Makes it known that what is there is unfinished, and keeps a server from starting.
    fn mark(&mut self) -> Result<(), PlaceError> {
        let marker = Marker {
            backup: self.placement.backup.clone(),
            system_id: self.placement.system_id,
            tablespaces: self.placement.tablespaces.clone(),
        };
        let path = self.placement.target.clone();
        let folder = &mut self.data_site().folder;
        let hidden = marker.write(folder).and_then(|()| {
            let control = control_file();
            match folder.remove(&control)? {
                0 => Ok(()),
                _ => folder.sync(&control.parent().unwrap_or_default()),
            }
        });
        hidden.map_err(PlaceError::io(path))
    }

    fn begin_tree(&mut self, tree: Tree) -> Result<(), PlaceError> {
        self.incoming = None;
        if tree == Tree::Data {
            self.control = None;
        }
        let site = self.sites.get_mut(&tree).ok_or_else(|| unknown(tree))?;
        self.current = Some(tree);
        match self.before {
            Some((last, before)) if last == tree => self.placed = before,
            _ => self.before = Some((tree, self.placed)),
        }
        site.restart(&Marker::path())
    }

    fn directory(&mut self, path: TreePath, attributes: Attributes) -> Result<(), PlaceError> {
        self.check_between_files()?;
        if self
            .tablespace_at(&path)
            .is_some_and(|oid| self.is_outside(oid))
        {
            return Ok(());
        }
        self.site(&path)?.directory(path, attributes)
    }

    fn file(
        &mut self,
        path: TreePath,
        attributes: Attributes,
        size: u64,
    ) -> Result<(), PlaceError> {
        self.check_between_files()?;
        let is_data = self.current == Some(Tree::Data);
        let to = if is_data && path == control_file() {
            if size > Self::MAX_CONTROL {
                return Err(PlaceError::content(&path, format!("it has {size} bytes")));
            }
            Goal::Memory(Vec::new())
        } else if is_data && STAY_BEHIND.contains(&path.as_str()) {
            Goal::Nowhere
        } else {
            let opened = self.site(&path)?.open_file(&path, size)?;
            if opened.is_old {
                Goal::Old(opened.file)
            } else {
                Goal::New(opened.file)
            }
        };
        self.incoming = Some(Incoming {
            path,
            attributes,
            size,
            at: 0,
            to,
        });
        Ok(())
    }

    fn data(&mut self, block: &[u8]) -> Result<(), PlaceError> {
        let Some(incoming) = &mut self.incoming else {
            return Err(PlaceError::content(
                &TreePath::default(),
                "bytes of no file",
            ));
        };
        let (at, len) = (incoming.at, block.len() as u64);
        if len > incoming.size - at {
            return Err(PlaceError::content(
                &incoming.path,
                "more bytes than announced",
            ));
        }
        incoming.at += len;
        let written = match &mut incoming.to {
            Goal::New(file) => file.write_all_at(block, at).map(|()| len),
            Goal::Old(file) => correct(file, block, at, &mut self.scratch),
            Goal::Memory(content) => {
                content.extend_from_slice(block);
                Ok(len)
            }
            Goal::Nowhere => return Ok(()),
        };
        let path = incoming.path.clone();
        let written = match written {
            Ok(written) => written,
            Err(error) => return Err(self.site(&path)?.fault(&path)(error)),
        };
        self.placed.written += written;
        self.placed.kept += len - written;
        Ok(())
    }

    fn end_of_file(&mut self) -> Result<(), PlaceError> {
        let Some(incoming) = self.incoming.take() else {
            return Err(PlaceError::content(
                &TreePath::default(),
                "the end of no file",
            ));
        };
        let Incoming {
            path, attributes, ..
        } = incoming;
        if incoming.at < incoming.size {
            return Err(PlaceError::content(&path, "fewer bytes than announced"));
        }
        let file = match incoming.to {
            Goal::New(file) | Goal::Old(file) => file,
            Goal::Memory(content) => {
                self.placed.files += 1;
                self.control = Some(Control {
                    attributes,
                    content,
                });
                return Ok(());
            }
            Goal::Nowhere => return Ok(()),
        };
        let ownership = self.placement.ownership;
        let site = self.site(&path)?;
        let owner = site.owner(ownership, &attributes);
        let mode = attributes.mode & PERMISSIONS;
        set_attributes(&file, owner, mode, attributes.modified).map_err(site.fault(&path))?;
        self.placed.files += 1;
        self.unsynced.push(file);
        Ok(())
    }

    fn symlink(
        &mut self,
        path: &TreePath,
        attributes: &Attributes,
        leads_to: &str,
    ) -> Result<(), PlaceError> {
        self.check_between_files()?;
        if let Some(oid) = self.tablespace_at(path) {
            let is_known = self.is_outside(oid);
            return is_known
                .then_some(())
                .ok_or(PlaceError::UnknownTablespace(oid));
        }
        if !leads_inside(path, leads_to) {
            if self.placement.outer_links == OuterLinks::LeaveOut {
                tracing::warn!(%path, leads_to, "left out a link that leads out of its tree");
                self.placed.left_out += 1;
                return Ok(());
            }
            let reason = format!("it is a link to {leads_to}, out of its directory");
            return Err(PlaceError::content(path, reason));
        }
        let ownership = self.placement.ownership;
        let site = self.site(path)?;
        let owner = site.owner(ownership, attributes);
        site.link(path, owner, leads_to)
    }

    fn hard_link(&mut self, path: &TreePath, existing: &TreePath) -> Result<(), PlaceError> {
        self.check_between_files()?;
        if self.current == Some(Tree::Data) && *path == control_file() {
            return Err(PlaceError::content(path, "it is a link"));
        }
        self.site(path)?.hard_link(path, existing)
    }

    fn check_between_files(&self) -> Result<(), PlaceError> {
        match &self.incoming {
            Some(incoming) => Err(PlaceError::content(&incoming.path, "it does not end")),
            None => Ok(()),
        }
    }

    /// Returns the site of the tree that comes.
    fn site(&mut self, path: &TreePath) -> Result<&mut Site, PlaceError> {
        let tree = self
            .current
            .ok_or_else(|| PlaceError::content(path, "it is of no tree"))?;
        self.sites.get_mut(&tree).ok_or_else(|| unknown(tree))
    }

    /// Returns the tablespace whose place in the data directory this is.
    fn tablespace_at(&self, path: &TreePath) -> Option<Oid> {
        let name = path.as_str().rsplit('/').next()?;
        let is_there =
            self.current == Some(Tree::Data) && path.parent() == Some(tablespace_links());
        is_there.then(|| name.parse().ok()).flatten()
    }

    fn is_outside(&self, oid: Oid) -> bool {
        self.placement.tablespaces.contains_key(&oid)
    }
}

/// What of a file's mode is restored: no bit that would run it as somebody else.
pub(super) const PERMISSIONS: u32 = 0o777;

/// Files of the data directory that the restored server must not see.
const STAY_BEHIND: [&str; 6] = [
    // It would make the links of tablespaces lead to where they were.
    "tablespace_map",
    "postmaster.pid",
    "postmaster.opts",
    RecoverySettings::SIGNAL_FILES[0],
    RecoverySettings::SIGNAL_FILES[1],
    Marker::FILE_NAME,
];

fn unknown(tree: Tree) -> PlaceError {
    match tree {
        Tree::Tablespace(oid) => PlaceError::UnknownTablespace(oid),
        Tree::Data => PlaceError::content(&TreePath::default(), "it has no place"),
    }
}

/// Writes `block` at `at` if something else is there; returns how many bytes were written.
fn correct(file: &File, block: &[u8], at: u64, scratch: &mut Vec<u8>) -> io::Result<u64> {
    scratch.resize(block.len(), 0);
    file.read_exact_at(scratch, at)?;
    if scratch == block {
        return Ok(0);
    }
    file.write_all_at(block, at)?;
    Ok(block.len() as u64)
}
