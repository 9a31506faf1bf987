use std::{
    collections::BTreeSet,
    io::{self, Write},
    sync::Arc,
};

use super::{ArchiveEncoding, ArchiveName, ArchiveSet, tar::TarWriter};
use crate::{
    codec::StreamEncoder,
    repository::{
        BackupContents, BackupEncoder, BackupEnd, FileFilter, ObjectName, ObjectSink, Tree,
        TreeEvent, TreePath,
    },
};

/// Puts the files of a base backup into archives, one after the other.
///
/// A tree becomes a set of archives: `16384.tar`, then `data.tar` and, where it is full,
/// `data_0001.tar`. As in Barman's, tablespaces have no entry of their own directory, the data
/// directory has no links to them, and `backup_label` is the last member of its last archive.
/// Which member is in which archive depends on the files and the encoding alone.
///
/// # Errors
///
/// Those of the sink, and [`InvalidInput`](io::ErrorKind::InvalidInput) for events out of order:
/// a tree that comes twice or behind the data directory, anything of it before its own entry, and
/// a file with more or less data than announced. After an error the archives are of no use.
#[derive(Debug)]
pub struct ArchiveEncoder {
    encoding: ArchiveEncoding,
    threads: usize,
    begun: BTreeSet<Tree>,
    archive: Option<Archive>,
    /// The group of the data directory, once its entry has come.
    group: Option<u32>,
    /// The link that came last.
    link: Option<TreePath>,
    /// Whether the file that was announced last is left out.
    is_passed_by: bool,
}

impl ArchiveEncoder {
    /// Prepares to write archives, each compressed on up to `threads` threads.
    pub fn new(encoding: ArchiveEncoding, threads: usize) -> Self {
        Self {
            encoding,
            threads,
            begun: BTreeSet::new(),
            archive: None,
            group: None,
            link: None,
            is_passed_by: false,
        }
    }

    fn begin_tree(&mut self, tree: Tree, sink: &mut dyn ObjectSink) -> io::Result<()> {
        if self.begun.contains(&Tree::Data) || !self.begun.insert(tree) {
            return Err(misuse("a tree comes twice, or behind the data directory"));
        }
        if let Some(archive) = self.archive.take() {
            archive.finish(sink)?;
        }
        let set = match tree {
            Tree::Data => ArchiveSet::Data,
            Tree::Tablespace(oid) => ArchiveSet::Tablespace(oid),
        };
        self.archive = Some(self.open(ArchiveName::first(set))?);
        Ok(())
    }

    fn open(&self, name: ArchiveName) -> io::Result<Archive> {
        let encoding = self.encoding.encoding();
        Ok(Archive {
            name,
            object: ObjectName::new(name.file_name(encoding.codec())),
            tar: TarWriter::default(),
            encoder: StreamEncoder::new(encoding, self.threads)?,
        })
    }

    /// Takes the next member, and the next archive for it if this one is full.
    fn member(&mut self, event: &TreeEvent, sink: &mut dyn ObjectSink) -> io::Result<()> {
        if self.leaves_out(event)? {
            return Ok(());
        }
        let Some(mut archive) = self.archive.take() else {
            return Err(misuse("no tree has begun"));
        };
        if self.encoding.limits().is_full(archive.len_at_most())
            && self.encoding.limits().is_full(archive.settle(sink)?)
        {
            let next = archive.name.next();
            archive.finish(sink)?;
            archive = self.open(next)?;
        }
        archive.write(event, sink)?;
        self.archive = Some(archive);
        Ok(())
    }

    /// Returns whether a step is of a file that follows its link, or of what is in a linked
    /// directory: archives have links to files, and none to directories.
    fn is_behind_a_link(&mut self, event: &TreeEvent) -> bool {
        let path = match event {
            TreeEvent::Data(_) | TreeEvent::Pages(_) => return self.is_passed_by,
            TreeEvent::EndOfFile => return std::mem::take(&mut self.is_passed_by),
            TreeEvent::Tree(_) => {
                self.link = None;
                return false;
            }
            TreeEvent::Symlink(path, ..)
            | TreeEvent::HardLink(path, ..)
            | TreeEvent::DirectoryLink(path, ..) => {
                let is_inside = self.link.as_ref().is_some_and(|link| path.is_in(link));
                if !is_inside {
                    self.link = Some(path.clone());
                }
                return is_inside || matches!(event, TreeEvent::DirectoryLink(..));
            }
            TreeEvent::Directory(path, _)
            | TreeEvent::File(path, ..)
            | TreeEvent::Unread(path, ..) => path,
        };
        let is_behind = self.link.as_ref().is_some_and(|link| path.is_in(link));
        self.is_passed_by = is_behind && matches!(event, TreeEvent::File(..));
        is_behind
    }

    /// Returns whether a member is left out, and refuses what comes before the data directory.
    fn leaves_out(&mut self, event: &TreeEvent) -> io::Result<bool> {
        let in_data = self.begun.contains(&Tree::Data);
        match event {
            TreeEvent::Directory(path, attributes) if path.is_root() => {
                if in_data {
                    self.group = Some(attributes.gid);
                }
                Ok(!in_data)
            }
            TreeEvent::Symlink(path, ..) if in_data && is_tablespace_link(path) => Ok(true),
            _ if in_data && self.group.is_none() => {
                Err(misuse("the data directory has no entry of its own"))
            }
            _ => Ok(false),
        }
    }
}

impl BackupEncoder for ArchiveEncoder {
    fn take(&mut self, event: &TreeEvent, sink: &mut dyn ObjectSink) -> io::Result<()> {
        if self.is_behind_a_link(event) {
            return Ok(());
        }
        match (event, &mut self.archive) {
            (TreeEvent::Tree(tree), _) => self.begin_tree(*tree, sink),
            (_, None) => Err(misuse("no tree has begun")),
            (TreeEvent::Data(_) | TreeEvent::EndOfFile, Some(archive)) => {
                archive.write(event, sink)
            }
            (TreeEvent::Pages(_), Some(_)) => Ok(()),
            (TreeEvent::Unread(..), Some(_)) => Err(misuse("a file comes without its content")),
            (_, Some(_)) => self.member(event, sink),
        }
    }

    fn finish(&mut self, end: &BackupEnd, sink: &mut dyn ObjectSink) -> io::Result<BackupContents> {
        let (Some(mut archive), Some(group)) = (self.archive.take(), self.group) else {
            return Err(misuse("the data directory did not come"));
        };
        archive.label(&end.label, group, sink)?;
        archive.finish(sink)?;
        Ok(BackupContents::BARMAN)
    }

    fn filter(&self) -> Option<Arc<dyn FileFilter>> {
        None
    }
}

/// An archive that is being written.
#[derive(Debug)]
struct Archive {
    name: ArchiveName,
    object: ObjectName,
    tar: TarWriter,
    encoder: StreamEncoder,
}

impl Archive {
    /// Returns the most that [`settle`](Self::settle) can return.
    ///
    /// Without a member it is not full, whatever the limit.
    fn len_at_most(&self) -> u64 {
        if self.tar.has_members() {
            self.encoder.len_at_most()
        } else {
            0
        }
    }

    /// Returns the length so far, compressed, in bytes.
    fn settle(&mut self, sink: &mut dyn ObjectSink) -> io::Result<u64> {
        let name = &self.object;
        self.encoder.settle(&mut Object { name, sink })
    }

    fn write(&mut self, event: &TreeEvent, sink: &mut dyn ObjectSink) -> io::Result<()> {
        let (tar, mut compressed) = self.parts(sink);
        tar.write(event, &mut compressed)
    }

    fn label(&mut self, label: &str, group: u32, sink: &mut dyn ObjectSink) -> io::Result<()> {
        let (tar, mut compressed) = self.parts(sink);
        tar.label(label, group, &mut compressed)
    }

    fn finish(mut self, sink: &mut dyn ObjectSink) -> io::Result<()> {
        let (tar, mut compressed) = self.parts(sink);
        tar.finish(&mut compressed)?;
        let name = &self.object;
        self.encoder.finish(&mut Object { name, sink })?;
        sink.end(name)
    }

    fn parts<'a>(
        &'a mut self,
        sink: &'a mut dyn ObjectSink,
    ) -> (&'a mut TarWriter, Compressed<'a>) {
        let name = &self.object;
        let compressed = Compressed {
            encoder: &mut self.encoder,
            object: Object { name, sink },
        };
        (&mut self.tar, compressed)
    }
}

/// Compresses what is written into the object.
struct Compressed<'a> {
    encoder: &'a mut StreamEncoder,
    object: Object<'a>,
}

impl Write for Compressed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.encoder.write(bytes, &mut self.object)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One object of the sink.
struct Object<'a> {
    name: &'a ObjectName,
    sink: &'a mut dyn ObjectSink,
}

impl Write for Object<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.sink.write(self.name, bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Barman restores these links from what `backup.info` says.
fn is_tablespace_link(path: &TreePath) -> bool {
    path.parent()
        .is_some_and(|parent| parent.as_str() == "pg_tblspc")
}

fn misuse(problem: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, problem)
}

#[cfg(test)]
mod tests;
