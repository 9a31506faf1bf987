use super::{BackupEntry, History, HistoryEntry, InvalidInfo, PgBackRestRepository, origin::NAME};
use crate::{
    pg::SegmentName,
    repository::{Annotations, BackupState, Backups, DamagedBackup, Error, Result, StoredBackup},
    store::Key,
};

impl PgBackRestRepository {
    /// Returns the base backups by their labels, oldest first, with all that `backup.info` says.
    ///
    /// # Errors
    ///
    /// [`Error::NotSetUp`] if there is no stanza. An entry that cannot be understood is an error
    /// of its own and hides no other.
    pub async fn backup_entries(&self) -> Result<Vec<(String, Result<BackupEntry, InvalidInfo>)>> {
        let info = self.load_backup_info().await?;
        let entries = info.backups();
        Ok(entries
            .map(|(label, entry)| (label.to_owned(), entry))
            .collect())
    }

    pub(super) async fn describe_backups(&self) -> Result<Backups> {
        let info = self.load_backup_info().await?;
        let key = self.keys.backup_info().map_err(Error::of_key(self))?;
        let mut backups = Backups::default();
        for (label, entry) in info.backups() {
            match entry {
                Ok(entry) => backups.found.push(stored(label, &entry, info.history())),
                Err(error) => backups.damaged.push(self.damaged(label, &key, &error)),
            }
        }
        Ok(backups)
    }

    pub(super) fn damaged(&self, label: &str, key: &Key, error: &InvalidInfo) -> DamagedBackup {
        DamagedBackup {
            id: label.to_owned(),
            error: Error::Damaged {
                repository: self.to_string(),
                key: key.clone(),
                reason: error.to_string(),
            },
        }
    }
}

/// The tool lists a backup once it is complete.
pub(super) fn stored(label: &str, entry: &BackupEntry, history: &History) -> StoredBackup {
    let cluster = history.entry(entry.history_id);
    let version = cluster.and_then(HistoryEntry::major_version);
    let mut annotations = entry.annotations.clone();
    let name = annotations.remove(NAME);
    StoredBackup {
        id: label.to_owned(),
        name,
        annotations: Annotations::stored(annotations),
        state: BackupState::Complete,
        began: Some(entry.began),
        ended: Some(entry.ended),
        system_id: cluster.map(|cluster| cluster.system_id),
        server_version: version.map(|version| version.number() * 10_000),
        segment_size: None,
        timeline: entry.archive_start.map(SegmentName::timeline),
        start: entry.lsn_start,
        stop: entry.lsn_stop,
        first_segment: entry.archive_start,
        last_segment: entry.archive_stop,
        size: Some(entry.size),
        stored_size: entry.repository_size_delta,
        keep: None,
    }
}
