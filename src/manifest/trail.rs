//! The way to where a reader is.

use super::{Path, Segment};

/// A [`Path`] as a chain through the callers: nothing is allocated until somebody asks for it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Trail<'a> {
    Root,
    Key(&'a Self, &'a str),
    Index(&'a Self, usize),
}

impl Trail<'_> {
    pub(super) fn path(&self) -> Path {
        let mut segments = Vec::new();
        let mut rest = self;
        loop {
            rest = match rest {
                Self::Root => break,
                Self::Key(parent, key) => {
                    segments.push(Segment::Key((*key).to_owned()));
                    parent
                }
                Self::Index(parent, index) => {
                    segments.push(Segment::Index(*index));
                    parent
                }
            };
        }
        segments.reverse();
        Path::from(segments)
    }
}
