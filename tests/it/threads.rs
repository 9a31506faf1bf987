//! The engine on real threads: races that the simulator, which has one, cannot show.
//!
//! Stores answer at once, so that everything happens as close together as it can.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use tempfile::TempDir;
use walcast::{
    codec::Encoding,
    disk::LocalDisk,
    fanout::{
        ArchiveError, Archiver, Destination, DestinationId, MinCopies, Outcome, Policy, Settings,
    },
    repository::{
        Repository,
        barman::{BarmanRepository, BarmanSettings},
    },
    spool::{Spool, SpoolSettings},
    store::MemoryStore,
    workers::Workers,
};

/// Files of each run: small ones, because it is not the bytes that race.
const FILES: u32 = 1000;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn files_that_are_sent_ahead_while_they_are_asked_for_are_acknowledged() {
    let world = World::new();
    let archiver = world.start(4).await;

    for path in world.waiting() {
        let done = archiver.archive(&path).await.unwrap();
        let is_stored = |(_, outcome): &(_, Outcome)| *outcome == Outcome::Stored;
        assert!(done.outcomes.iter().all(is_stored));
        world.done(&path);
    }

    archiver.shutdown().await;
    world.assert_complete().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_callers_at_once_are_all_answered() {
    let world = World::new();
    let archiver = world.start(4).await;
    let waiting = world.waiting();

    // Neighbours ask for overlapping files, so that some are asked for twice at the same time.
    let ask = |callers: usize, own: usize| {
        let (archiver, waiting) = (archiver.clone(), waiting.clone());
        tokio::spawn(async move {
            for path in waiting.iter().skip(own / 2).step_by(callers / 2) {
                until_archived(&archiver, path).await;
            }
        })
    };
    let callers: Vec<_> = (0..8).map(|own| ask(8, own)).collect();
    for caller in callers {
        caller.await.unwrap();
    }

    archiver.shutdown().await;
    world.assert_complete().await;
}

/// Asks as PostgreSQL does, again and again: more callers than a queue has places are refused.
async fn until_archived(archiver: &Archiver, path: &Path) {
    while let Err(error) = archiver.archive(path).await {
        let ArchiveError::Policy { outcomes, .. } = &error else {
            panic!("{error}");
        };
        // Otherwise it waited in vain until the deadline.
        let is_full = |(_, outcome): &(_, Outcome)| matches!(outcome, Outcome::Missing(_));
        assert!(outcomes.iter().any(is_full), "{error:?}");
        tokio::task::yield_now().await;
    }
}

/// `pg_wal` with files that wait, and two destinations in memory.
struct World {
    folder: TempDir,
    stores: Vec<Arc<MemoryStore>>,
    workers: Workers,
}

impl World {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        fs::create_dir_all(folder.path().join("pg_wal/archive_status")).unwrap();
        let world = Self {
            folder,
            stores: (0..2).map(|_| Arc::new(MemoryStore::new())).collect(),
            workers: Workers::new(),
        };
        for timeline in 1..=FILES {
            let path = world.path(timeline);
            fs::write(world.ready(&path), "").unwrap();
            fs::write(path, format!("{timeline}\t0/3000000\twhy not\n")).unwrap();
        }
        world
    }

    /// Starts an archiver that does not answer for a file before both stores have it.
    async fn start(&self, look_ahead: usize) -> Archiver {
        let repositories = (0..).zip(self.repositories());
        let destinations: Vec<_> = repositories
            .map(|(index, repository)| Destination::new(id(index), repository))
            .collect();
        let ids = destinations.iter().map(|one| one.id.clone()).collect();
        let root = self.folder.path().join("spool");
        let settings = SpoolSettings::default();
        let disk = Arc::new(LocalDisk);
        let spool = Spool::open(disk, root, ids, settings, self.workers.clone()).await;
        let settings = Settings {
            look_ahead,
            policy: Policy {
                min_copies: MinCopies::All,
                ..Policy::default()
            },
            ..Settings::default()
        };
        Archiver::builder(destinations, spool.unwrap())
            .settings(settings)
            .workers(self.workers.clone())
            .start()
            .await
    }

    fn repositories(&self) -> Vec<Arc<dyn Repository>> {
        let repository = |store: &Arc<MemoryStore>| {
            let settings = BarmanSettings {
                wal_encoding: Encoding::PLAIN,
                ..BarmanSettings::new("", "main")
            };
            let repository = BarmanRepository::new(store.clone(), settings, self.workers.clone());
            Arc::new(repository) as Arc<dyn Repository>
        };
        self.stores.iter().map(repository).collect()
    }

    /// Returns the files in the order in which PostgreSQL asks.
    fn waiting(&self) -> Vec<PathBuf> {
        (1..=FILES).map(|timeline| self.path(timeline)).collect()
    }

    fn path(&self, timeline: u32) -> PathBuf {
        let name = format!("{timeline:08X}.history");
        self.folder.path().join("pg_wal").join(name)
    }

    fn ready(&self, path: &Path) -> PathBuf {
        let name = path.file_name().unwrap().display();
        let folder = self.folder.path().join("pg_wal/archive_status");
        folder.join(format!("{name}.ready"))
    }

    fn done(&self, path: &Path) {
        fs::remove_file(self.ready(path)).unwrap();
    }

    async fn assert_complete(&self) {
        for repository in self.repositories() {
            for timeline in 1..=FILES {
                let name = format!("{timeline:08X}.history").parse().unwrap();
                let found = repository.find_wal(name).await.unwrap();
                assert_eq!(found.len(), 1, "{name} in {repository}");
            }
        }
    }
}

fn id(index: usize) -> DestinationId {
    DestinationId::parse(&format!("memory{index}")).unwrap()
}
