use std::sync::{Arc, PoisonError};

use super::{
    ArchiveId, ArchiveInfo, BackupInfo, History, HistoryEntry, PgBackRestRepository, StanzaSecrets,
};
use crate::{
    codec::cipher::Passphrase,
    repository::{ClusterIdentity, Error, Result},
    store::{Class, Key, PutMode},
};

/// What is known of a stanza when WAL is stored or read.
#[derive(Clone, Debug)]
pub(super) struct Stanza {
    /// The cluster that it is of.
    pub(super) current: HistoryEntry,
    /// Where WAL of this cluster lies, the newest first; WAL is written to the first.
    pub(super) ids: Vec<ArchiveId>,
    /// What WAL is encrypted with.
    pub(super) passphrase: Option<Passphrase>,
}

/// What [`create_stanza`](PgBackRestRepository::create_stanza) or
/// [`upgrade_stanza`](PgBackRestRepository::upgrade_stanza) did.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StanzaChange {
    /// It is there now.
    Created,
    /// It is one of another cluster now.
    Upgraded,
    /// It was as it should be.
    None,
}

impl PgBackRestRepository {
    /// Makes the stanza for a cluster, as `pgbackrest stanza-create`. May be repeated; a missing
    /// info file is made again from its copy, and the other way round.
    ///
    /// The secrets are used only in a repository with a passphrase.
    ///
    /// # Errors
    ///
    /// [`Error::NotSetUp`] if it is of another cluster or only a part of it is there, and
    /// [`Error::Refused`] if there are files but no stanza, or it was stopped. Nothing was written
    /// then.
    pub async fn create_stanza(
        &self,
        identity: &ClusterIdentity,
        secrets: &StanzaSecrets,
    ) -> Result<StanzaChange> {
        self.check_not_stopped().await?;
        match self.load_both().await? {
            (None, None) => self.create(identity, secrets).await,
            (Some(archive), Some(backup)) => {
                self.check_agreement(archive.history(), backup.history())?;
                self.check_current(archive.history().current(), identity)?;
                self.mend_copy(&self.archive_info()?, &archive.to_text())
                    .await?;
                self.mend_copy(&self.backup_info()?, &backup.to_text())
                    .await?;
                Ok(StanzaChange::None)
            }
            (Some(archive), None) => self.complete(&archive, identity, secrets).await,
            (None, Some(_)) => Err(self.half(self.archive_info()?)),
        }
    }

    /// Makes the stanza one of another cluster after `pg_upgrade`, as `pgbackrest stanza-upgrade`.
    /// May be repeated.
    ///
    /// # Errors
    ///
    /// [`Error::NotSetUp`] if there is no stanza, and [`Error::Refused`] if it was stopped.
    pub async fn upgrade_stanza(&self, identity: &ClusterIdentity) -> Result<StanzaChange> {
        self.check_not_stopped().await?;
        let (archive, backup) = self.load_both().await?;
        let (archive_info, backup_info) = (self.archive_info()?, self.backup_info()?);
        let mut archive = archive.ok_or_else(|| self.missing(archive_info.clone()))?;
        let mut backup = backup.ok_or_else(|| self.half(backup_info.clone()))?;
        let mut change = StanzaChange::None;
        // An upgrade that was interrupted may have reached one of them.
        if !archive.history().current().is(identity) {
            archive.upgrade(identity);
            change = StanzaChange::Upgraded;
        }
        if !backup.history().current().is(identity) {
            backup.upgrade(identity);
            change = StanzaChange::Upgraded;
        }
        self.check_agreement(archive.history(), backup.history())?;
        if change == StanzaChange::Upgraded {
            let mode = PutMode::Overwrite;
            self.save(&archive_info, &archive.to_text(), mode).await?;
            self.save(&backup_info, &backup.to_text(), mode).await?;
            self.remember(&archive);
        }
        Ok(change)
    }

    /// Returns the clusters that the stanza is and was of, as the store has them now.
    ///
    /// # Errors
    ///
    /// [`Error::NotSetUp`] if there is no stanza.
    pub async fn history(&self) -> Result<History> {
        let key = self.archive_info()?;
        let archive = self.load(&key, ArchiveInfo::parse).await?;
        let archive = archive.ok_or_else(|| self.missing(key))?;
        Ok(archive.history().clone())
    }

    pub(super) async fn check_stanza(&self, identity: Option<&ClusterIdentity>) -> Result<()> {
        let (archive, backup) = self.load_both().await?;
        let (archive_info, backup_info) = (self.archive_info()?, self.backup_info()?);
        let archive = archive.ok_or_else(|| self.missing(archive_info))?;
        let backup = backup.ok_or_else(|| self.half(backup_info))?;
        self.check_agreement(archive.history(), backup.history())?;
        if let Some(identity) = identity {
            self.check_current(archive.history().current(), identity)?;
        }
        self.remember(&archive);
        Ok(())
    }

    /// Returns the stanza as it was read last, or reads it.
    pub(super) async fn stanza(&self) -> Result<Arc<Stanza>> {
        let known = self.lock().clone();
        match known {
            Some(stanza) => Ok(stanza),
            None => self.read_stanza().await,
        }
    }

    /// Returns the stanza if it is of the cluster `identity`; read again if it was not.
    pub(super) async fn stanza_of(
        &self,
        identity: Option<&ClusterIdentity>,
    ) -> Result<Arc<Stanza>> {
        let known = self.stanza().await?;
        let Some(identity) = identity.filter(|identity| !known.current.is(identity)) else {
            return Ok(known);
        };
        let read = self.read_stanza().await?;
        self.check_current(&read.current, identity)?;
        Ok(read)
    }

    pub(super) async fn load_backup_info(&self) -> Result<BackupInfo> {
        let key = self.backup_info()?;
        let backup = self.load(&key, BackupInfo::parse).await?;
        backup.ok_or_else(|| self.missing(key))
    }

    async fn read_stanza(&self) -> Result<Arc<Stanza>> {
        let key = self.archive_info()?;
        let archive = self.load(&key, ArchiveInfo::parse).await?;
        let archive = archive.ok_or_else(|| self.missing(key))?;
        Ok(self.remember(&archive))
    }

    async fn load_both(&self) -> Result<(Option<ArchiveInfo>, Option<BackupInfo>)> {
        let archive = self.load(&self.archive_info()?, ArchiveInfo::parse).await?;
        let backup = self.load(&self.backup_info()?, BackupInfo::parse).await?;
        Ok((archive, backup))
    }

    async fn create(
        &self,
        identity: &ClusterIdentity,
        secrets: &StanzaSecrets,
    ) -> Result<StanzaChange> {
        for prefix in [self.keys.archive(), self.keys.backup()] {
            if !self.is_empty(prefix).await? {
                return Err(Error::Refused {
                    repository: self.to_string(),
                    reason: format!("there are files under {prefix} but no stanza"),
                });
            }
        }
        let archive = ArchiveInfo::new(WRITER, identity, self.secret(&secrets.wal));
        self.save_new(self.archive_info()?, &archive.to_text())
            .await?;
        self.create_backup_info(identity, secrets).await?;
        self.remember(&archive);
        Ok(StanzaChange::Created)
    }

    /// Goes on with a creation that was interrupted.
    async fn complete(
        &self,
        archive: &ArchiveInfo,
        identity: &ClusterIdentity,
        secrets: &StanzaSecrets,
    ) -> Result<StanzaChange> {
        self.check_current(archive.history().current(), identity)?;
        let is_new = archive.history().entries().len() == 1;
        if !(is_new && self.is_empty(self.keys.backup()).await?) {
            return Err(self.half(self.backup_info()?));
        }
        self.mend_copy(&self.archive_info()?, &archive.to_text())
            .await?;
        self.create_backup_info(identity, secrets).await?;
        Ok(StanzaChange::Created)
    }

    async fn create_backup_info(
        &self,
        identity: &ClusterIdentity,
        secrets: &StanzaSecrets,
    ) -> Result<()> {
        let backup = BackupInfo::new(WRITER, identity, self.secret(&secrets.manifests));
        self.save_new(self.backup_info()?, &backup.to_text()).await
    }

    async fn save_new(&self, key: Key, text: &str) -> Result<()> {
        match self.save(&key, text, PutMode::Create).await {
            Err(error) if error.class() == Class::Conflict => Err(self.not_set_up(
                key,
                "somebody else makes the stanza at the same time".to_owned(),
                "Try again: then it is there.",
            )),
            result => result,
        }
    }

    async fn is_empty(&self, prefix: &str) -> Result<bool> {
        let level = self.store.list_level(prefix).await?;
        Ok(level.objects.is_empty() && level.prefixes.is_empty())
    }

    /// Returns what the info file gets; in a repository without passphrase nothing is encrypted.
    fn secret(&self, secret: &Passphrase) -> Option<Passphrase> {
        self.settings.passphrase.as_ref().map(|_| secret.clone())
    }

    fn remember(&self, archive: &ArchiveInfo) -> Arc<Stanza> {
        let history = archive.history();
        let mut ids: Vec<_> = history.of_current().map(HistoryEntry::archive_id).collect();
        let newest = history.current().archive_id();
        ids.sort_by_key(|id| *id != newest);
        let stanza = Arc::new(Stanza {
            current: history.current().clone(),
            ids,
            passphrase: archive.passphrase().cloned(),
        });
        *self.lock() = Some(Arc::clone(&stanza));
        stanza
    }

    fn check_agreement(&self, archive: &History, backup: &History) -> Result<()> {
        if archive == backup {
            return Ok(());
        }
        Err(self.not_set_up(
            self.archive_info()?,
            "it and backup.info have other clusters in their histories".to_owned(),
            "Upgrade the stanza, in case that was interrupted; otherwise put earlier versions of \
             both files back.",
        ))
    }

    fn check_current(&self, current: &HistoryEntry, identity: &ClusterIdentity) -> Result<()> {
        if current.is(identity) {
            return Ok(());
        }
        let ClusterIdentity { system_id, version } = identity;
        Err(self.not_set_up(
            self.archive_info()?,
            format!(
                "the stanza is of the cluster with {current}, not of that with version {version}, \
                 system identifier {system_id}"
            ),
            "Upgrade the stanza if the cluster was upgraded; otherwise use another one.",
        ))
    }

    fn missing(&self, key: Key) -> Error {
        self.not_set_up(key, "there is no stanza".to_owned(), CREATE)
    }

    fn half(&self, key: Key) -> Error {
        self.not_set_up(
            key,
            "it and its copy are missing, the other half of the stanza is there".to_owned(),
            "Put them back; if there is nothing worth keeping, delete the stanza and create it.",
        )
    }

    fn not_set_up(&self, key: Key, reason: String, hint: &'static str) -> Error {
        Error::NotSetUp {
            repository: self.to_string(),
            key,
            reason,
            hint,
        }
    }

    fn archive_info(&self) -> Result<Key> {
        self.keys.archive_info().map_err(Error::of_key(self))
    }

    fn backup_info(&self) -> Result<Key> {
        self.keys.backup_info().map_err(Error::of_key(self))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Arc<Stanza>>> {
        self.stanza.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What files say that they are written by; only resuming a backup compares it.
pub(super) const WRITER: &str = concat!("walcast ", env!("CARGO_PKG_VERSION"));
const CREATE: &str = "Create it with `walcast stanza-create`, or with `pgbackrest stanza-create`.";
