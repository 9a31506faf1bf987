use crate::pg::{Lsn, MajorVersion, SegmentName, SegmentSize, SystemId, TimelineId, array_at};

/// A file is not the WAL segment that it should be.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSegment {
    /// The file ends within the header.
    #[error(
        "the file has {found} bytes, the header alone of a WAL segment has {}",
        SegmentHeader::LEN
    )]
    TooShort {
        /// Number of bytes there are.
        found: usize,
    },
    /// The first number belongs to no supported version.
    #[error("the file begins with 0x{found:04X}, no WAL of PostgreSQL 13 to 18 does")]
    Magic {
        /// The first two bytes as a little-endian number.
        found: u16,
    },
    /// The page has the short header of pages inside a segment.
    #[error(
        "the page header's flags 0x{found:04X} lack 0x{LONG_HEADER:04X}, which the first page of a segment has"
    )]
    ShortHeader {
        /// The flags.
        found: u16,
    },
    /// A field of the header has an impossible value.
    #[error("the page header's {field} is {found}, which is impossible")]
    Field {
        /// Which field.
        field: &'static str,
        /// Its value.
        found: u32,
    },
    /// The name cannot exist with the segment size that the header tells.
    #[error("no segment is called {name} where segments have {size}")]
    Name {
        /// The file's name.
        name: SegmentName,
        /// Segment size in the header.
        size: SegmentSize,
    },
    /// The header is that of another segment, as in a recycled file.
    #[error("segment {name} begins at {expected}, the page header says {found}")]
    Position {
        /// The file's name.
        name: SegmentName,
        /// Position after the name.
        expected: Lsn,
        /// Position in the header.
        found: Lsn,
    },
    /// The header is of a younger timeline than the name.
    #[error("segment {name} is on timeline {}, the page header says the later {found}", name.timeline())]
    Timeline {
        /// The file's name.
        name: SegmentName,
        /// Timeline in the header.
        found: TimelineId,
    },
    /// The file is not as long as a segment.
    #[error("{found} bytes instead of {expected}")]
    Length {
        /// The size in the header, in bytes.
        expected: u64,
        /// Number of bytes there are.
        found: u64,
    },
    /// The file comes from another cluster.
    #[error("the segment is of the cluster {found}, not of {expected}")]
    SystemId {
        /// The cluster that is archived.
        expected: SystemId,
        /// System identifier in the header.
        found: SystemId,
    },
}

impl InvalidSegment {
    /// Tells the user what to do.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Magic { found: 0 } => {
                "The file was allocated but never written; check that it is in PostgreSQL's \
                 pg_wal and was not truncated or restored by hand."
            }
            Self::Magic { .. } => {
                "Check that the file is uncompressed WAL of PostgreSQL 13 to 18 from a \
                 little-endian server."
            }
            Self::TooShort { .. }
            | Self::ShortHeader { .. }
            | Self::Field { .. }
            | Self::Length { .. } => {
                "The file is damaged or no WAL segment; compare it with pg_waldump."
            }
            Self::Name { .. } | Self::Position { .. } | Self::Timeline { .. } => {
                "The file was renamed, or recycled by PostgreSQL while it was read; archive it \
                 from pg_wal under its own name."
            }
            Self::SystemId { .. } => {
                "Two clusters archive to the same place; give each one a server name or stanza \
                 of its own."
            }
        }
    }
}

/// The header of the first page of a WAL segment.
///
/// PostgreSQL's `XLogLongPageHeaderData` (`src/include/access/xlog_internal.h`), little-endian.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SegmentHeader {
    /// The major version that wrote the page.
    pub version: MajorVersion,
    /// The timeline on which the page's first record begins.
    pub timeline: TimelineId,
    /// The position of the page's first byte, which is the segment's.
    pub page_address: Lsn,
    /// The cluster.
    pub system_id: SystemId,
    /// Size of the cluster's segments.
    pub segment_size: SegmentSize,
    /// Size of a WAL page (`wal_block_size`), 1 to 64 KiB.
    pub block_size: u32,
}

impl SegmentHeader {
    /// Number of bytes from the file's beginning that [`parse`](Self::parse) needs.
    pub const LEN: usize = 40;

    /// Reads the header from the first bytes of a segment; more than [`LEN`](Self::LEN) is fine.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidSegment> {
        if bytes.len() < Self::LEN {
            return Err(InvalidSegment::TooShort { found: bytes.len() });
        }
        let u16_at = |offset| u16::from_le_bytes(array_at(bytes, offset));
        let u32_at = |offset| u32::from_le_bytes(array_at(bytes, offset));
        let u64_at = |offset| u64::from_le_bytes(array_at(bytes, offset));

        let magic = u16_at(0);
        let version =
            MajorVersion::from_wal_magic(magic).ok_or(InvalidSegment::Magic { found: magic })?;
        let flags = u16_at(2);
        if flags & LONG_HEADER == 0 {
            return Err(InvalidSegment::ShortHeader { found: flags });
        }
        Ok(Self {
            version,
            timeline: TimelineId::new(u32_at(4)).map_err(|_| field("timeline", 0))?,
            page_address: Lsn::new(u64_at(8)),
            system_id: SystemId::new(u64_at(24)),
            segment_size: segment_size(u32_at(32))?,
            block_size: block_size(u32_at(36))?,
        })
    }

    /// Checks that the header can be that of the segment called `name`.
    ///
    /// The header's timeline may be an earlier one: the first segment of a timeline is a copy of
    /// its ancestor's up to the point where they part.
    pub fn check_name(&self, name: SegmentName) -> Result<(), InvalidSegment> {
        let size = self.segment_size;
        if !name.is_valid_for(size) {
            return Err(InvalidSegment::Name { name, size });
        }
        let (expected, found) = (name.start_lsn(size), self.page_address);
        if expected != found {
            return Err(InvalidSegment::Position {
                name,
                expected,
                found,
            });
        }
        if self.timeline > name.timeline() {
            return Err(InvalidSegment::Timeline {
                name,
                found: self.timeline,
            });
        }
        Ok(())
    }

    /// Checks that `len` bytes that begin with `head` are the whole segment called `name`.
    pub fn check_whole(name: SegmentName, head: &[u8], len: u64) -> Result<Self, InvalidSegment> {
        let header = Self::parse(head)?;
        header.check_name(name)?;
        let expected = header.segment_size.bytes();
        if len != expected {
            let found = len;
            return Err(InvalidSegment::Length { expected, found });
        }
        Ok(header)
    }

    /// Checks that the segment is of the cluster `expected`.
    pub fn check_system(&self, expected: SystemId) -> Result<(), InvalidSegment> {
        let found = self.system_id;
        if found != expected {
            return Err(InvalidSegment::SystemId { expected, found });
        }
        Ok(())
    }
}

/// The flag of the longer header that begins each segment (`XLP_LONG_HEADER`).
const LONG_HEADER: u16 = 0x0002;

fn field(field: &'static str, found: u32) -> InvalidSegment {
    InvalidSegment::Field { field, found }
}

fn segment_size(bytes: u32) -> Result<SegmentSize, InvalidSegment> {
    SegmentSize::new(bytes.into()).map_err(|_| field("segment size", bytes))
}

fn block_size(bytes: u32) -> Result<u32, InvalidSegment> {
    let is_possible = bytes.is_power_of_two() && (1 << 10..=1 << 16).contains(&bytes);
    is_possible
        .then_some(bytes)
        .ok_or_else(|| field("block size", bytes))
}

#[cfg(test)]
mod tests;
