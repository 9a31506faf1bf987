//! The most memory that is resident, each time in a process of its own.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use tokio::runtime::Runtime;
use walcast::{
    byte_size::ByteSize, codec::Codec, fanout::Settings, spool::SpoolSettings, workers::Workers,
};

use crate::{
    Scale, folder, process, row,
    support::{self, cluster::Cluster, sink::Sink},
};

const ARGUMENT: &str = "--memory-scenario";

/// What a process does before it says how much memory that took.
pub(super) struct Scenario {
    root: PathBuf,
    healthy: u32,
    dead: u32,
    look_ahead: u32,
    segments: u32,
}

pub(super) fn measure(scale: Scale) {
    let owed = format!("4 destinations, one dead, {} segments owed", scale.owed);
    for (what, [healthy, dead, look_ahead], segments) in [
        ("one destination, look-ahead 1", [1, 0, 1], scale.segments),
        ("4 destinations, look-ahead 4", [4, 0, 4], scale.segments),
        (&*owed, [3, 1, 4], scale.owed),
    ] {
        let folder = folder();
        Cluster::create(folder.path(), look_ahead + 1);
        let root = folder.path().to_owned();
        let scenario = Scenario {
            root,
            healthy,
            dead,
            look_ahead,
            segments,
        };
        row(
            &format!("resident memory, {what}"),
            &format!("{:.0} MiB", scenario.in_process()),
        );
    }
}

impl Scenario {
    /// Runs it in another process and returns the peak in MiB.
    fn in_process(&self) -> f64 {
        let this = std::env::current_exe().expect("the system tells it");
        let numbers = [self.healthy, self.dead, self.look_ahead, self.segments];
        let output = Command::new(this)
            .arg(ARGUMENT)
            .arg(&self.root)
            .args(numbers.map(|number| number.to_string()))
            .output()
            .expect("this program can be run");
        let text = String::from_utf8_lossy(&output.stdout);
        text.trim()
            .parse()
            .unwrap_or_else(|_| panic!("the scenario failed: {output:?}"))
    }

    /// Returns the scenario that this process was started for.
    pub(super) fn from_arguments(arguments: &[String]) -> Option<Self> {
        let [argument, root, numbers @ ..] = arguments else {
            return None;
        };
        let numbers: Vec<u32> = numbers
            .iter()
            .filter_map(|text| text.parse().ok())
            .collect();
        let &[healthy, dead, look_ahead, segments] = numbers.as_slice() else {
            return None;
        };
        let root = PathBuf::from(root);
        (argument == ARGUMENT).then_some(Self {
            root,
            healthy,
            dead,
            look_ahead,
            segments,
        })
    }

    /// Runs it here.
    pub(super) fn run(&self) {
        let runtime = Runtime::new().expect("threads can be started");
        runtime.block_on(self.archive(&self.root));
        println!("{}", process::peak_memory());
        runtime.shutdown_background();
    }

    async fn archive(&self, root: &Path) {
        let workers = Workers::new();
        let healthy = (0..self.healthy).map(|_| Sink::new());
        let stores: Vec<_> = healthy
            .chain((0..self.dead).map(|_| Sink::dead()))
            .map(Arc::new)
            .collect();
        let encoding = support::encoding(Some(Codec::Lz4));
        let destinations = support::destinations("sink", &stores, encoding, &workers);
        let settings = Settings {
            look_ahead: self.look_ahead as usize,
            ..Settings::default()
        };
        // Most debts are records without bytes, so that the disk is not what takes the time.
        let spooled = SpoolSettings {
            max_bytes: ByteSize::gib(1),
            ..SpoolSettings::default()
        };
        let mut cluster = Cluster::open(root);
        let spool = tempfile::tempdir_in(root).expect("the folder is ours");
        let archiver =
            support::start(destinations, spool.path(), spooled, settings, &workers).await;
        let mut waiting = Vec::new();
        for _ in 0..self.segments {
            while waiting.len() <= self.look_ahead as usize {
                waiting.push(cluster.fill());
            }
            let path = waiting.remove(0);
            archiver
                .archive(&path)
                .await
                .expect("enough stores take everything");
            cluster.archived(path);
        }
        archiver.shutdown().await;
    }
}
