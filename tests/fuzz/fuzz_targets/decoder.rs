//! Any bytes are decoded or refused with a decoding error, within the limit.

#![no_main]

use std::io::Read;

use libfuzzer_sys::fuzz_target;
use walcast::codec::{Codec, DecodeError, Decoder};

const LIMIT: u64 = 1 << 20;

fuzz_target!(|input: (u8, &[u8])| {
    let (choice, bytes) = input;
    let codec = Codec::ALL[usize::from(choice) % Codec::ALL.len()];
    let mut decoded = Vec::new();
    let mut decoder = Decoder::new(Some(codec), bytes, LIMIT).expect("each codec is built in");
    if let Err(error) = decoder.read_to_end(&mut decoded) {
        assert!(DecodeError::find(&error).is_some(), "{error}");
    }
    assert!(decoded.len() as u64 <= LIMIT);
});
