//! CPU time per segment.

use std::{fs::File, sync::Arc, time::Duration};

use tokio::runtime::Runtime;
use walcast::{
    codec::{Codec, read_encoded},
    fanout::{Destination, Settings},
    spool::SpoolSettings,
    store::MemoryStore,
    workers::Workers,
};

use crate::{
    Scale, folder, median, process, row,
    support::{self, cluster::Cluster, sink::Sink, wal},
};

pub(super) fn measure(scale: Scale) {
    let counts = [1, 2, 8];
    let mut sinks = vec![Vec::new(); counts.len()];
    let mut memories = sinks.clone();
    let mut codec = Vec::new();
    for _ in 0..scale.rounds {
        codec.push(codec_alone(scale.segments));
        for (index, &count) in counts.iter().enumerate() {
            sinks[index].push(sink(count, scale.segments));
            memories[index].push(memory(count, scale.segments));
        }
    }
    row(
        "codec alone (read, hash, lz4, hash), CPU per segment",
        &millis(median(codec)),
    );
    for (kind, measured) in [("nothing kept", sinks), ("kept in memory", memories)] {
        let medians: Vec<f64> = measured.into_iter().map(median).collect();
        for (count, per_segment) in counts.iter().zip(&medians) {
            let what = format!("CPU per segment, lz4, {count} destinations, {kind}");
            row(&what, &millis(*per_segment));
        }
        let more = (medians[2] - medians[0]) / 7.0;
        let share = 100.0 * more / medians[0];
        let what = format!("one more destination, {kind}");
        row(&what, &format!("{}, {share:.1} %", millis(more)));
    }
}

fn millis(seconds: f64) -> String {
    format!("{:.1} ms", seconds * 1e3)
}

/// Returns the CPU seconds per segment of what is done once for all destinations.
fn codec_alone(segments: u32) -> f64 {
    let folder = folder();
    let mut cluster = Cluster::create(folder.path(), 1);
    let path = cluster.fill();
    let encodings = [support::encoding(Some(Codec::Lz4))];
    let before = process::cpu_time();
    for _ in 0..segments {
        let file = File::open(&path).expect("it was written");
        read_encoded(file, &encodings, wal::SEGMENT).expect("the file can be read");
    }
    per_segment(before, segments)
}

fn sink(count: usize, segments: u32) -> f64 {
    let workers = Workers::new();
    let stores: Vec<_> = (0..count).map(|_| Arc::new(Sink::new())).collect();
    let encoding = support::encoding(Some(Codec::Lz4));
    let destinations = support::destinations("sink", &stores, encoding, &workers);
    archive(destinations, &[], &workers, segments)
}

fn memory(count: usize, segments: u32) -> f64 {
    let workers = Workers::new();
    let stores: Vec<_> = (0..count).map(|_| Arc::new(MemoryStore::new())).collect();
    let encoding = support::encoding(Some(Codec::Lz4));
    let destinations = support::destinations("memory", &stores, encoding, &workers);
    archive(destinations, &stores, &workers, segments)
}

/// Returns the CPU seconds per segment, archived one at a time.
fn archive(
    destinations: Vec<Destination>,
    stores: &[Arc<MemoryStore>],
    workers: &Workers,
    segments: u32,
) -> f64 {
    let folder = folder();
    let mut cluster = Cluster::create(folder.path(), 1);
    let runtime = Runtime::new().expect("threads can be started");
    runtime.block_on(async {
        let (spooled, settings) = (SpoolSettings::default(), Settings::default());
        let archiver =
            support::start(destinations, &cluster.spool(), spooled, settings, workers).await;
        let before = process::cpu_time();
        for _ in 0..segments {
            let path = cluster.fill();
            archiver
                .archive(&path)
                .await
                .expect("the stores take everything");
            cluster.archived(path);
            support::empty(stores).await;
        }
        let measured = per_segment(before, segments);
        archiver.shutdown().await;
        measured
    })
}

fn per_segment(before: Duration, segments: u32) -> f64 {
    process::cpu_time().saturating_sub(before).as_secs_f64() / f64::from(segments)
}
