use std::io::Read;

use flate2::bufread::GzDecoder;
use proptest::{collection::vec, prelude::*};

use super::*;
use crate::codec::test_data::{decode, encode, encodings, wal};

/// Encodes in pieces of these lengths, over and over.
fn encode_stream(encoding: Encoding, threads: usize, content: &[u8], pieces: &[usize]) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), content);
    let mut encoder = StreamEncoder::new(encoding, threads).unwrap();
    for &piece in pieces.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (now, later) = rest.split_at(piece.min(rest.len()));
        encoder.write(now, &mut out).unwrap();
        rest = later;
    }
    let len = encoder.finish(&mut out).unwrap();
    assert_eq!(len, out.len() as u64);
    out
}

fn gzip(level: i32) -> Encoding {
    Encoding::new(Codec::Gzip, Some(level)).unwrap()
}

/// Bytes that deflate's fixed codes make longer.
fn incompressible(len: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(11);
    (0..len).map(|_| random.u8(144..)).collect()
}

#[test]
fn every_codec_gives_content_that_decodes_to_itself() {
    for encoding in encodings() {
        for content in [
            vec![],
            wal(1),
            wal(512 << 10),
            wal(1 << 20),
            wal((2 << 20) + 7),
            vec![0; 2 << 20],
            incompressible((1 << 20) + 1),
        ] {
            let encoded = encode_stream(encoding, 2, &content, &[100_000]);

            assert!(
                decode(encoding.codec(), &encoded).unwrap() == content,
                "{encoding}, {} bytes",
                content.len()
            );
        }
    }
}

#[test]
fn gzip_output_is_one_member_at_every_level() {
    let content = wal((2 << 20) + 99);
    for level in 0..=9 {
        let encoded = encode_stream(gzip(level), 2, &content, &[1 << 20]);

        let mut member = GzDecoder::new(&encoded[..]);
        let mut decoded = Vec::new();
        member.read_to_end(&mut decoded).unwrap();

        assert!(decoded == content, "level {level}");
        assert!(member.into_inner().is_empty(), "level {level}");
        assert_eq!(encoded[..10], [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255]);
    }
}

#[test]
fn parts_of_gzip_know_what_stands_before_them() {
    let mut content = incompressible(512 << 10);
    let tail = content[496 << 10..].to_vec();
    content.extend_from_slice(&tail);

    let encoded = encode_stream(gzip(6), 1, &content, &[content.len()]);
    let shorter = encode_stream(gzip(6), 1, &content[..512 << 10], &[content.len()]);

    assert!(encoded.len() < shorter.len() + (2 << 10));
}

#[test]
fn sequential_codecs_and_snappy_give_what_an_encoder_gives() {
    let content = wal((1 << 20) + 7);
    for encoding in encodings() {
        if matches!(encoding.codec(), Some(Codec::Gzip | Codec::Lz4)) {
            continue;
        }
        let encoded = encode_stream(encoding, 3, &content, &[77_777]);
        assert!(encoded == encode(encoding, &content), "{encoding}");
    }
}

#[test]
fn lz4_output_is_one_frame_of_independent_blocks_with_checksums() {
    if !Codec::Lz4.is_available() {
        return;
    }
    let lz4 = Encoding::new(Codec::Lz4, None).unwrap();
    for content in [vec![], wal(3 << 20)] {
        let encoded = encode_stream(lz4, 2, &content, &[1 << 20]);

        // Version 1, independent, checksums of blocks; blocks of 1 MiB.
        assert_eq!(encoded[..6], [0x04, 0x22, 0x4D, 0x18, 0x70, 0x60]);
        let mut rest = &encoded[7..];
        let mut blocks = 0;
        while rest[..4] != [0; 4] {
            let size = u32::from_le_bytes(rest[..4].try_into().unwrap()) & !(1 << 31);
            rest = &rest[4 + size as usize + 4..];
            blocks += 1;
        }
        assert_eq!((blocks, rest.len()), (content.len() >> 20, 4));
    }
}

#[test]
fn settled_length_depends_on_the_content_alone_and_is_bounded_before() {
    let contents = [wal(4 << 20), incompressible(4 << 20)];
    let levels = [0, 1, 6].map(gzip);
    for (content, encoding) in contents.iter().flat_map(|content| {
        encodings()
            .chain(levels)
            .map(move |encoding| (content, encoding))
    }) {
        let lengths = |threads: usize, piece: usize| {
            let (mut out, mut lengths) = (Vec::new(), Vec::new());
            let mut encoder = StreamEncoder::new(encoding, threads).unwrap();
            for mebibyte in content.chunks(1 << 20) {
                for piece in mebibyte.chunks(piece) {
                    encoder.write(piece, &mut out).unwrap();
                }
                let bound = encoder.len_at_most();
                let settled = encoder.settle(&mut out).unwrap();
                assert!(settled <= bound, "{encoding}: {settled} > {bound}");
                assert_eq!(settled, out.len() as u64);
                assert_eq!(settled, encoder.len_at_most());
                lengths.push(settled);
            }
            lengths
        };

        assert_eq!(lengths(1, 1 << 20), lengths(3, 99_999), "{encoding}");
    }
}

#[test]
fn a_block_of_gzip_does_not_depend_on_what_its_thread_had_before() {
    let mut random = fastrand::Rng::with_seed(5);
    // Many matches, of which the better ones take some looking.
    let content: Vec<u8> = (0..1_300_000).map(|_| random.u8(..4)).collect();
    for level in [1, 6, 9] {
        let alone = encode_stream(gzip(level), 1, &content, &[content.len()]);

        let shared = encode_stream(gzip(level), 3, &content, &[content.len()]);

        assert!(alone == shared, "level {level}");
    }
}

#[test]
fn an_error_of_the_writer_is_passed_on() {
    struct Full(usize);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let Some(left) = self.0.checked_sub(bytes.len()) else {
                return Err(io::ErrorKind::StorageFull.into());
            };
            self.0 = left;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let content = incompressible(3 << 20);
    for encoding in encodings() {
        for room in [0, 1 << 20] {
            let mut full = Full(room);
            let mut encoder = StreamEncoder::new(encoding, 2).unwrap();
            let result = encoder
                .write(&content, &mut full)
                .and_then(|()| encoder.finish(&mut full));

            let error = result.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::StorageFull, "{encoding}");
        }
    }
}

#[test]
fn an_encoder_that_is_dropped_in_the_middle_leaves_nothing_waiting() {
    for encoding in encodings() {
        let mut encoder = StreamEncoder::new(encoding, 2).unwrap();
        encoder.write(&wal(5 << 20), &mut Vec::new()).unwrap();
        drop(encoder);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn output_depends_neither_on_threads_nor_on_writes(
        len in 0..3_000_000_usize,
        threads in 1..6_usize,
        pieces in vec(1..900_000_usize, 1..8),
    ) {
        let content = wal(len);
        let fast = [gzip(1), Encoding::PLAIN];
        let codecs = [Codec::Lz4, Codec::Snappy, Codec::Zstd].into_iter();
        let available = codecs.filter(|codec| codec.is_available());
        for encoding in fast.into_iter().chain(available.map(|codec| Encoding::new(codec, None).unwrap())) {
            let expected = encode_stream(encoding, 1, &content, &[content.len().max(1)]);

            prop_assert!(encode_stream(encoding, threads, &content, &pieces) == expected, "{}", encoding);
        }
    }
}
