//! The manifests themselves: files, documents, fields.

use crate::{
    inventory::{File, Kind, Resource, Seen},
    lint::{
        Level, Rule,
        sink::{Draft, Sink},
        system::System,
    },
    manifest::{Fault, Path, Position, Segment, Span, closest},
};

pub(super) static BROKEN_DOCUMENT: Rule = Rule {
    id: "M01",
    name: "broken-document",
    level: Level::Error,
    summary: "A document is no YAML.",
    reason: "It is read as the Kubernetes tools read it, with placeholders taken for text. The other \
             documents of the file, and other files, are looked at all the same.",
    remedy: "Mend it; nothing in it was looked at.",
    source: "YAML 1.2, and go-yaml as `sigs.k8s.io/yaml` carries it",
    check: broken,
};

pub(super) static TEMPLATE_NOT_READ: Rule = Rule {
    id: "M02",
    name: "template-not-read",
    level: Level::Note,
    summary: "A file is a template of Helm or its like, which is not run.",
    reason: "What a template makes depends on values that are elsewhere. A document that is no YAML \
             because of `{{ … }}` is passed by; in one that is, such values count as unknown.",
    remedy: "Look at what it makes: `helm template … | walcast lint -`.",
    source: "§14",
    check: template,
};

pub(super) static FILE_NOT_READ: Rule = Rule {
    id: "M03",
    name: "file-not-read",
    level: Level::Warning,
    summary: "A file could not be read.",
    reason: "It is larger than 16 MiB, no text in UTF-8, or not to be read by this user.",
    remedy: "Look whether it is a manifest, and name it apart from the others if it is not.",
    source: "walcast",
    check: not_read,
};

pub(super) static TWO_OF_ONE_NAME: Rule = Rule {
    id: "M04",
    name: "two-of-one-name",
    level: Level::Error,
    summary: "Two documents describe the same resource.",
    reason: "The one that is applied last wins, and which one that is depends on the tool; \
             kustomize refuses both. Documents of one file or folder, or of one explicit namespace, \
             are meant; patches that a kustomization lists are not.",
    remedy: "Remove one of them, or rename it.",
    source: "Kubernetes; kustomize",
    check: two,
};

pub(super) static UNKNOWN_FIELD: Rule = Rule {
    id: "M05",
    name: "unknown-field",
    level: Level::Warning,
    summary: "A resource has a field that its kind does not have.",
    reason: "`kubectl apply` and server-side apply refuse it; what gets past them is dropped by the \
             API server, so that it has no effect. The definitions compared are those of \
             CloudNativePG 1.30, the Barman Cloud plugin 0.14 and the pgBackRest plugin 0.0.3; a \
             newer one may have more.",
    remedy: "Correct the name or the indentation.",
    source: "the definitions of these releases",
    check: unknown_field,
};

pub(super) static VALUE_THAT_DOES_NOT_FIT: Rule = Rule {
    id: "M06",
    name: "value-that-does-not-fit",
    level: Level::Error,
    summary: "A field has a value of another kind, or a required one is missing.",
    reason: "The API server checks each resource against its definition and refuses it as a whole.",
    remedy: "Write a value of that kind.",
    source: "the definitions of CloudNativePG 1.30, Barman Cloud plugin 0.14, pgBackRest plugin 0.0.3",
    check: misfit,
};

pub(super) static UNKNOWN_VERSION: Rule = Rule {
    id: "M07",
    name: "unknown-version",
    level: Level::Warning,
    summary: "The `apiVersion` of a resource is not the one that is known.",
    reason: "Each kind has had one version so far. What is said about a resource of another version \
             may be wrong.",
    remedy: "Write the known version unless yours is newer.",
    source: "§1",
    check: version,
};

pub(in crate::lint) static IDLE_ALLOW: Rule = Rule {
    id: "M08",
    name: "idle-allow",
    level: Level::Note,
    summary: "A comment allows what is not found, or names no rule.",
    reason: "A comment that outlives its reason hides the next finding of its kind.",
    remedy: "Remove the comment, or correct the rule's name.",
    source: "walcast",
    check: idle,
};

/// The rules that say less of a place than any other rule.
pub(in crate::lint) static GENERAL: &[&Rule] = &[&UNKNOWN_FIELD, &VALUE_THAT_DOES_NOT_FIT];

/// Returns the place at a position, with nothing in it.
fn place(position: Position) -> Span {
    Span {
        start: position,
        end: position,
    }
}

const START: Position = Position {
    offset: 0,
    line: 1,
    column: 1,
};

/// Returns the documents that are no YAML, each with whether a template is to blame.
fn unreadable<'a>(system: &System<'a>) -> Vec<(&'a File, Position, &'a str, bool)> {
    let mut all = Vec::new();
    for file in system.inventory.files() {
        let is_template = file.text.contains("{{") && file.text.contains("}}");
        for document in &file.documents {
            if let Err(error) = &document.root {
                all.push((file, error.position, error.message.as_str(), is_template));
            }
        }
    }
    all
}

fn broken(system: &System<'_>, sink: &mut Sink<'_>) {
    for (file, position, message, is_template) in unreadable(system) {
        if !is_template {
            let span = place(position);
            sink.add(Draft::in_file(&file.name, span, message));
        }
    }
}

fn template(system: &System<'_>, sink: &mut Sink<'_>) {
    let mut last: Option<&File> = None;
    for (file, position, _, is_template) in unreadable(system) {
        if is_template && last.is_none_or(|last| !std::ptr::eq(last, file)) {
            let span = place(position);
            let message = "a template: this document, and others that are no YAML, are not read";
            sink.add(Draft::in_file(&file.name, span, message));
            last = Some(file);
        }
    }
    for resource in system.index.all() {
        let mut first = None;
        // Alerts have templates of their own, which Prometheus runs.
        if resource.kind != Kind::PrometheusRule && resource.file.text.contains("{{") {
            resource.node.for_each_leaf(&Path::root(), &mut |_, leaf| {
                let is_template = leaf.as_str().is_some_and(|text| text.contains("{{"));
                if is_template && first.is_none() {
                    first = Some(leaf.span);
                }
            });
        }
        if let Some(span) = first {
            let message = "values with `{{ … }}` are not read: what depends on them is not known";
            sink.add(Draft::of(resource, span, message));
        }
    }
}

fn not_read(system: &System<'_>, sink: &mut Sink<'_>) {
    for trouble in system.inventory.troubles() {
        let span = place(START);
        sink.add(Draft::in_file(
            &trouble.file,
            span,
            trouble.reason.to_string(),
        ));
    }
}

fn two(system: &System<'_>, sink: &mut Sink<'_>) {
    for resource in system.index.all() {
        let Seen::Is(name) = resource.name() else {
            continue;
        };
        let named = system.index.named(resource.kind, name).iter();
        let mut before = named.take_while(|other| !other.is(resource));
        let twin = before.find_map(|other| Some((other, conflict(resource, other)?)));
        let Some((other, level)) = twin else {
            continue;
        };
        let line = other.node.span.start.line;
        let message = format!(
            "{} is described in {}:{line} as well{}",
            resource.title(),
            other.file.name.display(),
            if other.node.to_json() == resource.node.to_json() {
                ", in the same words"
            } else {
                ", in other words: the one applied last wins"
            }
        );
        let draft = Draft::at(resource, &["metadata", "name"], message);
        sink.add(draft.level(level));
    }
}

/// Returns how bad it is that two resources have one name; `None` if they may be for two clusters
/// of Kubernetes.
fn conflict(one: &Resource<'_>, other: &Resource<'_>) -> Option<Level> {
    let (of_one, of_other) = (one.namespace(), other.namespace());
    let is_beside = one.folder() == other.folder();
    match (of_one, of_other) {
        (Seen::Is(of_one), Seen::Is(of_other)) if of_one != of_other => None,
        (Seen::Is(_), Seen::Is(_)) if is_beside => Some(Level::Error),
        (Seen::Is(_), Seen::Is(_)) => Some(Level::Warning),
        (Seen::Absent, Seen::Absent) if std::ptr::eq(one.file, other.file) => Some(Level::Error),
        (Seen::Absent, Seen::Absent) if is_beside => Some(Level::Warning),
        _ => None,
    }
}

/// Returns whether the API server looks at a part: metadata has fields that no type of ours has,
/// and a status is written by controllers.
fn is_looked_at(path: &Path) -> bool {
    let first = path.segments().first();
    !first.is_some_and(|first| {
        ["metadata", "status"]
            .iter()
            .any(|part| *first == Segment::Key((*part).to_owned()))
    })
}

fn unknown_field(system: &System<'_>, sink: &mut Sink<'_>) {
    for (resource, decoded) in &system.decoded {
        for error in &decoded.unknown {
            if !is_looked_at(&error.path) {
                continue;
            }
            let message = error.fault.to_string();
            let mut draft = Draft::of(resource, error.span, message);
            if let Fault::UnknownField { field, known } = &error.fault
                && let Some(near) = closest(field, known.iter().copied())
            {
                draft = draft.help(format!("Did you mean `{near}`?"));
            }
            sink.add(draft);
        }
    }
}

fn misfit(system: &System<'_>, sink: &mut Sink<'_>) {
    for (resource, decoded) in &system.decoded {
        for error in &decoded.errors {
            if !is_looked_at(&error.path) {
                continue;
            }
            let is_filled_in = matches!(error.fault, Fault::Unreplaced(_));
            if !is_filled_in {
                let message = format!("{}: {}", error.path, error.fault);
                sink.add(Draft::of(resource, error.span, message));
            }
        }
    }
}

fn version(system: &System<'_>, sink: &mut Sink<'_>) {
    for resource in system.index.all() {
        let Seen::Is(version) = resource.at(&["apiVersion"]).text() else {
            continue;
        };
        let known = resource.kind.api_version();
        if version != known {
            let message = format!("`{version}` is read as if it were `{known}`");
            sink.add(Draft::at(resource, &["apiVersion"], message));
        }
    }
}

/// Comments are looked at when everything else was found.
fn idle(_: &System<'_>, _: &mut Sink<'_>) {}
