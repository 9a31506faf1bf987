mod comments;
mod corpus;
mod files;
mod fixtures;
mod formats;
mod stories;

use std::path::{Path, PathBuf};

use super::*;

fn settings() -> Settings {
    Settings::new("2026-11-25T16:00:00Z".parse().unwrap())
}

fn inventory(text: &str) -> Inventory {
    let mut inventory = Inventory::default();
    inventory.add("test.yaml", text.to_owned());
    inventory
}

fn report(text: &str) -> Report {
    lint(&inventory(text), &settings())
}

/// Returns the rules that find something, each once.
fn rules_of(report: &Report) -> Vec<&'static str> {
    let mut ids: Vec<_> = report.findings.iter().map(|one| one.rule.id).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn folder(path: &str) -> PathBuf {
    root().join(path)
}
