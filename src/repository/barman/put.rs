use std::collections::HashSet;

use super::BarmanRepository;
use crate::{
    codec::Codec,
    pg::{SegmentName, WalFileName},
    repository::{Error, Expect, PutOutcome, Result, StoredWal, WalFile, content::same_content},
    store::{self, Class, GetOptions, Key, PutOptions},
};

impl BarmanRepository {
    /// Puts a file unless it is there.
    pub(super) async fn put(&self, wal: &WalFile, expect: Expect) -> Result<PutOutcome> {
        let codec = wal.encoding.codec();
        let key = self
            .keys()
            .key(wal.name, codec)
            .map_err(|source| Error::Key {
                repository: self.to_string(),
                source,
            })?;
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
        for stored in self
            .lister
            .below(&self.keys().stem(wal.name), |n| n == wal.name)
            .await?
        {
            match self.compare(wal, &stored.key, stored.codec).await? {
                Some(PutOutcome::Conflict(other)) => return Ok(Some(PutOutcome::Conflict(other))),
                Some(same) => outcome = Some(same),
                // It was removed after it was listed.
                None => {}
            }
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
        let outcome = self.compare(wal, key, wal.encoding.codec()).await?;
        // It is gone again: the next attempt may succeed.
        outcome.ok_or_else(|| refusal.with_class(Class::Transient).into())
    }

    /// Compares with one object; `None` if there is none.
    async fn compare(
        &self,
        wal: &WalFile,
        key: &Key,
        codec: Option<Codec>,
    ) -> Result<Option<PutOutcome>> {
        let object = match self.store().get(key, GetOptions::default()).await {
            Ok(object) => object,
            Err(error) if error.class() == Class::Missing => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let stored = StoredWal {
            name: wal.name,
            key: key.clone(),
            codec,
            stored_size: object.meta.size,
            modified: object.meta.modified,
            sha1: None,
        };
        // One more byte shows that there is more.
        let limit = wal.content.len.saturating_add(1);
        let stream = self.decode(object, &stored, limit);
        let same = same_content(stream, &wal.content, &self.workers).await?;
        Ok(Some(if same {
            PutOutcome::Present
        } else {
            PutOutcome::Conflict(stored)
        }))
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
