//! Resources to typed values, with help for those who mistyped.

use serde::de::DeserializeOwned;

use super::{Problem, resource::Resource};
use crate::{
    crd::{
        self,
        barman_cloud::RetentionPolicy,
        pgbackrest::{Repository, Stanza},
    },
    manifest::{
        DecodeError, Decoded, Entry, Fault, Kind, Node, Path, Segment, SubstituteError, Value,
        closest, decode, placeholders,
    },
};

/// The parts of an `ObjectStore` that walcast uses, and where a placeholder is therefore an error.
const USED: &[&[&str]] = &[&["metadata", "name"], &["spec", "configuration"], RETENTION];

/// The parts of a `Stanza` that walcast uses.
const USED_OF_STANZA: &[&[&str]] = &[&["metadata", "name"], &["spec"]];

/// What is not read: the version was looked at when the resources were sorted, and walcast has no
/// use for the rest.
const UNREAD: &[&[&str]] = &[
    &["apiVersion"],
    &["spec", "instanceSidecarConfiguration"],
    &["status"],
];

const RETENTION: &[&str] = &["spec", "retentionPolicy"];

/// Reads an `ObjectStore`.
pub(super) fn object_store(
    resource: &Resource<'_>,
    problems: &mut Vec<Problem>,
) -> Option<crd::barman_cloud::ObjectStore> {
    let (value, mut faults) = used(resource, USED);
    faults.extend(check_retention(resource));
    keep_causes(&mut faults);
    problems.extend(faults);
    value
}

/// Reads a `Stanza`, or its predecessor as one.
pub(super) fn stanza(resource: &Resource<'_>, problems: &mut Vec<Problem>) -> Option<Stanza> {
    let (stanza, faults) = match resource.kind {
        Repository::KIND => {
            let (old, faults) = used::<Repository>(resource, USED_OF_STANZA);
            (old.map(|old| old.to_stanza()), faults)
        }
        _ => used(resource, USED_OF_STANZA),
    };
    problems.extend(faults);
    stanza
}

/// Reads what is used of a resource; what a placeholder brings about is said once.
fn used<T: DeserializeOwned>(
    resource: &Resource<'_>,
    used: &[&[&str]],
) -> (Option<T>, Vec<Problem>) {
    let node = without(resource.node, UNREAD);
    let read = Resource {
        node: &node,
        ..*resource
    };
    let mut problems = unfilled(resource, used);
    let (value, faults) = typed(&read);
    problems.extend(faults);
    keep_causes(&mut problems);
    (value, problems)
}

/// Drops what follows another problem of the same place.
fn keep_causes(problems: &mut Vec<Problem>) {
    let mut seen = Vec::new();
    problems.retain(|problem| {
        let is_new = !seen.contains(&problem.place.path);
        seen.push(problem.place.path.clone());
        is_new
    });
}

/// Returns a copy of `node` without what stands at `paths`.
fn without(node: &Node, paths: &[&[&str]]) -> Node {
    let Value::Mapping(mapping) = &node.value else {
        return node.clone();
    };
    let kept = |entry: &Entry| {
        let below = paths.iter().filter_map(|path| path.split_first());
        let below = below.filter(|(first, _)| **first == entry.key.name);
        let below: Vec<&[&str]> = below.map(|(_, rest)| rest).collect();
        let is_kept = below.iter().all(|rest| !rest.is_empty());
        is_kept.then(|| Entry {
            key: entry.key.clone(),
            value: without(&entry.value, &below),
        })
    };
    Node {
        value: Value::Mapping(mapping.entries().iter().filter_map(kept).collect()),
        span: node.span,
    }
}

/// Reads a Secret. No problem has one of its values.
pub(super) fn secret(
    resource: &Resource<'_>,
    problems: &mut Vec<Problem>,
) -> Option<crd::core::Secret> {
    if resource.node.field("sops").is_some() {
        let problem = resource.error(["sops"].as_slice(), "the Secret is encrypted with SOPS");
        problems.push(problem.hint("Decrypt the file first: `sops --decrypt FILE`."));
        return None;
    }
    let (value, faults) = typed(resource);
    problems.extend(faults);
    value
}

fn typed<T: DeserializeOwned>(resource: &Resource<'_>) -> (Option<T>, Vec<Problem>) {
    let Decoded {
        value,
        errors,
        unknown,
        ..
    } = decode::<T>(resource.node);
    // Of the metadata there are fields that no type of ours has.
    let is_ours = |error: &DecodeError| !Path::root().key("metadata").contains(&error.path);
    let unknown = unknown.into_iter().filter(is_ours);
    let problem = |error: DecodeError| problem(resource, error);
    let problems = errors.into_iter().chain(unknown).map(problem);
    (value, problems.collect())
}

fn problem(resource: &Resource<'_>, error: DecodeError) -> Problem {
    let hint = hint(&error.path, &error.fault);
    let place = resource.place(error.path, error.span);
    let problem = Problem::error(place, error.fault.to_string());
    match hint {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}

/// To the resource it is any text.
fn check_retention(resource: &Resource<'_>) -> Option<Problem> {
    let error = resource.text(RETENTION)?.parse::<RetentionPolicy>().err()?;
    Some(resource.error(RETENTION, error.to_string()))
}

fn unfilled(resource: &Resource<'_>, used: &[&[&str]]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for keys in used {
        let path: Path = keys.iter().copied().collect();
        let Some(node) = resource.node.get(&path) else {
            continue;
        };
        node.for_each_leaf(&path, &mut |path, leaf| {
            problems.extend(unreplaced(resource, path, leaf));
        });
    }
    problems
}

fn unreplaced(resource: &Resource<'_>, path: &Path, leaf: &Node) -> Option<Problem> {
    let Some(left) = resource.unreplaced else {
        let text = leaf.as_str()?;
        let placeholder = &text[placeholders(text).next()?.range];
        let message = format!("`{placeholder}` was not replaced by its value");
        return Some(resource.error(path.clone(), message).hint(
            "Load what your tool applies to the cluster, such as the output of \
             `flux build` or `envsubst`.",
        ));
    };
    let left = left.iter().find(|left| left.span == leaf.span)?;
    let (message, hint) = match &left.error {
        SubstituteError::Unset(_) => (
            left.error.to_string(),
            "Set it, or give it a default: `${NAME:=…}`.",
        ),
        SubstituteError::Malformed { problem, .. } => {
            (problem.to_string(), "Write `$$` for a `$` that is text.")
        }
    };
    Some(resource.error(path.clone(), message).hint(hint))
}

fn hint(path: &Path, fault: &Fault) -> Option<String> {
    match fault {
        Fault::UnknownField { field, known } => unknown_field_hint(path, field, known),
        Fault::UnknownValue { value, known } => unknown_value_hint(value, known),
        Fault::WrongKind { expected, found } => wrong_kind_hint(path, expected, *found),
        Fault::MissingField(_)
        | Fault::OutOfRange { .. }
        | Fault::Unreplaced(_)
        | Fault::Refused(_) => None,
    }
}

fn unknown_field_hint(path: &Path, field: &str, known: &'static [&'static str]) -> Option<String> {
    if path
        == &["spec", "configuration", "retentionPolicy"]
            .into_iter()
            .collect()
    {
        return Some("Move it up, to `spec.retentionPolicy`.".to_owned());
    }
    match closest(field, known.iter().copied()) {
        Some(near) => Some(format!("Did you mean `{near}`?")),
        None => (!known.is_empty()).then(|| format!("There are {}.", list(known))),
    }
}

fn unknown_value_hint(value: &str, known: &'static [&'static str]) -> Option<String> {
    if value.is_empty() || value == "none" {
        return Some("Leave the field out to have none.".to_owned());
    }
    closest(value, known.iter().copied()).map(|near| format!("Did you mean `{near}`?"))
}

fn wrong_kind_hint(path: &Path, expected: &str, found: Kind) -> Option<String> {
    match (expected, found) {
        ("text", Kind::Bool | Kind::Number) => Some("Put it in quotes.".to_owned()),
        ("a mapping", Kind::String) if is_secret_ref(path) => Some(
            "Put the value into a Secret and name that and the key here: `{name: …, key: …}`."
                .to_owned(),
        ),
        _ => None,
    }
}

fn is_secret_ref(path: &Path) -> bool {
    let keys: Vec<&str> = path
        .segments()
        .iter()
        .filter_map(|segment| match segment {
            Segment::Key(key) => Some(key.as_str()),
            Segment::Index(_) => None,
        })
        .collect();
    match keys.as_slice() {
        ["spec", "configuration", "endpointCA"] => true,
        ["spec", "configuration", group, _] => group.ends_with("Credentials"),
        _ => false,
    }
}

fn list(known: &[&str]) -> String {
    let quoted: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
