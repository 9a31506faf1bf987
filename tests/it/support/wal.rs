//! WAL segments as PostgreSQL 16 writes them: the header is right, the rest is made up.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::content::wal_like;

/// Size of the segments, PostgreSQL's smallest.
pub(crate) const SEGMENT: u64 = 1 << 20;
/// The cluster that wrote them.
pub(crate) const SYSTEM_ID: u64 = 7_000_000_000_000_000_001;

/// Returns the name of segment `number` on timeline 1.
pub(crate) fn name(number: u64) -> String {
    let per_log = (1 << 32) / SEGMENT;
    format!("00000001{:08X}{:08X}", number / per_log, number % per_log)
}

/// Returns segment `number` of the cluster `system_id`.
pub(crate) fn segment(number: u64, system_id: u64) -> Vec<u8> {
    let mut content = Vec::new();
    content.extend_from_slice(&0xD110_u16.to_le_bytes()); // xlp_magic
    content.extend_from_slice(&0x0002_u16.to_le_bytes()); // xlp_info: the long header
    content.extend_from_slice(&1_u32.to_le_bytes()); // xlp_tli
    content.extend_from_slice(&(number * SEGMENT).to_le_bytes()); // xlp_pageaddr
    content.extend_from_slice(&[0; 8]); // xlp_rem_len and padding
    content.extend_from_slice(&system_id.to_le_bytes()); // xlp_sysid
    content.extend_from_slice(&u32::try_from(SEGMENT).unwrap().to_le_bytes()); // xlp_seg_size
    content.extend_from_slice(&8192_u32.to_le_bytes()); // xlp_xlog_blcksz
    let rest = usize::try_from(SEGMENT).unwrap() - content.len() - 8;
    // No two segments are the same.
    content.extend_from_slice(&number.to_le_bytes());
    content.extend(wal_like(rest));
    content
}

/// Writes segment `number` into `folder` and returns its path.
pub(crate) fn write(folder: &Path, number: u64) -> PathBuf {
    let path = folder.join(name(number));
    fs::write(&path, segment(number, SYSTEM_ID)).unwrap();
    path
}
