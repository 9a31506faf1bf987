//! Stored bytes to WAL, in steps that never wait while they hold a thread.
//!
//! The codecs pull their input. Were they given one that waits for the network, each slow store
//! would hold a thread of the blocking pool for as long as it is slow. So input is collected ahead
//! of the decoder, and a decoding job runs only when it can finish with what is there. The bytes
//! ahead are bounded by the codec's largest unit of input; dropping the stream drops the body, and
//! at most one job of [`BLOCK`] bytes still runs to its end.

use std::{
    collections::VecDeque,
    io::{self, Read},
    sync::{Arc, Mutex, MutexGuard},
};

use bytes::Bytes;
use futures_util::{StreamExt, stream, stream::BoxStream};

use super::{Error, Result};
use crate::{
    codec::{
        Codec, DecodeError, Decoder,
        cipher::{Decryptor, Passphrase},
    },
    store::{self, Key, Object},
    workers::Workers,
};

/// What is to be decoded, and what it is called in errors.
#[derive(Clone, Debug)]
pub(super) struct Encoded {
    /// `Display` of the repository.
    pub(super) repository: String,
    /// The object.
    pub(super) key: Key,
    /// How it is compressed; `None` if its first bytes tell.
    pub(super) codec: Option<Codec>,
    /// What it is encrypted with, if it is.
    pub(super) passphrase: Option<Passphrase>,
    /// Most bytes to return.
    pub(super) limit: u64,
}

impl Encoded {
    /// Decodes `object` in blocks of at most [`BLOCK`] bytes. The stream ends at the first error.
    pub(super) fn decode(
        self,
        object: Object,
        workers: Workers,
    ) -> BoxStream<'static, Result<Bytes>> {
        let decoding = Decoding {
            what: self,
            expected: object.meta.size,
            received: 0,
            body: object.body,
            ahead: Ahead::default(),
            state: State::Unread,
            workers,
        };
        stream::try_unfold(decoding, |mut decoding| async move {
            let block = decoding.next().await?;
            Ok(block.map(|block| (block, decoding)))
        })
        .boxed()
    }

    /// With another passphrase the content is nonsense, which may show only now.
    fn undecodable(&self, error: &io::Error) -> Error {
        let is_told = matches!(
            DecodeError::find(error),
            Some(DecodeError::NotEncrypted | DecodeError::Undecipherable { .. })
        );
        if self.passphrase.is_some() && !is_told {
            return self.damaged(format!(
                "{error}, or it was encrypted with another passphrase"
            ));
        }
        self.damaged(error.to_string())
    }

    fn damaged(&self, reason: impl Into<String>) -> Error {
        Error::Damaged {
            repository: self.repository.clone(),
            key: self.key.clone(),
            reason: reason.into(),
        }
    }
}

/// Most bytes of a returned block.
pub(super) const BLOCK: usize = 256 << 10;

/// Bytes that are enough for [`Codec::detect`].
const MAGIC: usize = 10;

struct Decoding {
    what: Encoded,
    expected: u64,
    received: u64,
    body: BoxStream<'static, store::Result<Bytes>>,
    ahead: Ahead,
    state: State,
    workers: Workers,
}

enum State {
    Unread,
    Decoding(Box<Decoder<Source>>, usize),
    /// A block was returned that came before this.
    Failed(io::Error),
    Finished,
}

impl Decoding {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        loop {
            match std::mem::replace(&mut self.state, State::Finished) {
                State::Unread => self.state = self.start().await?,
                State::Decoding(decoder, need) => {
                    // The surplus is what the job works on.
                    self.fill(need + BLOCK).await?;
                    let block = self.decode(decoder, need).await;
                    if !block.is_empty() {
                        return Ok(Some(block));
                    }
                }
                State::Failed(error) => return Err(self.what.undecodable(&error)),
                State::Finished => return Ok(None),
            }
        }
    }

    async fn start(&mut self) -> Result<State> {
        self.fill(MAGIC).await?;
        let codec = self
            .what
            .codec
            .or_else(|| Codec::detect(&self.ahead.peek(MAGIC)));
        let held_back = self.what.passphrase.as_ref().map_or(0, |_| HELD_BACK);
        let need = largest_unit(codec) + held_back;
        // Some decoders read while they are set up.
        self.fill(need).await?;
        let (ahead, limit) = (self.ahead.clone(), self.what.limit);
        let source = match self.what.passphrase.clone() {
            None => Source::Plain(ahead),
            Some(passphrase) => Source::Encrypted(Box::new(Decryptor::new(passphrase, ahead))),
        };
        let decoder = self
            .workers
            .cpu(move || Decoder::new(codec, source, limit))
            .await;
        let decoder = decoder.map_err(|source| Error::Codec {
            repository: self.what.repository.clone(),
            source,
        })?;
        Ok(State::Decoding(Box::new(decoder), need))
    }

    /// Receives until `need` bytes are ahead of the decoder, or all there are.
    async fn fill(&mut self, need: usize) -> Result<()> {
        while !self.ahead.holds(need) {
            match self.body.next().await.transpose()? {
                Some(bytes) => {
                    self.received += bytes.len() as u64;
                    self.ahead.push(bytes);
                }
                None => self.ahead.finish(),
            }
            self.check_len()?;
        }
        Ok(())
    }

    fn check_len(&self) -> Result<()> {
        let (received, expected) = (self.received, self.expected);
        let is_wrong = received > expected || (self.ahead.is_finished() && received < expected);
        if is_wrong {
            let reason = format!("{received} bytes were returned of an object of {expected} bytes");
            return Err(self.what.damaged(reason));
        }
        Ok(())
    }

    async fn decode(&mut self, decoder: Box<Decoder<Source>>, need: usize) -> Bytes {
        let ahead = self.ahead.clone();
        let job = move || decode_block(decoder, &ahead, need);
        let (block, state) = self.workers.cpu(job).await;
        self.state = state;
        block
    }
}

/// Decodes up to a block, as far as the input ahead reaches.
fn decode_block(mut decoder: Box<Decoder<Source>>, ahead: &Ahead, need: usize) -> (Bytes, State) {
    let mut block = vec![0; BLOCK];
    let mut filled = 0;
    let mut end = None;
    while end.is_none() && filled < block.len() && ahead.holds(need) {
        match decoder.read(&mut block[filled..]) {
            Ok(0) => end = Some(State::Finished),
            Ok(count) => filled += count,
            Err(error) => end = Some(State::Failed(error)),
        }
    }
    block.truncate(filled);
    if filled < BLOCK / 2 {
        block.shrink_to_fit();
    }
    (block.into(), end.unwrap_or(State::Decoding(decoder, need)))
}

/// Returns how many bytes of input a codec may take before it returns something or ends.
///
/// A decoder that is given less at the end of what is ahead fails, so this errs on the large side:
/// 900 kB blocks of bzip2, 4 MiB blocks of LZ4. Only padding that is longer than this (a skippable
/// frame of zstd or LZ4, for example) is refused, which no tool for WAL writes.
fn largest_unit(codec: Option<Codec>) -> usize {
    match codec {
        None => 1,
        Some(Codec::Gzip | Codec::Xz | Codec::Zstd | Codec::Snappy) => 256 << 10,
        Some(Codec::Bzip2) => 1 << 20,
        Some(Codec::Lz4) => (4 << 20) + (64 << 10),
    }
}

/// What a decoder reads from.
#[derive(Debug)]
enum Source {
    Plain(Ahead),
    Encrypted(Box<Decryptor<Ahead>>),
}

impl Read for Source {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(ahead) => ahead.read(buf),
            Self::Encrypted(decryptor) => decryptor.read(buf),
        }
    }
}

/// Bytes; the salt, and what a decryptor holds back.
const HELD_BACK: usize = 64;

/// Input that was received and not yet taken; clones share it.
#[derive(Clone, Debug, Default)]
struct Ahead(Arc<Mutex<Received>>);

#[derive(Debug, Default)]
struct Received {
    chunks: VecDeque<Bytes>,
    len: usize,
    is_finished: bool,
}

impl Ahead {
    /// Returns whether there are at least `need` bytes, or no more will come.
    fn holds(&self, need: usize) -> bool {
        let received = self.lock();
        received.is_finished || received.len >= need
    }

    fn is_finished(&self) -> bool {
        self.lock().is_finished
    }

    fn push(&self, bytes: Bytes) {
        let mut received = self.lock();
        received.len += bytes.len();
        received.chunks.push_back(bytes);
    }

    fn finish(&self) {
        self.lock().is_finished = true;
    }

    fn peek(&self, count: usize) -> Vec<u8> {
        let received = self.lock();
        received
            .chunks
            .iter()
            .flatten()
            .copied()
            .take(count)
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Received> {
        self.0.lock().expect("no holder of the lock panics")
    }
}

impl Read for Ahead {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut received = self.lock();
        while received.chunks.front().is_some_and(Bytes::is_empty) {
            received.chunks.pop_front();
        }
        let is_finished = received.is_finished;
        let Some(chunk) = received.chunks.front_mut() else {
            return if is_finished {
                Ok(0)
            } else {
                Err(io::Error::other(PADDED))
            };
        };
        let taken = chunk.split_to(chunk.len().min(buf.len()));
        received.len -= taken.len();
        buf[..taken.len()].copy_from_slice(&taken);
        Ok(taken.len())
    }
}

const PADDED: &str = "the compressed data has longer padding than is supported";

#[cfg(test)]
mod tests;
