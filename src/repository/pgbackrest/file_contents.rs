use super::{ManifestAttributes, ManifestFile};

/// What was stored of a base backup's files, and of which of them nothing had to be.
#[derive(Clone, Debug, Default)]
pub(in crate::repository) struct FileContents {
    /// Directories by their names in the manifest, in order.
    pub(super) directories: Vec<(String, ManifestAttributes)>,
    /// Files by their names, in order.
    pub(super) files: Vec<(String, ManifestFile)>,
    /// Symbolic links whose content is stored, by their names, in order.
    pub(super) links: Vec<(String, FileLink)>,
    /// Symbolic links to what is not there: name and where they lead.
    pub(super) dangling: Vec<(String, String)>,
}

/// A symbolic link whose content is stored.
#[derive(Clone, Debug)]
pub(super) struct FileLink {
    /// Where it leads.
    pub target: String,
    /// Whether to a file.
    pub is_file: bool,
    pub attributes: ManifestAttributes,
}

impl FileContents {
    /// Returns the attributes of the data directory.
    pub(super) fn root(&self) -> ManifestAttributes {
        let root = self.directories.iter().find(|(name, _)| name == "pg_data");
        root.map(|(_, attributes)| attributes.clone())
            .unwrap_or_default()
    }

    pub(super) fn sort(&mut self) {
        self.directories
            .sort_by(|(one, _), (other, _)| one.cmp(other));
        self.directories
            .dedup_by(|(one, _), (other, _)| one == other);
        self.files.sort_by(|(one, _), (other, _)| one.cmp(other));
        self.links.sort_by(|(one, _), (other, _)| one.cmp(other));
    }
}
