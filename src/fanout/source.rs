//! The file that PostgreSQL offers: what it must be before anything is sent.

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    encode::{Encoder, Prepared},
    error::ArchiveError,
};
use crate::{
    budget::Reservation,
    codec::Encoding,
    disk::{self, Stat},
    pg::{ControlData, SegmentHeader, SystemId, WalFileName},
    repository::ClusterIdentity,
};

/// History and label files are a few hundred bytes; more is not one.
const LARGEST_TEXT: u64 = 1 << 20;
const CONTROL_FILE_LEN: u64 = 64 << 10;

/// Reads and checks what is to be archived.
#[derive(Debug)]
pub(super) struct Sources {
    pub encoder: Encoder,
    /// One per distinct encoding of the destinations.
    pub encodings: Vec<Encoding>,
    /// Segments are looked into; off only where there is no WAL to look into.
    pub verify: bool,
    /// The cluster whose files are archived here, once known.
    pub cluster: Arc<Mutex<Option<SystemId>>>,
}

/// What is known of a source before it is read.
pub(super) struct Opened {
    pub stat: Stat,
    reader: Box<dyn Read + Send + Sync>,
    header: Vec<u8>,
}

impl Sources {
    /// Returns the cluster whose files are archived here, once known.
    pub(super) fn cluster(&self) -> Option<SystemId> {
        *self.cluster.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens `path` and looks at its first bytes; nothing is held in memory yet.
    pub(super) async fn open(&self, path: &Path) -> Result<Opened, ArchiveError> {
        let disk = Arc::clone(&self.encoder.disk);
        let owned = path.to_owned();
        let opened = self.encoder.workers.disk(move || {
            let stat = disk.stat(&owned)?;
            let mut reader = disk.open(&owned)?;
            let mut header = Vec::with_capacity(SegmentHeader::LEN);
            reader
                .by_ref()
                .take(SegmentHeader::LEN as u64)
                .read_to_end(&mut header)?;
            Ok(Opened {
                stat,
                reader,
                header,
            })
        });
        opened.await.map_err(|source| read_error(path, source))
    }

    /// Checks an opened file against its name, the cluster and the policy of names.
    pub(super) async fn check(
        &self,
        name: WalFileName,
        path: &Path,
        opened: &Opened,
    ) -> Result<Option<ClusterIdentity>, ArchiveError> {
        if !self.verify {
            return Ok(None);
        }
        let (WalFileName::Segment(segment) | WalFileName::Partial(segment)) = name else {
            return check_text(path, opened).map(|()| None);
        };
        let refused = |reason| ArchiveError::Refused {
            path: text(path),
            reason,
        };
        let header = SegmentHeader::parse(&opened.header).map_err(refused)?;
        header.check_name(segment).map_err(refused)?;
        let expected = header.segment_size.bytes();
        if opened.stat.len != expected {
            return Err(truncated(path, expected, opened.stat.len));
        }
        self.check_cluster(path, header.system_id).await?;
        Ok(Some(ClusterIdentity {
            system_id: header.system_id,
            version: header.version,
        }))
    }

    async fn check_cluster(&self, path: &Path, found: SystemId) -> Result<(), ArchiveError> {
        let expected = match self.cluster() {
            Some(known) => known,
            None => self.data_directory_of(path).await.unwrap_or(found),
        };
        if expected != found {
            return Err(ArchiveError::OtherCluster {
                path: text(path),
                expected,
                found,
            });
        }
        *self.cluster.lock().unwrap_or_else(PoisonError::into_inner) = Some(expected);
        Ok(())
    }

    /// Returns the system identifier in `pg_control` beside `pg_wal`, if that is where `path` is.
    async fn data_directory_of(&self, path: &Path) -> Option<SystemId> {
        let wal_folder = path.parent()?;
        let control: PathBuf = match wal_folder.parent() {
            Some(data) => data.join("global/pg_control"),
            None => return None,
        };
        let disk = Arc::clone(&self.encoder.disk);
        let content = self
            .encoder
            .workers
            .disk(move || disk::read(&*disk, &control, CONTROL_FILE_LEN))
            .await
            .ok()?;
        ControlData::parse(&content)
            .ok()
            .map(|control| control.system_id)
    }

    /// Reads, hashes and encodes an opened file into memory that was reserved, or into a file.
    pub(super) async fn read(
        &self,
        name: WalFileName,
        path: &Path,
        opened: Opened,
        reservation: Option<Reservation>,
    ) -> Result<Prepared, ArchiveError> {
        let len = opened.stat.len;
        let Opened { reader, header, .. } = opened;
        let open = move || Ok(io::Cursor::new(header).chain(reader));
        let prepared = self
            .encoder
            .encode(name, len, reservation, self.encodings.clone(), open)
            .await
            .map_err(|source| read_error(path, source))?;
        match prepared.content() {
            Some(content) if content.len != len => Err(truncated(path, len, content.len)),
            _ => Ok(prepared),
        }
    }
}

fn check_text(path: &Path, opened: &Opened) -> Result<(), ArchiveError> {
    match opened.stat.len {
        0 => Err(truncated(path, 1, 0)),
        len if len > LARGEST_TEXT => Err(truncated(path, LARGEST_TEXT, len)),
        _ => Ok(()),
    }
}

/// Checks fetched bytes: a segment must be one, of this name and cluster.
pub(super) fn check_fetched(
    name: WalFileName,
    head: &[u8],
    len: u64,
    cluster: Option<SystemId>,
) -> Result<Option<ClusterIdentity>, String> {
    match name {
        WalFileName::Segment(segment) | WalFileName::Partial(segment) => {
            let header = SegmentHeader::check_whole(segment, head, len);
            let header = header.map_err(|error| error.to_string())?;
            if let Some(cluster) = cluster.filter(|&cluster| cluster != header.system_id) {
                return Err(format!("of cluster {}, not of {cluster}", header.system_id));
            }
            Ok(Some(ClusterIdentity {
                system_id: header.system_id,
                version: header.version,
            }))
        }
        WalFileName::History(_) | WalFileName::BackupLabel { .. } => Ok(None),
    }
}

fn read_error(path: &Path, source: io::Error) -> ArchiveError {
    ArchiveError::Read {
        path: text(path),
        source,
    }
}

fn truncated(path: &Path, expected: u64, found: u64) -> ArchiveError {
    ArchiveError::Truncated {
        path: text(path),
        expected,
        found,
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
