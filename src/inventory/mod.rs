//! Manifests of a whole system: many files, their resources, and what refers to what.
//!
//! An [`Inventory`] has the texts and their documents; it never stops at a file that is broken.
//! An [`Index`] over it has the [`Resource`]s of the kinds that backups depend on, and finds what
//! one refers to: in its namespace, nearest first. All other kinds are passed by.
//!
//! Manifests are read as people keep them, so much is not known: values may be placeholders that a
//! tool fills in later, namespaces are given on applying, patches change what is written. A value
//! is therefore [`Seen`] as something, as nothing, or not at all; defaults of placeholders
//! (`${NAME:=x}`) count as the value. Templates of Helm (`{{ … }}`) are not run.
//!
//! ```
//! use walcast::inventory::{Inventory, Kind, Seen};
//!
//! let mut inventory = Inventory::default();
//! let text = "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: main}\n\
//!             spec: {instances: \"${N}\"}\n";
//! inventory.add("cluster.yaml", text.to_owned());
//!
//! let index = inventory.index();
//! let cluster = index.of_kind(Kind::Cluster)[0];
//! assert_eq!(cluster.name(), Seen::Is("main"));
//! assert_eq!(cluster.spec().get("instances").number(), Seen::Unknown);
//! ```

mod field;
mod index;
mod kustomization;
mod read;
mod resource;
#[cfg(test)]
mod tests;

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

pub use self::{
    field::{Field, Seen},
    index::{Found, Index},
    read::{MAX_FILE, ReadError},
    resource::{Kind, Resource},
};
use crate::manifest::{self, Document, EncodingError, Variables};

/// The manifests of a system.
#[derive(Debug, Default)]
pub struct Inventory {
    variables: Variables,
    files: Vec<File>,
    troubles: Vec<Trouble>,
    /// The files and folders that were read, by their canonical paths.
    visited: HashSet<PathBuf>,
}

/// A file with manifests.
#[derive(Debug)]
pub struct File {
    /// The name it was added under.
    pub name: PathBuf,
    /// All of it.
    pub text: String,
    /// Its documents. Placeholders are replaced where they have a value or a default.
    pub documents: Vec<Document>,
}

/// A file that could not be read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Trouble {
    /// Its name.
    pub file: PathBuf,
    /// What is in the way.
    pub reason: TroubleReason,
}

/// Why a file could not be read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TroubleReason {
    /// It is larger than [`MAX_FILE`].
    #[error("it is larger than {} MiB", MAX_FILE >> 20)]
    TooLarge,
    /// It is no text.
    #[error(transparent)]
    Encoding(#[from] EncodingError),
    /// The system does not let us.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
}

impl Inventory {
    /// Begins an inventory in which these variables replace placeholders.
    pub fn new(variables: Variables) -> Self {
        Self {
            variables,
            ..Self::default()
        }
    }

    /// Adds a text under a name.
    pub fn add(&mut self, name: impl Into<PathBuf>, text: String) {
        let mut documents = manifest::documents(&text);
        if text.contains("${") {
            for document in &mut documents {
                self.fill(document);
            }
        }
        self.files.push(File {
            name: name.into(),
            text,
            documents,
        });
    }

    /// A document that its own defaults would break stays as it is.
    fn fill(&self, document: &mut Document) {
        let mut filled = document.clone();
        filled.substitute(&self.variables);
        if filled.root.is_ok() {
            *document = filled;
        }
    }

    /// Adds the bytes of a file under a name; what is too large or no text is a trouble.
    pub fn add_bytes(&mut self, name: impl Into<PathBuf>, bytes: Vec<u8>) {
        let name = name.into();
        if bytes.len() as u64 > MAX_FILE {
            self.trouble(name, TroubleReason::TooLarge);
            return;
        }
        match manifest::text_of(bytes) {
            Ok(text) => self.add(name, text),
            Err(error) => self.trouble(name, error.into()),
        }
    }

    /// Adds a file, or all files below a folder whose names end in `.yaml` or `.yml`.
    ///
    /// What begins with a dot is passed by in folders. Links are followed, but no file and no
    /// folder is read twice. A file that cannot be read is a trouble and does not stop the others.
    ///
    /// # Errors
    /// If there is nothing at `path`.
    pub fn read(&mut self, path: &Path) -> Result<(), ReadError> {
        read::path(self, path)
    }

    /// Returns the files, in the order in which they were added.
    pub fn files(&self) -> &[File] {
        &self.files
    }

    /// Returns the files that could not be read.
    pub fn troubles(&self) -> &[Trouble] {
        &self.troubles
    }

    /// Returns what replaces placeholders.
    pub fn variables(&self) -> &Variables {
        &self.variables
    }

    /// Sorts the resources.
    pub fn index(&self) -> Index<'_> {
        Index::new(&self.files)
    }

    fn trouble(&mut self, file: PathBuf, reason: TroubleReason) {
        self.troubles.push(Trouble { file, reason });
    }
}

impl File {
    /// Returns the folder it is in, as far as its name tells.
    pub fn folder(&self) -> &Path {
        self.name.parent().unwrap_or_else(|| Path::new(""))
    }
}
