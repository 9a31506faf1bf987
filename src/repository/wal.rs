//! Files of the WAL archive, on their way and at rest.

use jiff::Timestamp;

use crate::{
    codec::{Codec, ContentDigest, Encoding, Sha1},
    pg::{MajorVersion, SystemId, WalFileName},
    store::{Key, Payload},
};

/// A file of the archive, read, hashed and encoded once; cheap to clone.
#[derive(Clone, Debug)]
pub struct WalFile {
    /// Its name.
    pub name: WalFileName,
    /// The digest of its bytes before encoding.
    pub content: ContentDigest,
    /// Which cluster wrote it; known for segments and partial segments.
    pub identity: Option<ClusterIdentity>,
    /// How `payload` is encoded.
    pub encoding: Encoding,
    /// The encoded bytes.
    pub payload: Payload,
}

/// Which cluster something belongs to.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct ClusterIdentity {
    /// The system identifier.
    pub system_id: SystemId,
    /// The major version.
    pub version: MajorVersion,
}

/// A file of the archive at rest.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredWal {
    /// Its name.
    pub name: WalFileName,
    /// The object that holds it.
    pub key: Key,
    /// How it is compressed, by its suffix; without a suffix the content decides.
    pub codec: Option<Codec>,
    /// Size of the object in bytes.
    pub stored_size: u64,
    /// When it was stored, by the store's clock.
    pub modified: Timestamp,
    /// Digest of the decoded bytes, where the layout records it.
    pub sha1: Option<Sha1>,
}
