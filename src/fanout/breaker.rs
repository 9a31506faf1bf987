//! Whether a destination is worth a request now: a pure state machine.

use std::time::Duration;

use tokio::time::Instant;

use crate::store::Class;

/// Counts failures of one destination and says when to try again.
#[derive(Clone, Debug)]
pub(super) struct Breaker {
    /// Failures since the last success.
    failures: u32,
    open_until: Option<Instant>,
    probing: bool,
    settings: BreakerSettings,
}

/// When a destination counts as down, and how often it is asked then.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BreakerSettings {
    /// Transient failures in a row that open the breaker.
    pub threshold: u32,
    /// Pause after the first failure; doubled for each further one, up to `longest`.
    pub base: Duration,
    /// Longest pause after a transient failure.
    pub longest: Duration,
    /// Pause after a failure that only a person can mend.
    pub slow: Duration,
    /// Least pause after a destination gave no answer in time, for a process that waits itself
    /// whenever it finds out whether the destination is back.
    pub late: Duration,
}

impl Default for BreakerSettings {
    /// Three failures; 200 ms doubling up to 30 s; 60 s for what only a person can mend; nothing
    /// more for a late one.
    fn default() -> Self {
        Self {
            threshold: 3,
            base: Duration::from_millis(200),
            longest: Duration::from_secs(30),
            slow: Duration::from_mins(1),
            late: Duration::ZERO,
        }
    }
}

/// Whether a request may be sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Permission {
    /// Yes.
    Go,
    /// One request may find out whether the destination is back.
    Probe,
    /// Not before this time.
    NotBefore(Instant),
    /// A probe is on its way.
    Probing,
}

/// What follows from a failure.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    /// Try again after this pause.
    Retry(Duration),
    /// The breaker is open: give up for now.
    GiveUp,
}

impl Breaker {
    pub(super) fn new(settings: BreakerSettings) -> Self {
        Self {
            failures: 0,
            open_until: None,
            probing: false,
            settings,
        }
    }

    /// Goes on from what an earlier process remembered.
    pub(super) fn resume(&mut self, failures: u32, pause: Option<Duration>, now: Instant) {
        self.failures = failures;
        let BreakerSettings {
            longest,
            slow,
            late,
            ..
        } = self.settings;
        let longest = longest.max(slow).max(late);
        self.open_until = pause.map(|pause| now + pause.min(longest));
    }

    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// Returns how long the breaker stays open; `None` if it is closed.
    pub(super) fn open_for(&self, now: Instant) -> Option<Duration> {
        self.open_until
            .map(|until| until.saturating_duration_since(now))
    }

    pub(super) fn is_closed(&self) -> bool {
        self.open_until.is_none()
    }

    /// Asks without changing anything.
    pub(super) fn permission(&self, now: Instant) -> Permission {
        match self.open_until {
            None => Permission::Go,
            Some(_) if self.probing => Permission::Probing,
            Some(until) if until <= now => Permission::Probe,
            Some(until) => Permission::NotBefore(until),
        }
    }

    /// Announces the probe that [`Permission::Probe`] allowed, or a forced one.
    pub(super) fn begin_probe(&mut self) {
        self.probing = true;
    }

    /// A probe ended without an answer (its task was dropped).
    pub(super) fn end_probe(&mut self) {
        self.probing = false;
    }

    pub(super) fn success(&mut self) {
        *self = Self::new(self.settings);
    }

    /// The destination gave no answer in time.
    pub(super) fn late(&mut self, now: Instant, rng: &mut fastrand::Rng) {
        self.failures = self.failures.saturating_add(1);
        self.open(self.pause(rng).max(self.settings.late), now);
    }

    /// Counts a failure of `class`.
    pub(super) fn failure(
        &mut self,
        class: Class,
        retry_after: Option<Duration>,
        now: Instant,
        rng: &mut fastrand::Rng,
    ) -> Verdict {
        self.failures = self.failures.saturating_add(1);
        match class {
            Class::Transient | Class::Throttled => {
                let asked = retry_after
                    .unwrap_or_default()
                    .min(10 * self.settings.longest);
                let pause = self.pause(rng).max(asked);
                let was_open = !self.is_closed();
                self.probing = false;
                if was_open || self.failures >= self.settings.threshold {
                    self.open(pause, now);
                    return Verdict::GiveUp;
                }
                Verdict::Retry(pause)
            }
            Class::Denied | Class::Invalid | Class::Full | Class::Missing | Class::Conflict => {
                self.open(self.settings.slow, now);
                Verdict::GiveUp
            }
            Class::Cancelled => {
                self.probing = false;
                Verdict::GiveUp
            }
        }
    }

    fn open(&mut self, pause: Duration, now: Instant) {
        self.probing = false;
        self.open_until = Some(now + pause);
    }

    /// Full jitter over an exponentially growing bound, never less than half the base.
    fn pause(&self, rng: &mut fastrand::Rng) -> Duration {
        let doublings = self.failures.saturating_sub(1).min(20);
        let bound = self
            .settings
            .base
            .saturating_mul(1 << doublings)
            .min(self.settings.longest);
        bound.mul_f64(rng.f64()).max(self.settings.base / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rng() -> fastrand::Rng {
        fastrand::Rng::with_seed(7)
    }

    #[tokio::test(start_paused = true)]
    async fn opens_after_the_threshold_and_probes_after_the_pause() {
        let settings = BreakerSettings::default();
        let mut breaker = Breaker::new(settings);
        let now = Instant::now();
        for _ in 1..settings.threshold {
            let verdict = breaker.failure(Class::Transient, None, now, &mut rng());
            assert!(matches!(verdict, Verdict::Retry(_)));
            assert_eq!(breaker.permission(now), Permission::Go);
        }
        assert_eq!(
            breaker.failure(Class::Transient, None, now, &mut rng()),
            Verdict::GiveUp
        );
        assert!(matches!(breaker.permission(now), Permission::NotBefore(_)));

        let later = now + settings.longest;
        assert_eq!(breaker.permission(later), Permission::Probe);
        breaker.begin_probe();
        assert_eq!(breaker.permission(later), Permission::Probing);
        assert_eq!(
            breaker.failure(Class::Transient, None, later, &mut rng()),
            Verdict::GiveUp
        );
        assert!(matches!(
            breaker.permission(later),
            Permission::NotBefore(_)
        ));
        breaker.success();
        assert_eq!(breaker.permission(later), Permission::Go);
    }

    #[tokio::test(start_paused = true)]
    async fn what_only_a_person_can_mend_opens_at_once() {
        for class in [Class::Denied, Class::Invalid, Class::Full] {
            let mut breaker = Breaker::new(BreakerSettings::default());
            let now = Instant::now();
            assert_eq!(
                breaker.failure(class, None, now, &mut rng()),
                Verdict::GiveUp
            );
            assert_eq!(breaker.open_for(now), Some(BreakerSettings::default().slow));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_asks_for_a_pause_gets_it() {
        let mut breaker = Breaker::new(BreakerSettings::default());
        let pause = Some(Duration::from_secs(5));
        let verdict = breaker.failure(Class::Throttled, pause, Instant::now(), &mut rng());
        assert_eq!(verdict, Verdict::Retry(Duration::from_secs(5)));
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_but_stay_bounded() {
        let mut breaker = Breaker::new(BreakerSettings::default());
        let mut rng = rng();
        for _ in 0..100 {
            let now = Instant::now();
            breaker.late(now, &mut rng);
            let pause = breaker.open_for(now).unwrap();
            assert!(pause <= BreakerSettings::default().longest);
            assert!(pause >= BreakerSettings::default().base / 2);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_remembered_pause_is_cut_to_the_longest() {
        let mut breaker = Breaker::new(BreakerSettings::default());
        let now = Instant::now();
        breaker.resume(3, Some(Duration::from_hours(24)), now);
        assert_eq!(breaker.open_for(now), Some(BreakerSettings::default().slow));
    }
}
