//! Parameters of plugins, in clusters and in backups.

use crate::{
    crd::cnpg::{BARMAN_CLOUD, PGBACKREST},
    inventory::{Field, Resource, Seen},
    lint::{
        Level, Rule,
        sink::{Draft, Sink, text},
        system::{External, Job, Plugin, System},
    },
    manifest::{Edit, Entry, Value, closest},
};

pub(super) static IGNORED_BACKUP_PARAMETERS: Rule = Rule {
    id: "T01",
    name: "ignored-backup-parameters",
    level: Level::Error,
    summary: "A backup by the Barman Cloud plugin has parameters, which the plugin ignores.",
    reason: "The plugin takes store and folder from the Cluster and reads nothing from the backup. A \
             schedule that names another ObjectStore backs up to the Cluster's all the same, and its \
             Backups end as `completed`; the other store stays empty.",
    remedy: "Remove the parameters. For a second copy replicate the bucket, or use a tool that \
             writes to several places.",
    source: "§5.1; B:internal/cnpgi/instance/backup.go; C#7778, B#611, B#1076",
    check: ignored,
};

pub(super) static UNKNOWN_PARAMETER: Rule = Rule {
    id: "T07",
    name: "unknown-parameter",
    level: Level::Error,
    summary: "A plugin has a parameter that it does not read.",
    reason: "Parameters are a map of text to text that nobody checks; plugins pass by what they do \
             not know. Dalibo's plugin reads `selectedRepository` and `backupType` of a backup, and \
             `stanzaRef`, `repositoryRef` and `pluginConfigRef` of a Cluster; the Barman Cloud \
             plugin reads `barmanObjectName` and `serverName` of a Cluster.",
    remedy: "Use the parameter's name.",
    source: "§5.1, §6.1; D:internal/instance/backup.go; B:internal/cnpgi/operator/config/config.go",
    check: unknown,
};

pub(super) static BAD_REPOSITORY_NUMBER: Rule = Rule {
    id: "T08",
    name: "bad-repository-number",
    level: Level::Error,
    summary: "`selectedRepository` is no number of a repository that can be chosen.",
    reason: "Dalibo's plugin takes 1 up to the number of S3 repositories, as text. Repositories in \
             Azure are numbered after those in S3 and cannot be chosen beside them. Parameters are \
             text: a number without quotes is refused by the API server.",
    remedy: "Write the number of an S3 repository, in quotes.",
    source: "§6.2; D:internal/instance/backup.go",
    check: repository_number,
};

pub(super) static REPOSITORY_NUMBER_IN_CLUSTER: Rule = Rule {
    id: "T09",
    name: "repository-number-in-cluster",
    level: Level::Warning,
    summary: "`selectedRepository` in a Cluster has no effect.",
    reason: "Only backups choose a repository. WAL goes to all of them, and a restore takes the first \
             one that has a usable backup.",
    remedy: "Remove it; put the repository that restores should come from first.",
    source: "§6.1; D:internal/restore/restore.go",
    check: number_in_cluster,
};

pub(super) static NUMERIC_PLACEHOLDER: Rule = Rule {
    id: "T51",
    name: "numeric-placeholder",
    level: Level::Warning,
    summary: "A placeholder in a parameter becomes a number after Flux has replaced it.",
    reason: "Flux writes the resource anew before it replaces placeholders, which takes the quotes \
             away: `\"${REPO}\"` with 2 becomes the number 2, and the API server refuses it in a map \
             of text to text. Words such as `true` change their type as well.",
    remedy: "Write `${quote}${NAME}${quote}` with a variable `quote` that is `\"`, or write the value.",
    source: "§14; fluxcd/pkg envsubst",
    check: numeric_placeholder,
};

const PARAMETERS: &[&str] = &["spec", "pluginConfiguration", "parameters"];

fn ignored(system: &System<'_>, sink: &mut Sink<'_>) {
    for job in system
        .jobs
        .iter()
        .filter(|job| job.plugin().is(BARMAN_CLOUD))
    {
        if job.parameters().entries().is_empty() {
            continue;
        }
        let wanted = job.parameters().get("barmanObjectName").name();
        let cluster = system.cluster_of(job);
        let plugin = cluster.and_then(|cluster| cluster.plugin(BARMAN_CLOUD));
        let used = plugin.map(|plugin| plugin.parameter("barmanObjectName").name());
        let (message, level) = match (wanted, used) {
            (Seen::Is(wanted), Some(Seen::Is(used))) if wanted != used => (
                format!(
                    "the backups go to `{used}`, the Cluster's store; `{wanted}` stays empty and \
                     they end as `completed`"
                ),
                Level::Error,
            ),
            (Seen::Is(wanted), Some(Seen::Is(used))) if wanted == used => (
                "the parameters are ignored; the Cluster names the same store".to_owned(),
                Level::Warning,
            ),
            _ => (
                "the parameters are ignored: the backups go where the Cluster says".to_owned(),
                Level::Warning,
            ),
        };
        let configuration = job.spec().get("pluginConfiguration").node();
        let source = text(&job.resource);
        let edit = configuration.and_then(|node| Edit::remove(source, node, "parameters"));
        let draft = Draft::at(&job.resource, PARAMETERS, message)
            .level(level)
            .fix("remove the parameters", [edit]);
        sink.add(draft);
    }
}

fn unknown(system: &System<'_>, sink: &mut Sink<'_>) {
    for job in system.jobs.iter().filter(|job| job.is_pgbackrest()) {
        let known = ["selectedRepository", "backupType"];
        check_keys(&job.resource, job.parameters(), &known, PGBACKREST, sink);
    }
    for cluster in &system.clusters {
        let resource = &cluster.resource;
        let external = cluster.external.iter().filter_map(External::plugin);
        for plugin in cluster.plugins.iter().copied().chain(external) {
            let (known, name): (&[&str], _) = if plugin.name().is(BARMAN_CLOUD) {
                (&["barmanObjectName", "serverName"], BARMAN_CLOUD)
            } else if plugin.name().is(PGBACKREST) {
                // The last one has a rule of its own.
                let known = [
                    "stanzaRef",
                    "repositoryRef",
                    "pluginConfigRef",
                    "selectedRepository",
                ];
                check_keys(resource, plugin.parameters(), &known, PGBACKREST, sink);
                continue;
            } else {
                continue;
            };
            check_keys(resource, plugin.parameters(), known, name, sink);
        }
    }
}

fn check_keys(
    resource: &Resource<'_>,
    parameters: Field<'_>,
    known: &[&str],
    plugin: &str,
    sink: &mut Sink<'_>,
) {
    for entry in parameters.entries() {
        let key = entry.key.name.as_str();
        if known.contains(&key) || key.contains("${") || key.contains("{{") {
            continue;
        }
        let meant = meant(key).or_else(|| closest(key, known.iter().copied()));
        let meant =
            meant.filter(|meant| known.contains(meant) && parameters.get(meant).is_absent());
        let message = format!("`{plugin}` does not read `{key}`");
        let draft = match meant {
            Some(meant) => {
                let message = format!("{message}; `{meant}` is not set, so that its default holds");
                let edit = Edit::key(text(resource), &entry.key, meant);
                Draft::of(resource, entry.key.span, message)
                    .help(format!("Write `{meant}`."))
                    .fix(format!("write `{meant}`"), [edit])
            }
            None => Draft::of(resource, entry.key.span, message)
                .level(Level::Warning)
                .help(format!("It reads {}.", list(known))),
        };
        sink.add(draft);
    }
}

/// Returns what people mean by a name that is not near.
fn meant(key: &str) -> Option<&'static str> {
    match key {
        "repo" | "repository" | "repoNumber" | "repositoryNumber" | "repositoryIndex"
        | "selectedRepo" => Some("selectedRepository"),
        "type" | "backup-type" => Some("backupType"),
        "barmanObjectStore" | "objectStore" | "objectName" | "barmanObjectStoreName" => {
            Some("barmanObjectName")
        }
        "stanza" => Some("stanzaRef"),
        _ => None,
    }
}

fn list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

const SELECTED: &[&str] = &[
    "spec",
    "pluginConfiguration",
    "parameters",
    "selectedRepository",
];

fn repository_number(system: &System<'_>, sink: &mut Sink<'_>) {
    for job in system.jobs.iter().filter(|job| job.is_pgbackrest()) {
        let Field::Is(node) = job.parameters().get("selectedRepository") else {
            continue;
        };
        let draft = |message: String| Draft::at(&job.resource, SELECTED, message);
        if let Value::Integer(number) = node.value {
            let edit = Edit::replace(node.span.bytes(), format!("\"{number}\""));
            let message = "a parameter is text: the API server refuses the number".to_owned();
            sink.add(draft(message).fix("put it in quotes", [Some(edit)]));
            continue;
        }
        let Some(text) = node.as_str() else {
            continue;
        };
        match text.parse::<usize>() {
            Err(_) if !text.is_empty() => {
                let message = format!("`{text}` is no number: every backup fails");
                sink.add(draft(message));
            }
            Ok(0) => {
                let message = "repositories are numbered from 1: every backup fails".to_owned();
                sink.add(draft(message));
            }
            Ok(number) => {
                if let Some(message) = out_of_range(system, job, number) {
                    sink.add(draft(message));
                }
            }
            Err(_) => {}
        }
    }
}

fn out_of_range(system: &System<'_>, job: &Job<'_>, number: usize) -> Option<String> {
    // The number 1 is always taken.
    if number == 1 {
        return None;
    }
    let cluster = system
        .jobs
        .iter()
        .position(|other| std::ptr::eq(other, job))?;
    let cluster = system.cluster_of(&system.jobs[cluster])?;
    let plugin = cluster.plugin(PGBACKREST)?;
    let stanza = system.stanza(plugin, &cluster.resource)?;
    if stanza.has_hidden_repositories() {
        return None;
    }
    let repositories = stanza.repositories();
    let in_s3 = repositories.iter().filter(|one| !one.is_azure).count();
    let title = stanza.resource.title();
    if number > repositories.len() {
        let count = repositories.len();
        return Some(format!(
            "{title} has {count} repositories, none with number {number}: every backup fails"
        ));
    }
    (number > in_s3).then(|| {
        format!(
            "repository {number} of {title} is in Azure, which cannot be chosen beside {in_s3} in \
             S3: every backup fails"
        )
    })
}

fn number_in_cluster(system: &System<'_>, sink: &mut Sink<'_>) {
    for cluster in &system.clusters {
        let resource = &cluster.resource;
        let external = cluster.external.iter().filter_map(External::plugin);
        for plugin in cluster.plugins.iter().copied().chain(external) {
            let Some(entry) = selected(&plugin) else {
                continue;
            };
            let mapping = plugin.parameters().node();
            let edit = mapping.and_then(|node| Edit::remove(text(resource), node, &entry.key.name));
            let message = "it has no effect here: restores take the first repository with a usable \
                           backup";
            let draft = Draft::of(resource, entry.key.span, message);
            sink.add(draft.fix("remove it", [edit]));
        }
    }
}

fn selected<'a>(plugin: &Plugin<'a>) -> Option<&'a Entry> {
    let entries = plugin.parameters().entries().iter();
    let mut entries = entries.filter(|_| plugin.name().is(PGBACKREST));
    entries.find(|entry| entry.key.name == "selectedRepository")
}

fn numeric_placeholder(system: &System<'_>, sink: &mut Sink<'_>) {
    for job in system.jobs.iter().filter(|job| job.is_pgbackrest()) {
        let Some(node) = job.parameters().get("selectedRepository").node() else {
            continue;
        };
        let written = node.span.slice(text(&job.resource)).unwrap_or_default();
        if written.contains("${") && !written.to_ascii_lowercase().contains("quote") {
            let message = "once it is replaced it is a number, which the API server refuses here";
            sink.add(Draft::at(&job.resource, SELECTED, message));
        }
    }
}
