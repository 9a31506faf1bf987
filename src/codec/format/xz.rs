use std::io::{self, Read, Write};

use liblzma::{
    bufread::XzDecoder,
    stream::{CONCATENATED, Check, Stream},
    write::XzEncoder,
};

use super::{Decode, Encode};
use crate::codec::input::Input;

pub(in crate::codec) type Encoder<W> = XzEncoder<W>;
pub(in crate::codec) type Decoder<R> = XzDecoder<Input<R>>;

impl<W: Write> Encode<W> for Encoder<W> {
    fn start(level: i32, writer: W) -> Result<Self, String> {
        let stream = Stream::new_easy_encoder(level.unsigned_abs(), Check::Crc64);
        Ok(Self::new_stream(
            writer,
            stream.map_err(|error| error.to_string())?,
        ))
    }

    fn finish(self) -> io::Result<W> {
        Self::finish(self)
    }
}

impl<R: Read> Decode<R> for Decoder<R> {
    fn start(input: Input<R>) -> Result<Self, String> {
        let stream = Stream::new_stream_decoder(MEMORY_LIMIT, CONCATENATED);
        Ok(Self::new_stream(
            input,
            stream.map_err(|error| error.to_string())?,
        ))
    }

    fn input(&mut self) -> &mut Input<R> {
        self.get_mut()
    }
}

/// Bytes; twice what level 9 needs.
const MEMORY_LIMIT: u64 = 128 << 20;
