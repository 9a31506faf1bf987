use std::io;

use flate2::{Compress, Compression, Crc, FlushCompress};

use super::frame::{Block, Compressed, Compressor, Frame};

/// One gzip member: RFC 1952, around one deflate stream: RFC 1951.
pub(super) struct Member {
    level: Compression,
    crc: Crc,
    /// Length of the content modulo 2^32.
    len: u32,
}

impl Member {
    pub(super) fn new(level: i32) -> Self {
        Self {
            level: Compression::new(level.unsigned_abs()),
            crc: Crc::new(),
            len: 0,
        }
    }
}

impl Frame for Member {
    fn block_size(&self) -> usize {
        512 << 10
    }

    /// Deflate's window.
    fn looks_back(&self) -> usize {
        32 << 10
    }

    fn compressor(&mut self) -> Box<dyn Compressor> {
        Box::new(Deflate(self.level))
    }

    fn beginning(&self) -> Vec<u8> {
        HEADER.to_vec()
    }

    fn add(&mut self, block: &Compressed) {
        self.crc.combine(&block.crc);
        self.len = self.len.wrapping_add(block.crc.amount());
    }

    fn end(&self) -> Vec<u8> {
        [self.crc.sum().to_le_bytes(), self.len.to_le_bytes()].concat()
    }
}

/// Makes a block a part of a deflate stream that ends at a byte, or the end of the stream.
///
/// Each block has a compressor of its own: one that was reset finds other matches than a new one,
/// and what it finds would depend on which thread had which blocks before.
struct Deflate(Compression);

impl Compressor for Deflate {
    fn compress(&mut self, block: &Block) -> io::Result<Compressed> {
        let mut deflate = Compress::new(self.0, false);
        if !block.before.is_empty() {
            deflate.set_dictionary(&block.before)?;
        }
        let flush = if block.is_last {
            FlushCompress::Finish
        } else {
            FlushCompress::Sync
        };
        let content = &block.content;
        let mut bytes = Vec::with_capacity(content.len() + content.len() / 8 + ROOM);
        loop {
            let consumed = usize::try_from(deflate.total_in()).expect("a block is in memory");
            deflate.compress_vec(&content[consumed..], &mut bytes, flush)?;
            // All is out once there is room that it did not need.
            if bytes.len() < bytes.capacity() {
                break;
            }
            bytes.reserve(ROOM);
        }
        let mut crc = Crc::new();
        crc.update(content);
        Ok(Compressed { bytes, crc })
    }
}

/// No flags, no time, operating system "unknown": as an encoder writes it.
const HEADER: [u8; 10] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255];
/// Bytes; a little more than deflate adds to what it cannot compress.
const ROOM: usize = 1 << 10;
