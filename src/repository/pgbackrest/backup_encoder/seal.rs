//! The last step before bytes are stored: encryption, and their digest.

use std::io::{self, Write};

use sha1::Digest as _;

use crate::codec::{
    Sha1,
    cipher::{CipherState, Passphrase, Salt},
};

/// Encrypts what it is given, if it has a passphrase, and tells what came out.
pub(super) struct Sealer {
    cipher: Option<Sealing>,
    sha1: Option<sha1::Sha1>,
    len: u64,
}

struct Sealing {
    state: CipherState,
    /// What is not encrypted yet, or the header before anything was.
    pending: Vec<u8>,
    header: Vec<u8>,
}

/// What came out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Sealed {
    /// In bytes.
    pub len: u64,
    /// SHA-1, if it differs from the content.
    pub sha1: Option<Sha1>,
}

/// Bytes that are encrypted at a time.
const CHUNK: usize = 64 << 10;
/// Length of what says that something is encrypted, before the salt.
const MAGIC: usize = 8;

impl Sealer {
    /// Encrypts with `cipher`. `is_compressed` tells that what comes is not the content itself.
    /// Raw output does not say that it is encrypted.
    pub(super) fn new(
        cipher: Option<(&Passphrase, Salt)>,
        is_compressed: bool,
        is_raw: bool,
    ) -> Self {
        let is_other = is_compressed || cipher.is_some();
        Self {
            cipher: cipher.map(|(passphrase, salt)| Sealing {
                state: CipherState::new(passphrase, salt),
                pending: Vec::with_capacity(CHUNK + 16),
                header: salt.header()[if is_raw { MAGIC } else { 0 }..].to_vec(),
            }),
            sha1: is_other.then(sha1::Sha1::new),
            len: 0,
        }
    }

    /// Takes bytes, and writes what is ready.
    pub(super) fn write(&mut self, mut bytes: &[u8], out: &mut dyn Write) -> io::Result<()> {
        let Some(mut cipher) = self.cipher.take() else {
            return self.put(bytes, out);
        };
        while !bytes.is_empty() {
            let taken = bytes.len().min(CHUNK - cipher.pending.len());
            cipher.pending.extend_from_slice(&bytes[..taken]);
            bytes = &bytes[taken..];
            if cipher.pending.len() == CHUNK {
                self.encrypt(&mut cipher, out)?;
            }
        }
        self.cipher = Some(cipher);
        Ok(())
    }

    /// Writes the rest.
    pub(super) fn finish(mut self, out: &mut dyn Write) -> io::Result<Sealed> {
        if let Some(mut cipher) = self.cipher.take() {
            CipherState::pad(&mut cipher.pending);
            self.encrypt(&mut cipher, out)?;
        }
        let sha1 = self
            .sha1
            .map(|sha1| Sha1::from_bytes(sha1.finalize().into()));
        Ok(Sealed {
            len: self.len,
            sha1,
        })
    }

    fn encrypt(&mut self, cipher: &mut Sealing, out: &mut dyn Write) -> io::Result<()> {
        self.put(&std::mem::take(&mut cipher.header), out)?;
        cipher.state.encrypt(&mut cipher.pending);
        self.put(&cipher.pending, out)?;
        cipher.pending.clear();
        Ok(())
    }

    fn put(&mut self, bytes: &[u8], out: &mut dyn Write) -> io::Result<()> {
        if let Some(sha1) = &mut self.sha1 {
            sha1.update(bytes);
        }
        self.len += bytes.len() as u64;
        out.write_all(bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;
    use crate::{codec::cipher::Decryptor, secret::Secret};

    #[test]
    fn what_is_encrypted_comes_back_however_it_was_cut() {
        let passphrase = Passphrase::new(Secret::new("hush"));
        let salt = Salt::from_bytes(*b"saltsalt");
        for len in [0, 1, 15, 16, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 5] {
            let content: Vec<u8> = (0..=255).cycle().take(len).collect();
            for is_raw in [false, true] {
                let mut out = Vec::new();
                let mut seal = Sealer::new(Some((&passphrase, salt)), false, is_raw);
                for part in content.chunks(10_000) {
                    seal.write(part, &mut out).unwrap();
                }

                let output = seal.finish(&mut out).unwrap();

                assert_eq!(output.len, out.len() as u64);
                assert_eq!(output.sha1, Some(Sha1::of(&out)));
                let whole = if is_raw {
                    [b"Salted__", &out[..]].concat()
                } else {
                    out
                };
                let mut plain = Vec::new();
                let mut decryptor = Decryptor::new(passphrase.clone(), &whole[..]);
                decryptor.read_to_end(&mut plain).unwrap();
                assert_eq!(plain, content);
            }
        }
    }

    #[test]
    fn what_is_stored_as_it_is_has_no_digest_of_its_own() {
        let mut out = Vec::new();
        let mut seal = Sealer::new(None, false, false);
        seal.write(b"content", &mut out).unwrap();

        let output = seal.finish(&mut out).unwrap();

        assert_eq!(
            (output.len, output.sha1, &out[..]),
            (7, None, &b"content"[..])
        );
    }
}
