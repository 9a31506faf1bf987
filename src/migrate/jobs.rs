//! Schedules of backups.

use serde_json::{Map, Value as Json, json};

use super::{
    desk::Desk,
    json::{get, remove, set},
};
use crate::{
    inventory::{Kind, Seen},
    lint::system::{Cluster, Job},
};

/// How a backup is made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Method<'a> {
    /// By CloudNativePG itself.
    InTree,
    /// By a plugin.
    Plugin(&'a str),
    /// By a snapshot of the volume.
    Snapshot,
    /// It cannot be told.
    Unknown,
}

pub(super) fn method<'a>(job: &Job<'a>) -> Method<'a> {
    match (job.method(), job.plugin()) {
        (Seen::Is("barmanObjectStore"), _) => Method::InTree,
        (Seen::Is("plugin"), Seen::Is(plugin)) => Method::Plugin(plugin),
        (Seen::Is("volumeSnapshot"), _) => Method::Snapshot,
        _ => Method::Unknown,
    }
}

/// Returns the schedules of a cluster that one of `from` makes, and CloudNativePG's own. What
/// cannot change or cannot be told is left, and said.
pub(super) fn schedules<'s, 'a>(
    desk: &mut Desk<'a>,
    cluster: &Cluster<'a>,
    from: &[&str],
) -> Vec<&'s Job<'a>>
where
    'a: 's,
    Desk<'a>: 's,
{
    let system: &'a crate::lint::system::System<'a> = desk.system;
    let mut schedules = Vec::new();
    let known: Vec<&'a Job<'a>> = system.jobs_of(cluster).collect();
    let written = get(desk.json(&cluster.resource), &["metadata", "name"]).cloned();
    // What a placeholder stands for is not known, but that it is the same here and there.
    let alike = system.jobs.iter().filter(|job| {
        job.cluster_name().is_unknown()
            && job.resource.folder() == cluster.resource.folder()
            && get(desk.json(&job.resource), &["spec", "cluster", "name"]) == written.as_ref()
    });
    let alike: Vec<&'a Job<'a>> = alike.collect();
    for job in known.into_iter().chain(alike) {
        let title = job.resource.title();
        let moves = match method(job) {
            Method::InTree => true,
            Method::Plugin(plugin) => from.contains(&plugin),
            Method::Snapshot => false,
            Method::Unknown => {
                desk.leave(&title, "how it makes backups cannot be told");
                false
            }
        };
        if !moves {
            continue;
        }
        if job.resource.kind == Kind::Backup {
            let text = "a Backup never changes: it stays as the record of what was made; for \
                        another one make a new object";
            desk.leave(&title, text);
            continue;
        }
        schedules.push(job);
    }
    schedules
}

/// Has a schedule's backups be made by a plugin, with these parameters only.
pub(super) fn use_plugin(schedule: &mut Json, plugin: &str, parameters: &[(&str, &str)]) {
    set(schedule, &["spec", "method"], "plugin");
    for key in ["online", "onlineConfiguration"] {
        remove(schedule, &["spec", key]);
    }
    let mut configuration = Map::new();
    configuration.insert("name".to_owned(), json!(plugin));
    if !parameters.is_empty() {
        let parameters: Map<String, Json> = parameters
            .iter()
            .map(|(key, value)| ((*key).to_owned(), json!(value)))
            .collect();
        configuration.insert("parameters".to_owned(), Json::Object(parameters));
    }
    set(schedule, &["spec", "pluginConfiguration"], configuration);
}

/// Returns the parameters that a schedule has for its plugin.
pub(super) fn parameters(schedule: &Json) -> Option<&Map<String, Json>> {
    get(schedule, &["spec", "pluginConfiguration", "parameters"])?.as_object()
}
