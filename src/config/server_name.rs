//! The name of the cluster's folder.
//!
//! As the Barman Cloud plugin finds it: the parameter `serverName` of the cluster's plugin entry,
//! else the cluster's name. Of several entries of the plugin the last counts; the parameter of
//! one that is switched off does not.

use super::{
    Problem, parameters,
    resource::{NAME, Resource, Resources},
};
use crate::manifest::{Path, Value};

const PLUGIN: &str = "barman-cloud.cloudnative-pg.io";

/// Returns `given`, else what the clusters say; more than one name is an error.
pub(super) fn choose(
    given: Option<&str>,
    resources: &Resources<'_>,
    problems: &mut Vec<Problem>,
) -> Option<String> {
    let mut chosen: Option<(&str, &Resource<'_>)> = None;
    for cluster in &resources.clusters {
        warn_of_unknown_store(cluster, &resources.stores, problems);
        let Some(name) = of_cluster(cluster, problems) else {
            continue;
        };
        match chosen {
            None => chosen = Some((name, cluster)),
            Some((first, other)) if first != name && given.is_none() => {
                problems.push(ambiguous(cluster, name, other, first));
            }
            Some(_) => {}
        }
    }
    let of_cluster = || chosen.map(|(name, _)| name);
    given.or_else(of_cluster).map(ToOwned::to_owned)
}

fn of_cluster<'a>(cluster: &Resource<'a>, problems: &mut Vec<Problem>) -> Option<&'a str> {
    if cluster.name.is_empty() {
        problems.push(cluster.error(NAME, "the Cluster has no name"));
        return None;
    }
    let Some((path, parameter)) = parameter(cluster, "serverName") else {
        return Some(cluster.name);
    };
    if parameter.is_empty() {
        let problem = cluster.error(path, "serverName is empty");
        problems.push(problem.hint("Leave it out to use the cluster's name."));
        return None;
    }
    Some(parameter)
}

/// Returns a parameter of the plugin's entry and the way to it.
fn parameter<'a>(cluster: &Resource<'a>, name: &str) -> Option<(Path, &'a str)> {
    let (path, entry) = parameters::entry(cluster, PLUGIN)?;
    let is_off = entry.field("enabled").map(|node| &node.value) == Some(&Value::Bool(false));
    let value = entry.field("parameters")?.field(name)?.as_str()?;
    (!is_off).then_some((path.key("parameters").key(name), value))
}

fn warn_of_unknown_store(
    cluster: &Resource<'_>,
    stores: &[Resource<'_>],
    problems: &mut Vec<Problem>,
) {
    let Some((path, name)) = parameter(cluster, "barmanObjectName") else {
        return;
    };
    if stores.iter().all(|store| store.name != name) {
        let message = format!("ObjectStore `{name}` is not in the files");
        let problem = cluster.warning(path, message);
        problems.push(problem.hint("Add its file if walcast is to write there too."));
    }
}

fn ambiguous(cluster: &Resource<'_>, name: &str, other: &Resource<'_>, first: &str) -> Problem {
    let message = format!(
        "the server name is `{name}` here and `{first}` for Cluster `{}`",
        other.name
    );
    cluster
        .error(NAME, message)
        .hint("Leave one Cluster in the files, or give the server name explicitly.")
}
