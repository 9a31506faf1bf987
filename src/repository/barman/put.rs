use std::collections::HashSet;

use super::{BarmanRepository, list::stored};
use crate::{
    codec::Codec,
    pg::{SegmentName, WalFileName},
    repository::{Error, Expect, PutOutcome, Repository, Result, WalFile, content::same_content},
    store::{self, Class, GetOptions, Key, Object, PutOptions},
};

impl BarmanRepository {
    /// Puts a file unless it is there.
    pub(super) async fn put(&self, wal: &WalFile, expect: Expect) -> Result<PutOutcome> {
        let codec = wal.encoding.codec();
        let key = self
            .keys()
            .key(wal.name, codec)
            .map_err(Error::of_key(self))?;
        if self.may_exist(wal.name, expect).await?
            && let Some(outcome) = self.compare_with_all(wal).await?
        {
            return Ok(outcome);
        }
        let options = PutOptions::create().with_tags(self.tags(wal.name).clone());
        match self.store().put(&key, wal.payload.clone(), options).await {
            Ok(()) => Ok(PutOutcome::Stored),
            Err(error) if error.class() == Class::Conflict => {
                self.compare_with_winner(wal, &key, error).await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Returns whether to look before a file is put.
    async fn may_exist(&self, name: WalFileName, expect: Expect) -> Result<bool> {
        let is_refused = self.store().capabilities().create_if_absent;
        match (expect, name.segment()) {
            (Expect::Absent, _) if is_refused => Ok(false),
            (Expect::Absent, Some(segment)) => self.is_in_folder(name, segment).await,
            (Expect::Unknown, Some(segment)) if !is_refused => {
                self.seen.claim(&self.keys().folder(segment), name);
                Ok(true)
            }
            (Expect::Absent | Expect::Unknown, _) => Ok(true),
        }
    }

    /// Looks into the folder of `segment` if this process has not yet done so.
    async fn is_in_folder(&self, name: WalFileName, segment: SegmentName) -> Result<bool> {
        let folder = self.keys().folder(segment);
        if let Some(found) = self.seen.claim(&folder, name) {
            return Ok(found);
        }
        let listed = self.lister.below(&folder, |_| true).await?;
        let names: HashSet<_> = listed.into_iter().map(|wal| wal.name).collect();
        self.seen.remember(&folder, names);
        Ok(self.seen.claim(&folder, name).unwrap_or(true))
    }

    /// Compares with every object that holds the file; `None` if there is none.
    async fn compare_with_all(&self, wal: &WalFile) -> Result<Option<PutOutcome>> {
        let mut outcome = None;
        for stored in self.find_wal(wal.name).await? {
            let Some(object) = self.open(&stored.key).await? else {
                // It was removed after it was listed.
                continue;
            };
            if !self.is_same(wal, object, stored.codec).await? {
                return Ok(Some(PutOutcome::Conflict(stored)));
            }
            outcome = Some(PutOutcome::Present);
        }
        Ok(outcome)
    }

    /// Compares with the object that made the store refuse ours: another writer's, or ours of an
    /// attempt whose answer was lost.
    async fn compare_with_winner(
        &self,
        wal: &WalFile,
        key: &Key,
        refusal: store::Error,
    ) -> Result<PutOutcome> {
        let codec = wal.encoding.codec();
        let Some(object) = self.open(key).await? else {
            // It is gone again: the next attempt may succeed.
            return Err(refusal.with_class(Class::Transient).into());
        };
        let stored = stored(wal.name, codec, object.meta.clone());
        if self.is_same(wal, object, codec).await? {
            return Ok(PutOutcome::Present);
        }
        Ok(PutOutcome::Conflict(stored))
    }

    async fn open(&self, key: &Key) -> Result<Option<Object>> {
        match self.store().get(key, GetOptions::default()).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.class() == Class::Missing => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn is_same(&self, wal: &WalFile, object: Object, codec: Option<Codec>) -> Result<bool> {
        // One more byte shows that there is more.
        let limit = wal.content.len.saturating_add(1);
        let stream = self.decode(object, codec, limit);
        same_content(stream, &wal.content, &self.workers).await
    }

    fn tags(&self, name: WalFileName) -> &store::Tags {
        match name {
            WalFileName::History(_) if !self.settings.history_tags.is_empty() => {
                &self.settings.history_tags
            }
            WalFileName::Segment(_)
            | WalFileName::Partial(_)
            | WalFileName::BackupLabel { .. }
            | WalFileName::History(_) => &self.settings.tags,
        }
    }
}
