use std::collections::BTreeMap;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{
    ArchiveName, ArchiveSet, BackupId, BackupInfo, BackupKeys, BackupObject, BackupStatus,
    BarmanRepository, InfoTime, comments::Comments,
};
use crate::{
    codec::Codec,
    repository::{BackupState, Backups, DamagedBackup, Error, Keep, Result, StoredBackup},
    store::{Class, Key, StoreExt},
};

/// A base backup in Barman's layout.
#[derive(Clone, Debug, PartialEq)]
pub struct BarmanBackup {
    /// Its id.
    pub id: BackupId,
    /// What its `backup.info` says.
    pub info: BackupInfo,
    /// Its archives, in the order of extraction. An archive that is there in several encodings is
    /// there once, as the tools would take it: that with the last key.
    pub archives: Vec<StoredArchive>,
    /// What its annotation says.
    pub keep: Option<Keep>,
}

/// An archive of a base backup at rest.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredArchive {
    /// Which archive of the backup.
    pub name: ArchiveName,
    /// How it is compressed.
    pub codec: Option<Codec>,
    /// The object that holds it.
    pub key: Key,
    /// Size of the object, in bytes.
    pub stored_size: u64,
}

impl BarmanBackup {
    /// Returns the archives that must be there and are not: the first one of each set, and those
    /// before one that is there.
    ///
    /// Nothing records how many parts a set has, so a missing last part is not noticed here; what
    /// shows it is that `backup_label` is not found in the last archive of the data directory.
    pub fn missing_archives(&self) -> Vec<ArchiveName> {
        let tablespaces = self.info.tablespaces.iter().flatten();
        let tablespaces = tablespaces.map(|tablespace| ArchiveSet::Tablespace(tablespace.oid));
        let mut expected: BTreeMap<_, _> = tablespaces
            .chain([ArchiveSet::Data])
            .map(|set| (set, 0))
            .collect();
        for archive in &self.archives {
            let last = expected.entry(archive.name.set).or_default();
            *last = archive.name.part.max(*last);
        }
        let all = expected
            .into_iter()
            .flat_map(|(set, last)| (0..=last).map(move |part| ArchiveName { set, part }));
        all.filter(|name| self.archives.iter().all(|archive| archive.name != *name))
            .collect()
    }

    /// Describes it in the words that layouts share.
    pub fn describe(&self) -> StoredBackup {
        let info = &self.info;
        StoredBackup {
            id: self.id.to_string(),
            name: info.backup_name.clone(),
            annotations: Comments::read(&info.comments).annotations,
            state: state(info),
            began: info.begin_time.map(InfoTime::at),
            ended: info.end_time.map(InfoTime::at),
            system_id: info.systemid,
            server_version: info.version,
            segment_size: Some(info.segment_size()),
            timeline: info.timeline,
            start: info.begin_xlog,
            stop: info.end_xlog,
            first_segment: info.begin_wal,
            last_segment: info.end_wal,
            size: info.cluster_size,
            stored_size: self
                .archives
                .iter()
                .map(|archive| archive.stored_size)
                .sum(),
            keep: self.keep,
        }
    }
}

fn state(info: &BackupInfo) -> BackupState {
    match info.status() {
        BackupStatus::Done | BackupStatus::WaitingForWals => BackupState::Complete,
        BackupStatus::Failed => BackupState::Failed {
            reason: info.error.clone(),
        },
        BackupStatus::Empty
        | BackupStatus::Started
        | BackupStatus::Syncing
        | BackupStatus::Other(_) => BackupState::Unfinished,
    }
}

/// Reads an annotation as the tools do: what is not exactly `standalone` keeps everything.
fn read_keep(content: &[u8]) -> Keep {
    match content {
        b"standalone" => Keep::Standalone,
        _ => Keep::Full,
    }
}

/// Most bytes of an annotation that are read.
const MAX_KEEP: u64 = 4096;

/// How many objects are asked for at once.
const CONCURRENCY: usize = 8;

/// What a listing shows of one backup.
#[derive(Default)]
struct Listed {
    info: Option<Key>,
    archives: BTreeMap<ArchiveName, StoredArchive>,
    keep: Option<Key>,
}

impl BarmanRepository {
    /// Returns the base backups, oldest first: one listing of everything below `base/` (two where
    /// the tools have annotations elsewhere) and one request for each `backup.info` and annotation.
    ///
    /// A directory without `backup.info` is no backup; one whose name is no id is foreign. A
    /// `backup.info` that cannot be read is with the damaged ones.
    pub async fn barman_backups(&self) -> Result<(Vec<BarmanBackup>, Vec<DamagedBackup>)> {
        let listed = self.list_backups(None).await?;
        let read = listed
            .into_iter()
            .filter_map(|(id, mut listed)| listed.info.take().map(|info| (id, info, listed)))
            .map(|(id, info, listed)| async move { (id, self.read(id, info, listed).await) });
        let read: Vec<_> = stream::iter(read).buffered(CONCURRENCY).collect().await;

        let (mut backups, mut damaged) = (Vec::new(), Vec::new());
        for (id, result) in read {
            match result {
                Ok(Some(backup)) => backups.push(backup),
                Ok(None) => {}
                Err(error) if error.class() == Class::Invalid => damaged.push(DamagedBackup {
                    id: id.to_string(),
                    error,
                }),
                Err(error) => return Err(error),
            }
        }
        Ok((backups, damaged))
    }

    /// Returns one base backup; `None` if there is none with this id.
    pub(super) async fn barman_backup(&self, id: BackupId) -> Result<Option<BarmanBackup>> {
        let listed = self.list_backups(Some(id)).await?.remove(&id);
        let with_info = listed.and_then(|mut listed| Some((listed.info.take()?, listed)));
        match with_info {
            Some((info, listed)) => self.read(id, info, listed).await,
            None => Ok(None),
        }
    }

    /// Returns the base backups in the words that layouts share.
    pub(super) async fn describe_backups(&self) -> Result<Backups> {
        let (backups, damaged) = self.barman_backups().await?;
        Ok(Backups {
            found: backups.iter().map(BarmanBackup::describe).collect(),
            damaged,
        })
    }

    /// Lists the objects of one backup, or of all.
    async fn list_backups(&self, only: Option<BackupId>) -> Result<BTreeMap<BackupId, Listed>> {
        let keys = BackupKeys::new(&self.settings.prefix, &self.settings.server_name);
        let folder = only.map(|id| format!("{id}/")).unwrap_or_default();
        let mut backups: BTreeMap<BackupId, Listed> = BTreeMap::new();
        for prefix in keys.keep_prefixes() {
            let mut objects = self.store().list(&format!("{prefix}{folder}"), None);
            while let Some(meta) = objects.try_next().await? {
                if let Some((id, object)) = keys.parse(&meta.key) {
                    let key = meta.key;
                    backups.entry(id).or_default().add(object, key, meta.size);
                }
            }
        }
        Ok(backups)
    }

    /// Reads what the objects of a backup say; `None` if it was removed after it was listed.
    async fn read(&self, id: BackupId, info: Key, listed: Listed) -> Result<Option<BarmanBackup>> {
        let Some(text) = self.read_small(&info, BackupInfo::MAX_LEN).await? else {
            return Ok(None);
        };
        let damaged = |reason: String| Error::Damaged {
            repository: self.to_string(),
            key: info.clone(),
            reason,
        };
        let text = std::str::from_utf8(&text).map_err(|error| damaged(error.to_string()))?;
        let parsed = BackupInfo::parse(text).map_err(|error| damaged(error.to_string()))?;
        let keep = match &listed.keep {
            None => None,
            Some(key) => self.read_small(key, MAX_KEEP).await?,
        };
        Ok(Some(BarmanBackup {
            id,
            info: parsed,
            archives: listed.archives.into_values().collect(),
            keep: keep.map(|content| read_keep(&content)),
        }))
    }

    pub(super) async fn read_small(&self, key: &Key, limit: u64) -> Result<Option<bytes::Bytes>> {
        match self.store().get_bytes(key, limit).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.class() == Class::Missing => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

impl Listed {
    fn add(&mut self, object: BackupObject, key: Key, stored_size: u64) {
        match object {
            BackupObject::Info => self.info = Some(key),
            // That at the tools' own place is listed first.
            BackupObject::Keep => self.keep = self.keep.take().or(Some(key)),
            BackupObject::Label => {}
            BackupObject::Archive(name, codec) => {
                let archive = StoredArchive {
                    name,
                    codec,
                    key,
                    stored_size,
                };
                match self.archives.get(&name) {
                    Some(known) if known.key > archive.key => {}
                    _ => {
                        self.archives.insert(name, archive);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
