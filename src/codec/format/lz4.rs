use std::io::{self, Read, Write};

use lz4_flex::frame::{BlockMode, BlockSize, FrameDecoder, FrameEncoder, FrameInfo};

use super::{Decode, Encode, lz4_frames::Frames};
use crate::codec::input::Input;

pub(in crate::codec) type Encoder<W> = FrameEncoder<W>;
pub(in crate::codec) type Decoder<R> = FrameDecoder<Frames<Input<R>>>;

impl<W: Write> Encode<W> for Encoder<W> {
    fn start(_: i32, writer: W) -> Result<Self, String> {
        let frame = FrameInfo::new()
            .block_mode(BlockMode::Linked)
            .block_size(BlockSize::Max64KB)
            .content_checksum(true);
        Ok(Self::with_frame_info(frame, writer))
    }

    fn finish(self) -> io::Result<W> {
        Ok(Self::finish(self)?)
    }
}

impl<R: Read> Decode<R> for Decoder<R> {
    fn start(input: Input<R>) -> Result<Self, String> {
        Ok(Self::new(Frames::new(input)))
    }

    fn input(&mut self) -> &mut Input<R> {
        self.get_mut().source()
    }
}
