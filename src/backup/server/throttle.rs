//! Reading no faster than is wanted.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::byte_size::ByteSize;

/// Keeps a blocking thread to a number of bytes per second.
#[derive(Debug)]
pub(super) struct Throttle {
    bytes_per_second: Option<u64>,
    /// When what has passed so far may have passed.
    ready: Instant,
}

impl Throttle {
    pub(super) fn new(rate: Option<ByteSize>) -> Self {
        Self {
            bytes_per_second: rate.map(|rate| rate.bytes().max(1)),
            ready: Instant::now(),
        }
    }

    /// Waits until `bytes` may pass.
    pub(super) fn pass(&mut self, bytes: u64) {
        if let Some(wait) = self.delay(bytes, Instant::now()) {
            thread::sleep(wait);
        }
    }

    /// Returns how long to wait at `now` before `bytes` may pass. Time in which nothing came is
    /// not saved up.
    fn delay(&mut self, bytes: u64, now: Instant) -> Option<Duration> {
        let rate = self.bytes_per_second?;
        let nanoseconds = u128::from(bytes) * 1_000_000_000 / u128::from(rate);
        let takes = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX));
        self.ready = self.ready.max(now) + takes;
        Some(self.ready.saturating_duration_since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_pass_at_the_rate() {
        let mut throttle = Throttle::new(Some(ByteSize::new(1000)));
        let now = Instant::now();

        assert_eq!(throttle.delay(500, now), Some(Duration::from_millis(500)));
        assert_eq!(throttle.delay(500, now), Some(Duration::from_secs(1)));
        let later = now + Duration::from_secs(10);
        assert_eq!(throttle.delay(1000, later), Some(Duration::from_secs(1)));
        assert_eq!(Throttle::new(None).delay(1 << 40, now), None);
    }
}
