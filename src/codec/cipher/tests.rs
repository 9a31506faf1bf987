use std::io::{self, Read, Write};

use proptest::prelude::*;

use super::*;
use crate::{
    codec::{DecodeError, Sha256},
    secret::Secret,
};

const SALT: Salt = Salt::from_bytes([0xBE, 0x28, 0xED, 0x5F, 0x4C, 0x32, 0x4D, 0xC0]);

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(Secret::new(text))
}

fn encrypt(passphrase: &Passphrase, content: &[u8]) -> Vec<u8> {
    let mut encryptor = Encryptor::new(passphrase, SALT, Vec::new()).unwrap();
    encryptor.write_all(content).unwrap();
    encryptor.finish().unwrap()
}

fn decrypt(passphrase: &Passphrase, encrypted: &[u8]) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    Decryptor::new(passphrase.clone(), encrypted).read_to_end(&mut content)?;
    Ok(content)
}

/// Returns at most `.1` bytes at once.
struct Drip<R>(R, usize);

impl<R: Read> Read for Drip<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let len = buf.len().min(self.1);
        self.0.read(&mut buf[..len])
    }
}

/// The numbers are those of `openssl enc -aes-256-cbc -md sha1 -P`.
#[test]
fn key_and_vector_are_those_of_openssl() {
    let derived = passphrase("sample-cipher-pass").derive(SALT);

    assert_eq!(
        Sha256::from_bytes(*derived.key()).to_string(),
        "b37c34077770e194a637f6f92773af1611c9a2ec1df7445b1828b6b428180d29"
    );
    assert_eq!(
        u128::from_be_bytes(*derived.iv()),
        0x2F95_DD03_B9EC_0C9D_AC78_6C75_CD35_A260
    );
}

/// Written by OpenSSL 3.0.19: `printf … | openssl enc -aes-256-cbc -md sha1 -S be28ed5f4c324dc0`,
/// with the header before it, which the program leaves out when it is given a salt.
#[test]
fn output_is_that_of_openssl() {
    let encrypted = encrypt(&passphrase("sample-cipher-pass"), b"WAL of PostgreSQL");

    assert_eq!(encrypted[..16], SALT.header());
    assert_eq!(encrypted[16..], OPENSSL);
}

#[test]
fn what_is_cut_or_not_encrypted_is_told_apart() {
    let pass = passphrase("hush");
    let encrypted = encrypt(&pass, &[200; 100]);

    for len in 0..encrypted.len() {
        let error = decrypt(&pass, &encrypted[..len]).unwrap_err();
        let found = DecodeError::find(&error).unwrap();
        let expected = if len < 16 {
            matches!(found, DecodeError::NotEncrypted)
        } else {
            matches!(found, DecodeError::Undecipherable { .. })
        };
        assert!(expected, "{len}: {found:?}");
    }
    let error = decrypt(&pass, &[0; 48]).unwrap_err();
    assert_eq!(DecodeError::find(&error), Some(&DecodeError::NotEncrypted));
}

#[test]
fn another_pass_phrase_shows_at_the_end_or_gives_nonsense() {
    let encrypted = encrypt(&passphrase("hush"), b"[backrest]\n");

    let other = decrypt(&passphrase("other"), &encrypted);

    assert!(other.is_err_and(|error| DecodeError::find(&error).is_some()));
}

#[test]
fn an_error_of_the_source_is_passed_on_and_stays() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("disk on fire"))
        }
    }
    let mut decryptor = Decryptor::new(passphrase("hush"), Broken);

    let first = decryptor.read(&mut [0; 8]).unwrap_err();
    let second = decryptor.read(&mut [0; 8]).unwrap_err();

    assert_eq!(first.to_string(), "disk on fire");
    assert_eq!(DecodeError::find(&second), Some(&DecodeError::Ended));
}

#[test]
fn nothing_secret_is_printed() {
    let pass = passphrase("hush");
    let writer = Encryptor::new(&pass, SALT, Vec::new()).unwrap();
    let reader = Decryptor::new(pass.clone(), io::empty());

    let state = CipherState::new(&pass, SALT);

    let printed = format!("{pass:?} {writer:?} {reader:?} {state:?}");
    assert_eq!(
        printed,
        "[redacted] Encryptor { .. } Decryptor { .. } CipherState { .. }"
    );
}

#[test]
fn salts_differ_by_content_and_pass_phrase() {
    let [one, two] = ["one", "two"].map(passphrase);
    let salt = Salt::of(&one, &[b"name", b"digest"]);

    assert_eq!(salt, Salt::of(&one, &[b"name", b"digest"]));
    for other in [
        Salt::of(&two, &[b"name", b"digest"]),
        Salt::of(&one, &[b"named", b"igest"]),
        Salt::of(&one, &[b"name"]),
    ] {
        assert_ne!(salt, other);
    }
}

const OPENSSL: [u8; 32] = [
    0x42, 0xC8, 0x4E, 0xCA, 0xFD, 0xAE, 0x17, 0x59, 0x5D, 0x79, 0x81, 0xA5, 0xBE, 0xA0, 0x91, 0x50,
    0xC7, 0x21, 0x27, 0x19, 0xD5, 0x95, 0x07, 0x98, 0x06, 0x80, 0x7F, 0x85, 0x6B, 0x77, 0xAA, 0x06,
];

proptest! {
    #[test]
    fn what_is_encrypted_comes_back_however_it_is_cut(
        len in prop_oneof![0_usize..100, 65_500_usize..65_600, 131_000_usize..131_100],
        write in 1_usize..70_000,
        read in 1_usize..70_000,
        drip in 1_usize..70_000,
    ) {
        let content: Vec<u8> = (0..=250).cycle().take(len).collect();
        let pass = passphrase("hush");
        let mut encryptor = Encryptor::new(&pass, SALT, Vec::new()).unwrap();
        for part in content.chunks(write) {
            encryptor.write_all(part).unwrap();
        }
        let encrypted = encryptor.finish().unwrap();
        prop_assert_eq!(encrypted.len() as u64, encrypted_len(len as u64));
        prop_assert!(encrypted == encrypt(&pass, &content));

        let drip = drip.max(len / 100 + 1);
        let mut decryptor = Decryptor::new(pass, Drip(&*encrypted, drip));
        let mut decrypted = Vec::new();
        let mut buf = vec![0; read.max(len / 100 + 1)];
        loop {
            let count = decryptor.read(&mut buf).unwrap();
            if count == 0 { break }
            decrypted.extend_from_slice(&buf[..count]);
        }
        prop_assert!(decrypted == content);
    }

    #[test]
    fn encryption_can_go_on_behind_any_block(blocks in 1_usize..40, at in 0_usize..40) {
        let at = at % blocks;
        let pass = passphrase("hush");
        let content = vec![3; blocks * BLOCK];
        let whole = encrypt(&pass, &content);

        let before = whole[at * BLOCK..][..BLOCK].try_into().unwrap();
        let mut state = match at {
            0 => CipherState::new(&pass, SALT),
            _ => CipherState::behind(&pass, SALT, before),
        };
        let mut rest = content[at * BLOCK..].to_vec();
        CipherState::pad(&mut rest);
        state.encrypt(&mut rest);

        prop_assert_eq!(&whole[(at + 1) * BLOCK..], rest);
    }
}
