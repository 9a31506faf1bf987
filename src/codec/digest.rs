//! Digests of content.
//!
//! The archive's identity of a file is the SHA-1 of its raw bytes, because pgBackRest's names
//! contain it; the CRC-32C guards the spool; the SHA-256 of the encoded bytes signs requests.

use std::{fmt, str::FromStr};

use sha1::Digest as _;

/// A text is not the hexadecimal form of a digest.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is not {1} hexadecimal digits")]
pub struct InvalidDigest(String, usize);

macro_rules! digest {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name([u8; $len]);

        impl $name {
            /// Wraps the bytes of a digest.
            pub const fn from_bytes(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// Returns the bytes.
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = InvalidDigest;

            fn from_str(text: &str) -> Result<Self, InvalidDigest> {
                let mut bytes = [0; $len];
                decode_hex(text, &mut bytes)
                    .map(|()| Self(bytes))
                    .ok_or_else(|| InvalidDigest(text.to_owned(), 2 * $len))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'_, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

digest!(
    /// A SHA-1.
    Sha1,
    20
);
digest!(
    /// A SHA-256.
    Sha256,
    32
);
digest!(
    /// A CRC-32C (Castagnoli), most significant byte first.
    Crc32c,
    4
);

impl Sha256 {
    /// Hashes `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }
}

impl Sha1 {
    /// Hashes `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha1::Sha1::digest(bytes).into())
    }
}

/// What identifies a file's content: its length and digests of its raw bytes.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct ContentDigest {
    /// Number of bytes.
    pub len: u64,
    /// SHA-1 of the bytes.
    pub sha1: Sha1,
    /// CRC-32C of the bytes.
    pub crc32c: Crc32c,
}

/// Computes a [`ContentDigest`] in one pass.
#[derive(Clone, Default)]
pub struct ContentHasher {
    len: u64,
    sha1: sha1::Sha1,
    crc32c: u32,
}

impl ContentHasher {
    /// Adds `block`; blocks of about 64 KiB keep both hashes in cache.
    pub fn update(&mut self, block: &[u8]) {
        self.len += block.len() as u64;
        self.sha1.update(block);
        self.crc32c = crc32c::crc32c_append(self.crc32c, block);
    }

    /// Returns the digest of what was added.
    pub fn finish(self) -> ContentDigest {
        ContentDigest {
            len: self.len,
            sha1: Sha1(self.sha1.finalize().into()),
            crc32c: Crc32c(self.crc32c.to_be_bytes()),
        }
    }
}

impl fmt::Debug for ContentHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContentHasher")
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}

/// Computes a [`Sha256`] of bytes that come in blocks.
#[derive(Clone, Default)]
pub struct Sha256Hasher(sha2::Sha256);

impl Sha256Hasher {
    /// Adds `block`.
    pub fn update(&mut self, block: &[u8]) {
        self.0.update(block);
    }

    /// Returns the digest of what was added.
    pub fn finish(self) -> Sha256 {
        Sha256(self.0.finalize().into())
    }
}

impl fmt::Debug for Sha256Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sha256Hasher")
    }
}

fn decode_hex(text: &str, bytes: &mut [u8]) -> Option<()> {
    let text = text.as_bytes();
    if text.len() != 2 * bytes.len() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        let high = char::from(pair[0]).to_digit(16)?;
        let low = char::from(pair[1]).to_digit(16)?;
        *byte = u8::try_from(high << 4 | low).ok()?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_the_standard_tests() {
        let mut hasher = ContentHasher::default();
        hasher.update(b"1234");
        hasher.update(b"56789");
        let digest = hasher.finish();

        assert_eq!(digest.len, 9);
        assert_eq!(digest.crc32c.to_string(), "e3069283");
        assert_eq!(
            Sha1::of(b"abc").to_string(),
            "a9993e364706816aba3e25717850c26c9cd0d89d"
        );
        assert_eq!(
            Sha256::of(b"abc").to_string(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn text_form_round_trips_and_refuses_the_rest() {
        let digest = Sha1::of(b"x");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        for text in ["", "00", &"g".repeat(40), &"é".repeat(20), &"0".repeat(41)] {
            assert!(text.parse::<Sha1>().is_err(), "{text}");
        }
    }
}
