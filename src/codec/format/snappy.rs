use std::{
    fmt,
    io::{self, Read, Write},
};

use snap::{
    read::FrameDecoder,
    write::{FrameEncoder, IntoInnerError},
};

use super::{Decode, Encode};
use crate::codec::{input::Input, kind::SNAPPY_STREAM_IDENTIFIER};

pub(in crate::codec) type Decoder<R> = FrameDecoder<Input<R>>;

/// Writes the stream identifier of empty content as well, which `snap` leaves out.
pub(in crate::codec) struct Encoder<W: Write> {
    inner: FrameEncoder<W>,
    is_empty: bool,
}

impl<W: Write> Encode<W> for Encoder<W> {
    fn start(_: i32, writer: W) -> Result<Self, String> {
        let inner = FrameEncoder::new(writer);
        Ok(Self {
            inner,
            is_empty: true,
        })
    }

    fn finish(self) -> io::Result<W> {
        let mut writer = self
            .inner
            .into_inner()
            .map_err(IntoInnerError::into_error)?;
        if self.is_empty {
            writer.write_all(SNAPPY_STREAM_IDENTIFIER)?;
        }
        Ok(writer)
    }
}

impl<W: Write> Write for Encoder<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.is_empty &= buf.is_empty();
        self.inner.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
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
