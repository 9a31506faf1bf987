//! How long does PostgreSQL wait for a segment that was sent ahead?

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{runtime::Runtime, time::sleep};
use walcast::{codec::Codec, fanout::Settings, spool::SpoolSettings, workers::Workers};

use crate::{
    Scale, folder, row,
    support::{self, cluster::Cluster, sink::Sink},
};

pub(super) fn measure(scale: Scale) {
    const LOOK_AHEAD: u32 = 4;
    let folder = folder();
    let mut cluster = Cluster::create(folder.path(), LOOK_AHEAD + 1);
    let workers = Workers::new();
    let stores = [Arc::new(Sink::new()), Arc::new(Sink::new())];
    let encoding = support::encoding(Some(Codec::Lz4));
    let destinations = support::destinations("sink", &stores, encoding, &workers);
    let settings = Settings {
        look_ahead: LOOK_AHEAD as usize,
        ..Settings::default()
    };
    let runtime = Runtime::new().expect("threads can be started");
    let mut waits = Vec::new();
    runtime.block_on(async {
        let spooled = SpoolSettings::default();
        let archiver =
            support::start(destinations, &cluster.spool(), spooled, settings, &workers).await;
        let mut waiting: Vec<_> = (0..LOOK_AHEAD).map(|_| cluster.fill()).collect();
        for done in 0..scale.segments * 5 {
            waiting.push(cluster.fill());
            let path = waiting.remove(0);
            let started = Instant::now();
            archiver
                .archive(&path)
                .await
                .expect("the stores take everything");
            waits.push(started.elapsed());
            cluster.archived(path);
            while stores
                .iter()
                .any(|store| store.taken() <= (done + LOOK_AHEAD) as usize)
            {
                sleep(Duration::from_millis(1)).await;
            }
        }
        archiver.shutdown().await;
    });
    // The first one was not sent ahead.
    waits.remove(0);
    waits.sort_unstable();
    let percentile = |hundredth: usize| waits[waits.len() * hundredth / 100].as_secs_f64() * 1e3;
    let measured = format!("p50 {:.2} ms, p99 {:.2} ms", percentile(50), percentile(99));
    row("acknowledging a segment that was sent ahead", &measured);
}
