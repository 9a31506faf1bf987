//! How a cluster names one of its destinations.

use std::{fmt, num::NonZeroU32, str::FromStr};

/// A resource of the files as a destination: `ObjectStore/NAME`, `Stanza/NAME/N`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reference {
    /// The resource.
    pub kind: ReferenceKind,
    /// Its name.
    pub name: String,
}

/// The kind of a [`Reference`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ReferenceKind {
    /// An `ObjectStore` of the Barman Cloud plugin.
    ObjectStore,
    /// A repository of a `Stanza` of the pgBackRest plugin, by its number; `None` is all of them.
    Stanza(Option<NonZeroU32>),
    /// The same of a `Repository`, the Stanza's predecessor.
    Repository(Option<NonZeroU32>),
}

/// The text does not name a destination.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` does not name a destination such as ObjectStore/NAME or Stanza/NAME/2")]
pub struct InvalidReference(String);

impl Reference {
    /// Returns what walcast calls the destination: the resource's name, with the repository's
    /// number behind it where there is one.
    pub fn destination_name(&self) -> String {
        match self.kind {
            ReferenceKind::ObjectStore
            | ReferenceKind::Stanza(None)
            | ReferenceKind::Repository(None) => self.name.clone(),
            ReferenceKind::Stanza(Some(number)) | ReferenceKind::Repository(Some(number)) => {
                format!("{}-{number}", self.name)
            }
        }
    }
}

impl FromStr for Reference {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidReference(text.to_owned());
        let mut parts = text.split('/');
        let (kind, name) = (parts.next(), parts.next().unwrap_or_default());
        let number = parts.next().map(str::parse).transpose();
        let number = number.map_err(|_| invalid())?;
        let kind = match (kind, number) {
            (Some("ObjectStore"), None) => ReferenceKind::ObjectStore,
            (Some("Stanza"), number) => ReferenceKind::Stanza(number),
            (Some("Repository"), number) => ReferenceKind::Repository(number),
            _ => return Err(invalid()),
        };
        if name.is_empty() || parts.next().is_some() {
            return Err(invalid());
        }
        let name = name.to_owned();
        Ok(Self { kind, name })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, number) = match self.kind {
            ReferenceKind::ObjectStore => ("ObjectStore", None),
            ReferenceKind::Stanza(number) => ("Stanza", number),
            ReferenceKind::Repository(number) => ("Repository", number),
        };
        write!(f, "{kind}/{}", self.name)?;
        number.map_or(Ok(()), |number| write!(f, "/{number}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read_and_written_alike() {
        for (text, name) in [
            ("ObjectStore/frankfurt", "frankfurt"),
            ("Stanza/main", "main"),
            ("Stanza/main/2", "main-2"),
            ("Repository/old/1", "old-1"),
        ] {
            let reference: Reference = text.parse().unwrap();

            assert_eq!(reference.to_string(), text);
            assert_eq!(reference.destination_name(), name);
        }
    }

    #[test]
    fn what_names_nothing_is_refused() {
        for text in [
            "",
            "frankfurt",
            "ObjectStore",
            "ObjectStore/",
            "ObjectStore/a/1",
            "Stanza/a/0",
            "Stanza/a/b",
            "Stanza/a/1/2",
            "Secret/a",
            "objectstore/a",
        ] {
            assert!(text.parse::<Reference>().is_err(), "{text}");
        }
    }
}
