use crate::pg::{Lsn, MajorVersion, SegmentSize, SystemId, TimelineId, array_at};

/// A file is not a readable `pg_control`.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidControlFile {
    /// The file ends too early.
    #[error(
        "the file has {found} bytes, pg_control has at least {}",
        ControlData::LEN
    )]
    TooShort {
        /// Number of bytes there are.
        found: usize,
    },
    /// The versions are those of no supported PostgreSQL.
    #[error(
        "pg_control version {control} with catalog version {catalog} is not of PostgreSQL 13 to 18"
    )]
    Version {
        /// Version of the file.
        control: u32,
        /// Version of the system catalogue.
        catalog: u32,
    },
    /// The checksum in the file is not that of its content.
    #[error("pg_control's checksum is {found:08x}, its content has {expected:08x}")]
    Checksum {
        /// CRC-32C of the content.
        expected: u32,
        /// The one in the file.
        found: u32,
    },
    /// A field has an impossible value.
    #[error("pg_control's {field} is {found}, which is impossible")]
    Field {
        /// Which field.
        field: &'static str,
        /// Its value.
        found: u32,
    },
}

impl InvalidControlFile {
    /// Tells the user what to do.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Version { .. } => {
                "Check that the file is global/pg_control of PostgreSQL 13 to 18 from a \
                 little-endian server, a release and not a beta."
            }
            Self::Checksum { .. } => {
                "Read the file again, PostgreSQL may have been writing it; if it stays so, the \
                 file is damaged."
            }
            Self::TooShort { .. } | Self::Field { .. } => {
                "The file is damaged or not pg_control; compare it with pg_controldata."
            }
        }
    }
}

/// What a cluster was doing when `pg_control` was written last.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ClusterState {
    /// Starting up.
    StartingUp,
    /// Shut down cleanly.
    ShutDown,
    /// A standby that was shut down cleanly.
    ShutDownInRecovery,
    /// Shutting down.
    ShuttingDown,
    /// In recovery after a crash.
    InCrashRecovery,
    /// In recovery from an archive, or a standby.
    InArchiveRecovery,
    /// In production.
    InProduction,
}

impl ClusterState {
    fn from_number(number: u32) -> Option<Self> {
        Some(match number {
            0 => Self::StartingUp,
            1 => Self::ShutDown,
            2 => Self::ShutDownInRecovery,
            3 => Self::ShuttingDown,
            4 => Self::InCrashRecovery,
            5 => Self::InArchiveRecovery,
            6 => Self::InProduction,
            _ => return None,
        })
    }
}

/// What `global/pg_control` says about a cluster.
///
/// PostgreSQL's `ControlFileData` (`src/include/catalog/pg_control.h`), little-endian, on a
/// platform that aligns 64-bit numbers at 8 bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ControlData {
    /// The cluster.
    pub system_id: SystemId,
    /// Version of the file's format.
    pub control_version: u32,
    /// Version of the system catalogue.
    pub catalog_version: u32,
    /// The major version that both numbers together tell.
    pub version: MajorVersion,
    /// What the cluster was doing.
    pub state: ClusterState,
    /// Position of the latest checkpoint's record.
    pub checkpoint: Lsn,
    /// Where recovery from the latest checkpoint begins.
    pub redo: Lsn,
    /// Timeline of the latest checkpoint.
    pub timeline: TimelineId,
    /// How pages are checksummed; 0 if they are not.
    pub data_checksum_version: u32,
    /// Size of the cluster's WAL segments.
    pub segment_size: SegmentSize,
    /// Size of a data page, in bytes.
    pub block_size: u32,
    /// Size of a WAL page, in bytes.
    pub wal_block_size: u32,
}

impl ControlData {
    /// Number of bytes from the file's beginning that [`parse`](Self::parse) needs.
    ///
    /// The file has 8192, but PostgreSQL keeps what matters in the first sector of a disk.
    pub const LEN: usize = 512;

    /// Reads the content of `pg_control` and verifies its checksum.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidControlFile> {
        if bytes.len() < Self::LEN {
            return Err(InvalidControlFile::TooShort { found: bytes.len() });
        }
        let u32_at = |offset| u32::from_le_bytes(array_at(bytes, offset));
        let u64_at = |offset| u64::from_le_bytes(array_at(bytes, offset));

        let (control, catalog) = (u32_at(8), u32_at(12));
        let version = MajorVersion::from_control(control, catalog)
            .ok_or(InvalidControlFile::Version { control, catalog })?;
        verify_checksum(bytes, version)?;
        Ok(Self {
            system_id: SystemId::new(u64_at(0)),
            control_version: control,
            catalog_version: catalog,
            version,
            state: field("state", u32_at(16), ClusterState::from_number)?,
            checkpoint: Lsn::new(u64_at(32)),
            redo: Lsn::new(u64_at(40)),
            timeline: field("timeline", u32_at(48), |id| TimelineId::new(id).ok())?,
            block_size: u32_at(216),
            wal_block_size: u32_at(224),
            segment_size: field("WAL segment size", u32_at(228), |size| {
                SegmentSize::new(size.into()).ok()
            })?,
            data_checksum_version: u32_at(252),
        })
    }

    /// Returns whether data pages have checksums.
    pub fn has_data_checksums(&self) -> bool {
        self.data_checksum_version != 0
    }
}

/// Where the checksum is, which covers all bytes before it.
const fn checksum_offset(version: MajorVersion) -> usize {
    match version {
        MajorVersion::V13
        | MajorVersion::V14
        | MajorVersion::V15
        | MajorVersion::V16
        | MajorVersion::V17 => 288,
        // One byte more (`default_char_signedness`), with its padding.
        MajorVersion::V18 => 292,
    }
}

fn verify_checksum(bytes: &[u8], version: MajorVersion) -> Result<(), InvalidControlFile> {
    let offset = checksum_offset(version);
    let found = u32::from_le_bytes(array_at(bytes, offset));
    let expected = crc32c::crc32c(&bytes[..offset]);
    if found != expected {
        return Err(InvalidControlFile::Checksum { expected, found });
    }
    Ok(())
}

fn field<T>(
    field: &'static str,
    found: u32,
    read: impl FnOnce(u32) -> Option<T>,
) -> Result<T, InvalidControlFile> {
    read(found).ok_or(InvalidControlFile::Field { field, found })
}

#[cfg(test)]
mod tests;
