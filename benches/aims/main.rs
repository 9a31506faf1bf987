//! Measures what the design promises about WAL, as a Markdown table.
//!
//! ```sh
//! cargo bench --bench aims                    # everything, about a quarter of an hour
//! cargo bench --bench aims -- latency memory  # of cost, throughput, latency and memory
//! ```
//!
//! CPU time is that of the whole process, user and system, so that other work on the machine
//! disturbs it less than it does the clock. Each figure is the median of alternating rounds.

#![allow(clippy::print_stdout, reason = "it prints a table")]

#[path = "../support/mod.rs"]
mod support;

mod cost;
mod latency;
mod memory;
mod process;
mod throughput;

use tempfile::TempDir;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
struct Scale {
    /// Repetitions, of which the median counts.
    rounds: usize,
    /// Segments in each.
    segments: u32,
    /// Segments that the dead destination comes to owe.
    owed: u32,
}

impl Scale {
    const FULL: Self = Self {
        rounds: 5,
        segments: 100,
        owed: 1000,
    };
    /// Only to see that it runs.
    const SMOKE: Self = Self {
        rounds: 1,
        segments: 6,
        owed: 6,
    };
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(scenario) = memory::Scenario::from_arguments(&arguments) {
        return scenario.run();
    }
    // Cargo says `--bench` when it means it; `cargo test` runs benches too.
    let is_meant = arguments.iter().any(|argument| argument == "--bench");
    let scale = if is_meant { Scale::FULL } else { Scale::SMOKE };
    println!("| what | measured |\n| --- | --- |");
    let is_wanted = |part: &str| {
        let mut wanted = arguments
            .iter()
            .filter(|one| !one.starts_with('-'))
            .peekable();
        wanted.peek().is_none() || wanted.any(|one| one == part)
    };
    for (part, measure) in PARTS {
        if is_wanted(part) {
            measure(scale);
        }
    }
}

/// Measures one part of the promises.
type Measure = fn(Scale);

const PARTS: [(&str, Measure); 4] = [
    ("cost", cost::measure),
    ("throughput", throughput::measure),
    ("latency", latency::measure),
    ("memory", memory::measure),
];

fn folder() -> TempDir {
    tempfile::tempdir().expect("there is a place for temporary files")
}

fn row(what: &str, measured: &str) {
    println!("| {what} | {measured} |");
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
