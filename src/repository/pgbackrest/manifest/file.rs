//! A file of a base backup.

use std::sync::Arc;

use serde::Deserialize;

use super::ManifestAttributes;
use crate::{codec::Sha1, repository::PageErrors};

/// A file of a base backup, and where it lies.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ManifestFile {
    /// Its size, in bytes.
    pub size: u64,
    /// Size of what is stored, in bytes.
    pub stored_size: u64,
    /// When it was changed last, in seconds since 1970.
    pub modified: i64,
    /// SHA-1 of its content; an empty file has none.
    pub sha1: Option<Sha1>,
    /// SHA-1 of what is stored, where that differs from the content.
    pub stored_sha1: Option<Sha1>,
    /// The backup that holds it, if it is not this one.
    pub reference: Option<Arc<str>>,
    /// Where in a bundle it is; `None` if it is an object of its own, or empty.
    pub bundle: Option<InBundle>,
    /// How it is stored in blocks, if it is.
    pub blocks: Option<BlockMap>,
    /// Whether its pages are sound, if they were looked at.
    pub pages: Option<Result<(), PageErrors>>,
    /// Whose it is and what may be done with it.
    pub attributes: ManifestAttributes,
}

/// A place in a bundle.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InBundle {
    /// The bundle, from 1.
    pub number: u64,
    /// Where it begins there, in bytes.
    pub offset: u64,
}

/// How a file is stored in blocks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BlockMap {
    /// Size of a block, in bytes.
    pub block_size: u64,
    /// Size of a block's checksum, in bytes.
    pub checksum_size: usize,
    /// Size of the map, the last bytes of what is stored.
    pub map_size: u64,
}

/// The value of a file in the manifest.
#[derive(Debug, Deserialize)]
pub(super) struct FileValue {
    bi: Option<u64>,
    bic: Option<usize>,
    bim: Option<u64>,
    bni: Option<u64>,
    #[serde(default)]
    bno: u64,
    checksum: Option<Sha1>,
    #[serde(rename = "checksum-page")]
    checksum_page: Option<bool>,
    #[serde(default, rename = "checksum-page-error")]
    checksum_page_error: Vec<PageOrRange>,
    pub(super) group: Option<OwnerValue>,
    pub(super) mode: Option<String>,
    rck: Option<Sha1>,
    pub(super) reference: Option<String>,
    #[serde(rename = "repo-size")]
    repo_size: Option<u64>,
    size: u64,
    timestamp: i64,
    pub(super) user: Option<OwnerValue>,
}

/// The value of a directory, and what files or directories have in common.
#[derive(Debug, Default, Deserialize)]
pub(super) struct AttributesValue {
    pub(super) group: Option<OwnerValue>,
    pub(super) mode: Option<String>,
    pub(super) user: Option<OwnerValue>,
}

/// A name, or `false` if it is not known.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum OwnerValue {
    Name(String),
    #[expect(dead_code, reason = "it says that there is no name")]
    Unknown(bool),
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum PageOrRange {
    Page(u32),
    Range(u32, u32),
}

impl FileValue {
    /// Returns the file, with what its own attributes are.
    pub(super) fn file(
        &self,
        attributes: ManifestAttributes,
        reference: Option<Arc<str>>,
    ) -> ManifestFile {
        let ranges = self.checksum_page_error.iter().map(|error| match error {
            PageOrRange::Page(page) => (*page, *page),
            PageOrRange::Range(first, last) => (*first, *last),
        });
        ManifestFile {
            size: self.size,
            stored_size: self.repo_size.unwrap_or(self.size),
            modified: self.timestamp,
            sha1: self.checksum,
            stored_sha1: self.rck,
            reference,
            bundle: self.bni.map(|number| InBundle {
                number,
                offset: self.bno,
            }),
            blocks: self.bi.zip(self.bim).map(|(pages, map_size)| BlockMap {
                block_size: pages.saturating_mul(PAGE),
                checksum_size: self.bic.unwrap_or(CHECKSUM),
                map_size,
            }),
            pages: self.checksum_page.map(|is_sound| {
                if is_sound {
                    Ok(())
                } else {
                    Err(PageErrors(ranges.collect()))
                }
            }),
            attributes,
        }
    }
}

/// In which the size of a block is counted.
pub(super) const PAGE: u64 = 8192;
/// The size of a checksum that is not told.
pub(super) const CHECKSUM: usize = 6;
