use std::{collections::BTreeMap, sync::Arc};

use futures_util::{StreamExt, TryStreamExt, stream, stream::BoxStream};

use super::keys::{WalKeys, first_of_folder};
use crate::{
    codec::Codec,
    pg::WalFileName,
    repository::{
        Error, Result, StoredWal,
        listing::{Ahead, Entry, Step, join, until_error},
    },
    store::{Level, ObjectMeta, Store},
};

/// Lists what is stored, in order.
#[derive(Clone, Debug)]
pub(super) struct Lister {
    pub(super) store: Arc<dyn Store>,
    pub(super) keys: WalKeys,
    /// The codec that comes first where a file is stored twice.
    pub(super) preferred: Option<Codec>,
}

impl Lister {
    /// Returns the objects below `prefix`, in archive order and best first, that hold a file for
    /// which `wanted` holds.
    pub(super) async fn below(
        &self,
        prefix: &str,
        wanted: impl Fn(WalFileName) -> bool + Send,
    ) -> Result<Vec<StoredWal>> {
        let mut found = Vec::new();
        let mut objects = self.store.list(prefix, None);
        while let Some(meta) = objects.try_next().await? {
            found.extend(self.keys.stored(meta).filter(|wal| wanted(wal.name)));
        }
        Ok(self.sorted(found))
    }

    /// Lists the archive from the first name that is not less than `from`.
    pub(super) fn archive(
        self,
        from: Option<WalFileName>,
        ahead: Ahead,
    ) -> BoxStream<'static, Result<StoredWal>> {
        let steps = stream::once(async move {
            let level = self.store.list_level(self.keys.wals()).await?;
            let steps = join(self.plan(level, from), &*self.store, ahead);
            let run = ahead.run(steps, move |step| self.clone().step(step, from));
            Ok::<_, Error>(run)
        });
        until_error(steps.try_flatten()).boxed()
    }

    async fn step(self, step: Step, from: Option<WalFileName>) -> Result<Vec<StoredWal>> {
        let listed = step.list(&*self.store, |meta| {
            let stored = self.keys.stored(meta)?;
            from.is_none_or(|from| stored.name >= from)
                .then_some(stored)
        });
        Ok(self.sorted(listed.await?))
    }

    /// Not every store lists in order, and the order of keys is not that of the archive.
    fn sorted(&self, mut found: Vec<StoredWal>) -> Vec<StoredWal> {
        found.sort_by(|a, b| self.rank(a).cmp(&self.rank(b)));
        found
    }

    /// Archive order; among objects with the same file the preferred codec, then the key.
    fn rank<'a>(&self, wal: &'a StoredWal) -> (WalFileName, bool, &'a str) {
        (wal.name, wal.codec != self.preferred, wal.key.as_str())
    }

    /// Returns what to list, in order: history files, and folders before whose first segment
    /// nothing in them can come.
    fn plan(&self, level: Level, from: Option<WalFileName>) -> Vec<Vec<Entry>> {
        let objects = level.objects.into_iter().filter_map(|meta| {
            let (name, _) = self.keys.parse(&meta.key)?;
            Some((name, Entry::Object(meta)))
        });
        let folders = level.prefixes.into_iter().filter_map(|prefix| {
            let first = self.keys.parse_folder(&prefix)?;
            Some((first.into(), Entry::Folder(prefix)))
        });
        let floor = from.map(|from| from.segment().map_or(from, |s| first_of_folder(s).into()));
        let mut entries: BTreeMap<WalFileName, Vec<Entry>> = BTreeMap::new();
        for (first, entry) in objects.chain(folders) {
            if floor.is_none_or(|floor| first >= floor) {
                entries.entry(first).or_default().push(entry);
            }
        }
        entries.into_values().collect()
    }
}

impl WalKeys {
    /// Returns what a listed object is, unless it is foreign.
    fn stored(&self, meta: ObjectMeta) -> Option<StoredWal> {
        let (name, codec) = self.parse(&meta.key)?;
        Some(stored(name, codec, meta))
    }
}

/// Describes an object whose key was understood.
pub(super) fn stored(name: WalFileName, codec: Option<Codec>, meta: ObjectMeta) -> StoredWal {
    StoredWal {
        name,
        key: meta.key,
        codec,
        stored_size: meta.size,
        modified: meta.modified,
        sha1: None,
    }
}
