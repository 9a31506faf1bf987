use std::{
    fmt,
    io::{self, Read},
};

use crate::codec::{
    Codec, CodecError, DecodeError,
    format::{Decode, bzip2, gzip, lz4, snappy, xz, zstd},
    input::Input,
};

/// Decompresses while it is read.
///
/// Several members, streams or frames in a row are read as one file, as Barman's readers do; zstd
/// and LZ4 frames that are to be skipped are skipped. Memory is bounded whatever the input says:
/// zstd windows to 128 MiB, xz to 128 MiB in all.
///
/// # Errors
///
/// Reading fails with a [`DecodeError`] inside the [`io::Error`] if there is more than the limit,
/// or if the input is damaged, ends too early (an empty input does), or goes on behind its end.
/// Errors of the source are passed on unchanged. After an error the decoder stays failed.
pub struct Decoder<R: Read> {
    inner: Inner<R>,
    codec: Option<Codec>,
    limit: u64,
    left: u64,
    state: State,
}

#[allow(
    clippy::large_enum_variant,
    reason = "there are few, and they hardly move"
)]
enum Inner<R: Read> {
    Plain(Input<R>),
    Gzip(gzip::Decoder<R>),
    Bzip2(bzip2::Decoder<R>),
    Xz(xz::Decoder<R>),
    Zstd(zstd::Decoder<R>),
    Lz4(lz4::Decoder<R>),
    Snappy(snappy::Decoder<R>),
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum State {
    Reading,
    Finished,
    Failed,
}

impl<R: Read> Decoder<R> {
    /// Decodes `reader`, which need not be buffered, up to `limit` bytes of output.
    ///
    /// `None` passes the bytes through, under the same limit.
    pub fn new(codec: Option<Codec>, reader: R, limit: u64) -> Result<Self, CodecError> {
        let input = Input::new(reader);
        let inner = match codec {
            None => Inner::Plain(input),
            Some(codec) => {
                codec.require()?;
                Inner::start(codec, input).map_err(|reason| CodecError::Setup { codec, reason })?
            }
        };
        Ok(Self {
            inner,
            codec,
            limit,
            left: limit,
            state: State::Reading,
        })
    }

    /// Reads until there is output or the end; a codec may return nothing between two frames.
    fn read_some(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            let before = self.inner.input().consumed();
            let count = self.inner.read(buf)?;
            if count > 0 {
                return Ok(count);
            }
            if self.inner.input().is_at_end()? {
                return self.check_end();
            }
            if self.inner.input().consumed() == before {
                return Err(self.damaged("data follows its end".to_owned()).into());
            }
        }
    }

    fn check_end(&mut self) -> io::Result<usize> {
        match self.codec {
            Some(codec) if self.inner.input().consumed() == 0 => {
                Err(DecodeError::Truncated { codec }.into())
            }
            _ => Ok(0),
        }
    }

    /// Reads up to the limit, and there checks that nothing is left.
    fn read_within_limit(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return match self.read_some(&mut [0])? {
                0 => Ok(0),
                _ => Err(DecodeError::TooLarge { limit: self.limit }.into()),
            };
        }
        let len = usize::try_from(self.left).map_or(buf.len(), |left| left.min(buf.len()));
        let count = self.read_some(&mut buf[..len])?;
        self.left -= count as u64;
        Ok(count)
    }

    fn classify(&mut self, error: io::Error) -> io::Error {
        let Some(codec) = self.codec else {
            return error;
        };
        if self.inner.input().has_failed() || DecodeError::find(&error).is_some() {
            return error;
        }
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return DecodeError::Truncated { codec }.into();
        }
        self.damaged(error.to_string()).into()
    }

    fn damaged(&self, reason: String) -> DecodeError {
        let codec = self
            .codec
            .expect("plain input has no form that could be damaged");
        DecodeError::Damaged { codec, reason }
    }
}

impl<R: Read> Read for Decoder<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.state {
            State::Failed => return Err(DecodeError::Ended.into()),
            State::Finished => return Ok(0),
            State::Reading if buf.is_empty() => return Ok(0),
            State::Reading => {}
        }
        let result = self.read_within_limit(buf);
        match result {
            Ok(0) => self.state = State::Finished,
            Ok(_) => {}
            Err(_) => self.state = State::Failed,
        }
        result.map_err(|error| self.classify(error))
    }
}

#[allow(
    clippy::match_same_arms,
    reason = "codecs that are not built in are one type"
)]
impl<R: Read> Inner<R> {
    fn start(codec: Codec, input: Input<R>) -> Result<Self, String> {
        Ok(match codec {
            Codec::Gzip => Self::Gzip(Decode::start(input)?),
            Codec::Bzip2 => Self::Bzip2(Decode::start(input)?),
            Codec::Xz => Self::Xz(Decode::start(input)?),
            Codec::Zstd => Self::Zstd(Decode::start(input)?),
            Codec::Lz4 => Self::Lz4(Decode::start(input)?),
            Codec::Snappy => Self::Snappy(Decode::start(input)?),
        })
    }

    fn input(&mut self) -> &mut Input<R> {
        match self {
            Self::Plain(input) => input,
            Self::Gzip(decoder) => decoder.input(),
            Self::Bzip2(decoder) => decoder.input(),
            Self::Xz(decoder) => decoder.input(),
            Self::Zstd(decoder) => decoder.input(),
            Self::Lz4(decoder) => decoder.input(),
            Self::Snappy(decoder) => decoder.input(),
        }
    }

    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(input) => input.read(buf),
            Self::Gzip(decoder) => decoder.read(buf),
            Self::Bzip2(decoder) => decoder.read(buf),
            Self::Xz(decoder) => decoder.read(buf),
            Self::Zstd(decoder) => decoder.read(buf),
            Self::Lz4(decoder) => decoder.read(buf),
            Self::Snappy(decoder) => decoder.read(buf),
        }
    }
}

impl<R: Read> fmt::Debug for Decoder<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("codec", &self.codec)
            .field("limit", &self.limit)
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
