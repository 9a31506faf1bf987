//! How fast are segments archived to N destinations?
//!
//! A resident archiver with its default settings gets segments of 16 MiB one after the other, as
//! from PostgreSQL. The destinations are [`MemoryStore`]s, which copy what they are given as a
//! server would: `memory_store` says what that costs, per destination.

#![allow(missing_docs, reason = "criterion's macros write a function")]

mod support;

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use support::{cluster::Cluster, sink::Sink, wal};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use walcast::{
    byte_size::ByteSize,
    codec::{Codec, read_encoded},
    fanout::{Archiver, Settings},
    spool::SpoolSettings,
    store::{Key, MemoryStore, Payload, PutOptions, Store},
    workers::Workers,
};

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).warm_up_time(Duration::from_secs(1));
    targets = segment, one_dead_of_three, look_ahead, codec, memory_store
}
criterion_main!(benches);

const CODECS: [(&str, Option<Codec>); 4] = [
    ("none", None),
    ("lz4", Some(Codec::Lz4)),
    ("zstd", Some(Codec::Zstd)),
    ("gzip", Some(Codec::Gzip)),
];

/// One segment at a time.
fn segment(criterion: &mut Criterion) {
    for (name, codec) in CODECS {
        let mut group = criterion.benchmark_group(format!("segment/{name}"));
        group.throughput(Throughput::Bytes(wal::SEGMENT as u64));
        for count in [1, 2, 4, 8] {
            let mut world = None;
            group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
                let new = || World::new(count, codec, Settings::default(), 1);
                let world = world.get_or_insert_with(new);
                bencher.iter_custom(|rounds| world.archive(rounds, 1));
            });
        }
    }
}

/// Two destinations take segments; of three, the third never answers, so that each segment is
/// written to the spool as well.
fn one_dead_of_three(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("one_dead");
    group.throughput(Throughput::Bytes(wal::SEGMENT as u64));
    for (name, dead) in [("two healthy", 0), ("and a dead one", 1)] {
        let mut world = None;
        group.bench_function(name, |bencher| {
            let world = world.get_or_insert_with(|| {
                let dead = (0..dead).map(|_| Sink::dead()).collect();
                let mut world = World::with(2, Some(Codec::Lz4), dead, Settings::default(), 1);
                // The first segment waits for the dead one until patience ends.
                world.archive(1, 1);
                world
            });
            bencher.iter_custom(|rounds| world.archive(rounds, 1));
        });
    }
}

/// Many segments wait, as after a bulk load: the next ones are sent ahead.
fn look_ahead(criterion: &mut Criterion) {
    const SEGMENTS: u32 = 16;
    let mut group = criterion.benchmark_group("look_ahead");
    group.throughput(Throughput::Bytes(u64::from(SEGMENTS) * wal::SEGMENT as u64));
    for (name, codec) in &CODECS[1..] {
        for look_ahead in [0, 1, 4] {
            let settings = Settings {
                look_ahead,
                memory: ByteSize::mib(96),
                ..Settings::default()
            };
            let mut world = None;
            group.bench_function(BenchmarkId::new(*name, look_ahead), |bencher| {
                let new = || World::new(2, *codec, settings.clone(), SEGMENTS);
                let world = world.get_or_insert_with(new);
                bencher.iter_custom(|rounds| world.archive(rounds, SEGMENTS));
            });
        }
    }
}

/// The part that is done once for all destinations, on one thread.
fn codec(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("codec");
    group.throughput(Throughput::Bytes(wal::SEGMENT as u64));
    let segment = wal::segment(1);
    for (name, codec) in CODECS {
        let encodings = [support::encoding(codec)];
        group.bench_function(name, |bencher| {
            bencher.iter(|| read_encoded(black_box(&*segment), &encodings, segment.len()));
        });
    }
}

/// What a destination costs by being one that copies: part of what `segment` measures.
fn memory_store(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("memory_store");
    let runtime = Runtime::new().expect("threads can be started");
    let segment = wal::segment(1);
    let key = Key::parse("a").expect("the text is a key");
    for (name, codec) in CODECS {
        let encodings = [support::encoding(codec)];
        let encoded = read_encoded(&*segment, &encodings, segment.len());
        let (_, mut encoded) = encoded.expect("memory can be read");
        let payload = Payload::new(encoded.remove(0).sink);
        group.throughput(Throughput::Bytes(payload.len()));
        group.bench_function(name, |bencher| {
            let store = MemoryStore::new();
            bencher
                .to_async(&runtime)
                .iter(|| store.put(&key, payload.clone(), PutOptions::default()));
        });
    }
}

/// An archiver that goes on from sample to sample; made only if its benchmark is chosen.
struct World {
    runtime: Runtime,
    archiver: Archiver,
    cluster: Cluster,
    stores: Vec<Arc<MemoryStore>>,
    _folder: TempDir,
}

impl World {
    fn new(stores: usize, codec: Option<Codec>, settings: Settings, files: u32) -> Self {
        Self::with(stores, codec, Vec::new(), settings, files)
    }

    fn with(
        stores: usize,
        codec: Option<Codec>,
        further: Vec<Sink>,
        settings: Settings,
        files: u32,
    ) -> Self {
        let folder = tempfile::tempdir().expect("there is a place for temporary files");
        let runtime = Runtime::new().expect("threads can be started");
        let cluster = Cluster::create(folder.path(), files);
        let workers = Workers::new();
        let stores: Vec<_> = (0..stores).map(|_| Arc::new(MemoryStore::new())).collect();
        let encoding = support::encoding(codec);
        let mut destinations = support::destinations("store", &stores, encoding, &workers);
        let further: Vec<_> = further.into_iter().map(Arc::new).collect();
        destinations.extend(support::destinations(
            "further", &further, encoding, &workers,
        ));
        let spool = cluster.spool();
        let starting = support::start(
            destinations,
            &spool,
            SpoolSettings::default(),
            settings,
            &workers,
        );
        let archiver = runtime.block_on(starting);
        Self {
            runtime,
            archiver,
            cluster,
            stores,
            _folder: folder,
        }
    }

    /// Archives `count` segments that wait, `rounds` times.
    fn archive(&mut self, rounds: u64, count: u32) -> Duration {
        let mut elapsed = Duration::ZERO;
        for _ in 0..rounds {
            let paths: Vec<_> = (0..count).map(|_| self.cluster.fill()).collect();
            let started = Instant::now();
            for path in paths {
                let archived = self.runtime.block_on(self.archiver.archive(&path));
                archived.expect("the stores take everything");
                self.cluster.archived(path);
            }
            elapsed += started.elapsed();
            self.runtime.block_on(support::empty(&self.stores));
        }
        elapsed
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.runtime.block_on(self.archiver.shutdown());
    }
}
