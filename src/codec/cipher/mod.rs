//! AES-256-CBC as pgBackRest and `openssl enc -aes-256-cbc -md sha1` write it.
//!
//! A file is `Salted__`, 8 bytes of salt, and the encrypted content with PKCS#7 padding. Key and
//! initialisation vector come from the passphrase and the salt alone. Nothing authenticates the
//! content: a wrong passphrase gives nonsense, which shows at the padding or in what is inside.

mod decryptor;
mod encryptor;
mod key;

pub use self::{
    decryptor::Decryptor,
    encryptor::{CipherState, Encryptor},
    key::{Passphrase, Salt},
};

/// Bytes of a block, and of what stands before the encrypted content.
const BLOCK: usize = 16;
/// Bytes that are worked on at a time, a multiple of [`BLOCK`].
const CHUNK: usize = 64 << 10;
/// What every encrypted file begins with.
const MAGIC: &[u8; 8] = b"Salted__";

/// Returns whether `bytes` begin as an encrypted file does.
pub fn is_encrypted(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// Returns how long `len` bytes are when they are encrypted.
pub const fn encrypted_len(len: u64) -> u64 {
    let block = BLOCK as u64;
    block + (len / block + 1) * block
}

#[cfg(test)]
mod tests;
