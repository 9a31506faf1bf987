//! Commands as people type them.

use std::path::Path;

use serde_json::Value as Json;

use crate::{
    inventory::{Resource, Seen},
    manifest::Node,
};

/// Returns a command in the namespace of a resource.
pub(super) fn kubectl(resource: &Resource<'_>, rest: &str) -> String {
    let namespace = match resource.namespace() {
        Seen::Is(namespace) => format!(" -n {namespace}"),
        Seen::Absent | Seen::Unknown => String::new(),
    };
    match rest.split_once(' ') {
        Some(("cnpg", rest)) => format!("kubectl cnpg{namespace} {rest}"),
        _ => format!("kubectl{namespace} {rest}"),
    }
}

/// Returns a command about everything that belongs to a cluster.
pub(super) fn of_cluster(cluster: &Resource<'_>, verb: &str, rest: &str) -> String {
    let name = name(cluster);
    let line = format!("{verb} -l cnpg.io/cluster={name} {rest}");
    kubectl(cluster, line.trim_end())
}

/// Returns the command that applies a file.
pub(super) fn apply(file: &Path) -> String {
    let file = file.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if file.chars().all(is_plain) {
        format!("kubectl apply -f {file}")
    } else {
        format!("kubectl apply -f '{}'", file.replace('\'', "'\\''"))
    }
}

/// Returns the name of a resource, as it is written.
pub(super) fn name(resource: &Resource<'_>) -> String {
    let name = resource.at(&["metadata", "name"]).node();
    let text = name.map(Node::to_json);
    let text = text.as_ref().and_then(Json::as_str);
    text.unwrap_or("NAME").to_owned()
}
