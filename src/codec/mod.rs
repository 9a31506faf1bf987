//! Bytes to bytes: compression, encryption and digests.
//!
//! What is written satisfies the Barman Cloud and the pgBackRest layout at once, and depends on
//! nothing but the content and the [`Encoding`]: not on the time, not on how the content was cut
//! into writes. So destinations of both layouts share one compressed copy, and a segment that is
//! compressed again gives the same bytes.
//!
//! What is read may come from either tool: several members, streams or frames in a row are one
//! file. A [`Decoder`] never ends early without an error, with the one exception that
//! [`Codec::marks_end`] tells.
//!
//! ```
//! use std::io::{Read, Write};
//! use walcast::codec::{Codec, Decoder, Encoder, Encoding};
//!
//! let mut encoder = Encoder::new(Encoding::new(Codec::Gzip, None)?, Vec::new())?;
//! encoder.write_all(b"WAL")?;
//! let encoded = encoder.finish()?;
//!
//! let mut decoded = Vec::new();
//! Decoder::new(Codec::detect(&encoded), &encoded[..], 16 << 20)?.read_to_end(&mut decoded)?;
//! assert_eq!(decoded, b"WAL");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod cipher;
mod decoder;
mod digest;
mod encode;
mod encoder;
mod encoding;
mod error;
mod format;
mod input;
mod kind;
mod stream;
#[cfg(test)]
mod test_data;

pub use self::{
    decoder::Decoder,
    digest::{ContentDigest, ContentHasher, Crc32c, InvalidDigest, Sha1, Sha256, Sha256Hasher},
    encode::{Encoded, encode_into, read_encoded},
    encoder::Encoder,
    encoding::Encoding,
    error::{CodecError, DecodeError},
    kind::Codec,
    stream::StreamEncoder,
};
