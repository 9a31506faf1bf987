use std::io::{self, Read, Write};

use bzip2::{Compression, bufread::MultiBzDecoder, write::BzEncoder};

use super::{Decode, Encode};
use crate::codec::input::Input;

pub(in crate::codec) type Encoder<W> = BzEncoder<W>;
pub(in crate::codec) type Decoder<R> = MultiBzDecoder<Input<R>>;

impl<W: Write> Encode<W> for Encoder<W> {
    fn start(level: i32, writer: W) -> Result<Self, String> {
        Ok(Self::new(writer, Compression::new(level.unsigned_abs())))
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
