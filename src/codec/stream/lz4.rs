use std::io::{self, Write};

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
        let mut beginning = whole(&[]).map_err(|error| CodecError::Setup {
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

struct OneBlock {
    /// Length of a frame's descriptor, in bytes.
    skip: usize,
}

impl Compressor for OneBlock {
    fn compress(&mut self, block: &Block) -> io::Result<Compressed> {
        let mut bytes = whole(&block.content)?;
        bytes.truncate(bytes.len() - END.len());
        bytes.drain(..self.skip);
        Ok(bytes.into())
    }
}

/// Makes a frame of at most one block.
fn whole(content: &[u8]) -> io::Result<Vec<u8>> {
    let frame = FrameInfo::new()
        .block_mode(BlockMode::Independent)
        .block_size(BlockSize::Max1MB)
        .block_checksums(true);
    let mut encoder = FrameEncoder::with_frame_info(frame, Vec::new());
    encoder.write_all(content)?;
    Ok(encoder.finish()?)
}

/// A block of no length.
const END: [u8; 4] = [0; 4];
