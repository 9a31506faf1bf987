use std::{collections::BTreeMap, sync::Arc};

use futures_util::{StreamExt, TryStreamExt, stream, stream::BoxStream};

use super::{
    info::ArchiveId,
    keys::{StanzaKeys, first_of_folder},
};
use crate::{
    codec::Codec,
    pg::{SegmentName, WalFileName},
    repository::{
        Error, Result, StoredWal,
        listing::{Ahead, Entry, Step, join, until_error},
    },
    store::{ObjectMeta, Store},
};

/// Lists the WAL of one cluster, in order.
#[derive(Clone, Debug)]
pub(super) struct Lister {
    pub(super) store: Arc<dyn Store>,
    pub(super) keys: StanzaKeys,
    /// Where its WAL lies, the newest first: a stanza may have left the cluster and come back.
    pub(super) ids: Vec<ArchiveId>,
    /// The codec that comes first where a file is stored twice.
    pub(super) preferred: Option<Codec>,
}

impl Lister {
    /// Looks only where WAL is written now.
    pub(super) fn written(mut self) -> Self {
        self.ids.truncate(1);
        self
    }

    /// Returns the objects with the file, best first.
    pub(super) async fn find(&self, name: WalFileName) -> Result<Vec<StoredWal>> {
        let prefixes = self.ids.iter().map(|id| self.keys.stem(id, name));
        let prefixes: Vec<_> = prefixes.collect();
        self.below(&prefixes, |found| found == name).await
    }

    /// Returns the objects in the folder of `segment` with files for which `wanted` holds.
    pub(super) async fn folder(
        &self,
        segment: SegmentName,
        wanted: impl Fn(WalFileName) -> bool + Send,
    ) -> Result<Vec<StoredWal>> {
        let prefixes = self.ids.iter().map(|id| {
            let wals = self.keys.wals(id);
            format!("{wals}{}/", segment.directory())
        });
        let prefixes: Vec<_> = prefixes.collect();
        self.below(&prefixes, wanted).await
    }

    /// Returns the objects below `prefixes`, in archive order and best first, that hold a file for
    /// which `wanted` holds.
    async fn below(
        &self,
        prefixes: &[String],
        wanted: impl Fn(WalFileName) -> bool + Send,
    ) -> Result<Vec<StoredWal>> {
        let mut found = Vec::new();
        for prefix in prefixes {
            let mut objects = self.store.list(prefix, None);
            while let Some(meta) = objects.try_next().await? {
                found.extend(self.stored(meta).filter(|(_, wal)| wanted(wal.name)));
            }
        }
        Ok(self.sorted(found))
    }

    /// Returns what a listed object is, and of which archive, unless it is foreign.
    fn stored(&self, meta: ObjectMeta) -> Option<(usize, StoredWal)> {
        let mut ids = self.ids.iter().enumerate();
        let (age, name) = ids.find_map(|(age, id)| Some((age, self.keys.parse(id, &meta.key)?)))?;
        let wal = StoredWal {
            name: name.name,
            key: meta.key,
            codec: name.codec,
            stored_size: meta.size,
            modified: meta.modified,
            sha1: name.sha1,
        };
        Some((age, wal))
    }

    /// Archive order; of objects with the same file the newest archive, the preferred codec, then
    /// the key.
    fn rank<'a>(&self, (age, wal): &'a (usize, StoredWal)) -> (WalFileName, usize, bool, &'a str) {
        let is_other = wal.codec != self.preferred;
        (wal.name, *age, is_other, wal.key.as_str())
    }

    /// Lists the archive from the first name that is not less than `from`.
    pub(super) fn archive(
        self,
        from: Option<WalFileName>,
        ahead: Ahead,
    ) -> BoxStream<'static, Result<StoredWal>> {
        let steps = stream::once(async move {
            let steps = join(self.plan(from).await?, &*self.store, ahead);
            let run = ahead.run(steps, move |step| self.clone().step(step, from));
            Ok::<_, Error>(run)
        });
        until_error(steps.try_flatten()).boxed()
    }

    async fn step(self, step: Step, from: Option<WalFileName>) -> Result<Vec<StoredWal>> {
        let listed = step.list(&*self.store, |meta| {
            let stored = self.stored(meta);
            stored.filter(|(_, wal)| from.is_none_or(|from| wal.name >= from))
        });
        Ok(self.sorted(listed.await?))
    }

    fn sorted(&self, mut found: Vec<(usize, StoredWal)>) -> Vec<StoredWal> {
        found.sort_by(|a, b| self.rank(a).cmp(&self.rank(b)));
        found.into_iter().map(|(_, wal)| wal).collect()
    }

    /// Returns what to list, in the order of the first name that can come: history files, and folders
    /// before whose first segment nothing in them can come.
    async fn plan(&self, from: Option<WalFileName>) -> Result<Vec<Vec<Entry>>> {
        let Self {
            store, keys, ids, ..
        } = self;
        let floor = from.map(|from| match from.segment() {
            Some(segment) => first_of_folder(segment).into(),
            None => from,
        });
        let mut steps: BTreeMap<WalFileName, Vec<Entry>> = BTreeMap::new();
        for id in ids {
            let level = store.list_level(&keys.wals(id)).await?;
            let histories = level.objects.into_iter().filter_map(|meta| {
                let name = keys.parse(id, &meta.key)?.name;
                Some((name, Entry::Object(meta)))
            });
            let folders = level.prefixes.into_iter().filter_map(|prefix| {
                let first = keys.parse_folder(id, &prefix)?;
                Some((first.into(), Entry::Folder(prefix)))
            });
            for (first, entry) in histories.chain(folders) {
                if floor.is_none_or(|floor| first >= floor) {
                    steps.entry(first).or_default().push(entry);
                }
            }
        }
        Ok(steps.into_values().collect())
    }
}
