//! Traps that are mended on the way.

use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
};

use super::{Choices, FileChange, Plan, Step, commands::apply, settings};
use crate::{
    inventory::{Inventory, Seen},
    lint::{Finding, Report, fix, lint},
};

/// Fixes may meet; each round makes those that do not.
const ROUNDS: usize = 4;

/// What the move itself takes care of, with more to say about it.
const OF_THE_MOVE: [&str; 2] = ["T01", "T17"];

/// The rule about alerts on metrics that nobody writes any more.
const ALERTS: &str = "T39";

/// Returns the files with what can be mended safely in them, and the step that does it. `None` if
/// there is nothing.
pub(super) fn before(inventory: &Inventory, choices: &Choices) -> Option<(Inventory, Step)> {
    if choices.keep_traps {
        return None;
    }
    let meant = meant(inventory, choices);
    let is_wanted = |finding: &Finding| {
        let is_meant = meant.as_ref().is_none_or(|meant| {
            let title = finding.resource.clone().unwrap_or_default();
            meant.contains(&(finding.file.clone(), title))
        });
        is_meant && !OF_THE_MOVE.contains(&finding.rule.id)
    };
    let (mended, said, changes) = rounds(inventory, is_wanted)?;
    let mut step = Step::new(
        "Mend what is wrong already",
        format!(
            "`walcast lint` finds it in what moves, and a move would carry it along: {}.",
            said.join("; ")
        ),
    );
    for change in &changes {
        step = step.run(apply(&change.file));
    }
    step.changes = changes;
    Some((mended, step))
}

/// Adds the step with the alerts, which ask for other metrics once the clusters have moved.
pub(super) fn after(inventory: &Inventory, plan: &mut Plan, choices: &Choices) {
    if choices.keep_traps || plan.steps.is_empty() {
        return;
    }
    let moved = with(inventory, &plan.files(plan.steps.len()));
    let is_alert = |finding: &Finding| finding.rule.id == ALERTS;
    let Some((_, _, changes)) = rounds(&moved, is_alert) else {
        return;
    };
    let mut step = Step::new(
        "Have the alerts ask for the plugin's metrics",
        "CloudNativePG's own metrics of backups stay at their last value with a plugin: an alert on \
         them either never fires or fires for ever.",
    );
    for change in &changes {
        step = step.run(apply(&change.file));
    }
    step.changes = changes;
    plan.steps.push(step);
}

/// Returns the inventory with other texts of files, and with new files.
pub(super) fn with(inventory: &Inventory, changes: &[FileChange]) -> Inventory {
    let mut other = Inventory::new(inventory.variables().clone());
    for file in inventory.files() {
        let other_text = changes.iter().find(|change| change.file == file.name);
        let text = other_text.map_or(&file.text, |change| &change.new);
        other.add(&file.name, text.clone());
    }
    for change in changes.iter().filter(|change| change.old.is_none()) {
        other.add(&change.file, change.new.clone());
    }
    other
}

type Mended = (Inventory, Vec<String>, Vec<FileChange>);

fn rounds(inventory: &Inventory, is_wanted: impl Fn(&Finding) -> bool) -> Option<Mended> {
    let mut current: Option<Inventory> = None;
    let mut said: Vec<String> = Vec::new();
    let mut changes: BTreeMap<_, FileChange> = BTreeMap::new();
    for _ in 0..ROUNDS {
        let now = current.as_ref().unwrap_or(inventory);
        let mut report: Report = lint(now, &settings());
        report
            .findings
            .retain(|finding| finding.fix.is_some() && is_wanted(finding));
        let fixed = fix(now, &report);
        if fixed.is_empty() {
            break;
        }
        for finding in &report.findings {
            let (Some(fix), Some(resource)) = (&finding.fix, &finding.resource) else {
                continue;
            };
            let one = format!("{} {resource}: {}", finding.rule.id, fix.title);
            if !said.contains(&one) {
                said.push(one);
            }
        }
        for fixed in fixed {
            let resources = resources_of(&report, &fixed.file);
            let old = inventory.files().iter().find(|one| one.name == fixed.file);
            let change = changes
                .entry(fixed.file.clone())
                .or_insert_with(|| FileChange {
                    file: fixed.file.clone(),
                    old: old.map(|old| old.text.clone()),
                    new: String::new(),
                    resources,
                    is_minimal: true,
                });
            change.new = fixed.text;
        }
        let all: Vec<FileChange> = changes.values().cloned().collect();
        current = Some(with(inventory, &all));
    }
    Some((current?, said, changes.into_values().collect()))
}

fn resources_of(report: &Report, file: &Path) -> Vec<String> {
    let mut resources: Vec<String> = Vec::new();
    for finding in report.findings.iter().filter(|one| one.file == file) {
        if let Some(resource) = &finding.resource
            && !resources.contains(resource)
        {
            resources.push(resource.clone());
        }
    }
    resources
}

/// Returns the resources that belong to the clusters that move, as findings name them; `None` is
/// all.
fn meant(inventory: &Inventory, choices: &Choices) -> Option<HashSet<(PathBuf, String)>> {
    if choices.clusters.is_empty() {
        return None;
    }
    let is_chosen = |name: Seen<&str>| {
        let name = name.known();
        name.is_some_and(|name| choices.clusters.iter().any(|cluster| cluster == name))
    };
    let index = inventory.index();
    let own = index.all().filter(|resource| {
        let of = resource.spec().at(&["cluster", "name"]).name();
        is_chosen(resource.name()) || is_chosen(of)
    });
    Some(
        own.map(|one| (one.file.name.clone(), one.title()))
            .collect(),
    )
}
