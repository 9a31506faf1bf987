use std::io::{self, Read, Write};

use flate2::{Compression, GzBuilder, bufread::MultiGzDecoder, write::GzEncoder};

use super::{Decode, Encode};
use crate::codec::input::Input;

pub(in crate::codec) type Encoder<W> = GzEncoder<W>;
pub(in crate::codec) type Decoder<R> = MultiGzDecoder<Input<R>>;

impl<W: Write> Encode<W> for Encoder<W> {
    fn start(level: i32, writer: W) -> Result<Self, String> {
        let level = Compression::new(level.unsigned_abs());
        Ok(GzBuilder::new()
            .mtime(0)
            .operating_system(OS_UNKNOWN)
            .write(writer, level))
    }

    fn finish(self) -> io::Result<W> {
        Self::finish(self)
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

/// RFC 1952; Barman writes the same.
const OS_UNKNOWN: u8 = 255;
