use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use futures_util::{StreamExt, TryStreamExt, stream, stream::BoxStream};

use super::{
    info::ArchiveId,
    keys::{StanzaKeys, first_of_folder},
};
use crate::{
    codec::Codec,
    pg::{SegmentName, WalFileName},
    repository::{Result, StoredWal},
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
        found.sort_by(|a, b| self.rank(a).cmp(&self.rank(b)));
        Ok(found.into_iter().map(|(_, wal)| wal).collect())
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
}

/// A listing on its way: one folder of the layout at a time.
#[derive(Debug)]
pub(super) struct Listing {
    lister: Lister,
    from: Option<WalFileName>,
    /// What to list, by the first name that can come: the keys of history files and the prefixes
    /// of folders. `None` before the level was listed.
    steps: Option<BTreeMap<WalFileName, Vec<String>>>,
    /// The rest of one step.
    ready: VecDeque<StoredWal>,
}

impl Listing {
    pub(super) fn new(lister: Lister, from: Option<WalFileName>) -> Self {
        Self {
            lister,
            from,
            steps: None,
            ready: VecDeque::new(),
        }
    }

    /// Lists it to its end.
    pub(super) fn into_stream(self) -> BoxStream<'static, Result<StoredWal>> {
        let stream = stream::try_unfold(self, |mut listing| async move {
            let next = listing.next().await?;
            Ok(next.map(|wal| (wal, listing)))
        });
        stream.boxed()
    }

    pub(super) async fn next(&mut self) -> Result<Option<StoredWal>> {
        loop {
            if let Some(wal) = self.ready.pop_front() {
                return Ok(Some(wal));
            }
            if self.steps.is_none() {
                self.steps = Some(self.plan().await?);
            }
            let step = self.steps.as_mut().and_then(BTreeMap::pop_first);
            let Some((_, prefixes)) = step else {
                return Ok(None);
            };
            let from = self.from;
            let wanted = move |name| from.is_none_or(|from| name >= from);
            self.ready = self.lister.below(&prefixes, wanted).await?.into();
        }
    }

    async fn plan(&self) -> Result<BTreeMap<WalFileName, Vec<String>>> {
        let Lister {
            store, keys, ids, ..
        } = &self.lister;
        let floor = self.from.map(|from| match from.segment() {
            Some(segment) => first_of_folder(segment).into(),
            None => from,
        });
        let mut steps: BTreeMap<WalFileName, Vec<String>> = BTreeMap::new();
        for id in ids {
            let level = store.list_level(&keys.wals(id)).await?;
            let histories = level.objects.into_iter().filter_map(|meta| {
                let name = keys.parse(id, &meta.key)?.name;
                Some((name, meta.key.as_str().to_owned()))
            });
            let folders = level.prefixes.into_iter().filter_map(|prefix| {
                let first = keys.parse_folder(id, &prefix)?;
                Some((first.into(), prefix))
            });
            for (first, prefix) in histories.chain(folders) {
                if floor.is_none_or(|floor| first >= floor) {
                    steps.entry(first).or_default().push(prefix);
                }
            }
        }
        Ok(steps)
    }
}
