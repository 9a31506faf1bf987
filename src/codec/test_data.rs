//! Content and encodings for the tests of this module.

use std::io::{Read, Write};

use super::{Codec, Decoder, Encoder, Encoding};

/// Every encoding of this build with its default level, plain first.
pub(super) fn encodings() -> impl Iterator<Item = Encoding> {
    let codecs = Codec::ALL.into_iter().filter(|codec| codec.is_available());
    let compressed = codecs.map(|codec| Encoding::new(codec, None).unwrap());
    [Encoding::PLAIN].into_iter().chain(compressed)
}

/// Content that compresses like WAL: short records with counters and random payload.
pub(super) fn wal(len: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(7);
    let mut content = Vec::with_capacity(len + 128);
    let mut counter = 0_u32;
    while content.len() < len {
        counter += 1;
        content.extend_from_slice(b"\x10\xD1\x06\0record of a heap insert");
        content.extend_from_slice(&counter.to_le_bytes());
        content.extend((0..random.usize(..40)).map(|_| random.u8(..)));
        content.resize(content.len() + random.usize(..40), 0);
    }
    content.truncate(len);
    content
}

pub(super) fn encode(encoding: Encoding, content: &[u8]) -> Vec<u8> {
    let mut encoder = Encoder::new(encoding, Vec::new()).unwrap();
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn decode(codec: Option<Codec>, encoded: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut decoded = Vec::new();
    Decoder::new(codec, encoded, 1 << 30)
        .unwrap()
        .read_to_end(&mut decoded)?;
    Ok(decoded)
}
