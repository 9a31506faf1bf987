//! The removal of what retention lets go.

use std::collections::BTreeMap;

use futures_util::TryStreamExt;

use super::{BackupId, BackupObject, BarmanRepository};
use crate::{
    repository::{
        Pace, Removal, Repository, Result, WalSelection, batch::remove_batch, uploads::abort_below,
    },
    store::Key,
};

impl BarmanRepository {
    /// As the tools do: the archives of a backup first, its record last, so that what a crash
    /// leaves is found again. Foreign objects stay.
    pub(super) async fn expire_backups(&self, ids: &[String], pace: &Pace) -> Result<Removal> {
        let mut removal = Removal::default();
        for text in ids {
            let Ok(id) = text.parse() else { continue };
            let objects = self.objects_of(id).await?;
            if is_kept(&objects) {
                removal.kept.push(text.clone());
                continue;
            }
            abort_below(self.store(), &self.backup_keys().folder(id)).await?;
            let data = objects.into_iter().filter(|(_, object)| !is_record(object));
            let data: Vec<_> = data.map(|(key, _)| key).collect();
            removal.objects += remove_batch(self.store(), &data, pace).await?;
        }
        Ok(removal)
    }

    /// Only of backups of which nothing else is left.
    pub(super) async fn expire_records(&self, ids: &[String], pace: &Pace) -> Result<u64> {
        let mut records = Vec::new();
        for id in ids.iter().filter_map(|id| id.parse().ok()) {
            let objects = self.objects_of(id).await?;
            if objects.values().all(is_record) {
                records.extend(objects.into_keys());
            }
        }
        remove_batch(self.store(), &records, pace).await
    }

    /// Lists everything of a backup that is not foreign.
    async fn objects_of(&self, id: BackupId) -> Result<BTreeMap<Key, BackupObject>> {
        let keys = self.backup_keys();
        let mut objects = BTreeMap::new();
        for prefix in keys.keep_prefixes() {
            let mut listed = self.store().list(&format!("{prefix}{id}/"), None);
            while let Some(meta) = listed.try_next().await? {
                if let Some((_, object)) = keys.parse(&meta.key) {
                    objects.insert(meta.key, object);
                }
            }
        }
        Ok(objects)
    }

    /// One folder of the layout after the other.
    pub(super) async fn expire_wal(&self, wal: &WalSelection, pace: &Pace) -> Result<u64> {
        let mut removed = 0;
        for folder in wal.folders() {
            let prefix = self.keys().folder(folder);
            let stored = self
                .lister
                .below(&prefix, |name| wal.contains(name))
                .await?;
            let keys: Vec<_> = stored.into_iter().map(|wal| wal.key).collect();
            removed += remove_batch(self.store(), &keys, pace).await?;
        }
        let histories = wal.others.iter().filter(|name| name.segment().is_none());
        for name in histories {
            let found = self.find_wal(*name).await?;
            let keys: Vec<_> = found.into_iter().map(|wal| wal.key).collect();
            removed += remove_batch(self.store(), &keys, pace).await?;
        }
        Ok(removed)
    }
}

fn is_record(object: &BackupObject) -> bool {
    *object == BackupObject::Info
}

fn is_kept(objects: &BTreeMap<Key, BackupObject>) -> bool {
    let mut objects = objects.values();
    objects.any(|object| *object == BackupObject::Keep)
}
