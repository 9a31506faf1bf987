//! A cluster, its destinations, and the process that archives.

use std::{path::Path, sync::Arc, time::Duration};

use tokio::{
    sync::Mutex,
    task::JoinHandle,
    time::{Instant, sleep},
};
use walcast::{
    byte_size::ByteSize,
    clock::{Clock, TokioClock},
    codec::{Codec, Encoding},
    disk::sim::SimDisk,
    fanout::{Archiver, Destination, DestinationId, Policy, Settings},
    repository::barman::{BarmanRepository, BarmanSettings},
    spool::{Spool, SpoolSettings},
    store::{
        MemoryStore,
        fault::{FaultPlan, FaultStore},
    },
    workers::Workers,
};

use super::postgres::{Postgres, path_of};
use crate::support::overwriting::Overwriting;

pub(super) const SPOOL: &str = "/spool";

/// A destination and what the test knows of it.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) id: DestinationId,
    pub(super) store: Arc<MemoryStore>,
    pub(super) faults: FaultPlan,
    pub(super) encoding: Encoding,
    pub(super) atomic_create: bool,
    pub(super) is_faulty: bool,
    /// Since when it has been sound, if it is.
    pub(super) sound_since: Instant,
}

/// How long PostgreSQL waited for one answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wait {
    pub(super) asked: Instant,
    pub(super) took: Duration,
}

/// Everything outside the process that archives, and that process.
#[derive(Debug)]
pub(super) struct World {
    pub(super) disk: SimDisk,
    pub(super) places: Vec<Place>,
    pub(super) postgres: Arc<Mutex<Postgres>>,
    pub(super) policy: Policy,
    pub(super) limit: ByteSize,
    pub(super) look_ahead: usize,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) process: Option<Process>,
    pub(super) seed: u64,
    /// How long PostgreSQL waited for each answer since the last look.
    pub(super) waits: Arc<Mutex<Vec<Wait>>>,
    pub(super) loud: bool,
}

/// The process that archives.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) archiver: Archiver,
    pub(super) spool: Spool,
    asking: JoinHandle<()>,
}

impl World {
    pub(super) fn new(seed: u64, destinations: usize, policy: Policy) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let disk = SimDisk::new();
        let epoch = jiff::Timestamp::from_second(1_800_000_000).unwrap();
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::starting_at(epoch));
        let places = (0..destinations)
            .map(|index| Place::new(index, &clock, &mut rng))
            .collect();
        Self {
            postgres: Arc::new(Mutex::new(Postgres::new(disk.clone()))),
            disk,
            places,
            policy,
            limit: ByteSize::mib(1),
            look_ahead: rng.usize(0..4),
            clock,
            process: None,
            seed,
            waits: Arc::default(),
            loud: false,
        }
    }

    /// Starts the process, and PostgreSQL asking it.
    pub(super) async fn start(&mut self) {
        let ids = self.places.iter().map(|place| place.id.clone()).collect();
        let disk: Arc<SimDisk> = Arc::new(self.disk.clone());
        let settings = SpoolSettings {
            max_bytes: self.limit,
            keep_free: Some(ByteSize::new(0)),
        };
        let spool = Spool::open(disk.clone(), SPOOL, ids, settings, Workers::inline())
            .await
            .expect("the spool is ours");
        let destinations = self.places.iter().map(Place::destination).collect();
        let settings = Settings {
            policy: self.policy.clone(),
            look_ahead: self.look_ahead,
            verify: false,
            ..Settings::default()
        };
        let archiver = Archiver::builder(destinations, spool.clone())
            .settings(settings)
            .clock(Arc::clone(&self.clock))
            .disk(disk)
            .workers(Workers::inline())
            .seed(self.seed)
            .start()
            .await;
        let asking = tokio::spawn(ask(
            archiver.clone(),
            Arc::clone(&self.postgres),
            self.disk.clone(),
            Arc::clone(&self.waits),
            self.loud,
        ));
        self.process = Some(Process {
            archiver,
            spool,
            asking,
        });
    }

    /// Ends the process as `kill -9` does: nothing that it does after this counts.
    pub(super) async fn kill(&mut self) {
        self.disk.crash_after(0);
        if let Some(process) = self.process.take() {
            process.asking.abort();
            // Only an abort can have ended it.
            let _ = process.asking.await;
            process.archiver.shutdown().await;
        }
    }

    /// Waits until PostgreSQL has nothing more to archive.
    pub(super) async fn until_archived(&self, longest: Duration) -> bool {
        let started = Instant::now();
        while started.elapsed() < longest {
            if self.postgres.lock().await.next_ready().is_none() {
                return true;
            }
            sleep(Duration::from_millis(100)).await;
        }
        false
    }

    /// Waits until nothing is owed and nothing is left to compare.
    pub(super) async fn until_complete(&self, longest: Duration) -> bool {
        let started = Instant::now();
        let process = self.process();
        while started.elapsed() < longest {
            if process.archiver.status().is_complete() {
                return true;
            }
            sleep(Duration::from_secs(1)).await;
        }
        false
    }

    pub(super) fn process(&self) -> &Process {
        self.process.as_ref().expect("it is running")
    }

    pub(super) fn say(&self, what: impl FnOnce() -> String) {
        if self.loud {
            println!("{} {}", self.clock.now(), what());
        }
    }
}

impl Place {
    fn new(index: usize, clock: &Arc<dyn Clock>, rng: &mut fastrand::Rng) -> Self {
        let codecs = [None, Some(Codec::Lz4), Some(Codec::Gzip)];
        let encoding = match codecs[rng.usize(..codecs.len())] {
            Some(codec) => Encoding::new(codec, None).unwrap(),
            None => Encoding::PLAIN,
        };
        Self {
            id: DestinationId::parse(&format!("d{index}")).unwrap(),
            store: Arc::new(MemoryStore::with_clock(Arc::clone(clock))),
            faults: FaultPlan::new(),
            encoding,
            atomic_create: rng.bool(),
            is_faulty: false,
            sound_since: Instant::now(),
        }
    }

    fn destination(&self) -> Destination {
        let faulty: Arc<dyn walcast::store::Store> =
            Arc::new(FaultStore::new(self.store.clone(), self.faults.clone()));
        let store = if self.atomic_create {
            faulty
        } else {
            Arc::new(Overwriting {
                inner: faulty,
                admits_it: true,
            })
        };
        let settings = BarmanSettings {
            wal_encoding: self.encoding,
            ..BarmanSettings::new("wal", "server")
        };
        let repository = BarmanRepository::new(store, settings, Workers::inline());
        Destination::new(self.id.clone(), Arc::new(repository))
    }
}

/// PostgreSQL's archiver process: one file after another, again after a pause when refused.
async fn ask(
    archiver: Archiver,
    postgres: Arc<Mutex<Postgres>>,
    disk: SimDisk,
    waits: Arc<Mutex<Vec<Wait>>>,
    loud: bool,
) {
    loop {
        let next = postgres.lock().await.next_ready();
        let Some(name) = next else {
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        let asked = Instant::now();
        let answer = archiver.archive(&path_of(name)).await;
        if loud {
            println!(
                "  {name}: {:?} after {:?}",
                answer.as_ref().map(|a| &a.outcomes),
                asked.elapsed()
            );
        }
        // A dead process acknowledges nothing.
        if disk.has_crashed() {
            return;
        }
        match answer {
            Ok(answer) => {
                assert_eq!(answer.name, name);
                postgres.lock().await.acknowledge(name);
                waits.lock().await.push(Wait {
                    asked,
                    took: asked.elapsed(),
                });
            }
            Err(_) => sleep(Duration::from_secs(1)).await,
        }
    }
}

/// The spool's folder.
pub(super) fn spool_folder() -> &'static Path {
    Path::new(SPOOL)
}
