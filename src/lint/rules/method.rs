//! By which method backups are made, and whether their cluster knows it.

use crate::{
    inventory::Seen,
    lint::{
        Level, Rule,
        sink::{Draft, Sink, text},
        system::{Cluster, Job, Plugin, System},
    },
    manifest::{Edit, closest},
};

pub(super) static METHOD_WITHOUT_SECTION: Rule = Rule {
    id: "T17",
    name: "method-without-section",
    level: Level::Error,
    summary: "A backup is made by a method that its Cluster has no section for.",
    reason: "The method is `barmanObjectStore` unless it says otherwise. A schedule that was left as \
             it was when its Cluster moved to a plugin therefore fails at each run: `no \
             barmanObjectStore section defined on the target cluster`. A failed Backup is not tried \
             again.",
    remedy: "Set `method: plugin` and `pluginConfiguration.name`.",
    source: "§2.3; C:internal/controller/backup_controller.go; C#6752",
    check: section,
};

pub(super) static PLUGIN_WITHOUT_NAME: Rule = Rule {
    id: "T18",
    name: "plugin-without-name",
    level: Level::Error,
    summary: "A backup is made by a plugin without saying by which.",
    reason: "A Backup without `pluginConfiguration` is refused. A ScheduledBackup is accepted, and \
             then none of its Backups can be created.",
    remedy: "Add `pluginConfiguration` with the `name` of a plugin that the Cluster has.",
    source: "§2.3; C:internal/webhook/v1/backup_webhook.go",
    check: name,
};

pub(super) static PLUGIN_NOT_IN_CLUSTER: Rule = Rule {
    id: "T19",
    name: "plugin-not-in-cluster",
    level: Level::Error,
    summary: "A backup is made by a plugin that its Cluster does not run.",
    reason: "The plugin must be in the Cluster's `spec.plugins`, enabled, and name a store: only then \
             it has a sidecar in the pods. Otherwise each Backup fails: `cluster has no plugin \
             configured` or `requested plugin is not available`.",
    remedy: "Write the plugin's name as the Cluster has it, or add the plugin there.",
    source: "§2.3, §4.4; B#196, B#423, B#660",
    check: not_in_cluster,
};

fn section(system: &System<'_>, sink: &mut Sink<'_>) {
    for job in &system.jobs {
        let Some(cluster) = system.cluster_of(job) else {
            continue;
        };
        let backup = cluster.resource.spec().get("backup");
        let section = match job.method() {
            Seen::Is(method @ ("barmanObjectStore" | "volumeSnapshot")) => method,
            Seen::Is(_) | Seen::Absent | Seen::Unknown => continue,
        };
        if !backup.get(section).is_absent() {
            continue;
        }
        let unset = if job.spec().get("method").is_absent() {
            "without a method it is barmanObjectStore, and "
        } else {
            ""
        };
        let message = format!(
            "{unset}{} has no `spec.backup.{section}`: every backup fails",
            cluster.resource.title()
        );
        let mut draft = Draft::at(&job.resource, &["spec", "method"], message);
        // A plugin does what Barman did, and nothing that a snapshot is.
        let is_barman = section == "barmanObjectStore" && job.is_schedule();
        if let (true, Some(plugin)) = (is_barman, only_plugin(cluster)) {
            draft = draft.fix(format!("use the plugin `{plugin}`"), to_plugin(job, plugin));
        }
        sink.add(draft);
    }
}

/// Returns the name of the plugin of a cluster that has exactly one that stores.
fn only_plugin<'a>(cluster: &Cluster<'a>) -> Option<&'a str> {
    let mut names: Vec<&str> = cluster
        .storing()
        .filter_map(|one| one.name().known())
        .collect();
    names.dedup();
    match names[..] {
        [name] => Some(name),
        _ => None,
    }
}

fn to_plugin(job: &Job<'_>, plugin: &str) -> Vec<Option<Edit>> {
    let (source, spec) = (text(&job.resource), job.spec());
    let mut edits = Vec::new();
    let has_configuration = !spec.get("pluginConfiguration").is_absent();
    let configuration = match spec.node() {
        // In braces everything is on one line.
        Some(node) if node.span.slice(source).is_some_and(|s| s.starts_with('{')) => {
            format!("pluginConfiguration: {{name: {plugin}}}")
        }
        Some(_) | None => format!("pluginConfiguration:\n  name: {plugin}"),
    };
    let add = |after, entries: &str| {
        let spec = spec.node()?;
        Edit::add(source, spec, after, entries)
    };
    if let Some(method) = spec.get("method").node() {
        edits.push(Edit::scalar(source, method, "plugin"));
        if !has_configuration {
            edits.push(add("method", &configuration));
        }
    } else if has_configuration {
        edits.push(add("schedule", "method: plugin"));
    } else {
        let line = if configuration.contains('\n') {
            "\n"
        } else {
            ", "
        };
        let entries = format!("method: plugin{line}{configuration}");
        edits.push(add("schedule", &entries));
    }
    edits
}

fn name(system: &System<'_>, sink: &mut Sink<'_>) {
    for job in &system.jobs {
        let configuration = job.spec().get("pluginConfiguration");
        let has_name = !matches!(configuration.get("name").name(), Seen::Absent);
        if !job.method().is("plugin") || has_name {
            continue;
        }
        let message = if job.is_schedule() {
            "`method: plugin` without `pluginConfiguration.name`: none of its Backups can be created"
        } else {
            "`method: plugin` without `pluginConfiguration.name`: the Backup is refused"
        };
        let mut draft = Draft::at(&job.resource, &["spec", "method"], message);
        let plugin = system.cluster_of(job).and_then(only_plugin);
        if let (true, Some(plugin)) = (configuration.is_absent(), plugin) {
            draft = draft.fix(
                format!("name the plugin `{plugin}`"),
                to_plugin(job, plugin),
            );
        }
        sink.add(draft);
    }
}

const NAME: &[&str] = &["spec", "pluginConfiguration", "name"];

fn not_in_cluster(system: &System<'_>, sink: &mut Sink<'_>) {
    for job in &system.jobs {
        let (Seen::Is(wanted), Some(cluster)) = (job.plugin(), system.cluster_of(job)) else {
            continue;
        };
        if cluster.has_hidden_plugins() {
            continue;
        }
        let title = cluster.resource.title();
        let entries = cluster.plugins.iter();
        let entries: Vec<&Plugin<'_>> = entries.filter(|one| one.name().is(wanted)).collect();
        let is_off = entries.iter().all(|entry| entry.enabled().is(false));
        let message = match entries.last() {
            None if cluster.plugins.is_empty() => {
                format!("{title} has no plugins: every backup fails")
            }
            None => {
                let names = cluster.plugins.iter().filter_map(|one| one.name().known());
                let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
                format!(
                    "{title} has no plugin `{wanted}`, only {}: every backup fails",
                    names.join(", ")
                )
            }
            Some(_) if is_off => {
                format!("{title} has the plugin disabled: every backup fails")
            }
            Some(entry) if entry.is_known() && entry.reference().is_absent() => format!(
                "{title} has the plugin without a store, which gives it no sidecar: every backup \
                 fails"
            ),
            Some(_) => continue,
        };
        let mut draft = Draft::at(&job.resource, NAME, message);
        let names = cluster.storing().filter_map(|one| one.name().known());
        let near = names.clone().find(|name| name.starts_with(wanted));
        let near = near.or_else(|| closest(wanted, names));
        if let (true, Some(near)) = (entries.is_empty(), near) {
            let node = job.resource.at(NAME).node();
            let edit = node.and_then(|node| Edit::scalar(text(&job.resource), node, near));
            draft = draft
                .help(format!("Write `{near}`."))
                .fix(format!("write `{near}`"), [edit]);
        }
        sink.add(draft);
    }
}
