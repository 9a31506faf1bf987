//! Content encoded once per distinct encoding, in memory or, when it is too large, in a file.

use std::{
    fs::File,
    io::{self, BufWriter, Read, Write},
    path::PathBuf,
    sync::Arc,
};

use bytes::Bytes;

use crate::{
    budget::{Budget, Reservation},
    codec::{self, ContentDigest, Encoding, Sha256},
    disk::Disk,
    pg::WalFileName,
    repository::{ClusterIdentity, WalFile},
    store::Payload,
    workers::Workers,
};

/// A file of the archive, encoded for every lane.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    variants: Vec<WalFile>,
}

impl Prepared {
    pub(super) fn variant(&self, encoding: Encoding) -> Option<WalFile> {
        self.variants
            .iter()
            .find(|wal| wal.encoding == encoding)
            .cloned()
    }

    pub(super) fn into_first(self) -> Option<WalFile> {
        self.variants.into_iter().next()
    }

    pub(super) fn content(&self) -> Option<ContentDigest> {
        self.variants.first().map(|wal| wal.content)
    }

    pub(super) fn with_identity(mut self, identity: Option<ClusterIdentity>) -> Self {
        for wal in &mut self.variants {
            wal.identity = identity;
        }
        self
    }
}

/// Encodes within a budget of memory; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Encoder {
    pub budget: Budget,
    pub workers: Workers,
    pub disk: Arc<dyn Disk>,
    /// Where content that is too large for memory goes.
    pub scratch: PathBuf,
    /// How many destinations encrypt what they are sent: each may hold one more copy.
    pub encrypting: usize,
}

impl Encoder {
    /// Returns the most memory that `len` bytes in `encodings` can take.
    pub(super) fn bound(&self, len: u64, encodings: &[Encoding]) -> u64 {
        let copies = encodings.len() + self.encrypting;
        // No codec here grows its input by more than 1 % and a few headers.
        (len + len / 64 + (64 << 10)).saturating_mul(copies as u64)
    }

    /// Takes the memory for `len` bytes; `None` if they must go to a file.
    pub(super) async fn reserve(&self, len: u64, encodings: &[Encoding]) -> Option<Reservation> {
        let bound = self.bound(len, encodings);
        if self.budget.fits(bound) {
            Some(self.budget.acquire(bound).await)
        } else {
            None
        }
    }

    /// As [`reserve`](Self::reserve), but does not wait and takes no content that is too large.
    pub(super) fn try_reserve(&self, len: u64, encodings: &[Encoding]) -> Option<Reservation> {
        let bound = self.bound(len, encodings);
        if self.budget.fits(bound) {
            self.budget.try_acquire(bound)
        } else {
            None
        }
    }

    /// Encodes what `open` returns, about `len` bytes, on a blocking thread.
    pub(super) async fn encode<R: Read>(
        &self,
        name: WalFileName,
        len: u64,
        reservation: Option<Reservation>,
        encodings: Vec<Encoding>,
        open: impl FnOnce() -> io::Result<R> + Send + 'static,
    ) -> io::Result<Prepared> {
        let encoder = self.clone();
        self.workers
            .cpu(move || match reservation {
                Some(reservation) => encoder.in_memory(name, len, reservation, &encodings, open()?),
                None => encoder.in_files(name, &encodings, open()?),
            })
            .await
    }

    fn in_memory(
        &self,
        name: WalFileName,
        len: u64,
        mut reservation: Reservation,
        encodings: &[Encoding],
        reader: impl Read,
    ) -> io::Result<Prepared> {
        let (content, written) =
            codec::read_encoded(reader, encodings, usize::try_from(len).unwrap_or(0))?;
        let variant = |(sink, &encoding): (codec::Encoded<Vec<u8>>, &Encoding)| {
            // The encrypted copies live no longer than this one.
            let copies = 1 + self.encrypting as u64;
            let bytes = reservation.split_off(sink.len * copies).attach(sink.sink);
            let payload = Payload::hashed(bytes, sink.sha256);
            WalFile {
                name,
                content,
                identity: None,
                encoding,
                payload,
            }
        };
        Ok(Prepared {
            variants: written.into_iter().zip(encodings).map(variant).collect(),
        })
    }

    fn in_files(
        &self,
        name: WalFileName,
        encodings: &[Encoding],
        reader: impl Read,
    ) -> io::Result<Prepared> {
        let sinks: Vec<BufWriter<File>> = encodings
            .iter()
            .map(|_| self.disk.scratch(&self.scratch).map(BufWriter::new))
            .collect::<io::Result<_>>()?;
        let (content, written) = codec::encode_into(reader, encodings, sinks)?;
        let mut variants = Vec::with_capacity(encodings.len());
        for (sink, &encoding) in written.into_iter().zip(encodings) {
            let file = sink
                .sink
                .into_inner()
                .map_err(io::IntoInnerError::into_error)?;
            let (budget, workers) = (self.budget.clone(), self.workers.clone());
            let payload = Payload::file(file, sink.len, sink.sha256, budget, workers);
            variants.push(WalFile {
                name,
                content,
                identity: None,
                encoding,
                payload,
            });
        }
        Ok(Prepared { variants })
    }
}

/// Bytes that came over the network, kept until all of them can be verified.
pub(super) enum Landing {
    Memory {
        reservation: Reservation,
        buffer: Vec<u8>,
        room: u64,
    },
    File {
        file: BufWriter<File>,
    },
}

impl Encoder {
    /// Makes room for up to `len` bytes and their encoded forms.
    pub(super) async fn landing(&self, len: u64, encodings: &[Encoding]) -> io::Result<Landing> {
        let bound = len.saturating_add(self.bound(len, encodings));
        if self.budget.fits(bound) {
            let reservation = self.budget.acquire(bound).await;
            return Ok(Landing::Memory {
                reservation,
                buffer: Vec::new(),
                room: len,
            });
        }
        let (disk, scratch) = (Arc::clone(&self.disk), self.scratch.clone());
        let file = self.workers.disk(move || disk.scratch(&scratch)).await?;
        Ok(Landing::File {
            file: BufWriter::new(file),
        })
    }

    /// Adds `bytes`.
    pub(super) async fn land(&self, landing: Landing, bytes: Bytes) -> io::Result<Landing> {
        match landing {
            Landing::Memory {
                reservation,
                mut buffer,
                room,
            } => {
                if (buffer.len() + bytes.len()) as u64 > room {
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidData,
                        "longer than expected",
                    ));
                }
                buffer.extend_from_slice(&bytes);
                Ok(Landing::Memory {
                    reservation,
                    buffer,
                    room,
                })
            }
            Landing::File { mut file } => {
                self.workers
                    .disk(move || file.write_all(&bytes).map(|()| Landing::File { file }))
                    .await
            }
        }
    }

    /// Encodes what has landed.
    pub(super) async fn take_off(
        &self,
        name: WalFileName,
        landing: Landing,
        encodings: Vec<Encoding>,
    ) -> io::Result<Prepared> {
        match landing {
            Landing::Memory {
                reservation,
                buffer,
                ..
            } => {
                let len = buffer.len() as u64;
                let open = move || Ok(io::Cursor::new(buffer));
                self.encode(name, len, Some(reservation), encodings, open)
                    .await
            }
            Landing::File { file } => {
                let open = move || {
                    let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
                    io::Seek::rewind(&mut file)?;
                    Ok(file)
                };
                self.encode(name, 0, None, encodings, open).await
            }
        }
    }
}

/// Checks bytes while they are read.
pub(super) struct Verified<R> {
    reader: R,
    hasher: codec::Sha256Hasher,
    expected: Sha256,
    left: u64,
}

impl<R: Read> Verified<R> {
    pub(super) fn new(reader: R, len: u64, expected: Sha256) -> Self {
        Self {
            reader,
            hasher: codec::Sha256Hasher::default(),
            expected,
            left: len,
        }
    }
}

impl<R: Read> Read for Verified<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "not what was written");
        let read = self.reader.read(buf)?;
        self.hasher.update(&buf[..read]);
        self.left = self.left.checked_sub(read as u64).ok_or_else(damaged)?;
        let at_end = read == 0 && !buf.is_empty();
        if at_end && (self.left != 0 || self.hasher.clone().finish() != self.expected) {
            return Err(damaged());
        }
        Ok(read)
    }
}
