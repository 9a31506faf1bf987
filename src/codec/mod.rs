//! Bytes to bytes: compression and digests.

mod digest;

pub use self::digest::{
    ContentDigest, ContentHasher, Crc32c, InvalidDigest, Sha1, Sha256, Sha256Hasher,
};
