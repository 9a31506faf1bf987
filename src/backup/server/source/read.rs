//! The content of one file.

use std::{
    fs::{self, File, Metadata},
    io::Read,
    os::unix::fs::MetadataExt,
    path::Path,
};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};

use super::{
    Source,
    error::{SourceError, found, read_error},
    estimate::modified,
};
use crate::{
    clock::{Clock, SystemClock},
    pg::{ControlData, DirectoryRules},
    repository::{Attributes, Tree, TreeEvent, TreePath},
};

impl Source<'_> {
    /// Reads a file as long as it was when it was opened: what it shrinks by is filled with
    /// zeros, what it grows by is in the WAL.
    pub(super) fn file(
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
        let len = metadata.len();
        if !self.wishes.wants(tree, path, len, attributes.modified) {
            self.progress.read(len);
            self.progress.file();
            return (self.emit)(TreeEvent::Unread(path.clone(), attributes, len));
        }
        if metadata.nlink() > 1 {
            let identity = (metadata.dev(), metadata.ino());
            if let Some(first) = self.linked.get(&identity) {
                let attributes = attributes.clone();
                let link = TreeEvent::HardLink(path.clone(), attributes, first.clone());
                (self.emit)(link)?;
                if !self.wishes.follow_links() {
                    return Ok(());
                }
            } else {
                self.linked.insert(identity, path.clone());
            }
        }
        let relation = rules.and_then(|(rules, name)| rules.relation_file(name));
        let mut pages = self
            .check
            .filter(|_| relation.is_some())
            .map(|check| check.file(tree, path, relation));
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
            let (verdict, bad, more) = pages.finish(len);
            self.report.more_bad_pages += more;
            self.report.bad_pages.extend(bad);
            (self.emit)(TreeEvent::Pages(verdict))?;
        }
        self.progress.file();
        (self.emit)(TreeEvent::EndOfFile)
    }

    /// Reads the control file until its checksum is right: the server may be writing it.
    pub(super) fn control_file(&mut self, file: &Path, path: &TreePath) -> Result<(), SourceError> {
        for _ in 0..ATTEMPTS {
            let Some(content) = found(file, fs::read(file))? else {
                return Ok(());
            };
            let metadata = fs::metadata(file).map_err(|source| read_error(file, source))?;
            if ControlData::parse(&content).is_err() || content.len() > TreeEvent::MAX_DATA {
                continue;
            }
            let (attributes, len) = (self.attributes(&metadata), content.len() as u64);
            self.throttle.pass(len);
            self.progress.read(len);
            self.progress.file();
            (self.emit)(TreeEvent::File(path.clone(), attributes, len))?;
            (self.emit)(TreeEvent::Data(Bytes::from(content)))?;
            return (self.emit)(TreeEvent::EndOfFile);
        }
        tracing::warn!(file = %file.display(), "the control file is damaged, or of another version");
        self.file(Tree::Data, file, path, None)
    }

    pub(super) fn attributes(&self, metadata: &Metadata) -> Attributes {
        Attributes {
            mode: metadata.mode() & 0o7777,
            uid: metadata.uid(),
            gid: metadata.gid(),
            user: self.names.user(metadata.uid()),
            group: self.names.group(metadata.gid()),
            modified: settled(modified(metadata), SystemClock.now()),
        }
    }
}

/// How often a control file is read.
const ATTEMPTS: u32 = 16;

/// Returns a time that no later content of a file can have: whatever is written from now on may
/// have the same second, and the kernel's clock for files may be late.
fn settled(modified: Timestamp, now: Timestamp) -> Timestamp {
    let is_settled = now.as_second().saturating_sub(modified.as_second()) >= 2;
    if is_settled {
        return modified;
    }
    let earlier = modified.checked_sub(SignedDuration::from_secs(1));
    earlier.unwrap_or(modified)
}
