//! The files of a base backup into the objects of the layout.

mod bundle;
mod known;
mod links;
mod owners;
mod seal;
mod store;
mod stream;
mod whole;

use std::{collections::VecDeque, io, mem, sync::Arc};

use self::{bundle::Bundle, known::Known, links::Link, owners::Names, stream::Stream, whole::Pool};
use super::{
    file_contents::FileContents,
    file_plan::{CONTROL, FilePlan, manifest_name},
};
use crate::{
    codec::{Codec, Sha1},
    pg::{DataDirRules, DirectoryRules, EntryKind, RuleSet, Take},
    repository::{
        Attributes, BackupContents, BackupEncoder, BackupEnd, FileFilter, ObjectName, ObjectSink,
        PageErrors, Tree, TreeEvent, TreePath,
    },
};

/// Stores each file by itself: small ones in bundles, or as objects; large ones as objects.
///
/// What the prior backup holds is not stored again. Which file is in which bundle depends on the
/// files and the plan alone. Small files are encoded side by side, the blocks of a large one are.
///
/// # Errors
///
/// Those of the sink, and [`InvalidInput`](io::ErrorKind::InvalidInput) for events out of order.
/// After an error the objects are of no use.
pub(super) struct FileEncoder {
    plan: Arc<FilePlan>,
    threads: usize,
    rules: DataDirRules,
    names: Names,
    place: Option<Place>,
    link: Option<Link>,
    current: Current,
    pool: Pool,
    /// What the pool has, the oldest first.
    in_pool: VecDeque<Known>,
    /// Buffers to be used again.
    spare: Vec<Vec<u8>>,
    bundle: Bundle,
    contents: FileContents,
}

/// Where the walk is.
struct Place {
    tree: Tree,
    directory: TreePath,
    rules: DirectoryRules,
}

/// The file that is coming.
enum Current {
    None,
    /// It is left out, or there already.
    Passed,
    Whole(Known, Vec<u8>),
    Stream(Known, Box<Stream>),
}

impl FileEncoder {
    /// Prepares to encode on up to `threads` threads.
    pub(super) fn new(plan: Arc<FilePlan>, threads: usize) -> Self {
        Self {
            rules: DataDirRules::new(RuleSet::PgBackRest, plan.version),
            names: Names::default(),
            place: None,
            link: None,
            current: Current::None,
            pool: Pool::new(Arc::clone(&plan), threads),
            in_pool: VecDeque::new(),
            spare: Vec::new(),
            bundle: Bundle::new(plan.bundles),
            contents: FileContents::default(),
            threads,
            plan,
        }
    }

    fn tree(&mut self, tree: Tree, sink: &mut dyn ObjectSink) -> io::Result<()> {
        self.settle(0, sink)?;
        // A bundle is of one tree.
        self.bundle.close(sink)?;
        let root = TreePath::default();
        self.place = Some(Place {
            tree,
            rules: self.rules_of(tree, &root),
            directory: root,
        });
        Ok(())
    }

    fn directory(&mut self, path: &TreePath, attributes: &Attributes) -> io::Result<()> {
        let name = self.name(path)?;
        let attributes = self.names.attributes(attributes);
        self.contents.directories.push((name, attributes));
        Ok(())
    }

    fn file(
        &mut self,
        path: &TreePath,
        attributes: &Attributes,
        size: u64,
        sink: &mut dyn ObjectSink,
    ) -> io::Result<()> {
        if self.leaves_out(path)? {
            self.current = Current::Passed;
            return Ok(());
        }
        let name = self.name(path)?;
        if self.takes_unchanged(&name, attributes, size) {
            self.current = Current::Passed;
            return Ok(());
        }
        let known = self.known(name, attributes, size);
        self.current = if size <= self.plan.whole() {
            Current::Whole(known, self.spare.pop().unwrap_or_default())
        } else {
            self.settle(0, sink)?;
            let stream = Stream::begin(&self.plan, &known.name, self.threads)?;
            Current::Stream(known, Box::new(stream))
        };
        Ok(())
    }

    /// A file of which whoever reads them knows that it is not wanted.
    fn unread(&mut self, path: &TreePath, attributes: &Attributes, size: u64) -> io::Result<()> {
        let name = self.name(path)?;
        if self.leaves_out(path)? || self.takes_unchanged(&name, attributes, size) {
            Ok(())
        } else {
            Err(misuse("a file that is wanted comes without its content"))
        }
    }

    fn data(&mut self, bytes: &[u8], sink: &mut dyn ObjectSink) -> io::Result<()> {
        match &mut self.current {
            Current::None => Err(misuse("data of no file came")),
            Current::Passed => Ok(()),
            Current::Whole(_, content) => {
                content.extend_from_slice(bytes);
                Ok(())
            }
            Current::Stream(_, stream) => stream.write(bytes, sink),
        }
    }

    fn pages(&mut self, pages: &Result<(), PageErrors>) {
        if let Current::Whole(known, _) | Current::Stream(known, _) = &mut self.current {
            known.file.pages = Some(pages.clone());
        }
    }

    fn end_of_file(&mut self, sink: &mut dyn ObjectSink) -> io::Result<()> {
        match mem::replace(&mut self.current, Current::None) {
            Current::None => Err(misuse("no file ends")),
            Current::Passed => Ok(()),
            Current::Whole(known, content) => {
                check_len(&known, content.len() as u64)?;
                self.submit(known, content)?;
                self.settle(self.pool.capacity(), sink)
            }
            Current::Stream(known, stream) => {
                let Known {
                    name,
                    mut file,
                    candidate,
                } = known;
                let object = stream.object().clone();
                let streamed = stream.finish(sink)?;
                if streamed.read != file.size {
                    return Err(misuse("a file is longer or shorter than announced"));
                }
                let same = candidate.filter(|prior| prior.sha1 == Some(streamed.sha1));
                if let Some(prior) = same {
                    sink.discard(&object)?;
                    let known = Known {
                        name,
                        file,
                        candidate: None,
                    };
                    self.refer(known, prior);
                    return Ok(());
                }
                sink.end(&object)?;
                file.sha1 = Some(streamed.sha1);
                file.stored_size = streamed.sealed.len;
                file.stored_sha1 = streamed.sealed.sha1;
                self.contents.files.push((name, file));
                Ok(())
            }
        }
    }

    /// Adds the folders that a server wants and of which nothing is taken.
    fn add_wal_folders(&mut self) {
        let root = self.contents.root();
        for name in ["pg_data/pg_wal", "pg_data/pg_wal/archive_status"] {
            let mut known = self.contents.directories.iter();
            if known.all(|(known, _)| known != name) {
                self.contents
                    .directories
                    .push((name.to_owned(), root.clone()));
            }
        }
    }

    fn leaves_out(&mut self, path: &TreePath) -> io::Result<bool> {
        let parent = path.parent().unwrap_or_default();
        let place = self.place.as_ref().ok_or_else(no_tree)?;
        if place.directory != parent {
            let tree = place.tree;
            self.place = Some(Place {
                tree,
                rules: self.rules_of(tree, &parent),
                directory: parent,
            });
        }
        let place = self.place.as_mut().ok_or_else(no_tree)?;
        let name = path.as_str().rsplit_once('/');
        let name = name.map_or(path.as_str(), |(_, name)| name);
        place.rules.notice(name);
        Ok(place.rules.take(name, EntryKind::File) == Take::Nothing)
    }

    fn rules_of(&self, tree: Tree, directory: &TreePath) -> DirectoryRules {
        match tree {
            Tree::Data => self.rules.data_directory(directory.as_str()),
            Tree::Tablespace(_) => self.rules.tablespace_directory(directory.as_str()),
        }
    }

    fn name(&self, path: &TreePath) -> io::Result<String> {
        let place = self.place.as_ref().ok_or_else(no_tree)?;
        let name = manifest_name(place.tree, path);
        if name.contains('\n') {
            // The manifest could not be read again.
            return Err(misuse("a name with a line break cannot be in a manifest"));
        }
        Ok(name)
    }

    fn object(&self, name: &str) -> ObjectName {
        object_name(name, self.plan.encoding.codec())
    }
}

impl BackupEncoder for FileEncoder {
    fn take(&mut self, event: &TreeEvent, sink: &mut dyn ObjectSink) -> io::Result<()> {
        let is_between = matches!(self.current, Current::None);
        match event {
            TreeEvent::Data(_) | TreeEvent::Pages(_) | TreeEvent::EndOfFile => {}
            _ if is_between => self.end_link(Some(event))?,
            _ => return Err(misuse("a file has not ended")),
        }
        match event {
            TreeEvent::Tree(tree) => self.tree(*tree, sink),
            TreeEvent::Directory(path, attributes) => self.directory(path, attributes),
            TreeEvent::File(path, attributes, size) => self.file(path, attributes, *size, sink),
            TreeEvent::Data(bytes) => self.data(bytes, sink),
            TreeEvent::Pages(pages) => {
                self.pages(pages);
                Ok(())
            }
            TreeEvent::EndOfFile => self.end_of_file(sink),
            TreeEvent::Unread(path, attributes, size) => self.unread(path, attributes, *size),
            TreeEvent::Symlink(path, attributes, target) => {
                self.link(path, attributes, Some(target));
                Ok(())
            }
            TreeEvent::HardLink(path, attributes, _) => {
                self.link(path, attributes, None);
                Ok(())
            }
            TreeEvent::DirectoryLink(path, attributes, target) => {
                self.directory_link(path, attributes, target)
            }
        }
    }

    fn finish(&mut self, end: &BackupEnd, sink: &mut dyn ObjectSink) -> io::Result<BackupContents> {
        self.end_link(None)?;
        self.settle(0, sink)?;
        self.bundle.close(sink)?;
        let has_control = self.contents.files.iter().any(|(name, _)| name == CONTROL);
        if !has_control {
            return Err(misuse(
                "the data directory did not come, or has no pg_control",
            ));
        }
        self.text("pg_data/backup_label", &end.label, end, sink)?;
        if !end.tablespace_map.trim().is_empty() {
            self.text("pg_data/tablespace_map", &end.tablespace_map, end, sink)?;
        }
        self.add_wal_folders();
        let mut contents = mem::take(&mut self.contents);
        contents.sort();
        Ok(BackupContents::pgbackrest(Arc::new(contents)))
    }

    fn filter(&self) -> Option<Arc<dyn FileFilter>> {
        Some(Arc::clone(&self.plan) as Arc<dyn FileFilter>)
    }
}

/// Returns the object of a file that is stored by itself.
fn object_name(name: &str, codec: Option<Codec>) -> ObjectName {
    ObjectName::new(match codec {
        None => name.to_owned(),
        Some(codec) => format!("{name}.{}", codec.barman_extension()),
    })
}

fn check_len(known: &Known, len: u64) -> io::Result<()> {
    if known.file.size == len {
        Ok(())
    } else {
        Err(misuse("a file is longer or shorter than announced"))
    }
}

fn no_tree() -> io::Error {
    misuse("no tree has begun")
}

fn misuse(problem: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, problem)
}

/// What a large file came to.
struct Streamed {
    /// Bytes of content.
    read: u64,
    sha1: Sha1,
    sealed: seal::Sealed,
}
