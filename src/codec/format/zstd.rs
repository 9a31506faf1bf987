use std::io::{self, Read, Write};

use super::{Decode, Encode};
use crate::codec::input::Input;

pub(in crate::codec) type Encoder<W> = zstd::Encoder<'static, W>;
pub(in crate::codec) type Decoder<R> = zstd::Decoder<'static, Input<R>>;

impl<W: Write> Encode<W> for Encoder<W> {
    fn start(level: i32, writer: W) -> Result<Self, String> {
        plain_frame(level, writer).map_err(|error| error.to_string())
    }

    fn finish(self) -> io::Result<W> {
        Self::finish(self)
    }
}

impl<R: Read> Decode<R> for Decoder<R> {
    fn start(input: Input<R>) -> Result<Self, String> {
        bounded(input).map_err(|error| error.to_string())
    }

    fn input(&mut self) -> &mut Input<R> {
        self.get_mut()
    }
}

fn plain_frame<W: Write>(level: i32, writer: W) -> io::Result<Encoder<W>> {
    let mut encoder = Encoder::new(writer, level)?;
    encoder.include_contentsize(false)?;
    encoder.include_checksum(false)?;
    Ok(encoder)
}

fn bounded<R: Read>(input: Input<R>) -> io::Result<Decoder<R>> {
    let mut decoder = Decoder::with_buffer(input)?;
    decoder.window_log_max(WINDOW_LOG_MAX)?;
    Ok(decoder)
}

/// 128 MiB, what the program `zstd` reads without being told to.
const WINDOW_LOG_MAX: u32 = 27;
