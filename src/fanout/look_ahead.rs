//! What PostgreSQL will ask for next.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::{
    disk::Disk,
    pg::{ArchiveStatus, StatusFile, WalFileName},
};

/// The files that wait to be archived.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Waiting {
    /// Those after the one that is asked for, in the order in which PostgreSQL will ask.
    pub next: Vec<WalFileName>,
    /// How many there are in all, without the one that is asked for.
    pub count: usize,
}

/// Reads `archive_status` beside `path`; nothing waits where there is no such folder.
pub(super) fn waiting(
    disk: &dyn Disk,
    path: &Path,
    name: WalFileName,
    limit: usize,
) -> io::Result<Waiting> {
    let Some(folder) = path.parent().map(|folder| folder.join("archive_status")) else {
        return Ok(Waiting::default());
    };
    match disk.read_dir(&folder) {
        Ok(names) => Ok(plan(names.iter().map(String::as_str), name, limit)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Waiting::default()),
        Err(error) => Err(error),
    }
}

/// Picks the next `limit` files after `asked` among the names in `archive_status`.
///
/// PostgreSQL asks for history files first, then by name.
fn plan<'a>(names: impl Iterator<Item = &'a str>, asked: WalFileName, limit: usize) -> Waiting {
    let mut ready: Vec<WalFileName> = names
        .filter_map(|name| StatusFile::parse(name).ok())
        .filter(|file| file.status == ArchiveStatus::Ready && file.file != asked)
        .map(|file| file.file)
        .collect();
    let count = ready.len();
    ready.retain(|&name| order(name) > order(asked));
    ready.sort_unstable_by_key(|&name| order(name));
    ready.truncate(limit);
    Waiting { next: ready, count }
}

fn order(name: WalFileName) -> (bool, WalFileName) {
    (!matches!(name, WalFileName::History(_)), name)
}

/// Returns the path of another file in the folder of `path`.
pub(super) fn sibling(path: &Path, name: WalFileName) -> PathBuf {
    path.with_file_name(name.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> WalFileName {
        text.parse().unwrap()
    }

    #[test]
    fn takes_the_next_in_the_order_in_which_postgresql_asks() {
        let names = [
            "000000010000000000000005.ready",
            "000000010000000000000003.ready",
            "000000010000000000000002.done",
            "00000002.history.ready",
            "000000010000000000000004.ready",
            "000000010000000000000001.ready",
            "junk",
        ];
        let waiting = plan(names.into_iter(), name("000000010000000000000003"), 2);

        assert_eq!(waiting.count, 4);
        let expected = ["000000010000000000000004", "000000010000000000000005"];
        assert_eq!(waiting.next, expected.map(name));
        let all = plan(names.into_iter(), name("00000002.history"), 9);
        assert_eq!(all.next.first(), Some(&name("000000010000000000000001")));
    }
}
