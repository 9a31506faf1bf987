//! How far a base backup is.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::stream::{self, BoxStream, StreamExt};
use tokio::{
    sync::broadcast::{self, error::RecvError},
    time::{Interval, MissedTickBehavior, interval},
};

use crate::destination::DestinationId;

/// How far a base backup is, for whoever shows it; counted and told by the engine.
///
/// Look at it when you like with [`done`](Self::done), or listen with [`events`](Self::events).
#[derive(Debug)]
pub struct Progress {
    counters: Arc<Counters>,
    events: broadcast::Sender<Event>,
}

/// Something happened to a base backup.
#[derive(Clone, Debug, Eq, PartialEq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// So much was read so far; comes regularly.
    Read(Done),
    /// What a killed run had left in a destination was removed.
    Removed {
        /// The destination.
        destination: DestinationId,
        /// What it called the backup.
        backup: String,
    },
    /// The backup began in a destination.
    Begun {
        /// The destination.
        destination: DestinationId,
        /// What it calls the backup.
        backup: String,
    },
    /// All files were read; their last parts are on their way, and the WAL is waited for.
    AllRead(Done),
    /// A destination left; the others go on.
    Left {
        /// The destination.
        destination: DestinationId,
        /// Why.
        reason: String,
    },
    /// A destination holds the backup.
    Complete {
        /// The destination.
        destination: DestinationId,
        /// What it calls the backup.
        backup: String,
    },
}

/// What was done at one moment.
#[derive(Clone, Copy, Debug, Eq, PartialEq, serde::Serialize)]
pub struct Done {
    /// Files that were read.
    pub files: u64,
    /// Bytes of files that were read.
    pub bytes: u64,
    /// Bytes of all files, as they were at the beginning; 0 while that is not known.
    pub total: u64,
    /// Since when, in seconds.
    pub seconds: u64,
}

#[derive(Debug)]
struct Counters {
    began: Instant,
    files: AtomicU64,
    bytes: AtomicU64,
    total: AtomicU64,
}

/// Events that wait for a listener; one that is slower loses the oldest.
const WAITING: usize = 256;

impl Default for Progress {
    fn default() -> Self {
        Self {
            counters: Arc::new(Counters {
                began: Instant::now(),
                files: AtomicU64::new(0),
                bytes: AtomicU64::new(0),
                total: AtomicU64::new(0),
            }),
            events: broadcast::channel(WAITING).0,
        }
    }
}

impl Progress {
    /// Returns what was done so far.
    pub fn done(&self) -> Done {
        self.counters.done()
    }

    /// Returns what happens from now on, and every so often what was read. It ends with this
    /// `Progress`; a listener that is slow loses the oldest events.
    pub fn events(&self, every: Duration) -> BoxStream<'static, Event> {
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let listener = Listener {
            counters: Arc::clone(&self.counters),
            events: self.events.subscribe(),
            ticks,
        };
        stream::unfold(listener, |mut listener| async move {
            Some((listener.next().await?, listener))
        })
        .boxed()
    }

    pub(super) fn tell(&self, event: Event) {
        // Without a listener nobody wants to know.
        let _ = self.events.send(event);
    }

    pub(super) fn expect(&self, total: u64) {
        self.counters.total.store(total, Ordering::Relaxed);
    }

    pub(super) fn read(&self, bytes: u64) {
        self.counters.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn file(&self) {
        self.counters.files.fetch_add(1, Ordering::Relaxed);
    }
}

impl Counters {
    fn done(&self) -> Done {
        Done {
            files: self.files.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            total: self.total.load(Ordering::Relaxed),
            seconds: self.began.elapsed().as_secs(),
        }
    }
}

struct Listener {
    counters: Arc<Counters>,
    events: broadcast::Receiver<Event>,
    ticks: Interval,
}

impl Listener {
    async fn next(&mut self) -> Option<Event> {
        loop {
            let received = tokio::select! {
                biased;
                received = self.events.recv() => received,
                _ = self.ticks.tick() => return Some(Event::Read(self.counters.done())),
            };
            match received {
                Ok(event) => return Some(event),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

impl Done {
    /// Returns the mean number of bytes per second.
    pub fn rate(&self) -> u64 {
        self.bytes / self.seconds.max(1)
    }

    /// Returns how long the rest will take at this rate; `None` while that cannot be told.
    pub fn left(&self) -> Option<Duration> {
        let rest = self.total.checked_sub(self.bytes)?;
        let rate = Some(self.rate()).filter(|rate| *rate > 0 && self.total > 0)?;
        Some(Duration::from_secs(rest / rate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_takes_as_long_as_what_was_done() {
        let done = Done {
            files: 1,
            bytes: 100,
            total: 300,
            seconds: 10,
        };

        assert_eq!(done.rate(), 10);
        assert_eq!(done.left(), Some(Duration::from_secs(20)));
        assert_eq!(Done { bytes: 0, ..done }.left(), None);
        assert_eq!(Done { total: 50, ..done }.left(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_listener_hears_what_happens_and_what_was_read_until_the_end() {
        let progress = Progress::default();
        let mut events = progress.events(Duration::from_secs(1));
        let begun = Event::Begun {
            destination: DestinationId::parse("a").unwrap(),
            backup: "20261125T010000".to_owned(),
        };

        progress.tell(begun.clone());
        assert_eq!(events.next().await, Some(begun));

        progress.expect(9);
        progress.read(5);
        progress.file();
        let Some(Event::Read(done)) = events.next().await else {
            panic!("nothing was read");
        };
        assert_eq!((done.files, done.bytes, done.total), (1, 5, 9));

        drop(progress);
        assert_eq!(events.next().await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_listener_loses_the_oldest_events_and_holds_nobody_up() {
        let progress = Progress::default();
        let mut events = progress.events(Duration::from_secs(1));
        let left = |number: usize| Event::Left {
            destination: DestinationId::parse("a").unwrap(),
            reason: number.to_string(),
        };

        (0..WAITING + 5).for_each(|number| progress.tell(left(number)));

        assert_eq!(events.next().await, Some(left(5)));
    }
}
