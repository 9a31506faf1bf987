//! A header that is accepted can be checked against the name that follows from it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use walcast::pg::{SegmentHeader, SegmentName};

fuzz_target!(|bytes: &[u8]| {
    let Ok(header) = SegmentHeader::parse(bytes) else {
        return;
    };
    let size = header.segment_size;
    let name = SegmentName::containing(header.page_address, header.timeline, size);
    let is_aligned = header.page_address.get() % size.bytes() == 0;
    assert_eq!(header.check_name(name).is_ok(), is_aligned);
});
