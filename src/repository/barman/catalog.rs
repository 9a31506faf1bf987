//! What is there.

use super::{BackupStatus, BarmanRepository};
use crate::{
    repository::{BackupKind, BackupState, Catalog, HeldArchive, HeldBackup, Result, Survey},
    store::Key,
};

impl BarmanRepository {
    /// Costs what [`barman_backups`](Self::barman_backups) does, a listing of the archive and of
    /// each unfinished backup, and one request for each history file.
    pub(super) async fn take_catalog(&self, known: Option<&Catalog>) -> Result<Catalog> {
        let (backups, damaged) = self.barman_backups().await?;
        let mut catalog = Catalog {
            damaged,
            ..Catalog::default()
        };
        for backup in &backups {
            let stored = backup.describe();
            let touched = match stored.state {
                BackupState::Unfinished => Some(self.last_touched(backup.id).await?),
                BackupState::Complete | BackupState::Failed { .. } => None,
            };
            catalog.backups.push(HeldBackup {
                stored,
                kind: BackupKind::Full,
                prior: None,
                archive: String::new(),
                is_whole: backup.missing_archives().is_empty(),
                may_expire: *backup.info.status() == BackupStatus::Done,
                touched,
            });
        }
        let list = |from, ahead| self.lister.clone().archive(from, ahead);
        let archive = HeldArchive {
            is_current: true,
            ..HeldArchive::default()
        };
        catalog.add_archive(self, archive, known, list).await?;
        Ok(catalog)
    }

    pub(super) async fn count_everything(&self) -> Result<Survey> {
        let server = self.keys().server();
        let notes = self.notes_folder();
        let is_own = |key: &Key| {
            self.keys().parse(key).is_some()
                || self.backup_keys().parse(key).is_some()
                || key.as_str().starts_with(&notes)
        };
        Survey::of(self.store(), &[server.to_owned()], is_own).await
    }

    pub(super) fn notes_folder(&self) -> String {
        format!("{}walcast/", self.keys().server())
    }
}
