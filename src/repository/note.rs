//! Small records of walcast's own beside the backups, where the layouts' tools do not look.

use std::fmt;

use bytes::Bytes;

use super::{Error, Result, StoredWal};
use crate::{
    store::{Class, Key, PutOptions, Store, StoreExt, UploadOptions, transfer},
    workers::Workers,
};

/// What a note is called: letters, digits, `-`, `_`, `.`, and `/` between folders.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct NoteName(String);

/// The text cannot name a note.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` cannot name a note: letters, digits, `-`, `_`, `.`, and `/` between folders")]
pub struct InvalidNoteName(String);

impl NoteName {
    /// Checks `text`.
    ///
    /// # Errors
    ///
    /// [`InvalidNoteName`] for other characters and for empty parts, `.` and `..`.
    pub fn parse(text: &str) -> std::result::Result<Self, InvalidNoteName> {
        let is_plain = |part: &str| {
            let mut characters = part.chars();
            !matches!(part, "" | "." | "..")
                && characters.all(|one| one.is_ascii_alphanumeric() || "-_.".contains(one))
        };
        if text.split('/').all(is_plain) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidNoteName(text.escape_default().to_string()))
        }
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NoteName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Largest note that is read, in bytes.
const MAX_NOTE: u64 = 1 << 20;

/// Writes a note below `folder`, in place of one of the same name.
pub(super) async fn put(
    store: &dyn Store,
    repository: &impl fmt::Display,
    folder: &str,
    name: &NoteName,
    content: Bytes,
) -> Result<()> {
    let key = Key::parse(format!("{folder}{name}")).map_err(Error::of_key(repository))?;
    Ok(store
        .put_bytes(&key, content, PutOptions::default())
        .await?)
}

/// Returns the last `limit` notes below `folder` whose names begin with `prefix`, in the order of
/// their names. One that is gone by then, or is too large for a note, is left out.
pub(super) async fn newest(
    store: &dyn Store,
    folder: &str,
    prefix: &str,
    limit: usize,
) -> Result<Vec<(NoteName, Bytes)>> {
    let listed = store.list_all(&format!("{folder}{prefix}")).await?;
    let mut notes: Vec<_> = listed
        .into_iter()
        .filter(|meta| meta.size <= MAX_NOTE)
        .filter_map(|meta| {
            let name = meta.key.as_str().strip_prefix(folder)?;
            Some((NoteName::parse(name).ok()?, meta.key))
        })
        .collect();
    notes.sort();
    let mut contents = Vec::new();
    for (name, key) in notes.split_off(notes.len().saturating_sub(limit)) {
        match store.get_bytes(&key, MAX_NOTE).await {
            Err(error) if error.class() == Class::Missing => {}
            content => contents.push((name, content?)),
        }
    }
    Ok(contents)
}

/// Moves an object of a repository to a place below `folder`, where nothing of the layout is. May be
/// repeated; one that is gone is a success.
pub(super) async fn set_aside(
    store: &dyn Store,
    repository: &impl fmt::Display,
    folder: &str,
    object: &StoredWal,
    workers: &Workers,
) -> Result<()> {
    let (_, name) = object.key.as_str().rsplit_once('/').unwrap_or_default();
    let stamp = object.modified.strftime("%Y%m%dT%H%M%SZ");
    let target = Key::parse(format!("{folder}aside/{stamp}-{name}"));
    let target = target.map_err(Error::of_key(repository))?;
    let options = UploadOptions {
        part_size: PART.max(store.capabilities().min_part_size),
        put: PutOptions::default(),
    };
    match transfer(store, &object.key, store, &target, &options, workers).await {
        Err(error) if error.class() == Class::Missing => return Ok(()),
        copied => copied?,
    };
    Ok(store.delete_one(&object.key).await?)
}

/// In bytes.
const PART: u64 = 8 << 20;
