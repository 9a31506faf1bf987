//! Facts about PostgreSQL: names, positions, file headers, and what a base backup takes.
//!
//! Everything here is a pure function over text or bytes: no I/O, no clock, no store. Only
//! `server`, which comes with the feature `postgres`, asks one that runs. The formats are
//! PostgreSQL's own (versions 13 to 18, little-endian servers) and were checked against files that
//! those servers wrote, which the tests carry as fixtures.
//!
//! ```
//! use walcast::pg::{SegmentName, SegmentSize, WalFileName};
//!
//! let name = SegmentName::parse("00000001000000000000000A")?;
//! assert_eq!(name.start_lsn(SegmentSize::DEFAULT).to_string(), "0/A000000");
//! assert_eq!(name.next(SegmentSize::DEFAULT).to_string(), "00000001000000000000000B");
//! assert!(WalFileName::parse("00000002.history").is_ok());
//! # Ok::<(), walcast::pg::InvalidWalName>(())
//! ```

mod archive_status;
mod backed_up_server;
mod control;
mod data_dir;
mod data_page;
mod history;
mod label;
mod lsn;
mod oid;
mod page;
mod range;
mod relation_file;
mod segment_name;
mod segment_size;
#[cfg(feature = "postgres")]
#[cfg_attr(docsrs, doc(cfg(feature = "postgres")))]
pub mod server;
mod system_id;
mod tablespace_map;
mod timeline;
mod version;
mod wal_file;

pub use self::{
    archive_status::{ArchiveStatus, StatusFile},
    backed_up_server::{BackedUpServer, Database, Tablespace},
    control::{ClusterState, ControlData, InvalidControlFile},
    data_dir::{DataDirRules, DirectoryRules, EntryKind, RuleSet, Take},
    data_page::{DataPage, PageVerdict},
    history::{HistoryEntry, InvalidHistory, TimelineHistory},
    label::{
        BackupHistory, BackupLabel, BackupMethod, BackupOrigin, IncrementalFrom, InvalidLabel,
    },
    lsn::{InvalidLsn, Lsn},
    oid::{InvalidOid, Oid},
    page::{InvalidSegment, SegmentHeader},
    range::{SegmentRange, gaps, runs},
    relation_file::{Fork, RelationFile},
    segment_name::SegmentName,
    segment_size::{InvalidSegmentSize, SegmentSize},
    system_id::{InvalidSystemId, SystemId},
    tablespace_map::{InvalidTablespaceMap, TablespaceLink, TablespaceMap},
    timeline::{InvalidTimeline, TimelineId},
    version::{InvalidVersion, MajorVersion},
    wal_file::{InvalidWalName, WalFileName},
};

/// Serialises types as the text that `Display` writes and `FromStr` reads.
macro_rules! serde_as_text {
    ($($name:ty),+) => {$(
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'_, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

serde_as_text!(
    Lsn,
    Oid,
    TimelineId,
    SegmentName,
    WalFileName,
    MajorVersion,
    SystemId
);

/// Reads exactly `N` upper-case hexadecimal digits, the form in which PostgreSQL names files.
fn upper_hex(text: &str, digits: usize) -> Option<u32> {
    let is_upper_hex = |byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F');
    (text.len() == digits && text.bytes().all(is_upper_hex))
        .then(|| u32::from_str_radix(text, 16).ok())
        .flatten()
}

/// Returns the `N` bytes of `bytes` at `offset`; the caller has checked the length.
fn array_at<const N: usize>(bytes: &[u8], offset: usize) -> [u8; N] {
    bytes[offset..offset + N]
        .try_into()
        .expect("the slice has N bytes")
}
