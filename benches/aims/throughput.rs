//! A hundred segments wait: how close does the archiver come to what the cores can compress?

use std::{
    fs::File,
    path::PathBuf,
    sync::{Arc, Mutex},
    thread,
    time::Instant,
};

use tokio::runtime::Runtime;
use walcast::{
    byte_size::ByteSize,
    codec::{Codec, Encoding, read_encoded},
    fanout::Settings,
    spool::SpoolSettings,
    workers::Workers,
};

use crate::{
    Scale, folder, median, row,
    support::{self, cluster::Cluster, sink::Sink, wal},
};

/// Size of a segment in MB.
const SEGMENT_MB: f64 = 16.777_216;

pub(super) fn measure(scale: Scale) {
    let folder = folder();
    let mut cluster = Cluster::create(folder.path(), scale.segments);
    for (name, codec) in [("lz4", Codec::Lz4), ("zstd", Codec::Zstd)] {
        if !codec.is_available() {
            continue;
        }
        let encoding = support::encoding(Some(codec));
        for memory in [Settings::default().memory, ByteSize::mib(96)] {
            let mut shares = Vec::new();
            let mut speeds = Vec::new();
            for _ in 0..scale.rounds {
                let best = all_cores(&mut cluster, encoding, scale.segments);
                let took = archiver(&mut cluster, encoding, scale.segments, memory);
                shares.push(100.0 * best / took);
                speeds.push(f64::from(scale.segments) * SEGMENT_MB / took);
            }
            let what = format!(
                "{} segments, {name}, look-ahead 4, 2 destinations, {memory} of memory",
                scale.segments
            );
            let (share, speed) = (median(shares), median(speeds));
            row(
                &what,
                &format!("{share:.0} % of codec × cores ({speed:.0} MB/s)"),
            );
        }
    }
}

/// Returns the seconds for reading, hashing and compressing everything, on all cores.
fn all_cores(cluster: &mut Cluster, encoding: Encoding, segments: u32) -> f64 {
    let paths: Vec<PathBuf> = (0..segments).map(|_| cluster.fill()).collect();
    let waiting = Mutex::new(paths.iter());
    let cores = thread::available_parallelism().map_or(2, usize::from);
    let started = Instant::now();
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let next = waiting.lock().expect("nobody panics").next();
                    let Some(path) = next else { return };
                    let file = File::open(path).expect("it was written");
                    read_encoded(file, &[encoding], wal::SEGMENT).expect("the file can be read");
                }
            });
        }
    });
    let elapsed = started.elapsed().as_secs_f64();
    for path in paths {
        cluster.archived(path);
    }
    elapsed
}

/// Returns the seconds for archiving everything.
fn archiver(cluster: &mut Cluster, encoding: Encoding, segments: u32, memory: ByteSize) -> f64 {
    let workers = Workers::new();
    let stores = [Arc::new(Sink::new()), Arc::new(Sink::new())];
    let destinations = support::destinations("sink", &stores, encoding, &workers);
    let settings = Settings {
        look_ahead: 4,
        memory,
        ..Settings::default()
    };
    let runtime = Runtime::new().expect("threads can be started");
    runtime.block_on(async {
        let spooled = SpoolSettings::default();
        let archiver =
            support::start(destinations, &cluster.spool(), spooled, settings, &workers).await;
        let paths: Vec<_> = (0..segments).map(|_| cluster.fill()).collect();
        let started = Instant::now();
        for path in paths {
            archiver
                .archive(&path)
                .await
                .expect("the stores take everything");
            cluster.archived(path);
        }
        let elapsed = started.elapsed().as_secs_f64();
        archiver.shutdown().await;
        elapsed
    })
}
