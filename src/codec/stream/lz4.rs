use std::{
    io::{self, Write},
    mem,
};

use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};

use super::frame::{self, Block, Compressed, Compressor};
use crate::codec::{Codec, CodecError};

/// One LZ4 frame of independent blocks, each with a checksum.
///
/// The library has no encoder of single blocks that adds their checksums, so each is made as a
/// frame, of which the descriptor and the end are left out; they are the same for all.
pub(super) struct Frame {
    beginning: Vec<u8>,
}

impl Frame {
    pub(super) fn new() -> Result<Self, CodecError> {
        let empty = encoder(Vec::new()).finish();
        let mut beginning = empty.map_err(|error| CodecError::Setup {
            codec: Codec::Lz4,
            reason: error.to_string(),
        })?;
        beginning.truncate(beginning.len() - END.len());
        Ok(Self { beginning })
    }
}

impl frame::Frame for Frame {
    fn block_size(&self) -> usize {
        1 << 20
    }

    fn compressor(&mut self) -> Box<dyn Compressor> {
        Box::new(OneBlock {
            encoder: encoder(Behind::default()),
            skip: self.beginning.len(),
        })
    }

    fn beginning(&self) -> Vec<u8> {
        self.beginning.clone()
    }

    fn end(&self) -> Vec<u8> {
        END.to_vec()
    }
}

/// Each block is a frame of its own to the encoder, so that none knows of another; its buffers stay.
struct OneBlock {
    encoder: FrameEncoder<Behind>,
    /// Length of a frame's descriptor, in bytes.
    skip: usize,
}

impl Compressor for OneBlock {
    fn compress(&mut self, block: &Block) -> io::Result<Compressed> {
        if block.content.is_empty() {
            return Ok(Compressed::default());
        }
        *self.encoder.get_mut() = Behind {
            skip: self.skip,
            bytes: Vec::with_capacity(block.content.len() / 4),
        };
        self.encoder.write_all(&block.content)?;
        self.encoder.try_finish()?;
        let mut bytes = mem::take(&mut self.encoder.get_mut().bytes);
        bytes.truncate(bytes.len() - END.len());
        Ok(bytes.into())
    }
}

/// What is written behind the first `skip` bytes.
#[derive(Default)]
struct Behind {
    skip: usize,
    bytes: Vec<u8>,
}

impl Write for Behind {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left_out = self.skip.min(bytes.len());
        self.skip -= left_out;
        self.bytes.extend_from_slice(&bytes[left_out..]);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn encoder<W: Write>(out: W) -> FrameEncoder<W> {
    let frame = FrameInfo::new()
        .block_mode(BlockMode::Independent)
        .block_size(BlockSize::Max1MB)
        .block_checksums(true);
    FrameEncoder::with_frame_info(frame, out)
}

/// A block of no length.
const END: [u8; 4] = [0; 4];
