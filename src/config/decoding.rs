//! Resources to typed values, with help for those who mistyped.

use serde::de::DeserializeOwned;

use super::{Problem, placeholder, resource::Resource, strict, suggest::closest};
use crate::{
    crd::{self, barman_cloud::RetentionPolicy},
    manifest::{DecodeError, Fault, Kind, Path, Segment, decode},
};

/// The part of an `ObjectStore` that walcast uses, and where a placeholder is therefore an error.
const USED: [&[&str]; 3] = [&["metadata", "name"], &["spec", "configuration"], RETENTION];

/// What is not read: the version was looked at when the resources were sorted, and walcast has no
/// use for the rest.
const UNREAD: [&[&str]; 3] = [
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
    let unfilled = placeholders(resource);
    let is_unfilled =
        |problem: &Problem| unfilled.iter().any(|u| u.place.path == problem.place.path);
    let mut node = resource.node.clone();
    for path in UNREAD {
        node.remove(&path.iter().copied().collect());
    }
    let read = Resource {
        node: &node,
        ..*resource
    };
    let (value, mut faults) = typed(&read);
    faults.extend(strict::faults(&node).into_iter().map(|e| problem(&read, e)));
    faults.extend(check_retention(&read));
    faults.retain(|fault| !is_unfilled(fault));
    problems.extend(unfilled);
    problems.extend(faults);
    value
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
    let decoded = decode::<T>(resource.node);
    let errors = decoded.errors.into_iter();
    let problems = errors.map(|error| problem(resource, error)).collect();
    (decoded.value, problems)
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

fn placeholders(resource: &Resource<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for path in USED.map(|keys| keys.iter().copied().collect::<Path>()) {
        let Some(node) = resource.node.get(&path) else {
            continue;
        };
        node.for_each_leaf(&path, &mut |path, leaf| {
            if let Some(name) = leaf.as_str().and_then(placeholder::find) {
                let message = format!("`{name}` was not replaced by its value");
                let problem = resource.error(path.clone(), message);
                problems.push(problem.hint(
                    "Load what your tool applies to the cluster, such as the output of \
                     `flux build` or `envsubst`.",
                ));
            }
        });
    }
    problems
}

fn hint(path: &Path, fault: &Fault) -> Option<String> {
    match fault {
        Fault::UnknownField { field, known } => Some(unknown_field_hint(path, field, known)),
        Fault::UnknownValue { value, known } => unknown_value_hint(value, known),
        Fault::WrongKind { expected, found } => wrong_kind_hint(path, expected, *found),
        Fault::MissingField(_) | Fault::OutOfRange { .. } | Fault::Refused(_) => None,
    }
}

fn unknown_field_hint(path: &Path, field: &str, known: &'static [&'static str]) -> String {
    if path
        == &["spec", "configuration", "retentionPolicy"]
            .into_iter()
            .collect()
    {
        return "Move it up, to `spec.retentionPolicy`.".to_owned();
    }
    match closest(field, known.iter().copied()) {
        Some(near) => format!("Did you mean `{near}`?"),
        None => format!("There are {}.", list(known)),
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
