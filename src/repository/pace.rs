//! Removing no faster than a store should be asked to.

use std::{num::NonZeroU32, sync::Mutex, time::Duration};

use tokio::time::{Instant, sleep_until};

/// How many objects are removed in a second at most; in time shared by whoever shares it.
#[derive(Debug)]
pub struct Pace {
    per_second: Option<NonZeroU32>,
    /// When what was admitted so far may have passed.
    ready: Mutex<Option<Instant>>,
}

impl Pace {
    /// How many objects are removed by one request at most: as many as S3 takes.
    pub const BATCH: usize = 1000;

    /// Admits so many objects in a second.
    pub fn new(per_second: NonZeroU32) -> Self {
        Self {
            per_second: Some(per_second),
            ready: Mutex::new(None),
        }
    }

    /// Admits everything at once.
    pub fn unlimited() -> Self {
        Self {
            per_second: None,
            ready: Mutex::new(None),
        }
    }

    /// Returns how many objects one request may remove, so that none of them comes too early.
    pub fn batch(&self) -> usize {
        let most = |rate: NonZeroU32| usize::try_from(rate.get()).unwrap_or(usize::MAX);
        self.per_second.map_or(Self::BATCH, most).min(Self::BATCH)
    }

    /// Waits until so many objects may be removed. Time in which nothing came is not saved up.
    pub async fn admit(&self, objects: usize) {
        let Some(rate) = self.per_second else {
            return;
        };
        let objects = u32::try_from(objects).unwrap_or(u32::MAX);
        let takes = Duration::from_secs(1) * objects / rate.get();
        let begin = {
            let mut ready = self.ready.lock().expect("no holder of the lock panics");
            let now = Instant::now();
            let begin = ready.map_or(now, |ready| ready.max(now));
            *ready = Some(begin + takes);
            begin
        };
        sleep_until(begin).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn objects_pass_at_the_rate() {
        let pace = Pace::new(NonZeroU32::new(100).unwrap());
        let begin = Instant::now();

        for _ in 0..3 {
            pace.admit(pace.batch()).await;
        }

        assert_eq!((pace.batch(), begin.elapsed().as_secs()), (100, 2));
        tokio::time::advance(Duration::from_mins(1)).await;
        let begin = Instant::now();
        pace.admit(50).await;
        pace.admit(1).await;
        assert_eq!(begin.elapsed().as_millis(), 500);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_rate_nobody_waits() {
        let (pace, begin) = (Pace::unlimited(), Instant::now());

        pace.admit(1_000_000).await;

        assert_eq!(pace.batch(), Pace::BATCH);
        assert_eq!(begin.elapsed(), Duration::ZERO);
    }
}
