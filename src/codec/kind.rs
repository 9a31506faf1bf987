use std::fmt;

use super::CodecError;

/// A compression that at least one of the two layouts knows.
///
/// All of them can be named in every build; [`is_available`](Self::is_available) tells which ones
/// can be used. The text form and serialisation are Barman's names.
#[derive(
    Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, serde::Deserialize, serde::Serialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Codec {
    /// gzip, RFC 1952.
    Gzip,
    /// bzip2.
    Bzip2,
    /// The .xz container with LZMA2.
    Xz,
    /// Zstandard frames, RFC 8878.
    Zstd,
    /// LZ4 frames.
    Lz4,
    /// Snappy's framing format; raw Snappy is read by nobody.
    Snappy,
}

impl Codec {
    /// Every codec.
    pub const ALL: [Self; 6] = [
        Self::Gzip,
        Self::Bzip2,
        Self::Xz,
        Self::Zstd,
        Self::Lz4,
        Self::Snappy,
    ];

    /// Returns the name in Barman's options and metadata, which is also the cargo feature's.
    pub const fn barman_name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Zstd => "zstd",
            Self::Lz4 => "lz4",
            Self::Snappy => "snappy",
        }
    }

    /// Returns the ending of Barman's object names, without the dot.
    pub const fn barman_extension(self) -> &'static str {
        match self {
            Self::Gzip => "gz",
            Self::Bzip2 => "bz2",
            Self::Xz => "xz",
            Self::Zstd => "zst",
            Self::Lz4 => "lz4",
            Self::Snappy => "snappy",
        }
    }

    /// Returns pgBackRest's name, which is also its ending of file names; `None` if it has none.
    pub const fn pgbackrest_name(self) -> Option<&'static str> {
        match self {
            Self::Gzip => Some("gz"),
            Self::Bzip2 => Some("bz2"),
            Self::Zstd => Some("zst"),
            Self::Lz4 => Some("lz4"),
            Self::Xz | Self::Snappy => None,
        }
    }

    /// Finds the codec with this [`barman_name`](Self::barman_name).
    pub fn from_barman_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|codec| codec.barman_name() == name)
    }

    /// Finds the codec with this [`barman_extension`](Self::barman_extension).
    pub fn from_barman_extension(extension: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|codec| codec.barman_extension() == extension)
    }

    /// Finds the codec with this [`pgbackrest_name`](Self::pgbackrest_name).
    pub fn from_pgbackrest_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|codec| codec.pgbackrest_name() == Some(name))
    }

    /// Recognises a codec by the first bytes of a file; ten of them are enough.
    ///
    /// WAL and PostgreSQL's other files begin like none of these formats.
    pub fn detect(first_bytes: &[u8]) -> Option<Self> {
        match first_bytes {
            [0x1F, 0x8B, 0x08, ..] => Some(Self::Gzip),
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Some(Self::Bzip2),
            [0xFD, b'7', b'z', b'X', b'Z', 0x00, ..] => Some(Self::Xz),
            // The second one is a skippable frame, with which parallel zstd compressors begin.
            [0x28, 0xB5, 0x2F, 0xFD, ..] | [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..] => Some(Self::Zstd),
            [0x04, 0x22, 0x4D, 0x18, ..] => Some(Self::Lz4),
            _ if first_bytes.starts_with(SNAPPY_STREAM_IDENTIFIER) => Some(Self::Snappy),
            _ => None,
        }
    }

    /// Returns whether the format marks its end, so that a cut is always noticed.
    ///
    /// Snappy's framing format does not: a file that was cut between two chunks of 64 KiB, or in
    /// which the type of a chunk was damaged, can decode without an error. Compare the decoded
    /// length with the expected one.
    pub const fn marks_end(self) -> bool {
        !matches!(self, Self::Snappy)
    }

    /// Returns whether this build has the codec; gzip is always there.
    pub const fn is_available(self) -> bool {
        match self {
            Self::Gzip => true,
            Self::Bzip2 => cfg!(feature = "bzip2"),
            Self::Xz => cfg!(feature = "xz"),
            Self::Zstd => cfg!(feature = "zstd"),
            Self::Lz4 => cfg!(feature = "lz4"),
            Self::Snappy => cfg!(feature = "snappy"),
        }
    }

    /// Refuses a codec that this build does not have.
    pub(super) fn require(self) -> Result<(), CodecError> {
        if self.is_available() {
            Ok(())
        } else {
            Err(CodecError::Unavailable { codec: self })
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.barman_name())
    }
}

/// The chunk with which each framed Snappy stream begins.
pub(super) const SNAPPY_STREAM_IDENTIFIER: &[u8] = b"\xFF\x06\x00\x00sNaPpY";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_codec_is_found_by_each_of_its_names() {
        for codec in Codec::ALL {
            let json = format!("\"{codec}\"");

            assert_eq!(Codec::from_barman_name(codec.barman_name()), Some(codec));
            assert_eq!(
                Codec::from_barman_extension(codec.barman_extension()),
                Some(codec)
            );
            assert_eq!(serde_json::to_string(&codec).unwrap(), json);
            assert_eq!(serde_json::from_str::<Codec>(&json).unwrap(), codec);
            if let Some(name) = codec.pgbackrest_name() {
                assert_eq!(Codec::from_pgbackrest_name(name), Some(codec));
            }
        }
        assert_eq!(Codec::from_pgbackrest_name("gzip"), None);
        assert_eq!(Codec::from_barman_extension("GZ"), None);
    }

    #[test]
    fn other_beginnings_are_not_taken_for_a_codec() {
        for bytes in [
            &b""[..],
            b"\x1F\x8B",
            b"BZh0",
            b"\xFF\x06\x00\x00sNaPp",
            b"\x10\xD1\x02\x00\x01\x00\x00\x00\x00\x00",
            b"1\t0/18000ED8\tno recovery target specified\n",
            b"START WAL LOCATION: 0/6000028",
        ] {
            assert_eq!(Codec::detect(bytes), None, "{bytes:?}");
        }
    }
}
