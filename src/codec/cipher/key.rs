use std::{fmt, sync::Arc};

use sha1::Digest as _;
use zeroize::Zeroizing;

use super::{BLOCK, MAGIC};
use crate::{codec::Sha256Hasher, secret::Secret};

/// A passphrase to encrypt and decrypt with; redacted in `Debug`, cheap to clone.
#[derive(Clone, Eq, PartialEq)]
pub struct Passphrase(Arc<Secret>);

impl Passphrase {
    /// Wraps a secret.
    pub fn new(secret: Secret) -> Self {
        Self(Arc::new(secret))
    }

    /// Returns the text, for the one caller that must write it down.
    pub fn reveal(&self) -> &str {
        self.0.reveal()
    }

    /// Derives key and initialisation vector: OpenSSL's `EVP_BytesToKey`, SHA-1, one iteration.
    pub(super) fn derive(&self, salt: Salt) -> Derived {
        let mut derived = Derived::default();
        let mut digest = Zeroizing::new([0; 20]);
        for (index, part) in derived.0.chunks_mut(20).enumerate() {
            let mut hasher = sha1::Sha1::new();
            if index > 0 {
                hasher.update(*digest);
            }
            hasher.update(self.reveal());
            hasher.update(salt.0);
            *digest = hasher.finalize().into();
            part.copy_from_slice(&digest[..part.len()]);
        }
        derived
    }
}

impl From<Secret> for Passphrase {
    fn from(secret: Secret) -> Self {
        Self::new(secret)
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Key and initialisation vector, one behind the other.
pub(super) struct Derived(Zeroizing<[u8; KEY + BLOCK]>);

impl Derived {
    pub(super) fn key(&self) -> &[u8; KEY] {
        self.0.first_chunk().expect("it is longer than a key")
    }

    pub(super) fn iv(&self) -> &[u8; BLOCK] {
        self.0.last_chunk().expect("it is longer than a block")
    }
}

impl Default for Derived {
    fn default() -> Self {
        Self(Zeroizing::new([0; KEY + BLOCK]))
    }
}

/// What makes equal content under one passphrase look different. No secret.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Salt([u8; 8]);

impl Salt {
    /// Wraps the bytes.
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    /// Derives the salt of a content from the passphrase and a name for the content.
    ///
    /// So encryption is a function of content and passphrase: what is written again is the same,
    /// and repositories with one passphrase share it. Other tools draw it at random.
    pub fn of(passphrase: &Passphrase, name: &[&[u8]]) -> Self {
        let mut hasher = Sha256Hasher::default();
        for part in [passphrase.reveal().as_bytes()].iter().chain(name) {
            hasher.update(&(part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        let digest = hasher.finish();
        Self(*digest.as_bytes().first_chunk().expect("a digest is longer"))
    }

    /// Returns what an encrypted file begins with.
    pub fn header(self) -> [u8; BLOCK] {
        let mut header = [0; BLOCK];
        header[..MAGIC.len()].copy_from_slice(MAGIC);
        header[MAGIC.len()..].copy_from_slice(&self.0);
        header
    }

    /// Reads it from what a file begins with; `None` if that is no encrypted file.
    pub(super) fn from_header(header: [u8; BLOCK]) -> Option<Self> {
        header.starts_with(MAGIC).then(|| {
            let salt = header.last_chunk().expect("a header is longer");
            Self(*salt)
        })
    }
}

/// Bytes of a key.
const KEY: usize = 32;
