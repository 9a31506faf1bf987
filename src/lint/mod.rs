//! What is wrong with the manifests of a system, before it is applied.
//!
//! [`lint`] looks at an [`Inventory`] with all [`rules`](rules::all) and says what each trap comes
//! to in these very documents: how often a schedule fires and when, which repository never gets a
//! full backup, which two clusters write to one place. Rules see the system, not single files: a
//! reference is followed, and what a `Cluster` leaves out is looked for in what it refers to.
//!
//! What cannot be told is never an error: placeholders without a value are passed by, defaults of
//! placeholders and resources that a kustomization patches give warnings at most, and a reference
//! out of the files is no finding where it could lead to something that is already in the cluster.
//!
//! A finding that is meant to be so is allowed by a comment on its line, on a line above it, or
//! before the first line of the document:
//!
//! ```yaml
//! schedule: "0 0 * * *" # walcast: allow T02 hourly on purpose
//! ```
//!
//! ```
//! use walcast::{inventory::Inventory, lint::{Level, Settings, lint}};
//!
//! let mut inventory = Inventory::default();
//! let text = "apiVersion: postgresql.cnpg.io/v1\nkind: ScheduledBackup\nmetadata: {name: nightly}\n\
//!     spec:\n  cluster: {name: main}\n  schedule: 0 3 * * *\n";
//! inventory.add("backup.yaml", text.to_owned());
//!
//! let report = lint(&inventory, &Settings::new("2026-11-25T16:00:00Z".parse()?));
//!
//! let finding = &report.findings[0];
//! assert_eq!((finding.rule.id, finding.level), ("T02", Level::Error));
//! assert_eq!(finding.span.start.line, 6);
//! assert!(finding.message.starts_with("it fires 24 times a day"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod allow;
mod finding;
mod fix;
mod level;
pub mod output;
mod page;
mod rule;
pub mod rules;
mod settings;
mod sink;
pub(crate) mod system;
#[cfg(test)]
mod tests;

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use self::{
    allow::Allow,
    sink::{Draft, Sink},
    system::System,
};
pub use self::{
    finding::{Finding, Fix, Report},
    fix::{Fixed, fix},
    level::{InvalidLevel, Level},
    page::{explain, page},
    rule::Rule,
    settings::{Settings, SettingsError},
};
use crate::inventory::Inventory;

/// Looks for everything that is wrong.
pub fn lint(inventory: &Inventory, settings: &Settings) -> Report {
    let system = System::new(inventory, settings.now());
    let mut sink = Sink::new(settings, inventory.variables(), &rules::IDLE_ALLOW);
    for rule in rules::all() {
        sink.turn_to(rule);
        (rule.check)(&system, &mut sink);
    }
    let mut allows = allows(inventory);
    let mut findings = sink.into_findings();
    drop_repeated(&mut findings);
    let found = findings.len();
    findings.retain(|finding| !is_allowed(finding, &mut allows));
    let allowed = found - findings.len();
    findings.extend(idle(&allows, inventory, settings));
    let place: HashMap<&Path, usize> = inventory
        .files()
        .iter()
        .map(|file| file.name.as_path())
        .zip(0..)
        .collect();
    findings.sort_by_key(|finding| {
        let file = place.get(finding.file.as_path()).copied();
        (file, finding.span.start, finding.rule.id)
    });
    Report {
        findings,
        files: inventory.files().len(),
        resources: system.index.all().count(),
        allowed,
    }
}

/// Returns the rule with this id or name.
pub fn rule(name: &str) -> Option<&'static Rule> {
    rules::all().find(|rule| rule.is_called(name))
}

type Allows<'a> = HashMap<&'a Path, Vec<Allow>>;

fn allows(inventory: &Inventory) -> Allows<'_> {
    let files = inventory.files().iter();
    files
        .map(|file| (file.name.as_path(), allow::find(file)))
        .filter(|(_, allows)| !allows.is_empty())
        .collect()
}

fn is_allowed(finding: &Finding, allows: &mut Allows<'_>) -> bool {
    let mut is_allowed = false;
    for allow in allows.get_mut(finding.file.as_path()).into_iter().flatten() {
        if allow.allows(finding) {
            allow.is_used = true;
            is_allowed = true;
        }
    }
    is_allowed
}

/// Reports the comments that allow nothing.
fn idle(allows: &Allows<'_>, inventory: &Inventory, settings: &Settings) -> Vec<Finding> {
    let mut sink = Sink::new(settings, inventory.variables(), &rules::IDLE_ALLOW);
    for (file, allows) in allows {
        for allow in allows.iter().filter(|allow| !allow.is_used) {
            let message = match &allow.rules {
                Ok(_) => "nothing here needs to be allowed",
                Err(message) => message,
            };
            sink.add(Draft::in_file(file, allow.span, message));
        }
    }
    sink.into_findings()
}

/// Drops what the general rules say of a field that another rule explains.
fn drop_repeated(findings: &mut Vec<Finding>) {
    let is_general = |finding: &Finding| rules::GENERAL.contains(&finding.rule);
    let place = |finding: &Finding| (finding.file.clone(), finding.span.start.line);
    let explained = findings.iter().filter(|finding| !is_general(finding));
    let explained: HashSet<_> = explained.map(place).collect();
    findings.retain(|finding| !is_general(finding) || !explained.contains(&place(finding)));
}
