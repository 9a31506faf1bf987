use super::{ArchiveName, BackupId, WalKeys};
use crate::{
    codec::Codec,
    store::{InvalidKey, Key},
};

/// Where one server's base backups lie below a prefix of the store. Pure text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BackupKeys {
    base: String,
    /// Below which the tools put an annotation, if not below `base`.
    glued: Option<String>,
}

/// What an object of a base backup is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum BackupObject {
    /// `backup.info`: a directory that has it is a backup.
    Info,
    /// An archive, and how it is compressed.
    Archive(ArchiveName, Option<Codec>),
    /// `backup_label` of a backup whose data are snapshots of disks.
    Label,
    /// `annotations/keep`: the backup must not be deleted.
    Keep,
}

impl BackupKeys {
    /// Joins a prefix and a server's name as [`WalKeys::new`] does.
    ///
    /// The tools join the key of an annotation in another way: to a prefix that ends in `/` they
    /// add a second one. [`key`](Self::key) does so, too, and
    /// [`keep_prefixes`](Self::keep_prefixes) tells both places.
    pub fn new(prefix: &str, server: &str) -> Self {
        let base = format!("{}base/", WalKeys::new(prefix, server).server());
        let glued = match prefix {
            "" => format!("{server}/base/"),
            prefix => format!("{prefix}/{server}/base/"),
        };
        Self {
            glued: (glued != base).then_some(glued),
            base,
        }
    }

    /// Returns the prefix of all backups.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Returns the prefix of everything of one backup, but for an annotation elsewhere.
    pub fn folder(&self, id: BackupId) -> String {
        format!("{}{id}/", self.base)
    }

    /// Returns the key of an object; that of an annotation is the one that the tools would choose.
    pub fn key(&self, id: BackupId, object: BackupObject) -> Result<Key, InvalidKey> {
        Key::parse(match object {
            BackupObject::Info => format!("{}backup.info", self.folder(id)),
            BackupObject::Archive(name, codec) => {
                format!("{}{}", self.folder(id), name.file_name(codec))
            }
            BackupObject::Label => format!("{}backup_label", self.folder(id)),
            BackupObject::Keep => {
                let base = self.glued.as_ref().unwrap_or(&self.base);
                format!("{base}{id}/{KEEP}")
            }
        })
    }

    /// Returns where annotations can be: below the first prefix if the tools are called with this
    /// URL, below the second one if they were with another spelling of it.
    pub fn keep_prefixes(&self) -> impl Iterator<Item = &str> {
        self.glued.iter().chain([&self.base]).map(String::as_str)
    }

    /// Returns what lies under `key`; `None` if it is foreign.
    pub fn parse(&self, key: &Key) -> Option<(BackupId, BackupObject)> {
        let glued = self.glued.as_deref().and_then(|glued| below(glued, key));
        if let Some((id, KEEP)) = glued {
            return Some((id, BackupObject::Keep));
        }
        let (id, name) = below(&self.base, key)?;
        let object = match name {
            "backup.info" => BackupObject::Info,
            "backup_label" => BackupObject::Label,
            KEEP => BackupObject::Keep,
            name => {
                let (name, codec) = ArchiveName::parse(name)?;
                BackupObject::Archive(name, codec)
            }
        };
        Some((id, object))
    }
}

/// Splits a key below `base` into the backup's id and what follows.
fn below<'a>(base: &str, key: &'a Key) -> Option<(BackupId, &'a str)> {
    let (id, rest) = key.as_str().strip_prefix(base)?.split_once('/')?;
    Some((id.parse().ok()?, rest))
}

const KEEP: &str = "annotations/keep";

#[cfg(test)]
mod tests {
    use proptest::{option, prelude::*, sample::select};

    use super::{
        super::archive_name::{ArchiveSet, tests::any_archive},
        *,
    };

    /// What Barman's tools wrote: sizes, ETags and keys.
    const KEYS: &str = include_str!("../../../tests/fixtures/barman/base-keys.txt");

    fn id(text: &str) -> BackupId {
        text.parse().unwrap()
    }

    #[test]
    fn every_key_of_the_tools_is_understood_and_made_again() {
        let keys = BackupKeys::new("pg", "cluster-example");

        for text in KEYS.lines() {
            let key = Key::parse(text).unwrap();
            let (id, object) = keys.parse(&key).unwrap();
            assert_eq!(keys.key(id, object), Ok(key));
        }
        assert!(KEYS.lines().count() > 30);
    }

    #[test]
    fn each_object_has_its_place() {
        let data = ArchiveName::first(ArchiveSet::Data);
        for (object, expected) in [
            (BackupObject::Info, "backup.info"),
            (BackupObject::Label, "backup_label"),
            (BackupObject::Keep, "annotations/keep"),
            (BackupObject::Archive(data, None), "data.tar"),
            (
                BackupObject::Archive(data.next(), Some(Codec::Gzip)),
                "data_0001.tar.gz",
            ),
        ] {
            let key = BackupKeys::new("", "srv").key(id("20261122T124808"), object);
            assert_eq!(
                key.unwrap().as_str(),
                format!("srv/base/20261122T124808/{expected}")
            );
        }
    }

    #[test]
    fn an_annotation_below_a_prefix_with_a_slash_gets_a_second_one() {
        for (prefix, own, other) in [
            ("", "srv/base/", None),
            ("a", "a/srv/base/", None),
            ("a/", "a//srv/base/", Some("a/srv/base/")),
            ("a//", "a///srv/base/", Some("a//srv/base/")),
        ] {
            let keys = BackupKeys::new(prefix, "srv");
            let id = id("20261122T124808");

            let keep = keys.key(id, BackupObject::Keep).unwrap();

            assert_eq!(
                keep.as_str(),
                format!("{own}20261122T124808/annotations/keep")
            );
            let prefixes: Vec<_> = keys.keep_prefixes().collect();
            assert_eq!(
                prefixes,
                [Some(own), other].into_iter().flatten().collect::<Vec<_>>()
            );
            for prefix in prefixes {
                let keep = Key::parse(format!("{prefix}{id}/annotations/keep")).unwrap();
                assert_eq!(keys.parse(&keep), Some((id, BackupObject::Keep)));
            }
        }
    }

    #[test]
    fn foreign_keys_are_no_backups() {
        let keys = BackupKeys::new("pg/", "srv");
        for text in [
            "pg/srv/base/20261122T124808",
            "pg/srv/base/20261122T124808/",
            "pg/srv/base/20261122T124808/other",
            "pg/srv/base/20261122T124808/annotations/other",
            "pg/srv/base/20261122T124808/deep/data.tar",
            "pg/srv/base/nightly/backup.info",
            "pg/srv/base/backup.info",
            "pg//srv/base/20261122T124808/backup.info",
            "pg/srv/wals/00000002.history",
            "pg/other/base/20261122T124808/backup.info",
        ] {
            assert_eq!(keys.parse(&Key::parse(text).unwrap()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_key_leads_back_to_its_object(
            id in "[0-9]{8}T[0-9]{6}",
            archive in any_archive(),
            codec in option::of(select(vec![Codec::Gzip, Codec::Zstd, Codec::Snappy])),
            kind in 0..4,
            prefix in "([a-z][a-z/]{0,5})?",
        ) {
            let object = match kind {
                0 => BackupObject::Info,
                1 => BackupObject::Label,
                2 => BackupObject::Keep,
                _ => BackupObject::Archive(archive, codec),
            };
            let (keys, id) = (BackupKeys::new(&prefix, "srv"), id.parse().unwrap());

            let key = keys.key(id, object).unwrap();

            prop_assert_eq!(keys.parse(&key), Some((id, object)));
        }
    }
}
