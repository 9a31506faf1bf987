//! The engine under every fault, in paused time, from a seed.
//!
//! `WALCAST_SIM_SCHEDULES` sets how many schedules run (10,000), `WALCAST_SIM_SEED` runs one and
//! prints what happens. A seed that fails is added to `seeds.txt` and runs first ever after.

mod checks;
mod named;
mod postgres;
mod schedule;
mod world;

use std::{
    fs,
    io::Write,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

const DEFAULT_SCHEDULES: u64 = 10_000;

#[test]
fn invariants_hold_under_random_faults() {
    if let Ok(seed) = std::env::var("WALCAST_SIM_SEED") {
        return schedule::run(seed.parse().expect("WALCAST_SIM_SEED is a number"), true);
    }
    let schedules = match std::env::var("WALCAST_SIM_SCHEDULES") {
        Ok(count) => count.parse().expect("WALCAST_SIM_SCHEDULES is a number"),
        Err(_) => DEFAULT_SCHEDULES,
    };
    let seeds: Vec<u64> = known_seeds().into_iter().chain(0..schedules).collect();
    let next = AtomicU64::new(0);
    let failed = Mutex::new(Vec::new());
    let threads = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(&seed) = usize::try_from(next.fetch_add(1, Ordering::Relaxed))
                    .ok()
                    .and_then(|index| seeds.get(index))
                {
                    let outcome = catch_unwind(AssertUnwindSafe(|| schedule::run(seed, false)));
                    if outcome.is_err() {
                        failed.lock().unwrap().push(seed);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    keep(&failed);
    assert!(
        failed.is_empty(),
        "schedules failed; repeat one with WALCAST_SIM_SEED={failed:?}"
    );
}

fn seeds_file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/simulator/seeds.txt")
}

fn known_seeds() -> Vec<u64> {
    let text = fs::read_to_string(seeds_file()).expect("seeds.txt is readable");
    let seeds = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty());
    seeds
        .map(|line| line.parse().expect("a seed per line"))
        .collect()
}

fn keep(failed: &[u64]) {
    let known = known_seeds();
    let mut new = failed
        .iter()
        .filter(|seed| !known.contains(seed))
        .peekable();
    if new.peek().is_some() {
        let mut file = fs::OpenOptions::new()
            .append(true)
            .open(seeds_file())
            .unwrap();
        new.for_each(|seed| writeln!(file, "{seed}").unwrap());
    }
}
