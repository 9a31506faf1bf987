use std::io::{self, Read, Write};

use super::{ContentDigest, ContentHasher, Encoder, Encoding, Sha256, Sha256Hasher};

/// The bytes that an encoding gave, and their SHA-256.
pub type Encoded = (Vec<u8>, Sha256);

/// Reads `source` once and returns its digest and, for each encoding, the encoded bytes and their
/// SHA-256, in the order of `encodings`.
///
/// Each distinct encoding should be given once; a repeated one is computed again. `capacity_hint`
/// is the expected length of the source in bytes; a wrong one costs time or memory, no more.
///
/// Source, hashes and encoders see one block of 128 KiB at a time, while it is in the CPU's cache;
/// the encoded bytes are hashed as the encoder hands them over, not afterwards. Blocking: call it
/// on [`Workers`](crate::workers::Workers).
///
/// # Errors
///
/// Those of `source`, and a [`CodecError`](super::CodecError) inside the [`io::Error`].
pub fn read_encoded(
    mut source: impl Read,
    encodings: &[Encoding],
    capacity_hint: usize,
) -> io::Result<(ContentDigest, Vec<Encoded>)> {
    let mut encoders = encodings
        .iter()
        .map(|&encoding| Encoder::new(encoding, HashingSink::new(encoding, capacity_hint)))
        .collect::<Result<Vec<_>, _>>()?;
    let mut hasher = ContentHasher::default();
    let mut block = vec![0; BLOCK];
    loop {
        let count = read_block(&mut source, &mut block)?;
        hasher.update(&block[..count]);
        for encoder in &mut encoders {
            encoder.write_all(&block[..count])?;
        }
        if count < block.len() {
            break;
        }
    }
    let encoded = encoders
        .into_iter()
        .map(|encoder| Ok(encoder.finish()?.finish()));
    Ok((hasher.finish(), encoded.collect::<io::Result<_>>()?))
}

/// Bytes; blocks of 64 KiB to 1 MiB perform alike.
const BLOCK: usize = 128 << 10;

/// Bytes; the largest segment. A hint is not trusted further.
const MAX_CAPACITY: usize = 1 << 30;

/// Fills `block`; less is read only at the end.
fn read_block(source: &mut impl Read, block: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < block.len() {
        match source.read(&mut block[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Collects and hashes what is written.
struct HashingSink {
    bytes: Vec<u8>,
    hasher: Sha256Hasher,
}

impl HashingSink {
    /// Compressed WAL is a half to a tenth of the original.
    fn new(encoding: Encoding, source_len: usize) -> Self {
        let source_len = source_len.min(MAX_CAPACITY);
        let capacity = encoding.codec().map_or(source_len, |_| source_len / 4);
        Self {
            bytes: Vec::with_capacity(capacity),
            hasher: Sha256Hasher::default(),
        }
    }

    /// Returns bytes without spare capacity, because they may stay in memory for long.
    fn finish(mut self) -> (Vec<u8>, Sha256) {
        self.bytes.shrink_to_fit();
        (self.bytes, self.hasher.finish())
    }
}

impl Write for HashingSink {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(buf);
        self.hasher.update(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{Codec, Decoder, Sha1};

    /// Returns at most 1000 bytes at once, each time after an interruption.
    struct Hesitant<R>(R, bool);

    impl<R: Read> Read for Hesitant<R> {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let len = buf.len().min(1000);
            self.0.read(&mut buf[..len])
        }
    }

    struct Broken;

    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("disk on fire"))
        }
    }

    fn gzip() -> Encoding {
        Encoding::new(Codec::Gzip, None).unwrap()
    }

    #[test]
    fn all_digests_are_those_of_the_bytes() {
        for len in [0, 1, BLOCK - 1, BLOCK, 2 * BLOCK, 2 * BLOCK + 7] {
            let content: Vec<u8> = (0..=250).cycle().take(len).collect();

            let source = Hesitant(content.as_slice(), false);
            let (digest, encoded) = read_encoded(source, &[Encoding::PLAIN, gzip()], len).unwrap();

            assert_eq!(digest.len, len as u64);
            assert_eq!(digest.sha1, Sha1::of(&content));
            assert_eq!(
                digest.crc32c.as_bytes(),
                &crc32c::crc32c(&content).to_be_bytes()
            );
            assert_eq!(encoded[0].0, content);
            for (bytes, sha256) in &encoded {
                assert_eq!(*sha256, Sha256::of(bytes));
            }
            let mut decoded = Vec::new();
            Decoder::new(Some(Codec::Gzip), encoded[1].0.as_slice(), len as u64)
                .unwrap()
                .read_to_end(&mut decoded)
                .unwrap();
            assert_eq!(decoded, content);
        }
    }

    #[test]
    fn output_is_that_of_a_single_encoder() {
        let content = vec![7; 300_000];
        let mut encoder = Encoder::new(gzip(), Vec::new()).unwrap();
        encoder.write_all(&content).unwrap();
        let expected = encoder.finish().unwrap();

        let (_, outputs) = read_encoded(content.as_slice(), &[gzip()], 0).unwrap();

        assert_eq!(outputs[0].0, expected);
    }

    #[test]
    fn an_error_of_the_source_is_passed_on() {
        let error = read_encoded(Broken, &[gzip()], usize::MAX).unwrap_err();

        assert_eq!(error.to_string(), "disk on fire");
    }
}
