//! A name that is accepted is written back as it was, and its arithmetic does not panic.

#![no_main]

use libfuzzer_sys::fuzz_target;
use walcast::pg::{SegmentSize, StatusFile, WalFileName};

fuzz_target!(|text: &str| {
    if let Ok(status) = StatusFile::parse(text) {
        assert_eq!(status.to_string(), text);
    }
    let Ok(file) = WalFileName::parse(text) else {
        return;
    };
    assert_eq!(file.to_string(), text);
    let Some(segment) = file.segment() else {
        return;
    };
    for size in SegmentSize::ALL {
        assert!(segment.next(size).is_valid_for(size));
        segment.previous(size);
        segment.start_lsn(size);
    }
});
