use std::io::{self, Write};

use super::frame::{Block, Compressed, Compressor, Frame};
use crate::codec::{Codec, Encoder, Encoding, kind::SNAPPY_STREAM_IDENTIFIER};

/// A stream of Snappy's framing format: one identifier, then chunks that are independent.
pub(super) struct Stream;

impl Frame for Stream {
    /// Sixteen chunks.
    fn block_size(&self) -> usize {
        1 << 20
    }

    fn compressor(&mut self) -> Box<dyn Compressor> {
        Box::new(Chunks)
    }

    fn beginning(&self) -> Vec<u8> {
        SNAPPY_STREAM_IDENTIFIER.to_vec()
    }
}

struct Chunks;

impl Compressor for Chunks {
    fn compress(&mut self, block: &Block) -> io::Result<Compressed> {
        let mut encoder = Encoder::new(Encoding::new(Codec::Snappy, None)?, Vec::new())?;
        encoder.write_all(&block.content)?;
        let mut bytes = encoder.finish()?;
        bytes.drain(..SNAPPY_STREAM_IDENTIFIER.len());
        Ok(bytes.into())
    }
}
