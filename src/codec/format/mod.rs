//! One module per codec: the types that compress and decompress.
//!
//! Each has an `Encoder` and a `Decoder`. Where the cargo feature is off, both are `missing`.

pub(super) mod gzip;

#[cfg(feature = "bzip2")]
pub(super) mod bzip2;
#[cfg(feature = "lz4")]
pub(super) mod lz4;
#[cfg(feature = "lz4")]
mod lz4_frames;
#[cfg(feature = "snappy")]
pub(super) mod snappy;
#[cfg(feature = "xz")]
pub(super) mod xz;
#[cfg(feature = "zstd")]
pub(super) mod zstd;

#[cfg(not(all(
    feature = "bzip2",
    feature = "lz4",
    feature = "snappy",
    feature = "xz",
    feature = "zstd"
)))]
pub(super) mod missing;
#[cfg(not(feature = "bzip2"))]
pub(super) use self::missing as bzip2;
#[cfg(not(feature = "lz4"))]
pub(super) use self::missing as lz4;
#[cfg(not(feature = "snappy"))]
pub(super) use self::missing as snappy;
#[cfg(not(feature = "xz"))]
pub(super) use self::missing as xz;
#[cfg(not(feature = "zstd"))]
pub(super) use self::missing as zstd;

use std::io::{self, Read, Write};

use super::input::Input;

/// A compressor over a writer.
pub(super) trait Encode<W>: Write + Sized {
    /// Sets it up, or says why it cannot; codecs without levels ignore `level`.
    fn start(level: i32, writer: W) -> Result<Self, String>;

    /// Writes the end.
    fn finish(self) -> io::Result<W>;
}

/// A decompressor over an input.
///
/// It may return nothing between two frames; the end is where the input ends as well.
pub(super) trait Decode<R>: Read + Sized {
    /// Sets it up, or says why it cannot.
    fn start(input: Input<R>) -> Result<Self, String>;

    /// Returns the input, which must not be read from.
    fn input(&mut self) -> &mut Input<R>;
}
