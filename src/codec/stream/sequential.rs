use std::{
    io::{self, Write},
    mem,
    sync::{Arc, Mutex},
};

use super::frame::{Block, Compressed, Compressor, Frame};
use crate::codec::{CodecError, Encoder, Encoding};

/// What an [`Encoder`] makes: blocks of bzip2, xz and zstd know what stood before them.
pub(super) struct Stream(Option<OneAfterTheOther>);

impl Stream {
    pub(super) fn new(encoding: Encoding) -> Result<Self, CodecError> {
        let output = Output::default();
        let encoder = Some(Encoder::new(encoding, output.clone())?);
        Ok(Self(Some(OneAfterTheOther { encoder, output })))
    }
}

impl Frame for Stream {
    fn block_size(&self) -> usize {
        512 << 10
    }

    fn is_parallel(&self) -> bool {
        false
    }

    /// More than a block of bzip2 (900 KB), a chunk of xz (2 MiB) or a block of zstd (128 KiB).
    fn held_back(&self) -> usize {
        8 << 20
    }

    fn compressor(&mut self) -> Box<dyn Compressor> {
        let only = self.0.take();
        Box::new(only.expect("what is not parallel has one thread"))
    }
}

struct OneAfterTheOther {
    /// `None` behind the last block, and after an error.
    encoder: Option<Encoder<Output>>,
    output: Output,
}

impl Compressor for OneAfterTheOther {
    fn compress(&mut self, block: &Block) -> io::Result<Compressed> {
        let Some(mut encoder) = self.encoder.take() else {
            return Err(io::Error::other("an earlier block could not be compressed"));
        };
        encoder.write_all(&block.content)?;
        if block.is_last {
            encoder.finish()?;
        } else {
            self.encoder = Some(encoder);
        }
        Ok(self.output.take().into())
    }
}

/// What the encoder wrote and nobody took yet. Only one thread uses it.
#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl Output {
    fn take(&self) -> Vec<u8> {
        mem::take(&mut self.0.lock().expect(NOBODY_PANICS))
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut output = self.0.lock().expect(NOBODY_PANICS);
        output.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const NOBODY_PANICS: &str = "nobody panics while holding it";
