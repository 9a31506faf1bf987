use std::fmt;

use crate::{codec::Codec, pg::Oid};

/// What a set of archives holds.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum ArchiveSet {
    /// The data directory: `data`.
    Data,
    /// The tablespace with this identifier: `16384`.
    Tablespace(Oid),
}

/// The name of one archive of a base backup: `data.tar`, `data_0001.tar`, `16384.tar`.
///
/// Ordered by set, then part. This is the order of extraction, but not that of a listing by key
/// when there are 10,000 parts.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ArchiveName {
    /// Which set.
    pub set: ArchiveSet,
    /// Which part of the set, counted from 0.
    pub part: u32,
}

impl ArchiveName {
    /// Returns the first archive of a set.
    pub const fn first(set: ArchiveSet) -> Self {
        Self { set, part: 0 }
    }

    /// Returns the archive that continues this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self {
            part: self.part + 1,
            ..self
        }
    }

    /// Returns the base name of the object that holds it, compressed with `codec`.
    pub fn file_name(self, codec: Option<Codec>) -> String {
        match codec {
            None => self.to_string(),
            Some(codec) => format!("{self}.{}", codec.barman_extension()),
        }
    }

    /// Reads the base name of an object; `None` if it is not that of an archive.
    pub fn parse(file_name: &str) -> Option<(Self, Option<Codec>)> {
        let (stem, ending) = file_name.split_once('.')?;
        let codec = match ending.strip_prefix("tar")? {
            "" => None,
            ending => Some(archive_codec(ending.strip_prefix('.')?)?),
        };
        let (set, part) = match stem.split_once('_') {
            None => (stem, 0),
            Some((set, digits)) => (set, part(digits)?),
        };
        let set = match set {
            "data" => ArchiveSet::Data,
            oid => ArchiveSet::Tablespace(oid.parse().ok()?),
        };
        Some((Self { set, part }, codec))
    }
}

/// Finds the codec of an archive. xz is for WAL only.
fn archive_codec(extension: &str) -> Option<Codec> {
    Codec::from_barman_extension(extension).filter(|codec| *codec != Codec::Xz)
}

/// Reads the number of a part behind the first: at least four digits, no more zeros than that.
fn part(digits: &str) -> Option<u32> {
    let number: u32 = digits.parse().ok()?;
    (number > 0 && format!("{number:04}") == digits).then_some(number)
}

impl fmt::Display for ArchiveSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data => f.pad("data"),
            Self::Tablespace(oid) => oid.fmt(f),
        }
    }
}

impl fmt::Display for ArchiveName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.part {
            0 => write!(f, "{}.tar", self.set),
            part => write!(f, "{}_{part:04}.tar", self.set),
        }
    }
}

/// When an archive is full, and in which parts it is uploaded.
///
/// The figures are those of `barman-cloud-backup`, except that parts are equal here.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct ArchiveLimits {
    max_archive_size: u64,
    min_part_size: u64,
}

impl ArchiveLimits {
    /// Largest size of an archive that can be asked for, in bytes: 1 TiB.
    pub const LARGEST: u64 = 1 << 40;

    /// Takes the sizes that were asked for, in bytes; sizes out of range are taken for the
    /// nearest possible one.
    pub fn new(max_archive_size: u64, min_part_size: u64) -> Self {
        Self {
            max_archive_size: max_archive_size.min(Self::LARGEST),
            min_part_size: min_part_size.max(5 << 20),
        }
    }

    /// Returns whether the next file belongs in the next archive, when `written` bytes of this
    /// one, compressed, were written.
    ///
    /// A file is never split, so an archive can become larger by one file.
    pub const fn is_full(&self, written: u64) -> bool {
        written > self.max_archive_size
    }

    /// Returns the size of the parts of an upload, in bytes; about 5,000 of them make an archive.
    pub fn part_size(&self) -> u64 {
        (self.max_archive_size / 10_000 * 2).max(self.min_part_size)
    }
}

impl Default for ArchiveLimits {
    /// Archives of 40 GiB in parts of 8 MiB, so that a few parts do not need much memory. The
    /// tools' own default is 100 GiB; they read archives of any size.
    fn default() -> Self {
        Self::new(40 << 30, 8 << 20)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn any_archive() -> impl Strategy<Value = ArchiveName> {
        let set = prop_oneof![
            Just(ArchiveSet::Data),
            (1..=u32::MAX).prop_map(|oid| ArchiveSet::Tablespace(Oid::new(oid).unwrap())),
        ];
        (set, 0..20_000_u32).prop_map(|(set, part)| ArchiveName { set, part })
    }

    #[test]
    fn names_of_archives_are_told_from_others() {
        let tablespace = ArchiveSet::Tablespace(Oid::new(16384).unwrap());
        for (name, set, part, codec) in [
            ("data.tar", ArchiveSet::Data, 0, None),
            ("data.tar.gz", ArchiveSet::Data, 0, Some(Codec::Gzip)),
            ("data_0001.tar", ArchiveSet::Data, 1, None),
            (
                "data_9999.tar.snappy",
                ArchiveSet::Data,
                9999,
                Some(Codec::Snappy),
            ),
            (
                "data_10000.tar.zst",
                ArchiveSet::Data,
                10_000,
                Some(Codec::Zstd),
            ),
            ("16384.tar.lz4", tablespace, 0, Some(Codec::Lz4)),
            ("16384_0012.tar.bz2", tablespace, 12, Some(Codec::Bzip2)),
        ] {
            let archive = ArchiveName { set, part };
            assert_eq!(ArchiveName::parse(name), Some((archive, codec)));
            assert_eq!(archive.file_name(codec), name);
        }
        for name in [
            "",
            "data",
            "data.gz",
            "data.tar.xz",
            "data.tar.gzip",
            "data.tar.",
            "data.tgz",
            "data_1.tar",
            "data_0000.tar",
            "data_00001.tar",
            "data_+001.tar",
            "data_.tar",
            "data.tar.gz.gz",
            "Data.tar",
            "0.tar",
            "016384.tar",
            "backup.info",
            "backup_label",
        ] {
            assert_eq!(ArchiveName::parse(name), None, "{name}");
        }
    }

    #[test]
    fn archives_are_ordered_by_set_and_part() {
        let data = ArchiveName::first(ArchiveSet::Data);
        let tablespace = ArchiveName::first(ArchiveSet::Tablespace(Oid::new(1).unwrap()));

        assert!(data < data.next() && data.next() < tablespace);
        assert_eq!(data.next().next().to_string(), "data_0002.tar");
    }

    #[test]
    fn limits_are_those_of_the_tool() {
        let tools = ArchiveLimits::new(100 << 30, 0);
        assert_eq!(tools.part_size(), 21_474_836);
        assert!(!tools.is_full(100 << 30));
        assert!(tools.is_full((100 << 30) + 1));

        assert_eq!(ArchiveLimits::new(6 << 20, 0).part_size(), 5 << 20);
        assert_eq!(ArchiveLimits::new(6 << 20, 64 << 20).part_size(), 64 << 20);
        assert!(ArchiveLimits::new(u64::MAX, 0).is_full((1 << 40) + 1));
    }

    proptest! {
        #[test]
        fn any_name_is_foreign_or_its_own_file_name(name in "(data|[0-9]{1,6})(_[0-9]{1,6})?[.]tar([.][a-z0-9]{2,6})?") {
            if let Some((archive, codec)) = ArchiveName::parse(&name) {
                prop_assert_eq!(archive.file_name(codec), name);
            }
        }
    }
}
