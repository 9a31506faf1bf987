//! Long content into one member, stream or frame, on several threads.
//!
//! Content is cut into blocks of a size that the codec has. Threads compress them, and their
//! outputs are joined in order: gzip's blocks are parts of one deflate stream, lz4's and Snappy's
//! are independent in the format itself. bzip2, xz and zstd have one thread that compresses block
//! after block, beside the one that reads.

mod frame;
mod gzip;
#[cfg(feature = "lz4")]
mod lz4;
#[cfg(not(feature = "lz4"))]
mod missing;
mod sequential;
mod snappy;
mod worker;

#[cfg(not(feature = "lz4"))]
use self::missing as lz4;

use std::{
    collections::VecDeque,
    fmt,
    io::{self, Write},
    mem,
};

use self::{
    frame::{Block, Frame},
    worker::Worker,
};
use super::{Codec, CodecError, Encoding};

/// Compresses content of any length into exactly one member, stream or frame.
///
/// The output depends on the content and the [`Encoding`] alone: not on the time, the writes or
/// the number of threads. It is not that of an [`Encoder`](super::Encoder), whose form both
/// layouts share:
///
/// * gzip: no flags, no name, no time; parts of 512 KiB that know the 32 KiB before them;
/// * lz4: independent blocks of 1 MiB with checksums, no content size;
/// * all others: the same as an encoder's.
///
/// Threads start when there is work for them, and are joined when the encoder goes. About as many
/// blocks as threads, and two more, are in memory at once. After an error the output is of no use.
///
/// ```
/// use walcast::codec::{Codec, Encoding, StreamEncoder};
///
/// let mut out = Vec::new();
/// let mut encoder = StreamEncoder::new(Encoding::new(Codec::Gzip, None)?, 2)?;
/// encoder.write(b"base backup", &mut out)?;
/// let len = encoder.finish(&mut out)?;
/// assert_eq!(len, out.len() as u64);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct StreamEncoder {
    encoding: Encoding,
    /// Bytes of output so far.
    len: u64,
    /// `None` for content that is stored as it is.
    blocks: Option<Blocks>,
}

impl StreamEncoder {
    /// Sets it up, to compress on `threads` threads, or on one where the codec allows no more.
    ///
    /// # Errors
    ///
    /// [`CodecError::Unavailable`] and [`CodecError::Setup`].
    pub fn new(encoding: Encoding, threads: usize) -> Result<Self, CodecError> {
        let blocks = match encoding.codec() {
            None => None,
            Some(codec) => {
                codec.require()?;
                Some(Blocks::new(frame(codec, encoding)?, threads))
            }
        };
        Ok(Self {
            encoding,
            len: 0,
            blocks,
        })
    }

    /// Takes content; writes what is compressed by now, which may be nothing.
    ///
    /// # Errors
    ///
    /// Those of `out`, and when a thread cannot be started.
    pub fn write(&mut self, content: &[u8], out: &mut dyn Write) -> io::Result<()> {
        let mut out = Counting(out, &mut self.len);
        match &mut self.blocks {
            None => out.put(content),
            Some(blocks) => blocks.write(content, &mut out),
        }
    }

    /// Returns the most that [`settle`](Self::settle) can return. Waits for nothing.
    pub fn len_at_most(&self) -> u64 {
        self.len + self.blocks.as_ref().map_or(0, Blocks::unsettled)
    }

    /// Writes the output of all blocks that are full, and returns how long the output is then, in
    /// bytes. This depends on the content and the encoding alone.
    ///
    /// It waits for the threads; [`len_at_most`](Self::len_at_most) tells when that is not needed.
    pub fn settle(&mut self, out: &mut dyn Write) -> io::Result<u64> {
        let mut out = Counting(out, &mut self.len);
        if let Some(blocks) = &mut self.blocks {
            blocks.settle(&mut out)?;
        }
        Ok(self.len)
    }

    /// Writes the rest and the end, and returns how long the output is, in bytes.
    pub fn finish(mut self, out: &mut dyn Write) -> io::Result<u64> {
        let mut out = Counting(out, &mut self.len);
        if let Some(blocks) = &mut self.blocks {
            blocks.finish(&mut out)?;
        }
        Ok(self.len)
    }
}

impl fmt::Debug for StreamEncoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamEncoder")
            .field("encoding", &self.encoding)
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}

fn frame(codec: Codec, encoding: Encoding) -> Result<Box<dyn Frame>, CodecError> {
    Ok(match codec {
        Codec::Gzip => Box::new(gzip::Member::new(encoding.level().unwrap_or_default())),
        Codec::Lz4 => Box::new(lz4::Frame::new()?),
        Codec::Snappy => Box::new(snappy::Stream),
        Codec::Bzip2 | Codec::Xz | Codec::Zstd => Box::new(sequential::Stream::new(encoding)?),
    })
}

/// Counts what is written.
struct Counting<'a>(&'a mut dyn Write, &'a mut u64);

impl Counting<'_> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        if !bytes.is_empty() {
            self.0.write_all(bytes)?;
            *self.1 += bytes.len() as u64;
        }
        Ok(())
    }
}

/// The blocks of one stream on their way through the threads.
struct Blocks {
    frame: Box<dyn Frame>,
    has_begun: bool,
    /// The next block, as far as it was written.
    content: Vec<u8>,
    /// The end of the block before, where the codec wants it.
    before: Vec<u8>,
    /// Buffers of blocks that are written, to be filled again: fresh memory costs page faults.
    spare: Vec<Vec<u8>>,
    threads: usize,
    workers: Vec<Worker>,
    /// Which worker has each block that is not written yet, the oldest first, and its length.
    in_flight: VecDeque<(usize, usize)>,
    /// Which worker is next; each has its turn, so that no two wait for one another.
    next: usize,
}

impl Blocks {
    fn new(frame: Box<dyn Frame>, threads: usize) -> Self {
        Self {
            threads: if frame.is_parallel() {
                threads.max(1)
            } else {
                1
            },
            frame,
            has_begun: false,
            content: Vec::new(),
            before: Vec::new(),
            spare: Vec::new(),
            workers: Vec::new(),
            in_flight: VecDeque::new(),
            next: 0,
        }
    }

    fn write(&mut self, mut content: &[u8], out: &mut Counting<'_>) -> io::Result<()> {
        while !content.is_empty() {
            if self.content.capacity() == 0 {
                self.content = self.buffer();
            }
            let missing = self.frame.block_size() - self.content.len();
            let (now, later) = content.split_at(missing.min(content.len()));
            self.content.extend_from_slice(now);
            content = later;
            if now.len() == missing {
                self.submit(false, out)?;
            }
        }
        Ok(())
    }

    /// Returns an empty buffer for a block.
    fn buffer(&mut self) -> Vec<u8> {
        let fresh = || Vec::with_capacity(self.frame.block_size());
        self.spare.pop().unwrap_or_else(fresh)
    }

    /// Gives the block to a worker; writes the oldest one first if enough are under way.
    fn submit(&mut self, is_last: bool, out: &mut Counting<'_>) -> io::Result<()> {
        if self.in_flight.len() >= self.threads + SPARE {
            self.write_oldest(out)?;
        }
        let worker = self.next;
        if worker == self.workers.len() {
            self.workers.push(Worker::start(self.frame.compressor())?);
        }
        self.next = (worker + 1) % self.threads;
        let tail = self.content.len().saturating_sub(self.frame.looks_back());
        let before = self.content[tail..].to_vec();
        let content = mem::take(&mut self.content);
        self.in_flight.push_back((worker, content.len()));
        self.workers[worker].submit(Block {
            before: mem::replace(&mut self.before, before),
            content,
            is_last,
        });
        Ok(())
    }

    fn write_oldest(&mut self, out: &mut Counting<'_>) -> io::Result<()> {
        let Some((worker, _)) = self.in_flight.pop_front() else {
            return Ok(());
        };
        let (compressed, mut block) = self.workers[worker].receive();
        let compressed = compressed?;
        block.content.clear();
        self.spare.push(block.content);
        if !self.has_begun {
            self.has_begun = true;
            out.put(&self.frame.beginning())?;
        }
        self.frame.add(&compressed);
        out.put(&compressed.bytes)
    }

    fn settle(&mut self, out: &mut Counting<'_>) -> io::Result<()> {
        while !self.in_flight.is_empty() {
            self.write_oldest(out)?;
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut Counting<'_>) -> io::Result<()> {
        self.submit(true, out)?;
        self.settle(out)?;
        out.put(&self.frame.end())
    }

    /// Returns how long the output of full blocks can be that is not written yet.
    fn unsettled(&self) -> u64 {
        if self.in_flight.is_empty() {
            return 0;
        }
        let content: usize = self.in_flight.iter().map(|(_, len)| len).sum();
        let held_back = self.frame.held_back() + content;
        // Deflate's fixed codes have at most nine bits for a byte.
        (held_back + held_back / 8 + self.in_flight.len() * OVERHEAD) as u64
    }
}

/// Blocks that are under way or done while every thread has one.
const SPARE: usize = 2;
/// Bytes; more than the frame of a block and of the whole.
const OVERHEAD: usize = 4 << 10;

#[cfg(test)]
mod tests;
