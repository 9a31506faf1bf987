use std::io::{self, Read};

use crate::codec::{Codec, DecodeError};

/// Watches the frames of LZ4 data that pass through.
///
/// `lz4_flex` takes the end of the input between two blocks, where no end mark was, for the end
/// of the frame. Here it is an error. Skippable frames, which `lz4_flex` refuses, are left out.
/// Format: `lz4_Frame_format.md` 1.6.
#[derive(Debug)]
pub(in crate::codec) struct Frames<R> {
    source: R,
    /// Parts of the structure, read and not yet passed on.
    pending: Pending,
    /// Bytes of a block, its checksum or the frame's, to be passed on unseen.
    body: u64,
    next: Next,
}

/// What follows the body.
#[derive(Clone, Copy, Debug)]
enum Next {
    Frame,
    Block {
        block_checksum: u64,
        content_checksum: u64,
    },
}

impl<R: Read> Frames<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            source,
            pending: Pending::default(),
            body: 0,
            next: Next::Frame,
        }
    }

    pub(super) fn source(&mut self) -> &mut R {
        &mut self.source
    }

    /// Returns whether all of a frame has been passed on and nothing of another one.
    pub(super) fn is_between_frames(&self) -> bool {
        matches!(self.next, Next::Frame) && self.body == 0 && self.pending.is_empty()
    }

    /// Reads the structure up to the next body; returns false at a proper end.
    fn advance(&mut self) -> io::Result<bool> {
        match self.next {
            Next::Frame => self.read_frame_header(),
            Next::Block {
                block_checksum,
                content_checksum,
            } => {
                let size = u32::from_le_bytes(self.take()?);
                if size == END_MARK {
                    self.body = content_checksum;
                    self.next = Next::Frame;
                } else {
                    self.body = u64::from(size & !UNCOMPRESSED) + block_checksum;
                }
                Ok(true)
            }
        }
    }

    fn read_frame_header(&mut self) -> io::Result<bool> {
        let mut magic = [0; 4];
        loop {
            if self.source.read(&mut magic[..1])? == 0 {
                return Ok(false);
            }
            self.read_exact(&mut magic[1..])?;
            if u32::from_le_bytes(magic) & !0xF != SKIPPABLE {
                break;
            }
            self.skip_frame()?;
        }
        if u32::from_le_bytes(magic) != MAGIC {
            return Err(damaged("no frame begins here"));
        }
        self.pending.push(&magic);
        let [flags, _] = self.take()?;
        self.next = Next::Block {
            block_checksum: if flags & 0x10 == 0 { 0 } else { 4 },
            content_checksum: if flags & 0x04 == 0 { 0 } else { 4 },
        };
        let content_size = if flags & 0x08 == 0 { 0 } else { 8 };
        let dictionary = if flags & 0x01 == 0 { 0 } else { 4 };
        self.body = content_size + dictionary + 1;
        Ok(true)
    }

    fn skip_frame(&mut self) -> io::Result<()> {
        let mut size = [0; 4];
        self.read_exact(&mut size)?;
        let size = u64::from(u32::from_le_bytes(size));
        let skipped = io::copy(&mut self.source.by_ref().take(size), &mut io::sink())?;
        if skipped < size {
            Err(truncated())
        } else {
            Ok(())
        }
    }

    /// Reads bytes of the structure, which are passed on as well.
    fn take<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.read_exact(&mut bytes)?;
        self.pending.push(&bytes);
        Ok(bytes)
    }

    fn read_exact(&mut self, buf: &mut [u8]) -> io::Result<()> {
        self.source
            .read_exact(buf)
            .map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => truncated(),
                _ => error,
            })
    }

    fn read_body(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.source.by_ref().take(self.body).read(buf)?;
        if count == 0 {
            return Err(truncated());
        }
        self.body -= count as u64;
        Ok(count)
    }
}

impl<R: Read> Read for Frames<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        loop {
            let count = self.pending.pop(buf);
            if count > 0 {
                return Ok(count);
            }
            if self.body > 0 {
                return self.read_body(buf);
            }
            if !self.advance()? {
                return Ok(0);
            }
        }
    }
}

/// At most the magic number and the first two bytes of a frame's descriptor.
#[derive(Debug, Default)]
struct Pending {
    bytes: [u8; 6],
    start: usize,
    end: usize,
}

impl Pending {
    fn is_empty(&self) -> bool {
        self.start == self.end
    }

    fn push(&mut self, bytes: &[u8]) {
        self.bytes[self.end..self.end + bytes.len()].copy_from_slice(bytes);
        self.end += bytes.len();
    }

    fn pop(&mut self, buf: &mut [u8]) -> usize {
        let count = buf.len().min(self.end - self.start);
        buf[..count].copy_from_slice(&self.bytes[self.start..self.start + count]);
        self.start += count;
        if self.is_empty() {
            (self.start, self.end) = (0, 0);
        }
        count
    }
}

fn truncated() -> io::Error {
    DecodeError::Truncated { codec: Codec::Lz4 }.into()
}

fn damaged(reason: &str) -> io::Error {
    DecodeError::Damaged {
        codec: Codec::Lz4,
        reason: reason.to_owned(),
    }
    .into()
}

const MAGIC: u32 = 0x184D_2204;
const SKIPPABLE: u32 = 0x184D_2A50;
const END_MARK: u32 = 0;
/// The bit of a block's size that says that the block is stored as it is.
const UNCOMPRESSED: u32 = 1 << 31;
