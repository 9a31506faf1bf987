use std::{collections::BTreeSet, path::Path};

use proptest::prelude::*;

use super::*;
use crate::codec::{
    Encoding, Sha256,
    test_data::{decode, encode, encodings, wal},
};

/// Codec and encoding of each codec in this build.
fn codecs() -> impl Iterator<Item = (Codec, Encoding)> {
    encodings().filter_map(|encoding| Some((encoding.codec()?, encoding)))
}

fn find(error: &io::Error) -> &DecodeError {
    DecodeError::find(error).unwrap_or_else(|| panic!("{error:?} is no decoding error"))
}

fn fixture(name: &str) -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/codec");
    std::fs::read(root.join(name)).unwrap()
}

/// Ends of the chunks of a framed Snappy stream, which all look like the end of the file.
fn snappy_chunk_ends(encoded: &[u8]) -> BTreeSet<usize> {
    let mut ends = BTreeSet::new();
    let mut at = 0;
    while at < encoded.len() {
        let size = [encoded[at + 1], encoded[at + 2], encoded[at + 3], 0];
        at += 4 + u32::from_le_bytes(size) as usize;
        ends.insert(at);
    }
    ends
}

#[test]
fn files_that_barman_wrote_are_read() {
    for (codec, _) in codecs().filter(|(codec, _)| *codec != Codec::Snappy) {
        let encoded = fixture(&format!(
            "000000010000000000000005.{}",
            codec.barman_extension()
        ));

        assert_eq!(Codec::detect(&encoded), Some(codec));
        let decoded = decode(Some(codec), &encoded).unwrap();

        assert_eq!(decoded.len(), 16 << 20, "{codec}");
        assert_eq!(
            Sha256::of(&decoded).to_string(),
            "5b3bb3c850b193e8b8bb7fedad5ce6cfdde537715a7094459182e62a8d169a23",
            "{codec}"
        );
    }
    let history = decode(Some(Codec::Gzip), &fixture("00000002.history.gz")).unwrap();
    assert_eq!(history, b"1\t0/18000ED8\tno recovery target specified\n");
}

#[cfg(feature = "snappy")]
#[test]
fn a_snappy_file_that_barman_wrote_is_read() {
    let history = decode(Some(Codec::Snappy), &fixture("00000002.history.snappy")).unwrap();

    assert_eq!(history, b"1\t0/18005DD0\tno recovery target specified\n");
}

#[test]
fn every_cut_is_an_error() {
    // Two members, so that one cut is right at the end of the first.
    let first = wal(150_000);
    for (codec, encoding) in codecs() {
        let mut encoded = encode(encoding, &first);
        let mut good_ends = BTreeSet::from([encoded.len()]);
        encoded.extend(encode(encoding, b"second"));
        if !codec.marks_end() {
            good_ends = snappy_chunk_ends(&encoded);
        }

        let all_near_the_ends = (0..300).chain(encoded.len() - 300..encoded.len());
        let cuts = all_near_the_ends
            .chain((0..encoded.len()).step_by(1999))
            .chain(
                good_ends
                    .iter()
                    .flat_map(|end| end.saturating_sub(20)..end + 20),
            );
        for cut in cuts.filter(|cut| *cut < encoded.len()) {
            let decoded = decode(Some(codec), &encoded[..cut]);
            if good_ends.contains(&cut) {
                assert!(decoded.is_ok(), "{codec} cut at {cut}: {decoded:?}");
            } else {
                let error = decoded.expect_err(&format!("{codec} cut at {cut} was accepted"));
                assert_eq!(
                    *find(&error),
                    DecodeError::Truncated { codec },
                    "cut at {cut}"
                );
            }
        }
    }
}

#[cfg(feature = "lz4")]
#[test]
fn a_barman_lz4_file_cut_at_any_block_is_an_error() {
    let encoded = fixture("000000010000000000000005.lz4");
    let mut at = 15;
    let mut blocks = 0;
    loop {
        let size = u32::from_le_bytes(encoded[at..at + 4].try_into().unwrap());
        let error = decode(Some(Codec::Lz4), &encoded[..at]).unwrap_err();
        assert_eq!(*find(&error), DecodeError::Truncated { codec: Codec::Lz4 });
        if size == 0 {
            break;
        }
        at += 4 + (size & 0x7FFF_FFFF) as usize;
        blocks += 1;
    }
    assert_eq!(blocks, 256);
}

#[test]
fn empty_input_is_an_error_except_for_plain() {
    for (codec, _) in codecs() {
        let error = decode(Some(codec), b"").unwrap_err();
        assert_eq!(*find(&error), DecodeError::Truncated { codec });
    }
    assert_eq!(decode(None, b"").unwrap(), b"");
}

#[test]
fn data_behind_the_end_is_an_error() {
    for (codec, encoding) in codecs() {
        for garbage in [
            &b"\0"[..],
            b"x",
            b"\x1F",
            b"garbage behind the end",
            &[0x42; 10_000],
        ] {
            let mut encoded = encode(encoding, b"content");
            encoded.extend_from_slice(garbage);

            let error = decode(Some(codec), &encoded).expect_err(&format!(
                "{codec} accepted {} bytes behind the end",
                garbage.len()
            ));
            find(&error);
        }
    }
}

#[test]
fn another_format_is_an_error() {
    let content = wal(1000);
    for (codec, _) in codecs() {
        for (other, encoding) in codecs().filter(|(other, _)| *other != codec) {
            let error = decode(Some(codec), &encode(encoding, &content)).unwrap_err();
            assert!(
                matches!(find(&error), DecodeError::Damaged { codec: named, .. } if *named == codec),
                "{codec} reads {other}: {error}"
            );
        }
    }
}

#[test]
fn members_in_a_row_are_one_file_even_when_some_are_empty() {
    let (first, last) = (wal(100_000), wal(70_000));
    for (codec, encoding) in codecs() {
        let mut encoded = Vec::new();
        for part in [&b""[..], &first, b"", b"", &last, b""] {
            encoded.extend(encode(encoding, part));
        }

        let decoded = decode(Some(codec), &encoded).unwrap();

        assert!(decoded == [first.as_slice(), &last].concat(), "{codec}");
    }
}

#[cfg(feature = "lz4")]
#[test]
fn lz4_frames_may_differ_in_block_size() {
    use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};

    let content = wal(300_000);
    let mut encoded = Vec::new();
    let mut expected = Vec::new();
    for block_size in [BlockSize::Max4MB, BlockSize::Max64KB, BlockSize::Max256KB] {
        for block_mode in [BlockMode::Linked, BlockMode::Independent] {
            let info = FrameInfo::new()
                .block_size(block_size)
                .block_mode(block_mode);
            let mut writer = FrameEncoder::with_frame_info(info, Vec::new());
            io::Write::write_all(&mut writer, &content).unwrap();
            encoded.extend(writer.finish().unwrap());
            expected.extend_from_slice(&content);
        }
    }

    assert!(decode(Some(Codec::Lz4), &encoded).unwrap() == expected);
}

#[test]
fn skippable_frames_are_skipped() {
    let skippable = |len: u32| {
        let mut frame = 0x184D_2A5F_u32.to_le_bytes().to_vec();
        frame.extend(len.to_le_bytes());
        frame.resize(frame.len() + len as usize, b'x');
        frame
    };
    let is_framed = |codec: &Codec| matches!(codec, Codec::Zstd | Codec::Lz4);

    for (codec, encoding) in codecs().filter(|(codec, _)| is_framed(codec)) {
        let frame = encode(encoding, b"content");
        let all = [
            skippable(7),
            frame.clone(),
            skippable(100_000),
            skippable(0),
            frame.clone(),
        ];

        assert_eq!(
            decode(Some(codec), &all.concat()).unwrap(),
            b"contentcontent",
            "{codec}"
        );
        let cut = &skippable(9)[..12];
        let error = decode(Some(codec), &[frame.as_slice(), cut].concat()).unwrap_err();
        assert_eq!(*find(&error), DecodeError::Truncated { codec });
    }
}

#[test]
fn the_limit_is_exact_and_what_came_before_is_intact() {
    let content = wal(100_000);
    for encoding in encodings() {
        let codec = encoding.codec();
        let encoded = encode(encoding, &content);
        let read = |limit| {
            let mut decoded = Vec::new();
            let result = Decoder::new(codec, encoded.as_slice(), limit)
                .unwrap()
                .read_to_end(&mut decoded);
            (decoded, result)
        };

        for limit in [100_000, 100_001, u64::MAX] {
            let (decoded, result) = read(limit);
            assert!(result.is_ok() && decoded == content, "{encoding}");
        }
        for limit in [0, 1, 65_536, 99_999] {
            let (decoded, result) = read(limit);
            assert_eq!(*find(&result.unwrap_err()), DecodeError::TooLarge { limit });
            assert!(
                content.starts_with(&decoded) && decoded.len() as u64 == limit,
                "{encoding}"
            );
        }
    }
}

#[test]
fn a_bomb_is_stopped_at_the_limit() {
    for (codec, encoding) in codecs().filter(|(codec, _)| *codec != Codec::Snappy) {
        let bomb = encode(encoding, &vec![0; 8 << 20]).repeat(20);

        let mut decoder = Decoder::new(Some(codec), bomb.as_slice(), 9 << 20).unwrap();
        let error = io::copy(&mut decoder, &mut io::sink()).unwrap_err();

        assert_eq!(
            *find(&error),
            DecodeError::TooLarge { limit: 9 << 20 },
            "{codec}"
        );
    }
}

/// Fails after its bytes.
struct Failing<'a>(&'a [u8]);

impl Read for Failing<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buf)? {
            0 => Err(io::Error::new(
                io::ErrorKind::ConnectionReset,
                "peer went away",
            )),
            count => Ok(count),
        }
    }
}

#[test]
fn an_error_of_the_source_is_passed_on_unchanged_and_stays() {
    for encoding in encodings() {
        let encoded = encode(encoding, &wal(200_000));
        for cut in [0, 3, encoded.len() / 2, encoded.len()] {
            let source = Failing(&encoded[..cut]);
            let mut decoder = Decoder::new(encoding.codec(), source, 1 << 30).unwrap();

            let error = decoder.read_to_end(&mut Vec::new()).unwrap_err();
            assert_eq!(
                error.kind(),
                io::ErrorKind::ConnectionReset,
                "{encoding} at {cut}"
            );
            assert_eq!(DecodeError::find(&error), None);

            let error = decoder.read(&mut [0; 9]).unwrap_err();
            assert_eq!(*find(&error), DecodeError::Ended, "{encoding} at {cut}");
        }
    }
}

#[test]
fn a_source_that_gives_one_byte_at_a_time_and_is_interrupted_is_read() {
    struct Drip<'a>(&'a [u8], bool);

    impl Read for Drip<'_> {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let len = buf.len().min(1);
            self.0.read(&mut buf[..len])
        }
    }

    let content = wal(70_000);
    for encoding in encodings() {
        let encoded = encode(encoding, &content);
        let source = Drip(&encoded, false);
        let mut reader = Decoder::new(encoding.codec(), source, 1 << 30).unwrap();

        let mut decoded = Vec::new();
        reader.read_to_end(&mut decoded).unwrap();

        assert!(decoded == content, "{encoding}");
        assert_eq!(reader.read(&mut [0; 9]).unwrap(), 0);
    }
}

#[test]
fn a_flipped_bit_is_found_where_the_format_has_a_checksum() {
    let content = wal(700);
    for (codec, encoding) in codecs().filter(|(codec, _)| *codec != Codec::Zstd) {
        let encoded = encode(encoding, &content);
        for bit in 0..8 * encoded.len() {
            let mut damaged = encoded.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            if let Ok(decoded) = decode(Some(codec), &damaged) {
                // Fields that do not bear on the content, such as gzip's time, are not covered. A
                // chunk of Snappy can become one to be skipped, which the length tells.
                let is_noticed_by_length = !codec.marks_end() && decoded.len() != content.len();
                assert!(
                    decoded == content || is_noticed_by_length,
                    "{codec}, bit {bit}"
                );
            }
        }
    }
}

#[cfg(feature = "zstd")]
#[test]
fn zstd_windows_over_128_mib_are_refused() {
    let frame = |window_log: u8| {
        let window = (window_log - 10) << 3;
        [0x28, 0xB5, 0x2F, 0xFD, 0, window, 1, 0, 0]
    };

    assert_eq!(decode(Some(Codec::Zstd), &frame(27)).unwrap(), b"");
    let error = decode(Some(Codec::Zstd), &frame(28)).unwrap_err();
    assert!(
        matches!(find(&error), DecodeError::Damaged { .. }),
        "{error}"
    );
}

#[cfg(feature = "xz")]
#[test]
fn xz_dictionaries_that_need_too_much_memory_are_refused() {
    let mut encoded = encode(Encoding::new(Codec::Xz, None).unwrap(), b"content");
    let header = 12..12 + 4 * usize::from(encoded[12]);
    // The dictionary's size, as an exponent: 40 is 4 GiB.
    encoded[16] = 40;
    let mut crc = flate2::Crc::new();
    crc.update(&encoded[header.clone()]);
    encoded[header.end..header.end + 4].copy_from_slice(&crc.sum().to_le_bytes());

    let error = decode(Some(Codec::Xz), &encoded).unwrap_err();

    assert_eq!(
        *find(&error),
        DecodeError::Damaged {
            codec: Codec::Xz,
            reason: "memory limit reached".to_owned()
        }
    );
}

#[test]
fn streams_can_be_sent_to_other_threads() {
    fn check<T: Send>() {}

    check::<Decoder<std::fs::File>>();
    check::<crate::codec::Encoder<std::fs::File>>();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_is_encoded_is_decoded(
        content in proptest::collection::vec(any::<u8>(), 0..5000),
        repeat in 1_usize..40,
    ) {
        let content = content.repeat(repeat);
        for encoding in encodings() {
            let encoded = encode(encoding, &content);
            prop_assert!(decode(encoding.codec(), &encoded).unwrap() == content, "{}", encoding);
        }
    }

    #[test]
    fn any_bytes_are_decoded_or_refused(bytes: Vec<u8>, keep_header: bool) {
        for (codec, encoding) in codecs() {
            let header = if keep_header { encode(encoding, b"x") } else { Vec::new() };
            let mut input = header[..header.len().min(10)].to_vec();
            input.extend(&bytes);
            if let Err(error) = decode(Some(codec), &input) {
                find(&error);
            }
        }
    }
}
