use std::{
    fmt,
    io::{self, Read, Write},
};

use lz4_flex::frame::{BlockMode, BlockSize, FrameDecoder, FrameEncoder, FrameInfo};

use super::{Decode, Encode, lz4_frames::Frames};
use crate::codec::input::Input;

pub(in crate::codec) type Encoder<W> = FrameEncoder<W>;

/// Decodes each frame with a decoder of its own: that of `lz4_flex` does not expect a second frame
/// to have smaller blocks than the first.
pub(in crate::codec) struct Decoder<R: Read> {
    frame: Option<FrameDecoder<Frames<Input<R>>>>,
}

impl<R: Read> Decoder<R> {
    fn frame(&mut self) -> &mut FrameDecoder<Frames<Input<R>>> {
        self.frame
            .as_mut()
            .expect("it is only replaced, never taken away")
    }
}

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
        let frame = Some(FrameDecoder::new(Frames::new(input)));
        Ok(Self { frame })
    }

    fn input(&mut self) -> &mut Input<R> {
        self.frame().get_mut().source()
    }
}

impl<R: Read> Read for Decoder<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.frame().read(buf)?;
        if count == 0 && self.frame().get_ref().is_between_frames() {
            let ended = self.frame.take();
            self.frame = ended.map(|ended| FrameDecoder::new(ended.into_inner()));
        }
        Ok(count)
    }
}

impl<R: Read> fmt::Debug for Decoder<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder").finish_non_exhaustive()
    }
}
