use super::info::ArchiveId;
use crate::{
    codec::{Codec, Sha1},
    pg::{SegmentName, WalFileName},
    store::{InvalidKey, Key},
};

/// Where one stanza's files lie below the path of a repository.
///
/// Pure text. A segment, its partial twin and its backup labels lie in a folder named after the
/// segment's first 16 digits, a history file beside these folders. The names of segments and
/// partial segments contain the SHA-1 of their content, and end in that of the codec.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StanzaKeys {
    archive: String,
    backup: String,
    notes: String,
}

/// What the name of a stored file tells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StoredName {
    /// The file.
    pub name: WalFileName,
    /// Digest of its content, of segments and partial segments.
    pub sha1: Option<Sha1>,
    /// How it is compressed.
    pub codec: Option<Codec>,
}

impl StanzaKeys {
    /// Joins the path of a repository, without its leading slashes, and the name of a stanza.
    pub fn new(path: &str, stanza: &str) -> Self {
        let path = path.trim_matches('/');
        let slash = if path.is_empty() { "" } else { "/" };
        Self {
            archive: format!("{path}{slash}archive/{stanza}/"),
            backup: format!("{path}{slash}backup/{stanza}/"),
            notes: format!("{path}{slash}walcast/{stanza}/"),
        }
    }

    /// Returns the prefix of the WAL of all clusters.
    pub fn archive(&self) -> &str {
        &self.archive
    }

    /// Returns the prefix of the base backups.
    pub fn backup(&self) -> &str {
        &self.backup
    }

    /// Returns the prefix of walcast's own notes, where the tool does not look.
    pub fn notes(&self) -> &str {
        &self.notes
    }

    /// Returns the key of `archive.info`.
    pub fn archive_info(&self) -> Result<Key, InvalidKey> {
        Key::parse(format!("{}archive.info", self.archive))
    }

    /// Returns the key of `backup.info`.
    pub fn backup_info(&self) -> Result<Key, InvalidKey> {
        Key::parse(format!("{}backup.info", self.backup))
    }

    /// Returns the key of the manifest of a backup in the history.
    pub fn history(&self, label: &str) -> Result<Key, InvalidKey> {
        let year = label.get(..4).unwrap_or(label);
        let folder = format!("{}backup.history/{year}", self.backup);
        Key::parse(format!("{folder}/{label}.manifest.gz"))
    }

    /// Returns the prefix of one cluster's WAL.
    pub fn wals(&self, id: &ArchiveId) -> String {
        format!("{}{id}/", self.archive)
    }

    /// Returns what every key of the file begins with; the keys of other files may, too.
    pub fn stem(&self, id: &ArchiveId, name: WalFileName) -> String {
        let wals = self.wals(id);
        match name.segment() {
            Some(segment) => format!("{wals}{}/{name}", segment.directory()),
            None => format!("{wals}{name}"),
        }
    }

    /// Returns the key of a file with the content `sha1`, compressed with `codec`. Backup labels
    /// and history files have neither in their names, and are never compressed.
    pub fn key(
        &self,
        id: &ArchiveId,
        name: WalFileName,
        sha1: Sha1,
        codec: Option<Codec>,
    ) -> Result<Key, InvalidKey> {
        let stem = self.stem(id, name);
        if !has_digest(name) {
            return Key::parse(stem);
        }
        Key::parse(match codec.map(Codec::barman_extension) {
            None => format!("{stem}-{sha1}"),
            Some(extension) => format!("{stem}-{sha1}.{extension}"),
        })
    }

    /// Returns what lies under `key` in one cluster's WAL; `None` if it is foreign.
    pub fn parse(&self, id: &ArchiveId, key: &Key) -> Option<StoredName> {
        let path = key.as_str().strip_prefix(&self.wals(id))?;
        let (folder, base) = match path.split_once('/') {
            Some((folder, base)) => (Some(folder), base),
            None => (None, path),
        };
        let stored = parse_base(base)?;
        let expected = stored.name.segment().map(SegmentName::directory);
        (folder == expected.as_deref()).then_some(stored)
    }

    /// Returns the first segment that `prefix`, as a listing of the level under
    /// [`wals`](Self::wals) has it, can hold; `None` if it is foreign.
    pub fn parse_folder(&self, id: &ArchiveId, prefix: &str) -> Option<SegmentName> {
        let digits = prefix.strip_prefix(&self.wals(id))?.strip_suffix('/')?;
        first_of(digits)
    }
}

/// Returns whether the digest of the content is part of the name, and the file may be compressed.
pub(super) fn has_digest(name: WalFileName) -> bool {
    match name {
        WalFileName::Segment(_) | WalFileName::Partial(_) => true,
        WalFileName::BackupLabel { .. } | WalFileName::History(_) => false,
    }
}

/// Returns the first segment of the folder in which `segment` lies.
pub(super) fn first_of_folder(segment: SegmentName) -> SegmentName {
    first_of(&segment.directory()).expect("a folder is named after the segments in it")
}

fn first_of(digits: &str) -> Option<SegmentName> {
    SegmentName::parse(&format!("{digits}00000000")).ok()
}

fn parse_base(base: &str) -> Option<StoredName> {
    let Some((name, rest)) = base.split_once('-') else {
        let name = WalFileName::parse(base).ok()?;
        return (!has_digest(name)).then_some(StoredName {
            name,
            sha1: None,
            codec: None,
        });
    };
    let name = WalFileName::parse(name).ok()?;
    let (digest, codec) = match rest.split_once('.') {
        None => (rest, None),
        Some((digest, extension)) => (digest, Some(codec(extension)?)),
    };
    let is_lower = !digest.bytes().any(|byte| byte.is_ascii_uppercase());
    let sha1 = digest.parse().ok().filter(|_| is_lower)?;
    has_digest(name).then_some(StoredName {
        name,
        sha1: Some(sha1),
        codec,
    })
}

/// The tool knows the ending of xz, but neither writes nor reads it.
fn codec(extension: &str) -> Option<Codec> {
    let codec = Codec::from_barman_extension(extension)?;
    (codec.pgbackrest_name().is_some() || codec == Codec::Xz).then_some(codec)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        pg::{MajorVersion, SystemId},
        repository::{ClusterIdentity, pgbackrest::info::ArchiveInfo},
    };

    const SHA1: &str = "7d4bb0b7a2a9a1fbbc4ea0d2b4e4c8ec5ec5b9e1";

    fn id() -> ArchiveId {
        let identity = ClusterIdentity {
            system_id: SystemId::new(1),
            version: MajorVersion::V15,
        };
        let info = ArchiveInfo::new("2.45", &identity, None);
        info.history().current().archive_id()
    }

    fn key(name: &str, codec: Option<Codec>) -> String {
        let keys = StanzaKeys::new("/var/lib/pgbackrest/", "main");
        let name = WalFileName::parse(name).unwrap();
        let key = keys.key(&id(), name, SHA1.parse().unwrap(), codec).unwrap();
        let below = key
            .as_str()
            .strip_prefix("var/lib/pgbackrest/archive/main/");
        below.unwrap().to_owned()
    }

    #[test]
    fn each_kind_of_file_has_its_place() {
        for (name, codec, expected) in [
            (
                "0000000A000000BB00000001",
                None,
                format!("15-1/0000000A000000BB/0000000A000000BB00000001-{SHA1}"),
            ),
            (
                "0000000A000000BB00000001.partial",
                Some(Codec::Zstd),
                format!("15-1/0000000A000000BB/0000000A000000BB00000001.partial-{SHA1}.zst"),
            ),
            (
                "0000000A000000BB00000001.00000028.backup",
                Some(Codec::Zstd),
                "15-1/0000000A000000BB/0000000A000000BB00000001.00000028.backup".to_owned(),
            ),
            (
                "0000000A.history",
                Some(Codec::Gzip),
                "15-1/0000000A.history".to_owned(),
            ),
        ] {
            assert_eq!(key(name, codec), expected);
        }
        let root = StanzaKeys::new("", "main");
        assert_eq!(
            (root.archive(), root.backup()),
            ("archive/main/", "backup/main/")
        );
    }

    #[test]
    fn foreign_keys_are_not_wal() {
        let keys = StanzaKeys::new("", "main");
        for base in [
            "0000000A000000BB00000001",
            "0000000A000000BB00000001.gz",
            "0000000A000000BB00000001-7d4bb0b7.gz",
            &format!("0000000A000000BB00000001-{SHA1}.snappy"),
            &format!("0000000A000000BB00000001-{SHA1}.gz.pgbackrest.tmp"),
            &format!("0000000A000000BB00000001-{}", SHA1.to_uppercase()),
            &format!("0000000A000000BC00000001-{SHA1}"),
            &format!("0000000A000000BB00000001.00000028.backup-{SHA1}"),
            "0000000A000000BB00000001.00000028.backup.gz",
            "0000000A.history",
        ] {
            let key = Key::parse(format!("archive/main/15-1/0000000A000000BB/{base}")).unwrap();
            assert_eq!(keys.parse(&id(), &key), None, "{base}");
        }
        let other = Key::parse("archive/main/15-2/0000000A.history").unwrap();
        assert_eq!(keys.parse(&id(), &other), None);
    }

    proptest! {
        #[test]
        fn a_key_leads_back_to_its_file(
            timeline in 1..=u32::MAX, log: u32, part: u32, offset: u32, kind in 0..4_u8,
            digest: [u8; 20],
            codec in proptest::option::of(proptest::sample::select(
                &[Codec::Gzip, Codec::Lz4, Codec::Zstd, Codec::Bzip2][..]
            )),
        ) {
            let segment = format!("{timeline:08X}{log:08X}{part:08X}");
            let name = WalFileName::parse(&match kind {
                0 => segment,
                1 => format!("{segment}.partial"),
                2 => format!("{segment}.{offset:08X}.backup"),
                _ => format!("{timeline:08X}.history"),
            }).unwrap();
            let keys = StanzaKeys::new("a/b", "main");
            let sha1 = Sha1::from_bytes(digest);

            let key = keys.key(&id(), name, sha1, codec).unwrap();

            let expected = StoredName {
                name,
                sha1: has_digest(name).then_some(sha1),
                codec: codec.filter(|_| has_digest(name)),
            };
            prop_assert_eq!(keys.parse(&id(), &key), Some(expected));
            prop_assert!(key.as_str().starts_with(&keys.stem(&id(), name)));
        }
    }
}
