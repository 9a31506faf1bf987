//! The records of a base backup, from its first to its last.

use std::{collections::BTreeMap, io::Write as _, sync::Arc};

use flate2::{Compression, GzBuilder};
use jiff::Timestamp;

use super::PgBackRestBackupWriter;
use crate::{
    codec::Codec,
    pg::SegmentName,
    repository::{
        BackupEnd, Error, ObjectName, Result,
        pgbackrest::{
            ArchiveInfo, BackupInfo, Manifest, ManifestAttributes, ManifestCluster,
            ManifestDatabase, ManifestLink,
            file_contents::{FileContents, FileLink},
            info::entry_of,
            info_file::encrypted,
            origin::{NAME, Origin, TakerRecord},
            stanza::WRITER,
        },
    },
    store::{Key, Payload, PutMode, PutOptions},
};

impl PgBackRestBackupWriter {
    /// Writes that the backup began: what the tool takes for a backup in progress.
    pub(super) async fn write_started(&self) -> Result<()> {
        let manifest = self.draft();
        let text = text_of(&manifest);
        self.put(
            &self.object("backup.manifest.copy")?,
            &text,
            PutMode::Create,
        )
        .await
    }

    /// Returns what is known at the beginning.
    fn draft(&self) -> Manifest {
        let (start, plan) = (&self.start, &self.plan);
        let server = &start.server;
        let prior = plan.prior.as_ref().map(|prior| &prior.manifest);
        let mut references = prior.map_or_else(Vec::new, |prior| prior.references.clone());
        references.push(self.label.clone());
        let annotations = start.annotations.iter();
        let mut annotations: BTreeMap<String, String> = annotations
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        annotations.extend(start.name.clone().map(|name| (NAME.to_owned(), name)));
        let databases = server.databases.iter().map(|database| {
            let entry = ManifestDatabase {
                id: database.oid.get(),
                last_system_id: server.last_system_database(),
            };
            (database.name.clone(), entry)
        });
        let segment = |lsn| SegmentName::containing(lsn, start.timeline, server.segment_size);
        Manifest {
            writer: WRITER.to_owned(),
            label: self.label.clone(),
            kind: self.kind,
            prior: prior.map(|prior| prior.label.clone()),
            references,
            began: start.began,
            copy_began: start.began,
            ended: Timestamp::UNIX_EPOCH,
            archive_start: Some(segment(start.start)),
            archive_stop: None,
            lsn_start: Some(start.start),
            lsn_stop: None,
            is_in_blocks: false,
            is_bundled: plan.bundles.is_some(),
            is_raw: plan.is_raw,
            codec: plan.encoding.codec(),
            cluster: ManifestCluster {
                history_id: self.cluster.id,
                system_id: server.system_id,
                version: self.cluster.version.clone(),
                catalog_version: plan.version.catalog_version(),
                control_version: plan.version.control_version(),
            },
            options: self.options(false, false),
            data_directory: server.data_directory.clone(),
            tablespaces: server.tablespaces.clone(),
            links: Vec::new(),
            databases: databases.collect(),
            passphrase: plan.cipher.as_ref().map(|cipher| cipher.passphrase.clone()),
            annotations,
            directories: Vec::new(),
            files: Vec::new(),
            extension: TakerRecord::from(&self.taker).entry(),
        }
    }

    /// Returns how the backup is taken, as the tool writes it.
    fn options(&self, checks_archive: bool, checks_pages: bool) -> BTreeMap<String, String> {
        let encoding = self.plan.encoding;
        let name = encoding.codec().and_then(Codec::pgbackrest_name);
        let by_checksum = self.plan.is_by_checksum() && self.plan.prior.is_some();
        let options = [
            ("archive-check", checks_archive.to_string()),
            ("archive-copy", false.to_string()),
            ("backup-standby", false.to_string()),
            ("buffer-size", (1 << 20).to_string()),
            ("checksum-page", checks_pages.to_string()),
            ("compress", encoding.codec().is_some().to_string()),
            ("compress-level", encoding.level().unwrap_or(0).to_string()),
            ("compress-level-network", 1.to_string()),
            ("compress-type", format!("\"{}\"", name.unwrap_or("none"))),
            ("delta", by_checksum.to_string()),
            ("hardlink", false.to_string()),
            ("online", true.to_string()),
            ("process-max", 1.to_string()),
        ];
        let named = options.into_iter();
        named
            .map(|(name, value)| (format!("option-{name}"), value))
            .collect()
    }

    /// Puts a record that is encrypted as manifests are.
    async fn put(&self, key: &Key, bytes: &[u8], mode: PutMode) -> Result<()> {
        let bytes = match &self.manifests {
            None => bytes.to_vec(),
            Some(passphrase) => encrypted(passphrase, bytes),
        };
        let tags = self.uploads.tags.clone();
        let options = PutOptions { mode, tags };
        let payload = Payload::new(bytes);
        Ok(self.uploads.store.put(key, payload, options).await?)
    }

    fn object(&self, name: &str) -> Result<Key> {
        self.uploads.key(&ObjectName::new(name))
    }
}

/// A base backup whose files are all there.
pub(super) struct Conclusion<'a> {
    pub writer: &'a PgBackRestBackupWriter,
    pub end: &'a BackupEnd,
    pub contents: &'a FileContents,
}

impl Conclusion<'_> {
    /// Writes the records in the order of the tool: whoever reads one finds those before.
    pub(super) async fn write(&self) -> Result<()> {
        let manifest = Arc::new(self.manifest());
        let writer = self.writer;
        let repository = &writer.repository;
        let to_write = Arc::clone(&manifest);
        let (text, history) = repository
            .workers
            .cpu(move || {
                let text = text_of(&to_write);
                let history = compressed(&text);
                (text, history)
            })
            .await;
        let overwrite = PutMode::Overwrite;
        writer
            .put(&writer.object("backup.manifest.copy")?, &text, overwrite)
            .await?;
        writer
            .put(&writer.object("backup.manifest")?, &text, overwrite)
            .await?;
        let key = repository.keys.history(&writer.label);
        let key = key.map_err(Error::of_key(repository))?;
        writer.put(&key, &history, overwrite).await?;
        repository.point_latest_to(&writer.label).await;

        let key = repository.keys.backup_info();
        let key = key.map_err(Error::of_key(repository))?;
        let mut info: BackupInfo = repository.load_backup_info().await?;
        info.insert(&writer.label, entry_of(&manifest));
        repository.save(&key, &info.to_text(), overwrite).await?;
        // Rules of the store that delete what is old must not meet it.
        let key = repository.keys.archive_info();
        let key = key.map_err(Error::of_key(repository))?;
        if let Some(archive) = repository.load(&key, ArchiveInfo::parse).await? {
            repository.save(&key, &archive.to_text(), overwrite).await?;
        }
        Ok(())
    }

    fn manifest(&self) -> Manifest {
        let Self {
            writer,
            end,
            contents,
        } = self;
        let start = &writer.start;
        // The stop position is behind the last record.
        let last = end.stop.checked_sub(1).unwrap_or(end.stop);
        let size = start.server.segment_size;
        let checks_pages = contents.files.iter().any(|(_, file)| file.pages.is_some());
        let draft = writer.draft();
        let mut extension = draft.extension.clone();
        extension.extend(Origin::of(start, end, contents).entry());
        Manifest {
            ended: end.ended,
            archive_stop: Some(SegmentName::containing(last, end.timeline, size)),
            lsn_stop: Some(end.stop),
            options: writer.options(end.wal_was_found, checks_pages),
            links: contents.links.iter().map(manifest_link).collect(),
            directories: self.directories(),
            files: contents.files.clone(),
            extension,
            ..draft
        }
    }

    /// Returns the directories, and the one above the tablespaces.
    fn directories(&self) -> Vec<(String, ManifestAttributes)> {
        let mut directories = self.contents.directories.clone();
        if !self.writer.start.server.tablespaces.is_empty() {
            directories.push(("pg_tblspc".to_owned(), self.contents.root()));
            directories.sort_by(|(one, _), (other, _)| one.cmp(other));
        }
        directories
    }
}

/// Returns what the manifest says of a link.
fn manifest_link((name, link): &(String, FileLink)) -> (String, ManifestLink) {
    let target = &link.target;
    let (path, file) = match target.rsplit_once('/') {
        Some((path, file)) if link.is_file => (path, Some(file.to_owned())),
        _ if link.is_file => (".", Some(target.clone())),
        _ => (target.as_str(), None),
    };
    let entry = ManifestLink {
        destination: target.clone(),
        path: path.to_owned(),
        file,
        attributes: link.attributes.clone(),
    };
    (name.clone(), entry)
}

fn text_of(manifest: &Manifest) -> Vec<u8> {
    let mut text = Vec::new();
    manifest.write(&mut text).expect("memory can be written");
    text
}

/// As the tool has it in the history: gzip of the best level.
fn compressed(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzBuilder::new().write(Vec::new(), Compression::best());
    let written = encoder.write_all(text).and_then(|()| encoder.finish());
    written.expect("memory can be written")
}
