use std::{collections::VecDeque, sync::Arc};

use futures_util::{StreamExt, TryStreamExt, stream, stream::BoxStream};

use super::keys::{WalKeys, first_of_folder};
use crate::{
    codec::Codec,
    pg::WalFileName,
    repository::{Result, StoredWal},
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
        // Not every store lists in order, and the order of keys is not that of the archive.
        found.sort_by(|a, b| self.rank(a).cmp(&self.rank(b)));
        Ok(found)
    }

    /// Lists the archive from the first name that is not less than `from`.
    pub(super) fn archive(
        self,
        from: Option<WalFileName>,
    ) -> BoxStream<'static, Result<StoredWal>> {
        let listing = Listing {
            lister: self,
            from,
            steps: None,
            ready: VecDeque::new(),
        };
        stream::try_unfold(listing, |mut listing| async move {
            let next = listing.next().await?;
            Ok(next.map(|wal| (wal, listing)))
        })
        .boxed()
    }

    /// Archive order; among objects with the same file the preferred codec, then the key.
    fn rank<'a>(&self, wal: &'a StoredWal) -> (WalFileName, bool, &'a str) {
        (wal.name, wal.codec != self.preferred, wal.key.as_str())
    }

    /// Returns what to list, in order: history files, and folders before whose first segment
    /// nothing in them can come.
    fn plan(&self, level: Level, from: Option<WalFileName>) -> VecDeque<Step> {
        let histories = level
            .objects
            .into_iter()
            .filter_map(|meta| self.keys.stored(meta));
        let folders = level.prefixes.into_iter().filter_map(|prefix| {
            let first = self.keys.parse_folder(&prefix)?;
            Some(Step::Folder(first.into(), prefix))
        });
        let mut steps: Vec<_> = histories.map(Step::History).chain(folders).collect();
        let floor = from.map(|from| from.segment().map_or(from, |s| first_of_folder(s).into()));
        steps.retain(|step| floor.is_none_or(|floor| step.first() >= floor));
        steps.sort_by(|a, b| self.step_rank(a).cmp(&self.step_rank(b)));
        steps.into()
    }

    fn step_rank<'a>(&self, step: &'a Step) -> (WalFileName, bool, &'a str) {
        match step {
            Step::History(wal) => self.rank(wal),
            Step::Folder(first, prefix) => (*first, false, prefix),
        }
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

enum Step {
    History(StoredWal),
    Folder(WalFileName, String),
}

impl Step {
    fn first(&self) -> WalFileName {
        match self {
            Self::History(wal) => wal.name,
            Self::Folder(first, _) => *first,
        }
    }
}

struct Listing {
    lister: Lister,
    from: Option<WalFileName>,
    /// `None` before the level was listed.
    steps: Option<VecDeque<Step>>,
    /// The rest of one folder.
    ready: VecDeque<StoredWal>,
}

impl Listing {
    async fn next(&mut self) -> Result<Option<StoredWal>> {
        loop {
            if let Some(wal) = self.ready.pop_front() {
                return Ok(Some(wal));
            }
            match self.next_step().await? {
                None => return Ok(None),
                Some(Step::History(wal)) => return Ok(Some(wal)),
                Some(Step::Folder(_, prefix)) => {
                    let from = self.from;
                    let wanted = move |name| from.is_none_or(|from| name >= from);
                    self.ready = self.lister.below(&prefix, wanted).await?.into();
                }
            }
        }
    }

    async fn next_step(&mut self) -> Result<Option<Step>> {
        if self.steps.is_none() {
            let level = self
                .lister
                .store
                .list_level(self.lister.keys.wals())
                .await?;
            self.steps = Some(self.lister.plan(level, self.from));
        }
        Ok(self.steps.as_mut().and_then(VecDeque::pop_front))
    }
}
