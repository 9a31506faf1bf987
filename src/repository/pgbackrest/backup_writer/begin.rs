//! How a base backup begins in the layout: what contradicts it, on what it is based, and its first
//! record.

use std::sync::{Arc, atomic::AtomicBool};

use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::{PART, PgBackRestBackupWriter};
use crate::{
    codec::{Encoding, Sha256Hasher, cipher::Passphrase},
    pg::{MajorVersion, SegmentName},
    repository::{
        BackupKind, BackupStart, ClusterIdentity, Error, Result, Taker, UnfinishedBackup,
        pgbackrest::{
            BackupEntry, BackupInfo, Manifest, PgBackRestRepository,
            file_plan::{FilePlan, PlanCipher, Prior},
            label::{full_of, is_full, label},
        },
        uploads::Uploads,
    },
    secret::Secret,
    store::Class,
};

impl PgBackRestRepository {
    /// Begins a base backup: checks that nothing contradicts it, and writes that it began.
    pub(in crate::repository::pgbackrest) async fn begin(
        &self,
        start: &BackupStart,
        taker: &Taker,
    ) -> Result<PgBackRestBackupWriter> {
        self.check_not_stopped().await?;
        self.check_not_locked().await?;
        let info = self.load_backup_info().await?;
        let version = self.version_of(start)?;
        let cluster = info.history().current().clone();
        let identity = ClusterIdentity {
            system_id: start.server.system_id,
            version,
        };
        if !cluster.is(&identity) {
            let (system_id, version) = (identity.system_id, identity.version);
            return Err(self.refuse(format!(
                "the stanza is of the cluster with {cluster}, not of that with version {version}, \
                 system identifier {system_id}"
            )));
        }
        let prior = match prior_of(start.kind, &info) {
            // What is copied has all its files.
            Some(_) if start.id.is_some() => None,
            Some((label, entry)) => self.load_prior(&label, &entry, &info).await?,
            None => None,
        };
        let kind = if prior.is_some() {
            start.kind
        } else {
            BackupKind::Full
        };
        if kind != start.kind && start.id.is_none() {
            tracing::warn!(repository = %self, "there is no backup to build on: it becomes a full one");
        }
        let full = prior.as_ref().map(|prior| full_of(&prior.manifest.label));
        let label = match &start.id {
            Some(id) if is_full(id) => id.clone(),
            _ => label(kind, full, start.began, start.offset),
        };
        self.check_free(&label, &info, taker).await?;

        let plan = self.plan(start, version, prior, &label, info.passphrase())?;
        let prefix = format!("{}{label}/", self.keys.backup());
        let writer = PgBackRestBackupWriter {
            uploads: Uploads::new(
                Arc::clone(&self.store),
                self.to_string(),
                prefix,
                PART,
                self.settings.tags.clone(),
            ),
            repository: self.clone(),
            label,
            kind,
            start: start.clone(),
            taker: taker.clone(),
            cluster,
            manifests: info.passphrase().cloned(),
            plan: Arc::new(plan),
        };
        match writer.write_started().await {
            // An answer was lost, and what is there is ours.
            Err(error) if error.class() == Class::Conflict && writer.is_ours().await? => {}
            written => written?,
        }
        Ok(writer)
    }

    fn plan(
        &self,
        start: &BackupStart,
        version: MajorVersion,
        prior: Option<Prior>,
        label: &str,
        manifests: Option<&Passphrase>,
    ) -> Result<FilePlan> {
        let manifest = prior.as_ref().map(|prior| &prior.manifest);
        let mut encoding = self.settings.wal_encoding;
        if let Some(prior) = manifest
            && prior.codec != encoding.codec()
        {
            // All of a set are compressed alike.
            let of_prior = prior
                .codec
                .map_or(Ok(Encoding::PLAIN), |codec| Encoding::new(codec, None));
            encoding = of_prior.map_err(|source| Error::Codec {
                repository: self.to_string(),
                source,
            })?;
            tracing::warn!(repository = %self, %encoding, "the backup is compressed as its full one");
        }
        let passphrase = match manifest {
            Some(prior) => prior.passphrase.clone(),
            None => manifests.map(|secret| files_passphrase(secret, label)),
        };
        let first = SegmentName::containing(start.start, start.timeline, start.server.segment_size);
        let follows = |prior: &Arc<Manifest>| {
            let last = prior.archive_stop.map(SegmentName::timeline);
            last == Some(first.timeline())
        };
        let is_wanted = start.by_checksum || self.settings.by_checksum;
        let by_checksum = is_wanted || !manifest.is_none_or(follows);
        Ok(FilePlan {
            encoding,
            bundles: self.settings.bundles,
            is_raw: manifest.is_some_and(|prior| prior.is_raw),
            cipher: passphrase.map(|passphrase| PlanCipher {
                passphrase,
                label: label.to_owned(),
            }),
            version,
            prior,
            by_checksum: AtomicBool::new(by_checksum),
        })
    }

    /// Reads the manifest of the backup on which this one is based; `None` if that is damaged.
    async fn load_prior(
        &self,
        label: &str,
        entry: &BackupEntry,
        info: &BackupInfo,
    ) -> Result<Option<Prior>> {
        let loaded = self.load_manifest(label, info.passphrase()).await;
        let missing = entry.references.iter().find(|reference| {
            let mut known = info.backups();
            !known.any(|(known, _)| known == reference.as_str())
        });
        match (loaded, missing) {
            (Ok(manifest), None) => {
                let prior = move || Prior::new(manifest);
                Ok(Some(self.workers.cpu(prior).await))
            }
            (Ok(_), Some(missing)) => {
                tracing::warn!(repository = %self, label, missing, "a backup that it needs is missing");
                Ok(None)
            }
            (Err(error), _) if error.class() == Class::Invalid => {
                tracing::warn!(repository = %self, label, %error, "nothing can be built on it");
                Ok(None)
            }
            (Err(error), _) => Err(error),
        }
    }

    /// Refuses a label that is taken, unless that is to be replaced by a copy.
    async fn check_free(&self, label: &str, info: &BackupInfo, taker: &Taker) -> Result<()> {
        let is_known = info.backups().any(|(known, _)| known == label);
        let prefix = format!("{}{label}/", self.keys.backup());
        let level = self.store.list_level(&prefix).await?;
        if !is_known && level.objects.is_empty() && level.prefixes.is_empty() {
            return Ok(());
        }
        let is_left = |left: &UnfinishedBackup| taker.is_copy && left.taker.host == taker.host;
        match self.unfinished(label).await?.filter(is_left) {
            Some(left) if !is_known && self.remove(&left).await? => Ok(()),
            _ => Err(self.refuse(format!("backup {label} is there already"))),
        }
    }

    fn version_of(&self, start: &BackupStart) -> Result<MajorVersion> {
        let number = start.server.version;
        let version = MajorVersion::from_server_version(number);
        version.ok_or_else(|| self.refuse(format!("version {number} of the server is not known")))
    }

    fn refuse(&self, reason: String) -> Error {
        Error::Refused {
            repository: self.to_string(),
            reason,
        }
    }
}

/// Returns the backup whose changes are wanted, of the stanza's current cluster.
fn prior_of(kind: BackupKind, info: &BackupInfo) -> Option<(String, BackupEntry)> {
    let current = info.history().current().id;
    let entries = info.backups().filter_map(|(label, entry)| {
        let entry = entry.ok().filter(|entry| entry.history_id == current)?;
        let fits = match kind {
            BackupKind::Full => false,
            BackupKind::Differential => entry.kind == BackupKind::Full,
            BackupKind::Incremental => true,
        };
        fits.then(|| (label.to_owned(), entry))
    });
    entries.last()
}

/// Derives what the files of a full backup are encrypted with, as long as the tool's own random
/// passphrases: repositories that share one for manifests share the encrypted files of a backup.
fn files_passphrase(manifests: &Passphrase, label: &str) -> Passphrase {
    let mut bytes = Zeroizing::new([0; 64]);
    for (index, part) in (0_u8..).zip(bytes.chunks_mut(32)) {
        let mut hasher = Sha256Hasher::default();
        for text in [manifests.reveal(), "files of a backup", label] {
            hasher.update(&(text.len() as u64).to_be_bytes());
            hasher.update(text.as_bytes());
        }
        hasher.update(&[index]);
        part.copy_from_slice(hasher.finish().as_bytes());
    }
    Passphrase::new(Secret::new(STANDARD.encode(&bytes[..48])))
}
