//! What retention must know, and the removal of what it lets go.

use std::collections::BTreeMap;

use futures_util::TryStreamExt;

use super::{BackupId, BackupObject, BackupStatus, BarmanRepository, leftovers::abort_below};
use crate::repository::{
    Extent, HeldBackup, Inventory, Pace, Repository, Result, WalSelection, batch::remove_batch,
};

impl BarmanRepository {
    /// Costs what [`barman_backups`](Self::barman_backups) does, a listing of the archive, and one
    /// request for each history file.
    pub(super) async fn take_inventory(&self) -> Result<Inventory> {
        let (backups, damaged) = self.barman_backups().await?;
        let held = backups.iter().map(|backup| HeldBackup {
            stored: backup.describe(),
            extent: Extent::Full,
            prior: None,
            archive: String::new(),
            is_whole: backup.missing_archives().is_empty(),
            may_expire: *backup.info.status() == BackupStatus::Done,
        });
        let mut inventory = Inventory {
            backups: held.collect(),
            damaged,
            ..Inventory::default()
        };
        let wal = self.list_wal(None);
        inventory
            .add_archive(self, String::new(), true, wal)
            .await?;
        Ok(inventory)
    }

    /// As the tools do: the archives of a backup first, its record last, so that what a crash
    /// leaves is found again. Foreign objects stay.
    pub(super) async fn expire_backups(&self, ids: &[String], pace: &Pace) -> Result<u64> {
        let mut removed = 0;
        for id in ids {
            if let Ok(id) = id.parse() {
                removed += self.expire_backup(id, pace).await?;
            }
        }
        Ok(removed)
    }

    async fn expire_backup(&self, id: BackupId, pace: &Pace) -> Result<u64> {
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
        let is_kept = objects.values().any(|object| *object == BackupObject::Keep);
        if is_kept || objects.is_empty() {
            return Ok(0);
        }
        abort_below(self.store(), &keys.folder(id)).await?;
        let (records, data): (BTreeMap<_, _>, BTreeMap<_, _>) = objects
            .into_iter()
            .partition(|(_, object)| *object == BackupObject::Info);
        let mut removed = 0;
        for keys in [data, records] {
            let keys: Vec<_> = keys.into_keys().collect();
            removed += remove_batch(self.store(), &keys, pace).await?;
        }
        Ok(removed)
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
