use std::{
    fmt,
    io::{self, Write},
};

use crate::codec::{
    Codec, CodecError, Encoding,
    format::{Encode, bzip2, gzip, lz4, snappy, xz, zstd},
};

/// Compresses what is written to it.
///
/// The output is one member, stream or frame, and the same for the same content:
///
/// * gzip: no flags, no name, no time, operating system "unknown";
/// * bzip2: one stream; xz: one stream with CRC-64;
/// * zstd: no content size, no checksum;
/// * lz4: linked blocks of 64 KiB, content checksum, no content size;
/// * snappy: framing format, chunks of 64 KiB.
///
/// The end is written by [`finish`](Self::finish); without it the output is incomplete. `flush`
/// does nothing, because a flush in the compressor would change the output.
pub struct Encoder<W: Write> {
    encoding: Encoding,
    inner: Inner<W>,
    /// The beginning of the next block; compressors get whole ones, because the output of some
    /// depends on how their input is cut.
    block: Vec<u8>,
}

#[allow(
    clippy::large_enum_variant,
    reason = "there are few, and they hardly move"
)]
enum Inner<W: Write> {
    Plain(W),
    Gzip(gzip::Encoder<W>),
    Bzip2(bzip2::Encoder<W>),
    Xz(xz::Encoder<W>),
    Zstd(zstd::Encoder<W>),
    Lz4(lz4::Encoder<W>),
    Snappy(snappy::Encoder<W>),
}

impl<W: Write> Encoder<W> {
    /// Sets the compressor up.
    pub fn new(encoding: Encoding, writer: W) -> Result<Self, CodecError> {
        let inner = match encoding.codec() {
            None => Inner::Plain(writer),
            Some(codec) => {
                codec.require()?;
                Inner::start(codec, encoding.level().unwrap_or_default(), writer)
                    .map_err(|reason| CodecError::Setup { codec, reason })?
            }
        };
        let block = Vec::new();
        Ok(Self {
            encoding,
            inner,
            block,
        })
    }

    /// Writes the end of the compressed data and returns the writer, which is not flushed.
    pub fn finish(mut self) -> io::Result<W> {
        self.inner.write_all(&self.block)?;
        self.inner.finish()
    }
}

#[allow(
    clippy::match_same_arms,
    reason = "codecs that are not built in are one type"
)]
impl<W: Write> Inner<W> {
    fn start(codec: Codec, level: i32, writer: W) -> Result<Self, String> {
        Ok(match codec {
            Codec::Gzip => Self::Gzip(Encode::start(level, writer)?),
            Codec::Bzip2 => Self::Bzip2(Encode::start(level, writer)?),
            Codec::Xz => Self::Xz(Encode::start(level, writer)?),
            Codec::Zstd => Self::Zstd(Encode::start(level, writer)?),
            Codec::Lz4 => Self::Lz4(Encode::start(level, writer)?),
            Codec::Snappy => Self::Snappy(Encode::start(level, writer)?),
        })
    }

    fn finish(self) -> io::Result<W> {
        match self {
            Self::Plain(writer) => Ok(writer),
            Self::Gzip(encoder) => Encode::finish(encoder),
            Self::Bzip2(encoder) => Encode::finish(encoder),
            Self::Xz(encoder) => Encode::finish(encoder),
            Self::Zstd(encoder) => Encode::finish(encoder),
            Self::Lz4(encoder) => Encode::finish(encoder),
            Self::Snappy(encoder) => Encode::finish(encoder),
        }
    }
}

impl<W: Write> Write for Encoder<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if let Inner::Plain(writer) = &mut self.inner {
            return writer.write(buf);
        }
        if self.block.is_empty() && buf.len() >= BLOCK {
            self.inner.write_all(&buf[..BLOCK])?;
            return Ok(BLOCK);
        }
        let count = buf.len().min(BLOCK - self.block.len());
        self.block.extend_from_slice(&buf[..count]);
        if self.block.len() == BLOCK {
            self.inner.write_all(&self.block)?;
            self.block.clear();
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[allow(
    clippy::match_same_arms,
    reason = "codecs that are not built in are one type"
)]
impl<W: Write> Write for Inner<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(writer) => writer.write(buf),
            Self::Gzip(encoder) => encoder.write(buf),
            Self::Bzip2(encoder) => encoder.write(buf),
            Self::Xz(encoder) => encoder.write(buf),
            Self::Zstd(encoder) => encoder.write(buf),
            Self::Lz4(encoder) => encoder.write(buf),
            Self::Snappy(encoder) => encoder.write(buf),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<W: Write> fmt::Debug for Encoder<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder")
            .field("encoding", &self.encoding)
            .finish_non_exhaustive()
    }
}

/// Bytes; the chunk of framed Snappy and the block of our LZ4 frames.
const BLOCK: usize = 64 << 10;

#[cfg(test)]
mod tests;
