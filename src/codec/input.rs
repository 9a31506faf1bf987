use std::io::{self, BufRead, BufReader, Read};

/// The buffered source of a decoder, which remembers what the decoder must tell apart: bytes that
/// are bad, and bytes that could not be read.
#[derive(Debug)]
pub(super) struct Input<R>(BufReader<Source<R>>);

impl<R: Read> Input<R> {
    pub(super) fn new(reader: R) -> Self {
        let source = Source {
            reader,
            position: 0,
            failed: false,
        };
        Self(BufReader::with_capacity(BUFFER, source))
    }

    /// Returns how many bytes the codec has taken.
    pub(super) fn consumed(&self) -> u64 {
        self.0.get_ref().position - self.0.buffer().len() as u64
    }

    /// Returns whether reading the source has failed.
    pub(super) fn has_failed(&self) -> bool {
        self.0.get_ref().failed
    }

    /// Returns whether nothing is left.
    pub(super) fn is_at_end(&mut self) -> io::Result<bool> {
        Ok(self.0.fill_buf()?.is_empty())
    }
}

impl<R: Read> Read for Input<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl<R: Read> BufRead for Input<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.0.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.0.consume(amount);
    }
}

/// Bytes; as large as the buffers of the codecs.
const BUFFER: usize = 64 << 10;

#[derive(Debug)]
struct Source<R> {
    reader: R,
    position: u64,
    failed: bool,
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.reader.read(buf) {
                Ok(count) => {
                    self.position += count as u64;
                    return Ok(count);
                }
                // The codecs would pass it on, some of them after losing their place.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failed = true;
                    return Err(error);
                }
            }
        }
    }
}
