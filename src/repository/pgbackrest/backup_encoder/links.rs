//! Links, and what they lead to.

use std::io;

use super::{FileEncoder, misuse};
use crate::repository::{
    Attributes, TreeEvent, TreePath,
    pgbackrest::{ManifestAttributes, file_contents::FileLink},
};

/// A link that came, and what it leads to may come.
pub(super) struct Link {
    path: TreePath,
    attributes: ManifestAttributes,
    /// Where it leads; `None` for a second name of a file.
    target: Option<String>,
}

impl FileEncoder {
    /// Tablespaces have links of their own.
    pub(super) fn link(&mut self, path: &TreePath, attributes: &Attributes, target: Option<&str>) {
        if path
            .parent()
            .is_some_and(|parent| parent.as_str() == "pg_tblspc")
        {
            return;
        }
        self.link = Some(Link {
            path: path.clone(),
            attributes: self.names.attributes(attributes),
            target: target.map(ToOwned::to_owned),
        });
    }

    pub(super) fn directory_link(
        &mut self,
        path: &TreePath,
        attributes: &Attributes,
        target: &str,
    ) -> io::Result<()> {
        let link = FileLink {
            target: target.to_owned(),
            is_file: false,
            attributes: self.names.attributes(attributes),
        };
        let name = self.name(path)?;
        self.contents.links.push((name, link));
        let directory = Attributes {
            mode: 0o700,
            ..attributes.clone()
        };
        self.directory(path, &directory)
    }

    /// Ends the link that came before `next`.
    pub(super) fn end_link(&mut self, next: Option<&TreeEvent>) -> io::Result<()> {
        let Some(link) = self.link.take() else {
            return Ok(());
        };
        let name = self.name(&link.path)?;
        let has_content = match next {
            Some(TreeEvent::File(path, ..) | TreeEvent::Unread(path, ..)) => *path == link.path,
            _ => false,
        };
        match (link.target, has_content) {
            (Some(target), true) => {
                let link = FileLink {
                    target,
                    is_file: true,
                    attributes: link.attributes,
                };
                self.contents.links.push((name, link));
            }
            (Some(target), false) => self.contents.dangling.push((name, target)),
            (None, true) => {}
            (None, false) => {
                return Err(misuse("a second name of a file came without its content"));
            }
        }
        Ok(())
    }
}
