//! The healthy path costs one request per segment and destination, and no disk.

use std::{path::Path, sync::Arc, time::Duration};

use walcast::{
    codec::{Codec, Encoding},
    disk::sim::{DiskFault, SimDisk},
    fanout::{Archiver, Destination, DestinationId, Settings},
    repository::barman::{BarmanRepository, BarmanSettings},
    spool::{Spool, SpoolSettings},
    store::{Count, Counters, MemoryStore, Observed, Operation, Store},
    workers::Workers,
};

use crate::support::wal;

const PG_WAL: &str = "/pg/pg_wal";
const SEGMENTS: u64 = 8;

#[tokio::test(start_paused = true)]
async fn a_resident_asks_once_per_segment_and_writes_nothing() {
    let world = World::new();
    let archiver = world.start(2).await;
    world.place(1);
    world.archive(&archiver, 1).await;
    archiver.drain(Duration::from_mins(1)).await;
    let before = world.counts();

    // From here on, whatever is written to the spool fails.
    world.disk.set_fault(Some(DiskFault::ReadOnly));
    for number in 2..2 + SEGMENTS {
        world.place(number);
    }
    for number in 2..2 + SEGMENTS {
        world.archive(&archiver, number).await;
    }
    archiver.shutdown().await;

    world.assert_one_put_per_segment(&before);
}

#[tokio::test(start_paused = true)]
async fn a_process_per_segment_asks_once_per_segment_and_writes_nothing() {
    let world = World::new();
    world.archive_in_a_process_of_its_own(1).await;
    let before = world.counts();

    for number in 2..2 + SEGMENTS {
        world.archive_in_a_process_of_its_own(number).await;
    }

    world.assert_one_put_per_segment(&before);
}

#[tokio::test(start_paused = true)]
async fn a_segment_that_is_offered_again_is_compared_and_not_sent() {
    let world = World::new();
    world.archive_in_a_process_of_its_own(1).await;
    world.archive_in_a_process_of_its_own(2).await;
    let before = world.counts();

    world.archive_in_a_process_of_its_own(2).await;

    for (place, before) in world.places.iter().zip(before) {
        let now = place.counters.total();
        assert_eq!(now.bytes_out, before.bytes_out, "{}", place.id);
        assert!(now.bytes_in > before.bytes_in, "{}", place.id);
    }
}

/// A disk with `pg_wal` and the spool, and some healthy stores.
struct World {
    disk: SimDisk,
    places: Vec<Place>,
}

struct Place {
    id: DestinationId,
    encoding: Encoding,
    store: Arc<dyn Store>,
    counters: Counters,
}

impl World {
    fn new() -> Self {
        let codecs = [Some(Codec::Lz4), Some(Codec::Lz4), Some(Codec::Gzip), None];
        let places = (0..)
            .zip(codecs)
            .map(|(index, codec)| Place::new(index, codec));
        Self {
            disk: SimDisk::new(),
            places: places.collect(),
        }
    }

    /// Starts an archiver on what is there already.
    async fn start(&self, look_ahead: usize) -> Archiver {
        let disk = Arc::new(self.disk.clone());
        let ids = self.places.iter().map(|place| place.id.clone()).collect();
        let settings = SpoolSettings::default();
        let spool = Spool::open(disk.clone(), "/spool", ids, settings, Workers::inline()).await;
        let destinations = self.places.iter().map(Place::destination).collect();
        Archiver::builder(destinations, spool.unwrap())
            .settings(Settings {
                look_ahead,
                ..Settings::default()
            })
            .disk(disk)
            .workers(Workers::inline())
            .start()
            .await
    }

    /// Fills a segment.
    fn place(&self, number: u64) {
        let name = wal::name(number);
        let status = Path::new(PG_WAL).join(format!("archive_status/{name}.ready"));
        self.disk.place(
            &Path::new(PG_WAL).join(&name),
            &wal::segment(number, wal::SYSTEM_ID),
        );
        self.disk.place(&status, b"");
    }

    /// Archives a segment that was placed, and tells PostgreSQL.
    async fn archive(&self, archiver: &Archiver, number: u64) {
        let name = wal::name(number);
        archiver
            .archive(&Path::new(PG_WAL).join(&name))
            .await
            .unwrap();
        self.disk
            .wipe(&Path::new(PG_WAL).join(format!("archive_status/{name}.ready")));
    }

    /// Does what `walcast wal-archive` does, with a disk that takes nothing meanwhile.
    async fn archive_in_a_process_of_its_own(&self, number: u64) {
        self.place(number);
        let archiver = self.start(0).await;
        self.disk.set_fault(Some(DiskFault::ReadOnly));
        self.archive(&archiver, number).await;
        self.disk.set_fault(None);
        archiver.drain(Duration::from_secs(1)).await;
        archiver.shutdown().await;
    }

    fn counts(&self) -> Vec<Count> {
        self.places
            .iter()
            .map(|place| place.counters.total())
            .collect()
    }

    #[track_caller]
    fn assert_one_put_per_segment(&self, before: &[Count]) {
        for (place, before) in self.places.iter().zip(before) {
            let now = place.counters.total();
            let puts = place.counters.of(Operation::Put).requests;
            assert_eq!(now.requests - before.requests, SEGMENTS, "{}", place.id);
            assert_eq!(puts, 1 + SEGMENTS, "{}", place.id);
            assert_eq!(now.errors, 0, "{}", place.id);
        }
    }
}

impl Place {
    fn new(index: usize, codec: Option<Codec>) -> Self {
        let observed = Observed::new(Arc::new(MemoryStore::new()));
        Self {
            id: DestinationId::parse(&format!("d{index}")).unwrap(),
            encoding: codec.map_or(Encoding::PLAIN, |codec| Encoding::new(codec, None).unwrap()),
            counters: observed.counters(),
            store: Arc::new(observed),
        }
    }

    /// A new one each time: a process that starts has seen nothing.
    fn destination(&self) -> Destination {
        let settings = BarmanSettings {
            wal_encoding: self.encoding,
            ..BarmanSettings::new("wal", "server")
        };
        let store = Arc::clone(&self.store);
        let repository = BarmanRepository::new(store, settings, Workers::inline());
        Destination::new(self.id.clone(), Arc::new(repository))
    }
}
