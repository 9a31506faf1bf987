//! Any bytes are read or refused.

#![no_main]

use libfuzzer_sys::fuzz_target;
use walcast::pg::ControlData;

fuzz_target!(|bytes: &[u8]| {
    let _ = ControlData::parse(bytes);
});
