use std::{
    fmt,
    io::{self, Read},
};

use aes::{Aes256, Block};
use cbc::cipher::{BlockModeDecrypt, KeyIvInit};

use super::{BLOCK, CHUNK, Passphrase, Salt};
use crate::codec::DecodeError;

/// Decrypts while it is read.
///
/// It holds back less than two blocks, as only the end tells which block has the padding, and asks
/// the source for no more than that before it returns something.
///
/// # Errors
///
/// Reading fails with [`DecodeError::NotEncrypted`] or [`DecodeError::Undecipherable`] inside the
/// [`io::Error`]. Errors of the source are passed on unchanged. After an error it stays failed.
pub struct Decryptor<R> {
    reader: R,
    passphrase: Passphrase,
    /// `None` before the salt is known.
    cbc: Option<cbc::Decryptor<Aes256>>,
    buffer: Vec<u8>,
    /// Where in the buffer decrypted content begins, which was not returned yet.
    start: usize,
    /// Where it ends; what follows is still encrypted.
    end: usize,
    state: State,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum State {
    Reading,
    Finished,
    Failed,
}

impl<R: Read> Decryptor<R> {
    /// Decrypts `reader`, which need not be buffered.
    pub fn new(passphrase: Passphrase, reader: R) -> Self {
        Self {
            reader,
            passphrase,
            cbc: None,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            state: State::Reading,
        }
    }

    /// Reads until something is decrypted, or to the end.
    fn fill(&mut self) -> io::Result<()> {
        while self.start == self.end && self.state == State::Reading {
            self.buffer.drain(..self.end);
            (self.start, self.end) = (0, 0);
            let encrypted = self.buffer.len();
            self.buffer.resize(encrypted + CHUNK, 0);
            let read = read_some(&mut self.reader, &mut self.buffer[encrypted..]);
            let count = *read.as_ref().unwrap_or(&0);
            self.buffer.truncate(encrypted + count);
            match read? {
                0 => self.finish()?,
                _ => self.decrypt()?,
            }
        }
        Ok(())
    }

    /// Decrypts all blocks that cannot be the last.
    fn decrypt(&mut self) -> io::Result<()> {
        if self.cbc.is_none() {
            let Some(header) = self.buffer.first_chunk() else {
                return Ok(());
            };
            let salt = Salt::from_header(*header).ok_or(DecodeError::NotEncrypted)?;
            let derived = self.passphrase.derive(salt);
            let cbc = cbc::Decryptor::new(derived.key().into(), derived.iv().into());
            self.cbc = Some(cbc);
            self.buffer.drain(..BLOCK);
        }
        let whole = self.buffer.len().saturating_sub(1) / BLOCK * BLOCK;
        self.decrypt_first(whole);
        Ok(())
    }

    fn decrypt_first(&mut self, len: usize) {
        if let Some(cbc) = &mut self.cbc {
            let (blocks, _) = Block::slice_as_chunks_mut(&mut self.buffer[..len]);
            cbc.decrypt_blocks(blocks);
            self.end = len;
        }
    }

    /// Decrypts the last block and takes the padding off.
    fn finish(&mut self) -> io::Result<()> {
        if self.cbc.is_none() {
            return Err(DecodeError::NotEncrypted.into());
        }
        if self.buffer.len() != BLOCK {
            return Err(undecipherable("it ends in the middle of a block"));
        }
        self.decrypt_first(BLOCK);
        let padding = usize::from(self.buffer[BLOCK - 1]);
        let is_valid = (1..=BLOCK).contains(&padding)
            && self.buffer[BLOCK - padding..]
                .iter()
                .all(|&byte| usize::from(byte) == padding);
        if !is_valid {
            return Err(undecipherable("its end is not as it should be"));
        }
        self.end = BLOCK - padding;
        self.state = State::Finished;
        Ok(())
    }
}

impl<R: Read> Read for Decryptor<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.state == State::Failed {
            return Err(DecodeError::Ended.into());
        }
        if buf.is_empty() {
            return Ok(0);
        }
        if let Err(error) = self.fill() {
            self.state = State::Failed;
            return Err(error);
        }
        let count = buf.len().min(self.end - self.start);
        buf[..count].copy_from_slice(&self.buffer[self.start..self.start + count]);
        self.start += count;
        Ok(count)
    }
}

impl<R> fmt::Debug for Decryptor<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decryptor").finish_non_exhaustive()
    }
}

fn read_some(reader: &mut impl Read, buf: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(buf) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

fn undecipherable(reason: &'static str) -> io::Error {
    DecodeError::Undecipherable { reason }.into()
}
