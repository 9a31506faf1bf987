//! The move of clusters from one kind of backup to another, as a plan.
//!
//! [`plan`] looks at the manifests of a system and says which steps lead from there to a
//! [`Target`], in the order in which nothing is lost: what each step changes in which file, why it
//! stands where it stands, what to run, and what must be seen before the next one. It is a pure
//! function: it writes nothing and asks nobody.
//!
//! - Files are changed by the smallest edits that do; comments and layout stay. New resources get
//!   files of their own beside their cluster, and are listed in a kustomization that lists that.
//! - What the manifests do not tell is a [`Question`] with the option that answers it, never a
//!   guess; the cluster that it is about stays out of the plan until then. Placeholders are moved
//!   as they are.
//! - What is not the same afterwards is listed in [`Plan::losses`].
//! - Traps that `walcast lint` can mend safely are mended first, and what it still finds at the end
//!   is in [`Plan::remaining`].
//! - A cluster that is half on its way is led to the end; one that has arrived has no steps.
//!
//! The order of steps and the maps of fields are those of the upstream guides, with the traps
//! that they do not mention.
//!
//! ```
//! use walcast::{inventory::Inventory, migrate::{Choices, Target, plan}};
//!
//! let mut inventory = Inventory::default();
//! let text = "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: shop}\n\
//!     spec:\n  instances: 3\n  backup:\n    retentionPolicy: 30d # a month\n\
//!     \x20   barmanObjectStore: {destinationPath: 's3://shop/', s3Credentials: {inheritFromIAMRole: true}}\n";
//! inventory.add("shop.yaml", text.to_owned());
//!
//! let plan = plan(&inventory, Target::BarmanPlugin, &Choices::default());
//!
//! let titles: Vec<&str> = plan.steps.iter().map(|step| step.title.as_str()).collect();
//! assert_eq!(titles[1..3], ["Make the ObjectStores", "Move Cluster/shop in one change"]);
//! let files = plan.files(plan.steps.len());
//! assert!(files[1].new.contains("  plugins:\n  - name: barman-cloud.cloudnative-pg.io\n"));
//! assert!(files[1].new.contains("# a month\n"));
//! ```

mod barman;
mod choices;
mod commands;
mod desk;
mod entry;
mod jobs;
mod json;
mod mend;
pub mod output;
mod pgbackrest;
mod plan;
#[cfg(test)]
mod tests;
mod walcast;

use jiff::Timestamp;

use self::desk::Desk;
pub use self::{
    choices::{Choices, InvalidTarget, Target},
    plan::{Check, FileChange, Plan, Question, Remark, Step},
};
use crate::{
    config::PLUGIN,
    inventory::{Found, Inventory, Seen},
    lint::{
        Level, Report, Settings, lint,
        system::{Cluster, Plugin, System},
    },
};

/// Something has to be answered before a cluster can be planned; the question is on the desk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Asked;

/// Plans the move of the clusters of a system.
pub fn plan(inventory: &Inventory, target: Target, choices: &Choices) -> Plan {
    let mended = mend::before(inventory, choices);
    let mended_inventory = mended.as_ref().map_or(inventory, |(mended, _)| mended);
    let system = System::new(mended_inventory, Timestamp::UNIX_EPOCH);
    let mut desk = Desk::new(&system, Plan::new(target));
    unread(&mut desk, inventory);
    let report = lint(mended_inventory, &settings());
    let clusters = chosen(&mut desk, &report, choices);
    if choices.clusters.is_empty() {
        strangers(&mut desk);
    }
    match target {
        Target::BarmanPlugin => barman::plan(&mut desk, &clusters, choices),
        Target::PgBackRest => pgbackrest::plan(&mut desk, &clusters, choices),
        Target::Walcast => walcast::plan(&mut desk, &clusters, choices),
    }
    let mut plan = desk.plan;
    if let Some((_, step)) = mended {
        plan.steps.insert(0, step);
    }
    mend::after(inventory, &mut plan, choices);
    plan.remaining = remaining(inventory, &plan);
    plan
}

/// The plan says nothing of the next runs of schedules, so it is the same at any time.
fn settings() -> Settings {
    Settings::new(Timestamp::UNIX_EPOCH)
}

/// Says which files and documents nobody looked at.
fn unread(desk: &mut Desk<'_>, inventory: &Inventory) {
    for trouble in inventory.troubles() {
        let file = trouble.file.display().to_string();
        desk.leave(&file, trouble.reason.to_string());
    }
    for file in inventory.files() {
        for document in &file.documents {
            if let Err(error) = &document.root {
                let place = format!("{}:{}", file.name.display(), error.position);
                let text = if file.text.contains("{{") {
                    "it is a template, which is not run: `helm template … | walcast migrate … -`"
                        .to_owned()
                } else {
                    format!("it is no YAML: {}", error.message)
                };
                desk.leave(&place, text);
            }
        }
    }
}

/// Returns the clusters that are to move. One that is described twice is not: it is not known
/// which description counts.
fn chosen<'a>(desk: &mut Desk<'a>, report: &Report, choices: &Choices) -> Vec<&'a Cluster<'a>> {
    let system = desk.system;
    let is_meant = |cluster: &&Cluster<'_>| {
        let name = commands::name(&cluster.resource);
        choices.clusters.is_empty() || choices.clusters.contains(&name)
    };
    for name in &choices.clusters {
        let mut named = system.clusters.iter();
        if !named.any(|one| commands::name(&one.resource) == *name) {
            let title = format!("Cluster/{name}");
            desk.obstacle(&title, "the files have no such Cluster");
        }
    }
    let mut clusters = Vec::new();
    for cluster in system.clusters.iter().filter(is_meant) {
        let resource = &cluster.resource;
        let title = resource.title();
        let mut twice = report.findings.iter().filter(|finding| {
            finding.rule.id == "M04"
                && finding.file == resource.file.name
                && finding.resource.as_deref() == Some(title.as_str())
        });
        if let Some(finding) = twice.next() {
            desk.obstacle(&title, finding.message.clone());
            continue;
        }
        let version = resource.at(&["apiVersion"]).text();
        if !version.is(resource.kind.api_version()) {
            let text = match version {
                Seen::Is(version) => format!("`{version}` is a version that walcast cannot read"),
                Seen::Absent | Seen::Unknown => "its version cannot be told".to_owned(),
            };
            desk.obstacle(&title, text);
            continue;
        }
        let mut foreign = cluster.plugins.iter().filter(|plugin| {
            let is_off = plugin.enabled().is(false);
            plugin.is_archiver().is(true) && !is_off && !is_of_ours(plugin)
        });
        if let Some(plugin) = foreign.next() {
            let name = plugin.name().known().unwrap_or("a plugin");
            let text = format!("`{name}` is its WAL archiver, of which nothing is known here");
            desk.obstacle(&title, text);
            continue;
        }
        clusters.push(cluster);
    }
    clusters
}

fn is_of_ours(plugin: &Plugin<'_>) -> bool {
    plugin.is_known() || plugin.name().may_be(PLUGIN)
}

/// Says which backups are of clusters that the files do not have.
fn strangers(desk: &mut Desk<'_>) {
    let system = desk.system;
    for job in system.jobs.iter().filter(|job| job.is_schedule()) {
        if matches!(job.cluster, Found::Nowhere | Found::Elsewhere(_)) {
            let text = "its Cluster is not in the files: if that moves, this has to move, too";
            desk.leave(&job.resource.title(), text);
        }
    }
}

/// Returns the errors that are left in the files that change.
fn remaining(inventory: &Inventory, plan: &Plan) -> Vec<Remark> {
    let files = plan.files(plan.steps.len());
    let report = lint(&mend::with(inventory, &files), &settings());
    let is_left = |finding: &&crate::lint::Finding| {
        finding.level == Level::Error && files.iter().any(|one| one.file == finding.file)
    };
    let left = report.findings.iter().filter(is_left);
    left.map(|finding| Remark {
        about: format!("{}:{}", finding.file.display(), finding.span.start.line),
        text: format!("{}: {}", finding.rule.id, finding.message),
    })
    .collect()
}
