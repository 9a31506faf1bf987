use std::{
    fmt,
    io::{self, Write},
};

use aes::{Aes256, Block};
use cbc::cipher::{BlockModeEncrypt, KeyIvInit};

use super::{BLOCK, CHUNK, Passphrase, Salt};

/// Encrypts what is written to it.
///
/// The output depends on the content, the passphrase and the salt alone. The end is written by
/// [`finish`](Self::finish); without it the output is incomplete. `flush` does nothing, as only
/// whole blocks can be encrypted. After an error the output is of no use.
pub struct Encryptor<W> {
    writer: W,
    state: CipherState,
    /// Content that is not encrypted yet.
    pending: Vec<u8>,
}

impl<W: Write> Encryptor<W> {
    /// Writes what an encrypted file begins with.
    pub fn new(passphrase: &Passphrase, salt: Salt, mut writer: W) -> io::Result<Self> {
        writer.write_all(&salt.header())?;
        Ok(Self {
            writer,
            state: CipherState::new(passphrase, salt),
            pending: Vec::with_capacity(CHUNK),
        })
    }

    /// Writes the rest and the padding, and returns the writer, which is not flushed.
    pub fn finish(mut self) -> io::Result<W> {
        CipherState::pad(&mut self.pending);
        self.encrypt_pending()?;
        Ok(self.writer)
    }

    fn encrypt_pending(&mut self) -> io::Result<()> {
        self.state.encrypt(&mut self.pending);
        self.writer.write_all(&self.pending)?;
        self.pending.clear();
        Ok(())
    }
}

impl<W: Write> Write for Encryptor<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let count = buf.len().min(CHUNK - self.pending.len());
        self.pending.extend_from_slice(&buf[..count]);
        if self.pending.len() == CHUNK {
            self.encrypt_pending()?;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<W> fmt::Debug for Encryptor<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encryptor").finish_non_exhaustive()
    }
}

/// Encryption at some place of a file, for whoever needs only a part of it.
pub struct CipherState(cbc::Encryptor<Aes256>);

impl CipherState {
    /// Begins before the first block of content.
    pub fn new(passphrase: &Passphrase, salt: Salt) -> Self {
        let derived = passphrase.derive(salt);
        Self(cbc::Encryptor::new(
            derived.key().into(),
            derived.iv().into(),
        ))
    }

    /// Goes on behind a block whose encrypted form is `before`.
    pub fn behind(passphrase: &Passphrase, salt: Salt, before: &[u8; BLOCK]) -> Self {
        let derived = passphrase.derive(salt);
        Self(cbc::Encryptor::new(derived.key().into(), before.into()))
    }

    /// Encrypts whole blocks in place.
    ///
    /// # Panics
    /// If the last block is not whole.
    pub fn encrypt(&mut self, content: &mut [u8]) {
        let (blocks, rest) = Block::slice_as_chunks_mut(content);
        assert!(rest.is_empty(), "only whole blocks can be encrypted");
        self.0.encrypt_blocks(blocks);
    }

    /// Adds the padding to the end of a content: 1 to 16 bytes.
    pub fn pad(content: &mut Vec<u8>) {
        let missing = BLOCK - content.len() % BLOCK;
        let byte = u8::try_from(missing).expect("a block is short");
        content.resize(content.len() + missing, byte);
    }
}

impl fmt::Debug for CipherState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CipherState").finish_non_exhaustive()
    }
}
