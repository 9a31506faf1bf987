//! Immutable content on its way to one or many stores.

mod encrypted;

use std::{
    fmt,
    fs::File,
    io,
    ops::Range,
    os::unix::fs::FileExt,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use tokio::sync::OnceCell;

use self::encrypted::EncryptedFile;
use crate::{
    budget::Budget,
    codec::{
        Sha256,
        cipher::{Passphrase, Salt},
    },
    workers::Workers,
};

/// Bytes to be stored, hashed once; cheap to clone, so that N destinations share them.
///
/// Small content is held in memory. Content larger than the memory budget lies in a file, of
/// which each reader takes a range at a time from the budget.
#[derive(Clone)]
pub struct Payload(Arc<Inner>);

struct Inner {
    len: u64,
    sha256: Sha256,
    content: Content,
    /// The encrypted forms that were asked for.
    encrypted: Mutex<Vec<Encrypted>>,
}

enum Content {
    Memory(Bytes),
    File {
        file: Arc<File>,
        form: Form,
        budget: Budget,
        workers: Workers,
    },
}

/// How the content of a payload looks in its file.
#[derive(Clone)]
enum Form {
    AsItIs,
    Encrypted(Arc<EncryptedFile>),
}

/// One encrypted form; the first who asks computes it, the others wait.
struct Encrypted {
    passphrase: Passphrase,
    salt: Salt,
    payload: Arc<OnceCell<Payload>>,
}

impl Payload {
    /// Wraps bytes in memory and hashes them: blocking work if they are many.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let sha256 = Sha256::of(&bytes);
        Self::hashed(bytes, sha256)
    }

    /// Wraps bytes in memory whose SHA-256 is known.
    pub fn hashed(bytes: Bytes, sha256: Sha256) -> Self {
        Self::of(bytes.len() as u64, sha256, Content::Memory(bytes))
    }

    /// Wraps a file of `len` bytes that nobody changes any more and whose SHA-256 is known.
    pub fn file(file: File, len: u64, sha256: Sha256, budget: Budget, workers: Workers) -> Self {
        let content = Content::File {
            file: Arc::new(file),
            form: Form::AsItIs,
            budget,
            workers,
        };
        Self::of(len, sha256, content)
    }

    fn of(len: u64, sha256: Sha256, content: Content) -> Self {
        Self(Arc::new(Inner {
            len,
            sha256,
            content,
            encrypted: Mutex::default(),
        }))
    }

    /// Returns the encrypted form, computed once for all clones of this payload. Of a payload in
    /// memory it is a second copy there, which lives as long as this one.
    ///
    /// # Errors
    ///
    /// Those of the file. [`InvalidInput`](io::ErrorKind::InvalidInput) if this one is the
    /// encrypted form of a file already.
    pub async fn encrypted(
        &self,
        passphrase: &Passphrase,
        salt: Salt,
        workers: &Workers,
    ) -> io::Result<Self> {
        let form = self.encrypted_form(passphrase, salt);
        let (plain, passphrase, workers) = (self.clone(), passphrase.clone(), workers.clone());
        let computed = form.get_or_try_init(|| async move {
            let job = move || plain.encrypt(passphrase, salt);
            workers.cpu(job).await
        });
        computed.await.cloned()
    }

    fn encrypted_form(&self, passphrase: &Passphrase, salt: Salt) -> Arc<OnceCell<Self>> {
        let forms = self.0.encrypted.lock();
        let mut forms = forms.unwrap_or_else(PoisonError::into_inner);
        let known = forms
            .iter()
            .find(|form| form.salt == salt && form.passphrase == *passphrase);
        if let Some(known) = known {
            return Arc::clone(&known.payload);
        }
        let payload = Arc::default();
        forms.push(Encrypted {
            passphrase: passphrase.clone(),
            salt,
            payload: Arc::clone(&payload),
        });
        payload
    }

    fn encrypt(&self, passphrase: Passphrase, salt: Salt) -> io::Result<Self> {
        match &self.0.content {
            Content::Memory(bytes) => {
                let (bytes, sha256) = encrypted::in_memory(bytes, &passphrase, salt);
                Ok(Self::hashed(bytes.into(), sha256))
            }
            Content::File {
                form: Form::Encrypted(_),
                ..
            } => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "it is encrypted already",
            )),
            Content::File {
                file,
                form: Form::AsItIs,
                budget,
                workers,
            } => {
                let (form, sha256) = EncryptedFile::of(file, self.0.len, passphrase, salt)?;
                let len = form.len();
                let content = Content::File {
                    file: Arc::clone(file),
                    form: Form::Encrypted(Arc::new(form)),
                    budget: budget.clone(),
                    workers: workers.clone(),
                };
                Ok(Self::of(len, sha256, content))
            }
        }
    }

    /// Returns the number of bytes.
    pub fn len(&self) -> u64 {
        self.0.len
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.len == 0
    }

    /// Returns the SHA-256 of all bytes.
    pub fn sha256(&self) -> Sha256 {
        self.0.sha256
    }

    /// Returns the bytes if they are in memory.
    pub fn in_memory(&self) -> Option<&Bytes> {
        match &self.0.content {
            Content::Memory(bytes) => Some(bytes),
            Content::File { .. } => None,
        }
    }

    /// Returns the bytes of `range`, which must lie inside; waits for the budget if they come
    /// from a file.
    pub async fn read(&self, range: Range<u64>) -> io::Result<Bytes> {
        let outside = || io::Error::new(io::ErrorKind::InvalidInput, "range outside the payload");
        if range.start > range.end || range.end > self.0.len {
            return Err(outside());
        }
        match &self.0.content {
            Content::Memory(bytes) => {
                let start = usize::try_from(range.start).map_err(|_| outside())?;
                let end = usize::try_from(range.end).map_err(|_| outside())?;
                Ok(bytes.slice(start..end))
            }
            Content::File {
                file,
                form,
                budget,
                workers,
            } => {
                let len = range.end - range.start;
                let reservation = budget.acquire(len).await;
                let mut buffer = vec![0; usize::try_from(len).map_err(|_| outside())?];
                let (file, form) = (Arc::clone(file), form.clone());
                workers
                    .disk(move || {
                        form.read_exact_at(&file, &mut buffer, range.start)?;
                        Ok(reservation.attach(buffer))
                    })
                    .await
            }
        }
    }

    /// Returns a blocking reader of all bytes, for use on a blocking thread.
    pub fn reader(&self) -> impl io::Read + Send + use<> {
        PayloadReader {
            inner: Arc::clone(&self.0),
            position: 0,
        }
    }
}

impl Form {
    fn read_exact_at(&self, file: &File, buf: &mut [u8], position: u64) -> io::Result<()> {
        match self {
            Self::AsItIs => file.read_exact_at(buf, position),
            Self::Encrypted(encrypted) => encrypted.read_exact_at(file, buf, position),
        }
    }

    fn read_at(&self, file: &File, buf: &mut [u8], position: u64) -> io::Result<usize> {
        match self {
            Self::AsItIs => file.read_at(buf, position),
            Self::Encrypted(encrypted) => {
                encrypted.read_exact_at(file, buf, position)?;
                Ok(buf.len())
            }
        }
    }
}

struct PayloadReader {
    inner: Arc<Inner>,
    position: u64,
}

impl io::Read for PayloadReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = self.inner.len - self.position;
        let wanted = buf.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let buf = &mut buf[..wanted];
        let read = match &self.inner.content {
            Content::Memory(bytes) => {
                let start = usize::try_from(self.position).map_err(io::Error::other)?;
                buf.copy_from_slice(&bytes[start..start + wanted]);
                wanted
            }
            Content::File { file, form, .. } => form.read_at(file, buf, self.position)?,
        };
        if read == 0 && wanted > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.position += read as u64;
        Ok(read)
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payload")
            .field("len", &self.0.len)
            .field("sha256", &self.0.sha256)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Seek, Write};

    use super::*;
    use crate::{byte_size::ByteSize, codec::cipher::Encryptor, secret::Secret};

    const SALT: Salt = Salt::from_bytes(*b"saltsalt");

    fn in_file(content: &[u8]) -> Payload {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        file.rewind().unwrap();
        let budget = Budget::new(ByteSize::mib(1));
        let len = content.len() as u64;
        Payload::file(file, len, Sha256::of(content), budget, Workers::inline())
    }

    #[tokio::test]
    async fn encrypted_form_is_the_same_in_memory_and_from_a_file() {
        let passphrase = Passphrase::new(Secret::new("hush"));
        let workers = Workers::inline();
        let stride = 256 << 10;
        for len in [
            0,
            1,
            15,
            16,
            stride - 1,
            stride,
            stride + 1,
            2 * stride + 77,
        ] {
            let content: Vec<u8> = (0..=250).cycle().take(len).collect();
            let mut encryptor = Encryptor::new(&passphrase, SALT, Vec::new()).unwrap();
            encryptor.write_all(&content).unwrap();
            let expected = encryptor.finish().unwrap();

            for plain in [Payload::new(content.clone()), in_file(&content)] {
                let encrypted = plain.encrypted(&passphrase, SALT, &workers).await.unwrap();

                assert_eq!(encrypted.len(), expected.len() as u64);
                assert_eq!(encrypted.sha256(), Sha256::of(&expected));
                let end = encrypted.len();
                for start in [0, 1, 16, 17, end / 2, end - 1] {
                    let read = encrypted.read(start..end).await.unwrap();
                    assert!(read == expected[usize::try_from(start).unwrap()..], "{len}");
                }
                let mut read = Vec::new();
                encrypted.reader().read_to_end(&mut read).unwrap();
                assert!(read == expected, "{len}");
            }
        }
    }

    #[tokio::test]
    async fn clones_share_one_encrypted_form_for_each_passphrase() {
        let plain = Payload::new(vec![7; 1000]);
        let [one, two] = ["one", "two"].map(|text| Passphrase::new(Secret::new(text)));
        let workers = Workers::inline();

        let first = plain.encrypted(&one, SALT, &workers).await.unwrap();
        let again = plain.clone().encrypted(&one, SALT, &workers).await.unwrap();
        let other = plain.encrypted(&two, SALT, &workers).await.unwrap();

        assert!(Arc::ptr_eq(&first.0, &again.0));
        assert_ne!(first.sha256(), other.sha256());
    }
}
