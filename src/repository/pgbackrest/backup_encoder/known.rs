//! What is known of a file before its content comes.

use super::FileEncoder;
use crate::repository::{Attributes, pgbackrest::ManifestFile};

/// What is known of a file before its content.
pub(super) struct Known {
    pub name: String,
    pub file: ManifestFile,
    /// What the prior backup has, if it may be the same.
    pub candidate: Option<ManifestFile>,
}

impl FileEncoder {
    /// Takes a file from the prior backup if it has it.
    pub(super) fn takes_unchanged(
        &mut self,
        name: &str,
        attributes: &Attributes,
        size: u64,
    ) -> bool {
        let prior = self.plan.unchanged(name, size, attributes.modified);
        let Some(prior) = prior.cloned() else {
            return false;
        };
        let known = self.known(name.to_owned(), attributes, size);
        self.refer(known, prior);
        true
    }

    pub(super) fn known(&mut self, name: String, attributes: &Attributes, size: u64) -> Known {
        let candidate = self.plan.candidate(&name, size).cloned();
        let file = ManifestFile {
            size,
            stored_size: 0,
            modified: attributes.modified.as_second(),
            sha1: None,
            stored_sha1: None,
            reference: None,
            bundle: None,
            blocks: None,
            pages: None,
            attributes: self.names.attributes(attributes),
        };
        Known {
            name,
            file,
            candidate,
        }
    }

    /// Writes down that the prior backup, or one before it, has the content.
    pub(super) fn refer(&mut self, known: Known, prior: ManifestFile) {
        let holder = prior.reference.clone().or_else(|| {
            let prior = self.plan.prior.as_ref()?;
            Some(self.names.shared(&prior.manifest.label))
        });
        let file = ManifestFile {
            reference: holder,
            modified: known.file.modified,
            attributes: known.file.attributes,
            pages: known.file.pages.or(prior.pages),
            ..prior
        };
        self.contents.files.push((known.name, file));
    }
}
