//! The encrypted form of a payload.
//!
//! In memory it is a second copy. Of a file it is computed again for each range that is read, from
//! the encrypted block before it: those at each [`STRIDE`] are kept.

use std::{fs::File, io, os::unix::fs::FileExt};

use crate::codec::{
    Sha256, Sha256Hasher,
    cipher::{CipherState, Passphrase, Salt, encrypted_len},
};

/// Encrypts all of `content`.
pub(super) fn in_memory(content: &[u8], passphrase: &Passphrase, salt: Salt) -> (Vec<u8>, Sha256) {
    let mut hasher = Sha256Hasher::default();
    let mut state = CipherState::new(passphrase, salt);
    let mut bytes = Vec::with_capacity(capacity(content.len()));
    bytes.extend_from_slice(&salt.header());
    let header = bytes.len();
    bytes.extend_from_slice(content);
    // The header is as long as a block.
    CipherState::pad(&mut bytes);
    hasher.update(&bytes[..header]);
    for part in bytes[header..].chunks_mut(CACHED) {
        state.encrypt(part);
        hasher.update(part);
    }
    (bytes, hasher.finish())
}

/// The encrypted form of a file that nobody changes any more.
pub(super) struct EncryptedFile {
    /// Length of the file in bytes.
    plain_len: u64,
    passphrase: Passphrase,
    salt: Salt,
    /// The encrypted block before each stride but the first.
    before: Vec<[u8; BLOCK]>,
}

impl EncryptedFile {
    /// Reads the file once, and returns the SHA-256 of the encrypted form as well.
    pub(super) fn of(
        file: &File,
        plain_len: u64,
        passphrase: Passphrase,
        salt: Salt,
    ) -> io::Result<(Self, Sha256)> {
        let mut encrypted = Self {
            plain_len,
            passphrase,
            salt,
            before: Vec::new(),
        };
        let mut hasher = Sha256Hasher::default();
        hasher.update(&salt.header());
        for index in 0..=plain_len / STRIDE {
            let stride = encrypted.stride(file, index)?;
            hasher.update(&stride);
            let last = stride.last_chunk().expect("there is at least the padding");
            encrypted.before.push(*last);
        }
        Ok((encrypted, hasher.finish()))
    }

    /// Returns its length in bytes.
    pub(super) fn len(&self) -> u64 {
        encrypted_len(self.plain_len)
    }

    /// Fills `buf` with the bytes from `position` on, which are there.
    pub(super) fn read_exact_at(
        &self,
        file: &File,
        mut buf: &mut [u8],
        mut position: u64,
    ) -> io::Result<()> {
        while !buf.is_empty() {
            let (source, skip) = match position.checked_sub(BLOCK as u64) {
                None => (self.salt.header().to_vec(), position),
                Some(inside) => (self.stride(file, inside / STRIDE)?, inside % STRIDE),
            };
            let skip = usize::try_from(skip).map_err(io::Error::other)?;
            let count = buf.len().min(source.len() - skip);
            let (now, later) = buf.split_at_mut(count);
            now.copy_from_slice(&source[skip..skip + count]);
            position += count as u64;
            buf = later;
        }
        Ok(())
    }

    /// Encrypts one stride; the last one has the padding.
    fn stride(&self, file: &File, index: u64) -> io::Result<Vec<u8>> {
        let start = index * STRIDE;
        let len = STRIDE.min(self.plain_len - start);
        let mut bytes = vec![0; usize::try_from(len).map_err(io::Error::other)?];
        file.read_exact_at(&mut bytes, start)?;
        if len < STRIDE {
            CipherState::pad(&mut bytes);
        }
        self.state(index).encrypt(&mut bytes);
        Ok(bytes)
    }

    /// Returns the state before a stride; those before it were encrypted already.
    fn state(&self, index: u64) -> CipherState {
        let before = usize::try_from(index)
            .ok()
            .and_then(|index| self.before.get(index.checked_sub(1)?));
        match before {
            None => CipherState::new(&self.passphrase, self.salt),
            Some(block) => CipherState::behind(&self.passphrase, self.salt, block),
        }
    }
}

fn capacity(len: usize) -> usize {
    usize::try_from(encrypted_len(len as u64)).unwrap_or(len)
}

/// Bytes of a block of the cipher.
const BLOCK: usize = 16;
/// Bytes that stay in the CPU's cache.
const CACHED: usize = 64 << 10;
/// Bytes that are encrypted at a time.
const STRIDE: u64 = 256 << 10;
