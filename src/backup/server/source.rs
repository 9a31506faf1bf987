//! The files of a running server, read once.

use std::{
    collections::HashMap,
    ffi::OsString,
    fs::{self, DirEntry, File, FileType, Metadata},
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use jiff::Timestamp;

use super::{
    names::Names,
    pages::{BadPage, PageCheck},
    throttle::Throttle,
};
use crate::{
    backup::{Progress, parts::Buffers},
    byte_size::ByteSize,
    pg::{DataDirRules, DirectoryRules, EntryKind, MajorVersion, RuleSet, Take},
    repository::{Attributes, BackedUpServer, Tree, TreeEvent, TreePath},
};

/// Reading the server's files failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// A file or directory cannot be read.
    #[error("reading {}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A name cannot be in a base backup.
    #[error("{} cannot be in a base backup: {reason}", path.display())]
    Name {
        /// Where it is.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Nobody takes what is read any more.
    #[error("no destination takes it any more")]
    NobodyLeft,
}

impl SourceError {
    /// Returns what to do, as a full sentence.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Read { .. } => {
                "Run walcast on the server's machine, as the user that owns the data directory."
            }
            Self::Name { .. } => "Remove it from the data directory if it is not PostgreSQL's.",
            Self::NobodyLeft => "See what became of each destination.",
        }
    }
}

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
        progress: &'a Progress,
        emit: &'a mut dyn FnMut(TreeEvent) -> Result<(), SourceError>,
    ) -> Self {
        Self {
            rules: DataDirRules::new(RuleSet::Barman, version),
            server,
            check,
            names: Names::default(),
            throttle: Throttle::new(rate),
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
            self.file(Tree::Data, &file, &path, None)?;
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
                Take::Nothing => {}
                Take::Last => self.last.push((file, path)),
                Take::Link => self.symlink(&file, path)?,
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
        let Some(target) = found(file, fs::read_link(file))? else {
            return Ok(());
        };
        let target = target.into_os_string().into_string().map_err(|_| {
            let reason = "the link leads to a name that is not UTF-8".to_owned();
            SourceError::Name {
                path: file.to_owned(),
                reason,
            }
        })?;
        let attributes = self.attributes(&metadata);
        (self.emit)(TreeEvent::Symlink(path, attributes, target))
    }

    /// Reads a file as long as it was when it was opened: what it shrinks by is filled with
    /// zeros, what it grows by is in the WAL.
    fn file(
        &mut self,
        tree: Tree,
        file: &Path,
        path: &TreePath,
        rules: Option<(&DirectoryRules, &str)>,
    ) -> Result<(), SourceError> {
        let Some(mut opened) = found(file, File::open(file))? else {
            return Ok(());
        };
        let metadata = opened
            .metadata()
            .map_err(|source| read_error(file, source))?;
        let attributes = self.attributes(&metadata);
        if metadata.nlink() > 1 {
            let identity = (metadata.dev(), metadata.ino());
            if let Some(first) = self.linked.get(&identity) {
                let link = TreeEvent::HardLink(path.clone(), attributes, first.clone());
                return (self.emit)(link);
            }
            self.linked.insert(identity, path.clone());
        }
        let relation = rules.and_then(|(rules, name)| rules.relation_file(name));
        let mut pages = self
            .check
            .filter(|_| relation.is_some())
            .map(|check| check.file(tree, path, relation));
        let len = metadata.len();
        (self.emit)(TreeEvent::File(path.clone(), attributes, len))?;
        let mut position = 0;
        while position < len {
            let left = usize::try_from(len - position).unwrap_or(usize::MAX);
            let wanted = left.min(TreeEvent::MAX_DATA);
            let mut block = self.blocks.take_or_make();
            let mut source = (&mut opened).take(wanted as u64);
            let read = source.read_to_end(&mut block);
            read.map_err(|source| read_error(file, source))?;
            if let Some(pages) = &mut pages {
                pages.check(position, &mut block, &opened);
            }
            block.resize(wanted, 0);
            position += wanted as u64;
            self.throttle.pass(wanted as u64);
            self.progress.read(wanted as u64);
            (self.emit)(TreeEvent::Data(self.blocks.lend(block)))?;
        }
        if let Some(pages) = pages {
            let (bad, more) = pages.finish();
            self.report.more_bad_pages += more;
            self.report.bad_pages.extend(bad);
        }
        self.progress.file();
        (self.emit)(TreeEvent::EndOfFile)
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

    fn attributes(&self, metadata: &Metadata) -> Attributes {
        let (seconds, nanoseconds) = (metadata.mtime(), metadata.mtime_nsec());
        let nanoseconds = i32::try_from(nanoseconds).unwrap_or_default();
        Attributes {
            mode: metadata.mode() & 0o7777,
            uid: metadata.uid(),
            gid: metadata.gid(),
            user: self.names.user(metadata.uid()),
            group: self.names.group(metadata.gid()),
            modified: Timestamp::new(seconds, nanoseconds).unwrap_or_default(),
        }
    }
}

/// Sums up the sizes of the files, for the progress; what cannot be read counts nothing.
pub(super) fn estimate(server: &BackedUpServer) -> u64 {
    let tablespaces = server.tablespaces.iter().map(|one| one.location.as_str());
    let roots = tablespaces.chain([server.data_directory.as_str()]);
    let mut total = 0;
    let mut directories: Vec<PathBuf> = roots.map(PathBuf::from).collect();
    while let Some(directory) = directories.pop() {
        let entries = fs::read_dir(&directory).into_iter().flatten().flatten();
        for entry in entries {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && entry.file_name() != "pg_wal" => {
                    directories.push(entry.path());
                }
                Ok(kind) if kind.is_file() => {
                    total += entry.metadata().map_or(0, |metadata| metadata.len());
                }
                _ => {}
            }
        }
    }
    total
}

/// Lists a directory by name; `None` if it is gone.
fn list(directory: &Path) -> Result<Option<Vec<(String, DirEntry)>>, SourceError> {
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
    entries.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    Ok(Some(entries))
}

fn inside(place: &Place<'_>, name: &str) -> Result<TreePath, SourceError> {
    place.path.join(name).map_err(|error| SourceError::Name {
        path: place.directory.join(name),
        reason: error.to_string(),
    })
}

/// Tells what an entry is; `None` if it is gone.
fn kind(entry: &DirEntry) -> Result<Option<EntryKind>, SourceError> {
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

/// Takes what vanished for nothing: the server removed it, and the WAL says so.
fn found<T>(path: &Path, result: io::Result<T>) -> Result<Option<T>, SourceError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(read_error(path, source)),
    }
}

fn read_error(path: &Path, source: io::Error) -> SourceError {
    SourceError::Read {
        path: path.to_owned(),
        source,
    }
}
