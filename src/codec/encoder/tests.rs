use proptest::prelude::*;

use super::*;
use crate::codec::test_data::{encode, encodings, wal};

fn encode_in_pieces(encoding: Encoding, content: &[u8], piece: usize) -> Vec<u8> {
    let mut encoder = Encoder::new(encoding, Vec::new()).unwrap();
    for piece in content.chunks(piece) {
        encoder.write_all(piece).unwrap();
        encoder.flush().unwrap();
    }
    encoder.finish().unwrap()
}

#[test]
fn output_does_not_depend_on_how_the_content_is_written() {
    let content = wal(400_000);

    for encoding in encodings() {
        let expected = encode(encoding, &content);
        for piece in [97, 4096, 65_535, 65_536, 65_537, 131_072] {
            assert!(
                encode_in_pieces(encoding, &content, piece) == expected,
                "{encoding} in pieces of {piece}"
            );
        }
    }
}

#[test]
fn headers_are_what_both_layouts_expect() {
    for encoding in encodings() {
        let Some(codec) = encoding.codec() else {
            continue;
        };
        for content in [vec![], wal(200_000)] {
            let encoded = encode(encoding, &content);

            assert_eq!(Codec::detect(&encoded), Some(codec));
            match codec {
                Codec::Gzip => assert_eq!(encoded[..10], [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255]),
                Codec::Bzip2 => assert_eq!(encoded[..4], *b"BZh9"),
                // The last byte names the check: 4 is CRC-64.
                Codec::Xz => assert_eq!(encoded[..8], *b"\xFD7zXZ\0\0\x04"),
                // Not a single segment, no content size, no checksum, no dictionary.
                Codec::Zstd => assert_eq!(encoded[4], 0),
                Codec::Lz4 => assert_eq!(encoded[..6], [0x04, 0x22, 0x4D, 0x18, 0x44, 0x40]),
                Codec::Snappy => assert_eq!(encoded[..10], *b"\xFF\x06\0\0sNaPpY"),
            }
        }
    }
}

#[test]
fn higher_levels_are_used() {
    let content = wal(1 << 20);

    for (codec, low, high) in [(Codec::Gzip, 1, 9), (Codec::Xz, 0, 6), (Codec::Zstd, -5, 9)] {
        if codec.is_available() {
            let encoded_len =
                |level| encode(Encoding::new(codec, Some(level)).unwrap(), &content).len();
            assert!(encoded_len(low) > encoded_len(high), "{codec}");
        }
    }
}

#[test]
fn an_error_of_the_writer_is_passed_on() {
    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    for encoding in encodings() {
        let mut encoder = Encoder::new(encoding, Full).unwrap();
        let result = encoder
            .write_all(&wal(500_000))
            .and_then(|()| encoder.finish());

        let error = result
            .err()
            .unwrap_or_else(|| panic!("{encoding} hid the error"));
        assert_eq!(error.kind(), io::ErrorKind::StorageFull, "{encoding}");
    }
}

proptest! {
    #[test]
    fn plain_encoding_changes_nothing(content: Vec<u8>) {
        prop_assert_eq!(encode(Encoding::PLAIN, &content), content);
    }
}
