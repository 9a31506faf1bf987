//! What killed backups and copies left.

use super::{BackupInfo, Manifest, PgBackRestRepository, label::is_label, origin::TakerRecord};
use crate::{
    repository::{
        Error, Result, Taker, UnfinishedBackup,
        uploads::{abort_below, delete_below, last_touched},
    },
    store::{Class, Key},
};

impl PgBackRestRepository {
    /// Returns backups that walcast began and that did not end: folders that `backup.info` does
    /// not list, with a record of ours.
    pub(super) async fn find_unfinished(&self) -> Result<Vec<UnfinishedBackup>> {
        let info = self.load_backup_info().await?;
        let level = self.store.list_level(self.keys.backup()).await?;
        let folder = |prefix: &String| {
            let label = prefix.strip_prefix(self.keys.backup())?.strip_suffix('/')?;
            let is_listed = info.backups().any(|(listed, _)| listed == label);
            (is_label(label) && !is_listed).then(|| label.to_owned())
        };
        let mut found = Vec::new();
        for label in level.prefixes.iter().filter_map(folder) {
            if let Some(manifest) = self.manifest_in_progress(&label, &info).await? {
                found.extend(self.described(&label, manifest).await?);
            }
        }
        Ok(found)
    }

    /// Returns what is known of a backup that is not listed, if it is walcast's.
    pub(super) async fn unfinished(&self, label: &str) -> Result<Option<UnfinishedBackup>> {
        match self.unlisted(label).await? {
            Some(manifest) => self.described(label, manifest).await,
            None => Ok(None),
        }
    }

    /// Returns who writes a backup that is not listed, if it is walcast's; without a look at what
    /// there is of it.
    pub(super) async fn taker_of(&self, label: &str) -> Result<Option<Taker>> {
        let manifest = self.unlisted(label).await?;
        Ok(manifest.as_ref().and_then(TakerRecord::read))
    }

    async fn unlisted(&self, label: &str) -> Result<Option<Manifest>> {
        let info = self.load_backup_info().await?;
        if info.backups().any(|(listed, _)| listed == label) {
            return Ok(None);
        }
        self.manifest_in_progress(label, &info).await
    }

    /// Reads the record of a backup in progress; `None` if it is missing, or another writer's.
    async fn manifest_in_progress(
        &self,
        label: &str,
        info: &BackupInfo,
    ) -> Result<Option<Manifest>> {
        let key = self.backup_key(label, "backup.manifest.copy")?;
        match self.read_manifest(&key, info.passphrase()).await {
            Ok(manifest) => Ok(Some(manifest)),
            Err(error) if error.class() == Class::Invalid => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn described(&self, label: &str, manifest: Manifest) -> Result<Option<UnfinishedBackup>> {
        let Some(taker) = TakerRecord::read(&manifest) else {
            return Ok(None);
        };
        let folder = format!("{}{label}/", self.keys.backup());
        Ok(Some(UnfinishedBackup {
            id: label.to_owned(),
            taker,
            data_directory: Some(manifest.data_directory),
            touched: last_touched(&*self.store, &folder).await?,
        }))
    }

    /// Removes everything of an unfinished backup, its record last, unless it has ended or is
    /// somebody else's by now.
    pub(super) async fn remove(&self, unfinished: &UnfinishedBackup) -> Result<bool> {
        let label = &unfinished.id;
        match self.taker_of(label).await? {
            Some(taker) if taker.run == unfinished.taker.run => {}
            _ => return Ok(false),
        }
        let folder = format!("{}{label}/", self.keys.backup());
        abort_below(&*self.store, &folder).await?;
        delete_below(&*self.store, &folder, "backup.manifest.copy").await?;
        Ok(true)
    }

    /// Returns the key of a file of a backup.
    pub(super) fn backup_key(&self, label: &str, name: &str) -> Result<Key> {
        let key = format!("{}{label}/{name}", self.keys.backup());
        Key::parse(key).map_err(Error::of_key(self))
    }
}
