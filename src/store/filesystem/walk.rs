//! Listings in byte order of whole keys. Blocking.

use std::{fs, io, sync::Arc, vec};

use super::{
    failure::{Attempt, Failure},
    tree::{Tree, is_reserved, meta},
};
use crate::store::{Class, Key, Level, ObjectMeta};

/// Walks through a tree; holds the names of the folders between the root and where it is.
#[derive(Debug)]
pub(super) struct Walk {
    tree: Arc<Tree>,
    wanted: Wanted,
    folders: Vec<vec::IntoIter<Entry>>,
    state: State,
}

#[derive(Debug)]
enum State {
    New,
    Walking,
    Failed,
}

#[derive(Debug)]
struct Wanted {
    prefix: String,
    after: Option<String>,
}

/// Something in a folder, by its whole key; that of a folder ends in `/`, which also gives it its
/// place in the order: `a-b` comes before `a/b`, and `a0` behind it.
#[derive(Debug)]
struct Entry {
    key: String,
    is_folder: bool,
}

impl Walk {
    pub(super) fn new(tree: Arc<Tree>, prefix: &str, after: Option<&str>) -> Self {
        let wanted = Wanted {
            prefix: prefix.to_owned(),
            after: after.map(str::to_owned),
        };
        Self {
            tree,
            wanted,
            folders: Vec::new(),
            state: State::New,
        }
    }

    /// Returns up to `limit` more objects; none at the end. A failure is the last item.
    pub(super) fn next_batch(&mut self, limit: usize) -> Vec<Attempt<ObjectMeta>> {
        let mut batch = Vec::new();
        while batch.len() < limit {
            match self.next() {
                Ok(None) => break,
                Ok(Some(meta)) => batch.push(Ok(meta)),
                Err(failure) => {
                    self.state = State::Failed;
                    batch.push(Err(failure));
                    break;
                }
            }
        }
        batch
    }

    fn next(&mut self) -> Attempt<Option<ObjectMeta>> {
        match self.state {
            State::New => self.enter_first()?,
            State::Walking => {}
            State::Failed => return Ok(None),
        }
        while let Some(folder) = self.folders.last_mut() {
            match folder.next() {
                None => drop(self.folders.pop()),
                Some(entry) if entry.is_folder => self.enter(&entry.key)?,
                Some(entry) => {
                    if let Some(meta) = inspect(&self.tree, &entry.key)? {
                        return Ok(Some(meta));
                    }
                }
            }
        }
        Ok(None)
    }

    fn enter_first(&mut self) -> Attempt {
        self.state = State::Walking;
        self.tree.check_root()?;
        let folder = folder_of(&self.wanted.prefix).to_owned();
        self.enter(&folder)
    }

    fn enter(&mut self, folder: &str) -> Attempt {
        let entries = read_folder(&self.tree, folder, &self.wanted)?;
        self.folders.push(entries.into_iter());
        Ok(())
    }
}

/// Returns one level below `prefix`.
pub(super) fn level(tree: &Arc<Tree>, prefix: &str) -> Attempt<Level> {
    tree.check_root()?;
    let wanted = Wanted {
        prefix: prefix.to_owned(),
        after: None,
    };
    let mut level = Level::default();
    for entry in read_folder(tree, folder_of(prefix), &wanted)? {
        if !entry.is_folder {
            level.objects.extend(inspect(tree, &entry.key)?);
        } else if has_objects(tree, &entry.key)? {
            level.prefixes.push(entry.key);
        }
    }
    Ok(level)
}

fn has_objects(tree: &Arc<Tree>, folder: &str) -> Attempt<bool> {
    let mut walk = Walk::new(Arc::clone(tree), folder, None);
    Ok(walk.next()?.is_some())
}

impl Wanted {
    fn has(&self, entry: &Entry) -> bool {
        let key = entry.key.as_str();
        let is_inside = key.starts_with(&self.prefix);
        let is_behind = self.after.as_deref().is_none_or(|after| key > after);
        if entry.is_folder {
            let leads_there = self.prefix.starts_with(key);
            let leads_behind = || self.after.as_deref().is_some_and(|a| a.starts_with(key));
            (is_inside || leads_there) && (is_behind || leads_behind())
        } else {
            is_inside && is_behind
        }
    }
}

/// Returns the folder that `prefix` looks into: empty, or ending in `/`.
fn folder_of(prefix: &str) -> &str {
    prefix.rfind('/').map_or("", |slash| &prefix[..=slash])
}

/// Reads what is wanted of a folder, in order. One that is gone, or is reached through a symbolic
/// link, has nothing.
fn read_folder(tree: &Tree, folder: &str, wanted: &Wanted) -> Attempt<Vec<Entry>> {
    let path = match folder.strip_suffix('/') {
        None => Some(tree.root().to_owned()),
        Some(folder) => tree.path_of(folder),
    };
    let Some(path) = path else {
        return Ok(Vec::new());
    };
    let mut entries = Vec::new();
    let read = some_if_present(tree.read_folder(&path))?;
    for entry in read.into_iter().flatten() {
        entries.extend(parse(folder, &entry?)?.filter(|entry| wanted.has(entry)));
    }
    entries.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    Ok(entries)
}

/// Names an entry; `None` for what no key can name and what is neither file nor folder.
fn parse(folder: &str, entry: &fs::DirEntry) -> io::Result<Option<Entry>> {
    let name = entry.file_name();
    let Some(name) = name.to_str() else {
        return Ok(None);
    };
    let kind = entry.file_type()?;
    if folder.is_empty() && is_reserved(name) || !(kind.is_dir() || kind.is_file()) {
        return Ok(None);
    }
    let end = if kind.is_dir() { "/" } else { "" };
    Ok(Some(Entry {
        key: format!("{folder}{name}{end}"),
        is_folder: kind.is_dir(),
    }))
}

/// Describes a listed object; `None` if it is gone or no key can name it.
fn inspect(tree: &Tree, key: &str) -> Attempt<Option<ObjectMeta>> {
    let Ok(key) = Key::parse(key) else {
        return Ok(None);
    };
    let metadata = tree.path(&key).and_then(|path| tree.inspect(&path));
    Ok(some_if_present(metadata)?.map(|metadata| meta(key, &metadata)))
}

fn some_if_present<T>(attempt: Attempt<T>) -> Attempt<Option<T>> {
    match attempt {
        Ok(value) => Ok(Some(value)),
        Err(failure) if is_passed_by(&failure) => Ok(None),
        Err(failure) => Err(failure),
    }
}

fn is_passed_by(failure: &Failure) -> bool {
    failure.is_absence() || failure.class == Class::Invalid
}
