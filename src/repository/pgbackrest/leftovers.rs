//! What killed backups and copies left.

use futures_util::TryStreamExt;
use jiff::Timestamp;

use super::{PgBackRestRepository, label::is_label, origin::TakerRecord};
use crate::{
    repository::{
        Error, Result, UnfinishedBackup,
        uploads::{abort_below, delete_below, uploads_below},
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
            found.extend(self.unfinished(&label).await?);
        }
        Ok(found)
    }

    /// Returns what is known of a backup that is not listed, if it is walcast's.
    pub(super) async fn unfinished(&self, label: &str) -> Result<Option<UnfinishedBackup>> {
        let info = self.load_backup_info().await?;
        if info.backups().any(|(listed, _)| listed == label) {
            return Ok(None);
        }
        let key = self.backup_key(label, "backup.manifest.copy")?;
        let manifest = match self.read_manifest(&key, info.passphrase()).await {
            Ok(manifest) => manifest,
            // It is missing, or another writer's.
            Err(error) if error.class() == Class::Invalid => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some(taker) = TakerRecord::read(&manifest) else {
            return Ok(None);
        };
        let folder = format!("{}{label}/", self.keys.backup());
        let mut objects = self.store.list(&folder, None);
        let mut touched = Timestamp::MIN;
        while let Some(object) = objects.try_next().await? {
            touched = touched.max(object.modified);
        }
        let uploads = uploads_below(&*self.store, &folder).await?;
        let begun = uploads.iter().filter_map(|upload| upload.begun);
        Ok(Some(UnfinishedBackup {
            id: label.to_owned(),
            taker,
            data_directory: Some(manifest.data_directory),
            touched: begun.fold(touched, Timestamp::max),
        }))
    }

    /// Removes everything of an unfinished backup, its record last, unless it has ended or is
    /// somebody else's by now.
    pub(super) async fn remove(&self, unfinished: &UnfinishedBackup) -> Result<bool> {
        let label = &unfinished.id;
        match self.unfinished(label).await? {
            Some(found) if found.taker.run == unfinished.taker.run => {}
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
