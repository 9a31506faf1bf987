use std::io;

use flate2::Crc;

/// What surrounds the blocks of one codec, and how they are compressed.
pub(super) trait Frame: Send {
    /// Returns the length of all blocks but the last, in bytes.
    fn block_size(&self) -> usize;

    /// Returns whether blocks may be compressed at the same time.
    fn is_parallel(&self) -> bool {
        true
    }

    /// Returns how much of the block before a block wants to know, in bytes.
    fn looks_back(&self) -> usize {
        0
    }

    /// Returns how much content a compressor may keep for itself, in bytes.
    fn held_back(&self) -> usize {
        0
    }

    /// Sets up what compresses the blocks of one thread.
    fn compressor(&mut self) -> Box<dyn Compressor>;

    /// Returns what stands before the first block.
    fn beginning(&self) -> Vec<u8> {
        Vec::new()
    }

    /// Takes note of the next block in order.
    fn add(&mut self, _: &Compressed) {}

    /// Returns what stands behind the last block.
    fn end(&self) -> Vec<u8> {
        Vec::new()
    }
}

/// Compresses blocks, of which it sees those of one thread.
pub(super) trait Compressor: Send {
    fn compress(&mut self, block: &Block) -> io::Result<Compressed>;
}

/// A part of the content.
pub(super) struct Block {
    /// The end of the block before.
    pub before: Vec<u8>,
    pub content: Vec<u8>,
    pub is_last: bool,
}

/// What became of a block.
#[derive(Default)]
pub(super) struct Compressed {
    pub bytes: Vec<u8>,
    /// That of the content, where the codec wants it.
    pub crc: Crc,
}

impl From<Vec<u8>> for Compressed {
    fn from(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            ..Self::default()
        }
    }
}
