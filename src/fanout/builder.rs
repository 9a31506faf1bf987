//! Building and starting an archiver.

use std::sync::{Arc, Mutex};

use tokio::sync::{mpsc, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Destination,
    archiver::{Archiver, Inner},
    backlog::Backlog,
    compare,
    encode::Encoder,
    fetch::Fetcher,
    flight::Job,
    lane::Lane,
    reads::Reads,
    settings::Settings,
    source::Sources,
};
use crate::{
    budget::Budget,
    byte_size::ByteSize,
    clock::{Clock, SystemClock},
    codec::Encoding,
    disk::{Disk, LocalDisk},
    spool::Spool,
    workers::Workers,
};

/// Builds an [`Archiver`].
#[derive(Debug)]
pub struct ArchiverBuilder {
    destinations: Vec<Destination>,
    spool: Spool,
    settings: Settings,
    clock: Arc<dyn Clock>,
    disk: Arc<dyn Disk>,
    workers: Workers,
    seed: u64,
}

impl ArchiverBuilder {
    pub(super) fn new(destinations: Vec<Destination>, spool: Spool) -> Self {
        Self {
            destinations,
            spool,
            settings: Settings::default(),
            clock: Arc::new(SystemClock),
            disk: Arc::new(LocalDisk),
            workers: Workers::new(),
            seed: fastrand::u64(..),
        }
    }

    /// Sets bounds and habits.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Sets the clock.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the disk from which files are read.
    #[must_use]
    pub fn disk(mut self, disk: Arc<dyn Disk>) -> Self {
        self.disk = disk;
        self
    }

    /// Sets the threads for blocking work.
    #[must_use]
    pub fn workers(mut self, workers: Workers) -> Self {
        self.workers = workers;
        self
    }

    /// Sets the seed of the jitter.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Starts the lanes on the current tokio runtime.
    pub async fn start(self) -> Archiver {
        let remembered = self.spool.load_state().await;
        let nothing_is_known = remembered.is_none();
        let state = remembered.unwrap_or_default();
        // What the backlog holds is never waited for by live traffic.
        let (live, backlog) = split(self.settings.memory);
        let now = self.clock.now();
        let mut lanes = Vec::new();
        for (index, destination) in self.destinations.iter().enumerate() {
            let lane = Lane::new(
                destination.clone(),
                self.spool.clone(),
                Arc::clone(&self.clock),
                live.clone(),
                self.settings.breaker,
                self.seed.wrapping_add(index as u64),
            );
            if let Some(remembered) = state.destinations.get(&destination.id) {
                lane.resume(remembered, now);
            }
            lanes.push(Arc::new(lane));
        }
        let ids: Vec<_> = self.destinations.iter().map(|one| one.id.clone()).collect();
        let pairs = if nothing_is_known {
            compare::all_pairs(&ids)
        } else {
            state.comparisons.clone()
        };
        let encoder = Encoder {
            budget: live,
            workers: self.workers.clone(),
            disk: Arc::clone(&self.disk),
            scratch: self.spool.root().join("new"),
            encrypting: self.destinations.iter().filter(|one| encrypts(one)).count(),
        };
        let sources = Sources {
            encoder,
            encodings: distinct_encodings(&self.destinations),
            verify: self.settings.verify,
            cluster: Arc::new(Mutex::new(state.system_id)),
        };
        let tasks = TaskTracker::new();
        let cancel = CancellationToken::new();
        let queues = self.start_lanes(&lanes, &sources, &backlog, &tasks, &cancel);
        let inner = Arc::new(Inner {
            lanes,
            queues,
            sources: Arc::new(sources),
            spool: self.spool,
            clock: self.clock,
            flights: Mutex::default(),
            reading: Mutex::default(),
            reads: Reads::default(),
            pairs: Arc::new(Mutex::new(pairs)),
            comparison_rests: Arc::default(),
            last: Mutex::new(state),
            newest: watch::Sender::new(None),
            tasks,
            cancel,
            settings: self.settings,
        });
        inner.start_background();
        Archiver(inner)
    }

    fn start_lanes(
        &self,
        lanes: &[Arc<Lane>],
        sources: &Sources,
        budget: &Budget,
        tasks: &TaskTracker,
        cancel: &CancellationToken,
    ) -> Vec<mpsc::Sender<Job>> {
        let mut queues = Vec::new();
        for lane in lanes {
            let (sender, receiver) = mpsc::channel(self.settings.look_ahead + 2);
            queues.push(sender);
            tasks.spawn(Arc::clone(lane).run(receiver, cancel.clone()));
            let fetcher = Fetcher {
                own: Arc::clone(lane),
                lanes: lanes.to_vec(),
                encoder: Encoder {
                    budget: budget.clone(),
                    encrypting: usize::from(encrypts(&lane.destination)),
                    ..sources.encoder.clone()
                },
                verify: self.settings.verify,
                cluster: Arc::clone(&sources.cluster),
            };
            let backlog = Backlog {
                lane: Arc::clone(lane),
                fetcher,
            };
            tasks.spawn(backlog.run(cancel.clone()));
        }
        queues
    }
}

/// Two thirds of the memory are for live traffic, the rest for the backlog.
fn split(memory: ByteSize) -> (Budget, Budget) {
    let backlog = memory.bytes() / 3;
    (
        Budget::new(ByteSize::new(memory.bytes() - backlog)),
        Budget::new(ByteSize::new(backlog)),
    )
}

fn encrypts(destination: &Destination) -> bool {
    destination.repository.encrypts_wal()
}

pub(super) fn distinct_encodings<'a>(
    destinations: impl IntoIterator<Item = &'a Destination>,
) -> Vec<Encoding> {
    let mut encodings = Vec::new();
    for destination in destinations {
        let encoding = destination.repository.wal_encoding();
        if !encodings.contains(&encoding) {
            encodings.push(encoding);
        }
    }
    encodings
}
