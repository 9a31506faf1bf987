use std::fmt;

use super::ArchiveLimits;
use crate::codec::{Codec, CodecError, Encoding};

/// How the archives of a base backup are written.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct ArchiveEncoding {
    encoding: Encoding,
    limits: ArchiveLimits,
}

impl ArchiveEncoding {
    /// Chooses how archives are compressed, and when they are full.
    ///
    /// # Errors
    ///
    /// [`CodecError::Unavailable`] for xz, which Barman has for WAL only.
    pub fn new(encoding: Encoding, limits: ArchiveLimits) -> Result<Self, CodecError> {
        match encoding.codec() {
            Some(codec @ Codec::Xz) => Err(CodecError::Unavailable { codec }),
            _ => Ok(Self { encoding, limits }),
        }
    }

    /// Returns how archives are compressed.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Returns when they are full.
    pub fn limits(&self) -> ArchiveLimits {
        self.limits
    }
}

impl Default for ArchiveEncoding {
    /// Not compressed, in archives of 40 GiB.
    fn default() -> Self {
        Self {
            encoding: Encoding::PLAIN,
            limits: ArchiveLimits::default(),
        }
    }
}

impl fmt::Display for ArchiveEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.encoding.fmt(f)
    }
}
