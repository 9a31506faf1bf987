//! Destinations must differ: in name, and in where they are.

use std::{collections::HashMap, path::Path as FilePath};

use super::{
    DestinationConfig, LayoutConfig, Location, Problem,
    resource::{NAME, Resource},
    selection::Candidate,
};

/// Reports resources of the same kind and name.
pub(super) fn check_names(candidates: &[Candidate<'_>], problems: &mut Vec<Problem>) {
    let mut seen: HashMap<(&str, &str), &Resource<'_>> = HashMap::new();
    for candidate in candidates {
        let store = candidate.resource();
        let (kind, name) = (store.kind, store.name);
        let first = seen.insert((kind, name), store);
        if let Some(first) = first.filter(|first| !std::ptr::eq(*first, store)) {
            let message = format!("there is another {kind} `{name}`, in {}", position(first));
            let hint = "Rename one of them: walcast calls a destination by this name.";
            problems.push(store.error(NAME, message).hint(hint));
        }
    }
}

/// Returns whether a resource can have the name (a DNS subdomain of RFC 1123).
pub(super) fn is_resource_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (1..=253).contains(&name.len())
        && name.starts_with(allowed)
        && name.ends_with(allowed)
        && name.chars().all(|c| allowed(c) || c == '-' || c == '.')
        && !name.contains("..")
}

/// Reports destinations that are the same folder of the same store: their copies would be one.
pub(super) fn check(
    destinations: &[(&Resource<'_>, DestinationConfig)],
    problems: &mut Vec<Problem>,
) {
    let mut seen: HashMap<String, &Resource<'_>> = HashMap::new();
    let mut names: HashMap<&str, &Resource<'_>> = HashMap::new();
    for (store, destination) in destinations {
        if let Some(first) = names.insert(&destination.id, store)
            && first.kind != store.kind
        {
            let message = format!(
                "a destination of {} `{}` is called `{}` too, in {}",
                first.kind,
                first.name,
                destination.id,
                position(first)
            );
            problems.push(store.error(NAME, message).hint("Rename one of them."));
        }
        let Some(first) = seen.insert(identity(destination), store) else {
            continue;
        };
        let message = format!(
            "this is the same place as that of {} `{}`, in {}",
            first.kind,
            first.name,
            position(first)
        );
        let path: &[&str] = match destination.layout {
            LayoutConfig::Barman(_) => &["spec", "configuration", "destinationPath"],
            LayoutConfig::PgBackRest(_) => &["spec"],
        };
        let hint = "Remove one of them, or give them different places.";
        problems.push(store.error(path, message).hint(hint));
    }
}

fn position(resource: &Resource<'_>) -> String {
    let line = resource.node.span.start.line;
    format!("{}:{line}", resource.file.display())
}

fn identity(destination: &DestinationConfig) -> String {
    let server = match &destination.layout {
        LayoutConfig::Barman(barman) => barman.server_name.as_deref().unwrap_or_default(),
        LayoutConfig::PgBackRest(pgbackrest) => &pgbackrest.stanza,
    };
    match &destination.location {
        Location::S3(s3) => {
            let endpoint = s3.endpoint.as_deref().map(normal_endpoint);
            let slash = if s3.prefix.is_empty() || s3.prefix.ends_with('/') {
                ""
            } else {
                "/"
            };
            let endpoint = endpoint.unwrap_or_default();
            format!("s3 {endpoint} {}/{}{slash}{server}", s3.bucket, s3.prefix)
        }
        Location::File { path } => {
            let normal: std::path::PathBuf = FilePath::new(path).components().collect();
            format!("file {}/{server}", normal.display())
        }
    }
}

/// Returns the address in lower case, without a port that goes without saying.
fn normal_endpoint(url: &str) -> String {
    let url = url.trim_end_matches('/').to_ascii_lowercase();
    let port = if url.starts_with("https:") {
        ":443"
    } else {
        ":80"
    };
    url.strip_suffix(port).unwrap_or(&url).to_owned()
}
