//! The reference programs read what we write, and we read what they write.

use std::io::{Read, Write};

use walcast::{
    codec::{
        Codec, Decoder, Encoder, Encoding, StreamEncoder,
        cipher::{Decryptor, Encryptor, Passphrase, Salt},
    },
    secret::Secret,
};

use crate::support::{content::wal_like, program};

/// Larger than any buffer and any compressor's window here, and several 16 MiB segments.
const LARGE: usize = 64 << 20;

fn reference_encode(codec: Codec, content: &[u8]) -> Vec<u8> {
    match codec {
        Codec::Gzip => program::filter("gzip", "gzip", &["-1", "-c"], content),
        Codec::Bzip2 => program::filter("bzip2", "bzip2", &["-1", "-c"], content),
        Codec::Xz => program::filter("xz-utils", "xz", &["-0", "-c"], content),
        Codec::Zstd => program::filter("zstd", "zstd", &["-q", "-c"], content),
        Codec::Lz4 => program::filter("lz4", "lz4", &["-q", "-c"], content),
        // It gives nothing at all for nothing, which is no Snappy stream.
        Codec::Snappy => snappy("snappy.StreamCompressor().compress(data)", content),
    }
}

fn reference_decode(codec: Codec, encoded: &[u8]) -> Vec<u8> {
    match codec {
        Codec::Gzip => program::filter("gzip", "gzip", &["-d", "-c"], encoded),
        Codec::Bzip2 => program::filter("bzip2", "bzip2", &["-d", "-c"], encoded),
        Codec::Xz => program::filter("xz-utils", "xz", &["-d", "-c"], encoded),
        Codec::Zstd => program::filter("zstd", "zstd", &["-q", "-d", "-c"], encoded),
        Codec::Lz4 => program::filter("lz4", "lz4", &["-q", "-d", "-c"], encoded),
        Codec::Snappy => snappy("snappy.StreamDecompressor().decompress(data)", encoded),
    }
}

fn snappy(expression: &str, input: &[u8]) -> Vec<u8> {
    let script = format!(
        "import snappy, sys; data = sys.stdin.buffer.read(); sys.stdout.buffer.write({expression})"
    );
    program::python("python-snappy", "snappy", &script, input)
}

/// Fast levels: the frames are the same, and bzip2 and xz are slow enough.
fn encode(codec: Codec, content: &[u8]) -> Vec<u8> {
    let level = matches!(codec, Codec::Gzip | Codec::Bzip2 | Codec::Xz).then_some(1);
    let encoding = Encoding::new(codec, level).unwrap();
    let mut encoder = Encoder::new(encoding, Vec::new()).unwrap();
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn decode(codec: Codec, encoded: &[u8], limit: usize) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(limit);
    Decoder::new(Some(codec), encoded, limit as u64)
        .unwrap()
        .read_to_end(&mut decoded)
        .unwrap();
    decoded
}

fn check(codec: Codec) {
    for len in [0, 1, LARGE] {
        check_reference_reads_ours(codec, &[wal_like(len)]);
        if (codec, len) != (Codec::Snappy, 0) {
            check_we_read_the_references(codec, &[wal_like(len)]);
        }
    }
    let in_a_row = [wal_like(100_000), wal_like(1), wal_like(300_000)];
    check_reference_reads_ours(codec, &in_a_row);
    check_we_read_the_references(codec, &in_a_row);
}

fn check_reference_reads_ours(codec: Codec, parts: &[Vec<u8>]) {
    let encoded: Vec<_> = parts.iter().map(|part| encode(codec, part)).collect();

    assert!(
        reference_decode(codec, &encoded.concat()) == parts.concat(),
        "{codec}"
    );
}

fn check_we_read_the_references(codec: Codec, parts: &[Vec<u8>]) {
    let encoded: Vec<_> = parts
        .iter()
        .map(|part| reference_encode(codec, part))
        .collect();
    let (encoded, content) = (encoded.concat(), parts.concat());

    assert_eq!(Codec::detect(&encoded), Some(codec));
    assert!(decode(codec, &encoded, content.len()) == content, "{codec}");
}

#[test]
fn gzip_and_we_read_each_other() {
    check(Codec::Gzip);
}

#[test]
fn bzip2_and_we_read_each_other() {
    check(Codec::Bzip2);
}

#[test]
fn xz_and_we_read_each_other() {
    check(Codec::Xz);
}

#[test]
fn zstd_and_we_read_each_other() {
    check(Codec::Zstd);
}

#[test]
fn lz4_and_we_read_each_other() {
    check(Codec::Lz4);
}

#[test]
fn python_snappy_and_we_read_each_other() {
    check(Codec::Snappy);
}

#[test]
fn reference_programs_accept_what_is_written_on_several_threads() {
    for codec in Codec::ALL {
        for len in [0, 1, LARGE / 4] {
            let content = wal_like(len);
            let encoded = encode_stream(codec, &content);
            assert!(reference_decode(codec, &encoded) == content, "{codec}");
            let (package, program, args) = match codec {
                Codec::Gzip => ("gzip", "gzip", &["-t"][..]),
                Codec::Bzip2 => ("bzip2", "bzip2", &["-t"][..]),
                Codec::Xz => ("xz-utils", "xz", &["-t"][..]),
                Codec::Zstd => ("zstd", "zstd", &["-q", "-t"][..]),
                Codec::Lz4 => ("lz4", "lz4", &["-q", "-t"][..]),
                Codec::Snappy => continue,
            };
            program::filter(package, program, args, &encoded);
        }
    }
}

fn encode_stream(codec: Codec, content: &[u8]) -> Vec<u8> {
    let level = matches!(codec, Codec::Gzip | Codec::Bzip2 | Codec::Xz).then_some(1);
    let mut encoder = StreamEncoder::new(Encoding::new(codec, level).unwrap(), 4).unwrap();
    let mut out = Vec::new();
    for piece in content.chunks(300_000) {
        encoder.write(piece, &mut out).unwrap();
    }
    encoder.finish(&mut out).unwrap();
    out
}

#[test]
fn openssl_and_we_read_what_the_other_encrypted() {
    let openssl = |direction, input: &[u8]| {
        let arguments = [
            "enc",
            direction,
            "-aes-256-cbc",
            "-md",
            "sha1",
            "-pass",
            "pass:hush",
        ];
        program::filter("openssl", "openssl", &arguments, input)
    };
    let passphrase = Passphrase::new(Secret::new("hush"));
    for len in [0, 1, 15, 16, 200_003] {
        let content = wal_like(len);
        let salt = Salt::of(&passphrase, &[b"a name"]);
        let mut encryptor = Encryptor::new(&passphrase, salt, Vec::new()).unwrap();
        encryptor.write_all(&content).unwrap();
        let ours = encryptor.finish().unwrap();

        assert!(openssl("-d", &ours) == content, "{len}");

        let theirs = openssl("-e", &content);
        let mut decrypted = Vec::new();
        let mut decryptor = Decryptor::new(passphrase.clone(), theirs.as_slice());
        decryptor.read_to_end(&mut decrypted).unwrap();
        assert!(decrypted == content, "{len}");
    }
}
