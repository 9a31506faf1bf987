//! What becomes of each file of a base backup: how it is encoded, and what it is compared with.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use jiff::Timestamp;

use super::{Manifest, ManifestFile};
use crate::{
    codec::{Encoding, Sha256, Sha256Hasher, cipher::Passphrase},
    pg::MajorVersion,
    repository::{FileFilter, Tree, TreePath},
};

/// How the files of a base backup are stored. Plans that are equal make the same of them.
pub(in crate::repository) struct FilePlan {
    /// How files are compressed.
    pub(super) encoding: Encoding,
    /// Which files are stored together; `None` if each is an object.
    pub(super) bundles: Option<Bundles>,
    /// Whether files in bundles lack what tells their format.
    pub(super) is_raw: bool,
    pub(super) cipher: Option<PlanCipher>,
    /// The server's version, on which depends what is left out.
    pub(super) version: MajorVersion,
    pub(super) prior: Option<Prior>,
    /// Whether the time of a file is no sign that it is the same.
    pub(super) by_checksum: AtomicBool,
}

/// When files are stored together (`repo-bundle`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Bundles {
    /// Size of the largest file that is put into a bundle, in bytes (`repo-bundle-limit`).
    pub file: u64,
    /// Sum of the sizes of its files with which a bundle is full, in bytes (`repo-bundle-size`).
    pub bundle: u64,
}

impl Default for Bundles {
    /// Files up to 2 MiB, in bundles of 20 MiB.
    fn default() -> Self {
        Self {
            file: 2 << 20,
            bundle: 20 << 20,
        }
    }
}

/// What files are encrypted with.
#[derive(Clone, Eq, PartialEq)]
pub(super) struct PlanCipher {
    pub passphrase: Passphrase,
    /// The backup's label, as no two contents may have one salt.
    pub label: String,
}

/// The backup whose changes are stored.
#[derive(Clone)]
pub(super) struct Prior {
    pub manifest: Arc<Manifest>,
    /// Of everything in it on which depends what is stored.
    digest: Sha256,
}

impl Prior {
    /// Takes a manifest whose files are in the order of their names.
    pub(super) fn new(manifest: Manifest) -> Self {
        let mut hasher = Sha256Hasher::default();
        for (name, file) in &manifest.files {
            let place = (file.bundle, file.blocks, file.stored_size, file.stored_sha1);
            let content = (file.size, file.modified, file.sha1);
            let holder = manifest.holder(file);
            hasher.update(format!("{name}\0{content:?}{place:?}{holder}\0").as_bytes());
        }
        Self {
            digest: hasher.finish(),
            manifest: Arc::new(manifest),
        }
    }

    pub(super) fn file(&self, name: &str) -> Option<&ManifestFile> {
        let files = &self.manifest.files;
        let found = files.binary_search_by(|(known, _)| known.as_str().cmp(name));
        found.ok().map(|index| &files[index].1)
    }
}

impl FilePlan {
    /// Returns what the prior backup has of a file whose content needs not be read.
    pub(super) fn unchanged(
        &self,
        name: &str,
        size: u64,
        modified: Timestamp,
    ) -> Option<&ManifestFile> {
        if self.is_by_checksum() {
            return None;
        }
        let known = self.candidate(name, size)?;
        (known.modified == modified.as_second()).then_some(known)
    }

    /// Returns what the prior backup has of a file that may be the same.
    pub(super) fn candidate(&self, name: &str, size: u64) -> Option<&ManifestFile> {
        let known = self.prior.as_ref()?.file(name)?;
        let is_like_it = known.size == size && known.sha1.is_some() && name != CONTROL;
        is_like_it.then_some(known)
    }

    pub(super) fn is_by_checksum(&self) -> bool {
        self.by_checksum.load(Ordering::Relaxed)
    }

    /// Returns the size of the largest file that is taken as a whole, in bytes.
    pub(super) fn whole(&self) -> u64 {
        self.bundles.unwrap_or_default().file
    }
}

impl FileFilter for FilePlan {
    /// As the tool: times that go back, and other content of the same time, are no signs.
    fn notice(&self, tree: Tree, path: &TreePath, size: u64, modified: Timestamp) {
        let Some(prior) = &self.prior else {
            return;
        };
        let Some(known) = prior.file(&manifest_name(tree, path)) else {
            return;
        };
        let modified = modified.as_second();
        let is_odd =
            modified < known.modified || (modified == known.modified && size != known.size);
        if is_odd && !self.by_checksum.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                file = %path,
                "times of files are no sign of what changed: all are compared by checksum"
            );
        }
    }

    fn wants(&self, tree: Tree, path: &TreePath, size: u64, modified: Timestamp) -> bool {
        let name = manifest_name(tree, path);
        self.unchanged(&name, size, modified).is_none()
    }

    fn follows_links(&self) -> bool {
        true
    }
}

impl PartialEq for FilePlan {
    fn eq(&self, other: &Self) -> bool {
        let digest = |plan: &Self| plan.prior.as_ref().map(|prior| prior.digest);
        (self.encoding, self.bundles, self.is_raw, self.version)
            == (other.encoding, other.bundles, other.is_raw, other.version)
            && self.cipher == other.cipher
            && digest(self) == digest(other)
            && self.is_by_checksum() == other.is_by_checksum()
    }
}

impl Eq for FilePlan {}

impl fmt::Display for FilePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.encoding.fmt(f)?;
        if self.bundles.is_some() {
            f.write_str(", bundled")?;
        }
        if self.cipher.is_some() {
            f.write_str(", encrypted")?;
        }
        Ok(())
    }
}

impl fmt::Debug for FilePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FilePlan({self})")
    }
}

/// Returns what a file or directory is called in the manifest.
pub(super) fn manifest_name(tree: Tree, path: &TreePath) -> String {
    let root = match tree {
        Tree::Data => "pg_data".to_owned(),
        Tree::Tablespace(oid) => format!("pg_tblspc/{oid}"),
    };
    if path.is_root() {
        root
    } else {
        format!("{root}/{path}")
    }
}

/// Recovery begins from it, so that it is always of this backup.
pub(super) const CONTROL: &str = "pg_data/global/pg_control";
