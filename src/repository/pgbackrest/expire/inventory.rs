use std::collections::BTreeSet;

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use super::{MANIFEST, MANIFEST_COPY, MEMORIES, MEMORY};
use crate::{
    repository::{
        BackupKind, DamagedBackup, Error, Extent, HeldBackup, Inventory, Result, StrayBackup,
        pgbackrest::{
            BackupEntry, HistoryEntry, InvalidInfo, PgBackRestRepository, backups::stored,
            label::is_label, list::Listing,
        },
    },
    store::{Key, StoreExt},
};

impl PgBackRestRepository {
    /// Costs both info files, a listing of each archive, one request for each backup and history
    /// file, and a listing of each folder of a backup that is not listed.
    pub(in crate::repository::pgbackrest) async fn take_inventory(&self) -> Result<Inventory> {
        // Both files must agree on the clusters, or nobody could say whose WAL is whose.
        self.check_stanza(None).await?;
        let info = self.load_backup_info().await?;
        let mut inventory = Inventory::default();
        for (label, entry) in info.backups() {
            match entry {
                Ok(entry) => {
                    let cluster = info.history().entry(entry.history_id);
                    let archive = cluster.map(HistoryEntry::archive_id);
                    inventory.backups.push(HeldBackup {
                        stored: stored(label, &entry, info.history()),
                        extent: extent(entry.kind),
                        archive: archive.map_or_else(String::new, |id| id.to_string()),
                        prior: prior(&entry),
                        is_whole: false,
                        may_expire: true,
                        touched: None,
                    });
                }
                Err(error) => inventory.damaged.push(DamagedBackup {
                    id: label.to_owned(),
                    error: self.damaged_entry(label, &error),
                }),
            }
        }
        self.look_for_manifests(&mut inventory.backups).await?;
        inventory.strays = self.strays(&inventory).await?;
        inventory.remembered = self.remembered().await?;
        let current = info.history().current().id;
        for cluster in info.history().entries() {
            let (id, is_current) = (cluster.archive_id(), cluster.id == current);
            let listing = Listing::new(self.lister_in(id.clone()), None);
            inventory
                .add_archive(self, id.to_string(), is_current, listing.into_stream())
                .await?;
        }
        Ok(inventory)
    }

    /// A backup without a manifest is on its way out.
    async fn look_for_manifests(&self, backups: &mut [HeldBackup]) -> Result<()> {
        let keys: Result<Vec<Key>> = backups
            .iter()
            .map(|backup| self.backup_key(&backup.stored.id, MANIFEST))
            .collect();
        let look = keys?
            .into_iter()
            .map(|key| async move { self.exists(&key).await });
        let found: Vec<bool> = stream::iter(look)
            .buffered(CONCURRENCY)
            .try_collect()
            .await?;
        for (backup, found) in backups.iter_mut().zip(found) {
            backup.is_whole = found;
        }
        Ok(())
    }

    async fn strays(&self, inventory: &Inventory) -> Result<Vec<StrayBackup>> {
        let listed = inventory.backups.iter().map(|backup| &*backup.stored.id);
        let damaged = inventory.damaged.iter().map(|backup| &*backup.id);
        let listed: BTreeSet<&str> = listed.chain(damaged).collect();
        let level = self.store.list_level(self.keys.backup()).await?;
        let mut strays = Vec::new();
        for prefix in &level.prefixes {
            let name = prefix.strip_prefix(self.keys.backup());
            let label = name.and_then(|name| name.strip_suffix('/'));
            if let Some(label) = label.filter(|label| is_label(label) && !listed.contains(label)) {
                strays.push(self.stray(label, prefix).await?);
            }
        }
        Ok(strays)
    }

    async fn stray(&self, label: &str, prefix: &str) -> Result<StrayBackup> {
        let mut touched = Timestamp::MIN;
        let mut objects = self.store.list(prefix, None);
        while let Some(meta) = objects.try_next().await? {
            touched = touched.max(meta.modified);
        }
        Ok(StrayBackup {
            id: label.to_owned(),
            is_complete: self.exists(&self.backup_key(label, MANIFEST)?).await?,
            is_begun: self.exists(&self.backup_key(label, MANIFEST_COPY)?).await?,
            touched,
        })
    }

    async fn remembered(&self) -> Result<Vec<String>> {
        let prefix = format!("{}{MEMORIES}", self.keys.backup());
        let objects: Vec<_> = self.store.list(&prefix, None).try_collect().await?;
        let labels = objects.iter().filter_map(|meta| {
            let (year, name) = meta.key.as_str().strip_prefix(&prefix)?.split_once('/')?;
            let label = name.strip_suffix(MEMORY)?;
            let is_there = is_label(label) && label.starts_with(year);
            is_there.then(|| label.to_owned())
        });
        let mut labels: Vec<_> = labels.collect();
        labels.sort_unstable();
        Ok(labels)
    }

    pub(super) async fn exists(&self, key: &Key) -> Result<bool> {
        Ok(self.store.exists(key).await?)
    }

    pub(super) fn damaged_entry(&self, label: &str, error: &InvalidInfo) -> Error {
        match self.keys.backup_info().map_err(Error::of_key(self)) {
            Ok(key) => self.damaged(label, &key, error).error,
            Err(error) => error,
        }
    }
}

fn extent(kind: BackupKind) -> Extent {
    match kind {
        BackupKind::Full => Extent::Full,
        BackupKind::Differential => Extent::Differential,
        BackupKind::Incremental => Extent::Incremental,
    }
}

/// Full ones have none, whatever is written.
fn prior(entry: &BackupEntry) -> Option<String> {
    entry
        .prior
        .clone()
        .filter(|_| entry.kind != BackupKind::Full)
}

/// How many objects are asked for at once.
const CONCURRENCY: usize = 8;
