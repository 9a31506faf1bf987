//! How fast do base backups get to N destinations, and back to their place?
//!
//! A made-up base backup lies in a [`MemoryStore`], not compressed, and is copied to others by the
//! pass that also takes one from a server: what is missing is reading files and checking pages.
//! The destinations are memory stores as well, and copy what they are given.

#![allow(missing_docs, reason = "criterion's macros write a function")]

mod support;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use support::base::{self, Shape};
use tokio::runtime::Runtime;
use walcast::{
    backup::{BackupSettings, DestinationReport, Progress, copy_backup},
    codec::Codec,
    fanout::Destination,
    restore::{RecoverySettings, base::BaseRestore, place::Placement},
    store::MemoryStore,
    workers::Workers,
};

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).warm_up_time(Duration::from_secs(1));
    targets = equal, unequal, restore, small_files
}
criterion_main!(benches);

/// A database of some files, as large as they get in a few seconds.
const LARGE: Shape = Shape {
    files: 16,
    size: 16 << 20,
};

/// As many files as bytes allow: empty relations, and those of one page.
const SMALL: Shape = Shape {
    files: 20_000,
    size: 8 << 10,
};

/// Destinations of one encoding, which share every byte.
fn equal(criterion: &mut Criterion) {
    let world = World::new(LARGE);
    for (name, codec) in [
        ("none", None),
        ("lz4", Some(Codec::Lz4)),
        ("gzip", Some(Codec::Gzip)),
    ] {
        let mut group = criterion.benchmark_group(format!("equal/{name}"));
        group.throughput(Throughput::Bytes(LARGE.bytes()));
        for count in [1, 2, 4] {
            group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
                bencher.iter_custom(|rounds| world.copy(&vec![codec; count], rounds));
            });
        }
    }
}

/// Destinations that share only the read.
fn unequal(criterion: &mut Criterion) {
    let world = World::new(LARGE);
    let mut group = criterion.benchmark_group("unequal");
    group.throughput(Throughput::Bytes(LARGE.bytes()));
    let codecs = [Some(Codec::Gzip), Some(Codec::Lz4), Some(Codec::Zstd), None];
    for count in [1, 2, 4] {
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter_custom(|rounds| world.copy(&codecs[..count], rounds));
        });
    }
}

/// From memory to a folder. The files are made durable.
fn restore(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("restore");
    group.throughput(Throughput::Bytes(LARGE.bytes()));
    for (name, codec) in [
        ("none", None),
        ("lz4", Some(Codec::Lz4)),
        ("gzip", Some(Codec::Gzip)),
    ] {
        let world = World::encoded(LARGE, codec);
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|rounds| world.restore(rounds));
        });
    }
}

fn small_files(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("small_files");
    group.throughput(Throughput::Elements(SMALL.files as u64));
    let world = World::encoded(SMALL, Some(Codec::Lz4));
    group.bench_function("copy", |bencher| {
        bencher.iter_custom(|rounds| world.copy(&[Some(Codec::Lz4); 2], rounds));
    });
    group.bench_function("restore", |bencher| {
        bencher.iter_custom(|rounds| world.restore(rounds));
    });
}

/// A destination with a base backup.
struct World {
    runtime: Runtime,
    workers: Workers,
    from: Destination,
    id: String,
}

impl World {
    fn new(shape: Shape) -> Self {
        Self::encoded(shape, None)
    }

    fn encoded(shape: Shape, codec: Option<Codec>) -> Self {
        let (runtime, workers) = (runtime(), Workers::new());
        let from = destination(0, codec, &workers);
        let id = runtime.block_on(base::write(&*from.repository, shape));
        Self {
            runtime,
            workers,
            from,
            id,
        }
    }

    /// Copies it to a new destination of each encoding, `rounds` times.
    fn copy(&self, codecs: &[Option<Codec>], rounds: u64) -> Duration {
        let settings = BackupSettings {
            // There is none.
            wal_patience: None,
            ..BackupSettings::default()
        };
        let mut elapsed = Duration::ZERO;
        for _ in 0..rounds {
            let to = (1..).zip(codecs);
            let to: Vec<_> = to
                .map(|(number, codec)| destination(number, *codec, &self.workers))
                .collect();
            let progress = Arc::new(Progress::default());
            let started = Instant::now();
            let copying = copy_backup(&self.id, &self.from, &to, &settings, &progress);
            let reports = self.runtime.block_on(copying);
            elapsed += started.elapsed();
            let reports = reports.expect("it can be read");
            assert!(reports.iter().all(DestinationReport::is_complete));
        }
        elapsed
    }

    /// Restores it into a new folder, `rounds` times.
    fn restore(&self, rounds: u64) -> Duration {
        let mut elapsed = Duration::ZERO;
        for _ in 0..rounds {
            let folder = tempfile::tempdir().expect("there is a place for temporary files");
            let opening = self.from.repository.open_backup(&self.id);
            let reader = self.runtime.block_on(opening).expect("it is there");
            let target = folder.path().join("data");
            let restore = BaseRestore {
                placement: Placement::new(target, reader.backup(), reader.tablespaces()),
                settings: RecoverySettings::new("false"),
                rounds: 1,
                workers: self.workers.clone(),
            };
            let copies = vec![(self.from.id.clone(), reader)];
            let started = Instant::now();
            let restored = self.runtime.block_on(restore.run(copies, &|_| ()));
            elapsed += started.elapsed();
            restored.expect("the copy is sound");
        }
        elapsed
    }
}

fn runtime() -> Runtime {
    Runtime::new().expect("threads can be started")
}

fn destination(number: usize, codec: Option<Codec>, workers: &Workers) -> Destination {
    let store = Arc::new(MemoryStore::new());
    let encoding = support::encoding(codec);
    support::destination(&format!("store{number}"), &store, encoding, workers)
}
