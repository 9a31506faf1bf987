//! Immutable content on its way to one or many stores.

use std::{fmt, fs::File, io, ops::Range, os::unix::fs::FileExt, sync::Arc};

use bytes::Bytes;

use crate::{budget::Budget, codec::Sha256, workers::Workers};

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
}

enum Content {
    Memory(Bytes),
    File {
        file: Arc<File>,
        budget: Budget,
        workers: Workers,
    },
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
        let len = bytes.len() as u64;
        Self(Arc::new(Inner {
            len,
            sha256,
            content: Content::Memory(bytes),
        }))
    }

    /// Wraps a file of `len` bytes that nobody changes any more and whose SHA-256 is known.
    pub fn file(file: File, len: u64, sha256: Sha256, budget: Budget, workers: Workers) -> Self {
        let content = Content::File {
            file: Arc::new(file),
            budget,
            workers,
        };
        Self(Arc::new(Inner {
            len,
            sha256,
            content,
        }))
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
                budget,
                workers,
            } => {
                let len = range.end - range.start;
                let reservation = budget.acquire(len).await;
                let mut buffer = vec![0; usize::try_from(len).map_err(|_| outside())?];
                let file = Arc::clone(file);
                workers
                    .disk(move || {
                        file.read_exact_at(&mut buffer, range.start)?;
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
            Content::File { file, .. } => file.read_at(buf, self.position)?,
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
