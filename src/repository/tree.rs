//! A base backup's files as a stream, whichever way they go.

use bytes::Bytes;
use jiff::Timestamp;

use crate::pg::Oid;

/// One step through the files of a base backup.
///
/// A file is one [`File`](Self::File), as many [`Data`](Self::Data) as it takes to give the
/// announced number of bytes, and one [`EndOfFile`](Self::EndOfFile). A directory comes before
/// what is in it. Tablespaces come first, the data directory then, its `global/pg_control` after
/// all other files of PostgreSQL's. Init forks come before the other files of their directory, so
/// that unlogged relations can be told.
///
/// A layout without links keeps what they lead to. So a link may be followed by a file of the same
/// name, which a layout with links passes by.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TreeEvent {
    /// What follows is of this tree.
    Tree(Tree),
    /// A directory.
    Directory(TreePath, Attributes),
    /// A regular file of exactly this many bytes, which follow.
    File(TreePath, Attributes, u64),
    /// Bytes of the file that was announced last; at most [`TreeEvent::MAX_DATA`] at once.
    Data(Bytes),
    /// Whether the pages of the file that was announced last are sound; before its end, and only
    /// if they were looked at.
    Pages(Result<(), PageErrors>),
    /// The file that was announced last is complete.
    EndOfFile,
    /// A regular file of so many bytes, which nobody [wants](super::FileFilter::wants).
    Unread(TreePath, Attributes, u64),
    /// A symbolic link and where it leads, as it was read.
    Symlink(TreePath, Attributes, String),
    /// Another name of a file of this tree that came before.
    HardLink(TreePath, Attributes, TreePath),
    /// A symbolic link to a directory, and where it leads. What is in it follows as if it were a
    /// directory; only for layouts that [follow links](super::FileFilter::follows_links).
    DirectoryLink(TreePath, Attributes, String),
}

/// The pages of a file whose checksums are wrong: ranges of their numbers in the relation, both
/// ends included. None if the file does not consist of whole pages.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct PageErrors(pub Vec<(u32, u32)>);

impl TreeEvent {
    /// Most bytes of one [`Data`](Self::Data).
    pub const MAX_DATA: usize = 256 << 10;
}

/// One of the trees that a base backup consists of.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Tree {
    /// The data directory.
    Data,
    /// The location of a tablespace.
    Tablespace(Oid),
}

/// Where something is in its [`Tree`]: relative, with `/` between the parts, no part empty, `.` or
/// `..`; empty for the tree's own directory.
#[derive(Clone, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct TreePath(String);

/// A path leads out of its tree, or is no path.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is no path inside a base backup")]
pub struct InvalidTreePath(String);

impl TreePath {
    /// Takes a path relative to the tree's root. A leading `./` and a final `/` are dropped, as
    /// they are ways of writing the same.
    ///
    /// # Errors
    ///
    /// [`InvalidTreePath`] for an absolute path, one with an empty part, `.` or `..` inside, and one
    /// with a zero byte.
    pub fn parse(text: &str) -> Result<Self, InvalidTreePath> {
        let invalid = || InvalidTreePath(text.to_owned());
        if text.is_empty() || text.contains('\0') {
            return Err(invalid());
        }
        let relative = text.strip_suffix('/').unwrap_or(text);
        let relative = match relative {
            "." => return Ok(Self::default()),
            _ => relative.strip_prefix("./").unwrap_or(relative),
        };
        let is_plain = |part: &str| !matches!(part, "" | "." | "..");
        if relative.split('/').all(is_plain) {
            Ok(Self(relative.to_owned()))
        } else {
            Err(invalid())
        }
    }

    /// Returns the path of `name` in the directory that this is.
    ///
    /// # Errors
    ///
    /// As for [`parse`](Self::parse).
    pub fn join(&self, name: &str) -> Result<Self, InvalidTreePath> {
        if self.is_root() {
            Self::parse(name)
        } else {
            Self::parse(&format!("{self}/{name}"))
        }
    }

    /// Returns whether this is the tree's own directory.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the text; empty for the tree's own directory.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether this is `other`, or anything below it.
    pub fn is_in(&self, other: &Self) -> bool {
        let rest = self.0.strip_prefix(&other.0);
        rest.is_some_and(|rest| other.is_root() || rest.is_empty() || rest.starts_with('/'))
    }

    /// Returns the directory in which it is; `None` for the tree's own directory.
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        let parent = self.0.rsplit_once('/').map_or("", |(parent, _)| parent);
        Some(Self(parent.to_owned()))
    }
}

impl std::fmt::Display for TreePath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whose something is and what may be done with it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Attributes {
    /// Permission bits, such as `0o600`.
    pub mode: u32,
    /// Number of the owner.
    pub uid: u32,
    /// Number of the group.
    pub gid: u32,
    /// Name of the owner, where known.
    pub user: Option<String>,
    /// Name of the group, where known.
    pub group: Option<String>,
    /// When the content was changed last. Of a file that may still change within this second, an
    /// earlier time: so it differs from that of any later content.
    pub modified: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_out_of_the_tree_is_refused() {
        for text in [
            "", "/", "/a", "..", "../a", "a/..", "a/../b", "a//b", "./../a", "a/./b", "a\0", "//",
        ] {
            assert!(TreePath::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn ways_of_writing_the_same_path_are_one() {
        let file = TreePath::parse("./PG_VERSION").unwrap();
        assert_eq!(file, TreePath::parse("PG_VERSION").unwrap());
        assert_eq!(file.parent(), Some(TreePath::default()));
        assert!(file.is_in(&file) && file.is_in(&TreePath::default()));
        assert!(
            !TreePath::parse("ab")
                .unwrap()
                .is_in(&TreePath::parse("a").unwrap())
        );
        let root = TreePath::parse("./").unwrap();
        assert!(root.is_root() && root.parent().is_none());
        assert_eq!(root.join("base/1"), TreePath::parse("base/1/"));
        assert_eq!(
            TreePath::parse("base").unwrap().join("1").unwrap().as_str(),
            "base/1"
        );
    }
}
