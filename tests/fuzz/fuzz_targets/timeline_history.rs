//! A history that is accepted is the same after it was written and read again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use walcast::pg::{TimelineHistory, TimelineId};

fuzz_target!(|input: (u32, &str)| {
    let (number, text) = input;
    let Ok(timeline) = TimelineId::new(number) else {
        return;
    };
    if let Ok(history) = TimelineHistory::parse(timeline, text) {
        assert_eq!(
            TimelineHistory::parse(timeline, &history.to_string()),
            Ok(history)
        );
    }
});
