//! The files of a running server, read once.

mod entries;
mod error;
mod estimate;
mod read;

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

pub use self::error::SourceError;
pub(super) use self::estimate::estimate;
use self::{
    entries::{kind, list},
    error::{found, read_error},
};
use super::{
    names::Names,
    pages::{BadPage, PageCheck},
    throttle::Throttle,
};
use crate::{
    backup::{Progress, parts::Buffers, pass::Wishes},
    byte_size::ByteSize,
    pg::{DataDirRules, EntryKind, MajorVersion, RuleSet, Take},
    repository::{BackedUpServer, Tree, TreeEvent, TreePath},
};

/// What became of the files.
#[derive(Clone, Debug, Default)]
pub(super) struct SourceReport {
    pub bad_pages: Vec<BadPage>,
    /// Pages that are bad beyond those that are named.
    pub more_bad_pages: u64,
}

/// Reads the files of a server, in the order of a base backup. Blocking.
pub(super) struct Source<'a> {
    rules: DataDirRules,
    server: &'a BackedUpServer,
    check: Option<PageCheck>,
    names: Names,
    throttle: Throttle,
    wishes: &'a Wishes,
    progress: &'a Progress,
    blocks: Buffers,
    emit: &'a mut dyn FnMut(TreeEvent) -> Result<(), SourceError>,
    /// Files with several names, by device and number: the first name in the tree.
    linked: HashMap<(u64, u64), TreePath>,
    /// `global/pg_control`, which is read at the end.
    last: Vec<(PathBuf, TreePath)>,
    report: SourceReport,
}

/// Blocks that are used again, as fresh memory costs page faults: more than wait for an encoder.
const BLOCKS: usize = 24;

/// Where the walk is.
struct Place<'a> {
    tree: Tree,
    /// The directory on the disk.
    directory: &'a Path,
    /// The directory in the tree.
    path: &'a TreePath,
}

impl<'a> Source<'a> {
    pub(super) fn new(
        server: &'a BackedUpServer,
        version: MajorVersion,
        check: Option<PageCheck>,
        rate: Option<ByteSize>,
        wishes: &'a Wishes,
        progress: &'a Progress,
        emit: &'a mut dyn FnMut(TreeEvent) -> Result<(), SourceError>,
    ) -> Self {
        Self {
            rules: DataDirRules::new(RuleSet::Barman, version),
            server,
            check,
            names: Names::default(),
            throttle: Throttle::new(rate),
            wishes,
            progress,
            blocks: Buffers::new(BLOCKS, TreeEvent::MAX_DATA),
            emit,
            linked: HashMap::new(),
            last: Vec::new(),
            report: SourceReport::default(),
        }
    }

    /// Reads everything.
    pub(super) fn read(mut self) -> Result<SourceReport, SourceError> {
        for tablespace in &self.server.tablespaces {
            self.tree(Tree::Tablespace(tablespace.oid), &tablespace.location)?;
        }
        self.tree(Tree::Data, &self.server.data_directory)?;
        for (file, path) in std::mem::take(&mut self.last) {
            self.control_file(&file, &path)?;
        }
        self.settings()?;
        Ok(self.report)
    }

    fn tree(&mut self, tree: Tree, root: &str) -> Result<(), SourceError> {
        self.linked.clear();
        (self.emit)(TreeEvent::Tree(tree))?;
        let root = Path::new(root);
        let metadata = fs::metadata(root).map_err(|source| read_error(root, source))?;
        let attributes = self.attributes(&metadata);
        (self.emit)(TreeEvent::Directory(TreePath::default(), attributes))?;
        self.directory(&Place {
            tree,
            directory: root,
            path: &TreePath::default(),
        })
    }

    /// Reads what is in a directory: its files, then its directories.
    fn directory(&mut self, place: &Place<'_>) -> Result<(), SourceError> {
        let mut rules = match place.tree {
            Tree::Data => self.rules.data_directory(place.path.as_str()),
            Tree::Tablespace(_) => self.rules.tablespace_directory(place.path.as_str()),
        };
        let Some(entries) = list(place.directory)? else {
            return Ok(());
        };
        let mut directories = Vec::new();
        for (name, _) in &entries {
            rules.notice(name);
        }
        for (name, entry) in entries {
            let path = inside(place, &name)?;
            let Some(kind) = kind(&entry)? else {
                continue;
            };
            let file = entry.path();
            match rules.take(&name, kind) {
                Take::Nothing if self.follows(place, &name, kind) => {
                    directories.push((file, path, name != "pg_wal"));
                }
                Take::Nothing => {}
                Take::Last => self.last.push((file, path)),
                Take::Link => {
                    self.symlink(&file, path.clone())?;
                    if self.wishes.follow_links() {
                        self.file(place.tree, &file, &path, Some((&rules, &name)))?;
                    }
                }
                Take::Empty => directories.push((file, path, false)),
                Take::Whole if kind == EntryKind::Directory => {
                    directories.push((file, path, true));
                }
                Take::Whole => self.file(place.tree, &file, &path, Some((&rules, &name)))?,
            }
        }
        for (directory, path, goes_in) in directories {
            let Some(metadata) = found(&directory, fs::metadata(&directory))? else {
                continue;
            };
            if fs::symlink_metadata(&directory).is_ok_and(|found| found.is_symlink()) {
                self.directory_link(&directory, &path)?;
            }
            let attributes = self.attributes(&metadata);
            (self.emit)(TreeEvent::Directory(path.clone(), attributes))?;
            let is_tablespace = self.is_tablespace(&directory);
            if goes_in && !is_tablespace {
                self.directory(&Place {
                    tree: place.tree,
                    directory: &directory,
                    path: &path,
                })?;
            }
        }
        Ok(())
    }

    /// Whether an entry is a link to a directory that somebody wants to see behind: outside the
    /// tree, and no tablespace.
    fn follows(&self, place: &Place<'_>, name: &str, kind: EntryKind) -> bool {
        let root = Path::new(&self.server.data_directory);
        let is_candidate = kind == EntryKind::DirectoryLink
            && place.tree == Tree::Data
            && place.path.as_str() != "pg_tblspc"
            && self.wishes.follow_links();
        is_candidate
            && fs::canonicalize(place.directory.join(name)).is_ok_and(|target| {
                let is_inside = fs::canonicalize(root).is_ok_and(|root| target.starts_with(root));
                target.is_dir() && !is_inside
            })
    }

    fn directory_link(&mut self, link: &Path, path: &TreePath) -> Result<(), SourceError> {
        let Some(metadata) = found(link, fs::symlink_metadata(link))? else {
            return Ok(());
        };
        let Some(target) = target(link)? else {
            return Ok(());
        };
        let attributes = self.attributes(&metadata);
        (self.emit)(TreeEvent::DirectoryLink(path.clone(), attributes, target))
    }

    /// Whether a directory is the location of a tablespace, which is a tree of its own.
    fn is_tablespace(&self, directory: &Path) -> bool {
        let tablespaces = &self.server.tablespaces;
        tablespaces
            .iter()
            .any(|tablespace| Path::new(&tablespace.location) == directory)
    }

    fn symlink(&mut self, file: &Path, path: TreePath) -> Result<(), SourceError> {
        let Some(metadata) = found(file, fs::symlink_metadata(file))? else {
            return Ok(());
        };
        let Some(target) = target(file)? else {
            return Ok(());
        };
        let attributes = self.attributes(&metadata);
        (self.emit)(TreeEvent::Symlink(path, attributes, target))
    }

    /// Adds the files with settings that lie outside the data directory, under their base names,
    /// as Barman does; `pg_ident.conf` may be missing.
    fn settings(&mut self) -> Result<(), SourceError> {
        let root = Path::new(&self.server.data_directory);
        let server = self.server;
        let files = [&server.config_file, &server.hba_file, &server.ident_file];
        for file in files.into_iter().flatten().map(Path::new) {
            let name = file.file_name().and_then(|name| name.to_str());
            if let Some(name) = name.filter(|_| !file.starts_with(root)) {
                let path = TreePath::parse(name).map_err(|error| SourceError::Name {
                    path: file.to_owned(),
                    reason: error.to_string(),
                })?;
                self.file(Tree::Data, file, &path, None)?;
            }
        }
        Ok(())
    }
}

fn inside(place: &Place<'_>, name: &str) -> Result<TreePath, SourceError> {
    place.path.join(name).map_err(|error| SourceError::Name {
        path: place.directory.join(name),
        reason: error.to_string(),
    })
}

/// Returns where a link leads; `None` if it is gone.
fn target(link: &Path) -> Result<Option<String>, SourceError> {
    let Some(target) = found(link, fs::read_link(link))? else {
        return Ok(None);
    };
    let target = target.into_os_string().into_string();
    target.map(Some).map_err(|_| SourceError::Name {
        path: link.to_owned(),
        reason: "the link leads to a name that is not UTF-8".to_owned(),
    })
}
