//! What is there.

use std::collections::BTreeSet;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::expire::{MANIFEST, MANIFEST_COPY, MEMORIES, MEMORY};
use crate::{
    repository::{
        BackupKind, Catalog, DamagedBackup, Error, HeldArchive, HeldBackup, Result, StrayBackup,
        Survey,
        pgbackrest::{
            BackupEntry, HistoryEntry, InvalidInfo, PgBackRestRepository, backups::stored,
            label::is_label,
        },
        uploads::last_touched,
    },
    store::{Key, StoreExt},
};

impl PgBackRestRepository {
    /// Costs both info files, a listing of each archive, one request for each backup and history
    /// file, and a listing of each folder of a backup that is not listed.
    pub(super) async fn take_catalog(&self, known: Option<&Catalog>) -> Result<Catalog> {
        // Both files must agree on the clusters, or nobody could say whose WAL is whose.
        self.check_stanza(None).await?;
        let info = self.load_backup_info().await?;
        let mut catalog = Catalog::default();
        for (label, entry) in info.backups() {
            match entry {
                Ok(entry) => {
                    let cluster = info.history().entry(entry.history_id);
                    let archive = cluster.map(HistoryEntry::archive_id);
                    catalog.backups.push(HeldBackup {
                        stored: stored(label, &entry, info.history()),
                        kind: entry.kind,
                        archive: archive.map_or_else(String::new, |id| id.to_string()),
                        prior: prior(&entry),
                        is_whole: false,
                        may_expire: true,
                        touched: None,
                    });
                }
                Err(error) => catalog.damaged.push(DamagedBackup {
                    id: label.to_owned(),
                    error: self.damaged_entry(label, &error),
                }),
            }
        }
        self.look_for_manifests(&mut catalog.backups).await?;
        catalog.strays = self.strays(&catalog).await?;
        catalog.remembered = self.remembered().await?;
        let current = info.history().current().id;
        for cluster in info.history().entries() {
            let id = cluster.archive_id();
            let lister = self.lister_in(id.clone());
            let list = |from, ahead| lister.archive(from, ahead);
            let archive = HeldArchive {
                id: id.to_string(),
                system_id: Some(cluster.system_id),
                is_current: cluster.id == current,
                ..HeldArchive::default()
            };
            catalog.add_archive(self, archive, known, list).await?;
        }
        Ok(catalog)
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

    async fn strays(&self, catalog: &Catalog) -> Result<Vec<StrayBackup>> {
        let listed = catalog.backups.iter().map(|backup| &*backup.stored.id);
        let damaged = catalog.damaged.iter().map(|backup| &*backup.id);
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
        Ok(StrayBackup {
            id: label.to_owned(),
            is_complete: self.exists(&self.backup_key(label, MANIFEST)?).await?,
            is_begun: self.exists(&self.backup_key(label, MANIFEST_COPY)?).await?,
            touched: last_touched(&*self.store, prefix).await?,
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

    /// Below the place of a backup everything counts as the layout's: its manifest alone could
    /// tell.
    pub(super) async fn count_everything(&self) -> Result<Survey> {
        let history = self.history().await?;
        let ids: Vec<_> = history
            .entries()
            .iter()
            .map(HistoryEntry::archive_id)
            .collect();
        let (archive, backup, notes) = (self.keys.archive(), self.keys.backup(), self.keys.notes());
        let is_own = |key: &Key| {
            if let Some(name) = key.as_str().strip_prefix(archive) {
                return is_info(name, "archive.info")
                    || ids.iter().any(|id| self.keys.parse(id, key).is_some());
            }
            let Some(name) = key.as_str().strip_prefix(backup) else {
                return key.as_str().starts_with(notes);
            };
            let folder = name.split_once('/').map(|(folder, _)| folder);
            is_info(name, "backup.info")
                || name.starts_with(MEMORIES)
                || folder.is_some_and(|folder| is_label(folder) || folder == "latest")
        };
        let prefixes = [archive.to_owned(), backup.to_owned(), notes.to_owned()];
        Survey::of(&*self.store, &prefixes, is_own).await
    }
}

/// Returns whether a name is that of an info file or of its copy.
fn is_info(name: &str, info: &str) -> bool {
    name.strip_prefix(info)
        .is_some_and(|rest| matches!(rest, "" | ".copy"))
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
