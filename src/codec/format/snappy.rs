use std::{
    fmt,
    io::{self, Read, Write},
};

use snap::{read::FrameDecoder, write::FrameEncoder};

use super::{Decode, Encode};
use crate::codec::{input::Input, kind::SNAPPY_STREAM_IDENTIFIER};

pub(in crate::codec) type Decoder<R> = FrameDecoder<Input<R>>;

/// Cuts what is written into chunks of 64 KiB: `snap` makes its chunks as the writes come, and
/// leaves empty content without a stream identifier.
pub(in crate::codec) struct Encoder<W: Write> {
    inner: FrameEncoder<W>,
    chunk: Vec<u8>,
    is_empty: bool,
}

impl<W: Write> Encoder<W> {
    fn write_chunk(&mut self) -> io::Result<()> {
        self.inner.write_all(&self.chunk)?;
        self.inner.flush()?;
        self.chunk.clear();
        Ok(())
    }
}

impl<W: Write> Encode<W> for Encoder<W> {
    fn start(_: i32, writer: W) -> Result<Self, String> {
        let inner = FrameEncoder::new(writer);
        Ok(Self {
            inner,
            chunk: Vec::with_capacity(CHUNK),
            is_empty: true,
        })
    }

    fn finish(mut self) -> io::Result<W> {
        self.write_chunk()?;
        let mut writer = self
            .inner
            .into_inner()
            .map_err(snap::write::IntoInnerError::into_error)?;
        if self.is_empty {
            writer.write_all(SNAPPY_STREAM_IDENTIFIER)?;
        }
        Ok(writer)
    }
}

impl<W: Write> Write for Encoder<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if self.chunk.len() == CHUNK {
            self.write_chunk()?;
        }
        let count = buf.len().min(CHUNK - self.chunk.len());
        self.chunk.extend_from_slice(&buf[..count]);
        self.is_empty &= count == 0;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<W: Write> fmt::Debug for Encoder<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder").finish_non_exhaustive()
    }
}

impl<R: Read> Decode<R> for Decoder<R> {
    fn start(input: Input<R>) -> Result<Self, String> {
        Ok(Self::new(input))
    }

    fn input(&mut self) -> &mut Input<R> {
        self.get_mut()
    }
}

/// Bytes; the largest chunk that the format allows.
const CHUNK: usize = 64 << 10;
