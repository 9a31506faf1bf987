use std::{
    fs::{self, Metadata},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use jiff::Timestamp;

use crate::{
    backup::pass::Wishes,
    repository::{BackedUpServer, Tree, TreePath},
};

/// Sums up the sizes of the files, for the progress, and shows each to whoever compares them; what
/// cannot be read counts nothing.
pub(in crate::backup::server) fn estimate(server: &BackedUpServer, wishes: &Wishes) -> u64 {
    let tablespaces = server.tablespaces.iter();
    let roots = tablespaces.map(|one| (Tree::Tablespace(one.oid), one.location.as_str()));
    let roots = roots.chain([(Tree::Data, server.data_directory.as_str())]);
    roots
        .map(|(tree, root)| walk(tree, Path::new(root), wishes))
        .sum()
}

fn walk(tree: Tree, root: &Path, wishes: &Wishes) -> u64 {
    let mut total = 0;
    let mut directories: Vec<PathBuf> = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        let entries = fs::read_dir(&directory).into_iter().flatten().flatten();
        for entry in entries {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && entry.file_name() != "pg_wal" => {
                    directories.push(entry.path());
                }
                Ok(kind) if kind.is_file() => {
                    let Ok(metadata) = entry.metadata() else {
                        continue;
                    };
                    total += metadata.len();
                    if wishes.compare()
                        && let Some(path) = below(root, &entry.path())
                    {
                        wishes.notice(tree, &path, metadata.len(), modified(&metadata));
                    }
                }
                _ => {}
            }
        }
    }
    total
}

fn below(root: &Path, path: &Path) -> Option<TreePath> {
    let relative = path.strip_prefix(root).ok()?.to_str()?;
    TreePath::parse(relative).ok()
}

/// Returns when the content was changed last.
pub(super) fn modified(metadata: &Metadata) -> Timestamp {
    let (seconds, nanoseconds) = (metadata.mtime(), metadata.mtime_nsec());
    let nanoseconds = i32::try_from(nanoseconds).unwrap_or_default();
    Timestamp::new(seconds, nanoseconds).unwrap_or_default()
}
