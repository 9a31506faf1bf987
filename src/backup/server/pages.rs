//! Data checksums, looked at while the files are read.

use std::{fmt, fs::File, os::unix::fs::FileExt};

use crate::{
    pg::{DataPage, Lsn, PageVerdict, RelationFile},
    repository::{PageErrors, Tree, TreePath},
};

/// A page whose checksum is wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BadPage {
    /// Which tree the file is in.
    pub tree: Tree,
    /// The file.
    pub file: TreePath,
    /// Number of the page in the file, counted from 0.
    pub block: u64,
}

impl fmt::Display for BadPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.tree {
            Tree::Data => write!(f, "{}, block {}", self.file, self.block),
            Tree::Tablespace(oid) => {
                write!(f, "tablespace {oid}, {}, block {}", self.file, self.block)
            }
        }
    }
}

/// How pages are checked.
#[derive(Clone, Copy, Debug)]
pub(super) struct PageCheck {
    /// Where the backup began: pages that are newer are written anew by recovery.
    pub start: Lsn,
}

/// The pages of one file.
pub(super) struct FilePages<'a> {
    start: Lsn,
    tree: Tree,
    path: &'a TreePath,
    /// Number of the file's first page in its fork.
    first: u32,
    bad: Vec<BadPage>,
    more: u64,
    /// All bad pages, by their numbers in the fork.
    ranges: Vec<(u32, u32)>,
}

impl PageCheck {
    /// How many bad pages of a file are named.
    const NAMED: usize = 20;
    /// Pages of a file of a relation: 1 GiB.
    const PER_FILE: u32 = 131_072;

    pub(super) fn file(
        self,
        tree: Tree,
        path: &TreePath,
        relation: Option<RelationFile>,
    ) -> FilePages<'_> {
        let segment = relation.map_or(0, |relation| relation.segment);
        FilePages {
            start: self.start,
            tree,
            path,
            first: segment.wrapping_mul(Self::PER_FILE),
            bad: Vec::new(),
            more: 0,
            ranges: Vec::new(),
        }
    }
}

impl FilePages<'_> {
    /// Checks the pages of `block`, which was read at `position`. A page that is wrong is read
    /// once more, as the server may have been writing it; then it is replaced if it is right.
    pub(super) fn check(&mut self, position: u64, block: &mut [u8], file: &File) {
        let (pages, _) = block.as_chunks_mut::<{ DataPage::SIZE }>();
        for (index, page) in (position / DataPage::SIZE as u64..).zip(pages) {
            if self.is_good(index, page) {
                continue;
            }
            let mut again = [0; DataPage::SIZE];
            let offset = index * DataPage::SIZE as u64;
            // A page that cannot be read any more was cut off: the WAL says so.
            let read = file.read_exact_at(&mut again, offset);
            if read.is_err() || self.is_good(index, &again) {
                if read.is_ok() {
                    *page = again;
                }
                continue;
            }
            self.note(index);
            if self.bad.len() < PageCheck::NAMED {
                self.bad.push(BadPage {
                    tree: self.tree,
                    file: self.path.clone(),
                    block: index,
                });
            } else {
                self.more += 1;
            }
        }
    }

    /// Returns what is to be said of a file of `len` bytes, the bad pages by name, and how many
    /// more there are.
    pub(super) fn finish(mut self, len: u64) -> (Result<(), PageErrors>, Vec<BadPage>, u64) {
        let page = DataPage::SIZE as u64;
        match len % page {
            0 => {}
            // As the tool: too little to be a page makes the file no file of pages.
            rest if rest < LEAST => return (Err(PageErrors::default()), self.bad, self.more),
            _ => self.note(len / page),
        }
        let verdict = if self.ranges.is_empty() {
            Ok(())
        } else {
            Err(PageErrors(self.ranges))
        };
        (verdict, self.bad, self.more)
    }

    fn note(&mut self, index: u64) {
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        let page = self.first.saturating_add(index);
        match self.ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(page) => *last = page,
            _ => self.ranges.push((page, page)),
        }
    }

    fn is_good(&self, index: u64, page: &[u8; DataPage::SIZE]) -> bool {
        let block = u32::try_from(index).map_or(u32::MAX, |index| self.first.wrapping_add(index));
        let verdict = DataPage::new(page).verify(block, self.start);
        !matches!(verdict, PageVerdict::Invalid { .. })
    }
}

/// Bytes of a page that was cut off, so that it counts as a bad one.
const LEAST: u64 = 512;
