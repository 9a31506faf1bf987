//! What killed backups and copies left.

use futures_util::TryStreamExt;
use jiff::Timestamp;

use super::{
    BackupId, BackupInfo, BackupKeys, BackupObject, BackupStatus, BarmanBackup, BarmanRepository,
    comments::Comments,
};
use crate::{
    repository::{
        Error, Result, UnfinishedBackup,
        uploads::{abort_below, delete_all, last_touched},
    },
    store::Key,
};

impl BarmanRepository {
    /// Returns backups that walcast began and that did not end. Costs what
    /// [`barman_backups`](Self::barman_backups) does.
    pub(super) async fn find_unfinished(&self) -> Result<Vec<UnfinishedBackup>> {
        let (backups, _) = self.barman_backups().await?;
        let mut found = Vec::new();
        for backup in backups {
            found.extend(self.describe_unfinished(&backup).await?);
        }
        Ok(found)
    }

    /// Returns what is known of a backup if walcast began it and it did not end.
    pub(super) async fn describe_unfinished(
        &self,
        backup: &BarmanBackup,
    ) -> Result<Option<UnfinishedBackup>> {
        let info = &backup.info;
        let (Some(taker), BackupStatus::Started, None) = (
            Comments::read(&info.comments).taker,
            info.status(),
            backup.keep,
        ) else {
            return Ok(None);
        };
        Ok(Some(UnfinishedBackup {
            id: backup.id.to_string(),
            taker,
            data_directory: info.pgdata.clone(),
            touched: self.last_touched(backup.id).await?,
        }))
    }

    /// Returns when something was last written of a backup, or begun.
    pub(super) async fn last_touched(&self, id: BackupId) -> Result<Timestamp> {
        last_touched(self.store(), &self.backup_keys().folder(id)).await
    }

    /// Removes everything of an unfinished backup, its record last, unless it has ended or is
    /// somebody else's by now. Foreign objects stay.
    pub(super) async fn remove(&self, unfinished: &UnfinishedBackup) -> Result<bool> {
        let Ok(id) = unfinished.id.parse::<BackupId>() else {
            return Ok(false);
        };
        let Some(backup) = self.barman_backup(id).await? else {
            return Ok(false);
        };
        let is_it = backup.keep.is_none() && is_being_written(&backup.info, &unfinished.taker.run);
        if !is_it {
            return Ok(false);
        }
        let keys = self.backup_keys();
        abort_below(self.store(), &keys.folder(id)).await?;
        let is_ours = |key: &Key| match keys.parse(key) {
            Some((_, object)) => !matches!(object, BackupObject::Info | BackupObject::Keep),
            None => false,
        };
        let objects: Vec<_> = self
            .store()
            .list(&keys.folder(id), None)
            .try_collect()
            .await?;
        let objects = objects.into_iter().map(|object| object.key);
        let objects: Vec<_> = objects.filter(is_ours).collect();
        delete_all(self.store(), &objects).await?;
        let info = keys.key(id, BackupObject::Info);
        delete_all(self.store(), &[info.map_err(Error::of_key(self))?]).await?;
        Ok(true)
    }

    pub(super) fn backup_keys(&self) -> BackupKeys {
        BackupKeys::new(&self.settings.prefix, &self.settings.server_name)
    }
}

/// Returns whether a record is that of a backup that this run has begun and not ended.
pub(super) fn is_being_written(info: &BackupInfo, run: &str) -> bool {
    let taker = Comments::read(&info.comments).taker;
    *info.status() == BackupStatus::Started && taker.is_some_and(|taker| taker.run == run)
}

#[cfg(test)]
mod tests;
