//! The removal of what retention lets go, in the order of the tool.

use std::{collections::BTreeSet, sync::Arc};

use futures_util::TryStreamExt;

use super::{ArchiveId, HistoryEntry, PgBackRestRepository, list::Lister};
use crate::{
    repository::{Error, Pace, Removal, Result, WalSelection, batch::remove_batch},
    store::{Key, PutMode},
};

impl PgBackRestRepository {
    /// First the manifests, the newest first, so that no backup looks complete that is not; then
    /// the entries in `backup.info`, then the rest.
    pub(super) async fn expire_backups(&self, ids: &[String], pace: &Pace) -> Result<Removal> {
        self.check_not_stopped().await?;
        self.check_not_locked().await?;
        if ids.is_empty() {
            return Ok(Removal::default());
        }
        let going: BTreeSet<&str> = ids.iter().map(String::as_str).collect();
        self.check_nothing_depends_on(&going).await?;
        let mut manifests = Vec::new();
        for label in going.iter().rev() {
            manifests.push(self.backup_key(label, MANIFEST)?);
            manifests.push(self.backup_key(label, MANIFEST_COPY)?);
        }
        let mut removal = Removal::default();
        for manifest in &manifests {
            // One by one: a batch has no order.
            if self.exists(manifest).await? {
                removal.objects +=
                    remove_batch(&*self.store, std::slice::from_ref(manifest), pace).await?;
            }
        }
        self.unlist(&going).await?;
        for label in going.iter().rev() {
            removal.objects += self.remove_folder(label, pace).await?;
        }
        Ok(removal)
    }

    /// Whoever took a backup meanwhile may have built on one that is to go.
    async fn check_nothing_depends_on(&self, going: &BTreeSet<&str>) -> Result<()> {
        for (label, entry) in self.load_backup_info().await?.backups() {
            let entry = entry.map_err(|error| self.damaged_entry(label, &error))?;
            let needed = entry.prior.iter().chain(&entry.references);
            let gone = needed.into_iter().find(|prior| going.contains(&***prior));
            if let (false, Some(prior)) = (going.contains(label), gone) {
                return Err(Error::Refused {
                    repository: self.to_string(),
                    reason: format!("backup {label} depends on {prior}, which is to be removed"),
                });
            }
        }
        Ok(())
    }

    /// Takes backups out of `backup.info`, as the store has it now. It is written in any case: a
    /// crash may have come before its copy was.
    async fn unlist(&self, going: &BTreeSet<&str>) -> Result<()> {
        let mut info = self.load_backup_info().await?;
        info.remove_backups(going);
        let key = self.keys.backup_info().map_err(Error::of_key(self))?;
        self.save(&key, &info.to_text(), PutMode::Overwrite).await
    }

    async fn remove_folder(&self, label: &str, pace: &Pace) -> Result<u64> {
        let folder = format!("{}{label}/", self.keys.backup());
        let mut objects = self.store.list(&folder, None);
        let (mut removed, mut batch) = (0, Vec::new());
        while let Some(meta) = objects.try_next().await? {
            batch.push(meta.key);
            if batch.len() == pace.batch() {
                removed += remove_batch(&*self.store, &batch, pace).await?;
                batch.clear();
            }
        }
        Ok(removed + remove_batch(&*self.store, &batch, pace).await?)
    }

    /// One folder of the layout after the other, history files last.
    pub(super) async fn expire_wal(&self, wal: &WalSelection, pace: &Pace) -> Result<u64> {
        self.check_not_stopped().await?;
        let lister = self.lister_of(&wal.archive).await?;
        let mut removed = 0;
        for folder in wal.folders() {
            let found = lister.folder(folder, |name| wal.contains(name)).await?;
            let keys: Vec<_> = found.into_iter().map(|wal| wal.key).collect();
            removed += remove_batch(&*self.store, &keys, pace).await?;
        }
        let histories = wal.others.iter().filter(|name| name.segment().is_none());
        for name in histories {
            let found = lister.find(*name).await?;
            let keys: Vec<_> = found.into_iter().map(|wal| wal.key).collect();
            removed += remove_batch(&*self.store, &keys, pace).await?;
        }
        Ok(removed)
    }

    async fn lister_of(&self, archive: &str) -> Result<Lister> {
        let history = self.history().await?;
        let mut ids = history.entries().iter().map(HistoryEntry::archive_id);
        let id = ids.find(|id| id.as_str() == archive);
        id.map(|id| self.lister_in(id))
            .ok_or_else(|| Error::Refused {
                repository: self.to_string(),
                reason: format!("there is no archive {archive}"),
            })
    }

    /// Lists one archive alone.
    pub(super) fn lister_in(&self, id: ArchiveId) -> Lister {
        Lister {
            store: Arc::clone(&self.store),
            keys: self.keys.clone(),
            ids: vec![id],
            preferred: self.settings.wal_encoding.codec(),
        }
    }

    pub(super) async fn expire_memories(&self, ids: &[String], pace: &Pace) -> Result<u64> {
        self.check_not_stopped().await?;
        let key = |label: &String| self.keys.history(label).map_err(Error::of_key(self));
        let keys: Result<Vec<Key>> = ids.iter().map(key).collect();
        remove_batch(&*self.store, &keys?, pace).await
    }
}

pub(super) const MANIFEST: &str = "backup.manifest";
pub(super) const MANIFEST_COPY: &str = "backup.manifest.copy";
pub(super) const MEMORIES: &str = "backup.history/";
pub(super) const MEMORY: &str = ".manifest.gz";
