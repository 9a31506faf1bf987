//! The resources of the files, by kind.

use std::path::{Path as FilePath, PathBuf};

use super::{IgnoredResource, Place, Problem};
use crate::{
    crd::{
        barman_cloud::ObjectStore,
        pgbackrest::{Repository, Stanza},
    },
    manifest::{Document, Node, Path, Span, Unreplaced, Value},
};

/// The way to a resource's name.
pub(super) const NAME: &[&str] = &["metadata", "name"];

/// A file and what is in it.
#[derive(Debug)]
pub(super) struct File {
    pub path: PathBuf,
    pub documents: Vec<Document>,
}

/// A resource and where it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resource<'a> {
    pub file: &'a FilePath,
    pub document: usize,
    pub api_version: &'a str,
    pub kind: &'a str,
    pub name: &'a str,
    pub node: &'a Node,
    /// The placeholders of its document that could not be replaced; `None` if nobody tried.
    pub unreplaced: Option<&'a [Unreplaced]>,
}

impl<'a> Resource<'a> {
    /// Returns an error about the field at `path`.
    pub(super) fn error(&self, path: impl IntoPath, message: impl Into<String>) -> Problem {
        let path = path.into_path();
        let span = self.node.nearest(&path);
        Problem::error(self.place(path, span), message)
    }

    /// Returns a warning about the field at `path`.
    pub(super) fn warning(&self, path: impl IntoPath, message: impl Into<String>) -> Problem {
        let path = path.into_path();
        let span = self.node.nearest(&path);
        Problem::warning(self.place(path, span), message)
    }

    /// Returns where the field at `path` is, which stands at `span`.
    pub(super) fn place(&self, path: Path, span: Span) -> Place {
        Place {
            file: Some(self.file.to_owned()),
            document: Some(self.document),
            resource: (!self.kind.is_empty()).then(|| self.title()),
            path,
            position: Some(span.start),
        }
    }

    /// Returns where the key at `path` is, or what tells most about it.
    pub(super) fn key_place(&self, path: &Path) -> Place {
        let span = self.node.key_at(path);
        let span = span.unwrap_or_else(|| self.node.nearest(path));
        self.place(path.clone(), span)
    }

    /// Returns the text at `path`, if there is one.
    pub(super) fn text(&self, path: &[&str]) -> Option<&'a str> {
        self.node.get(&path.into_path())?.as_str()
    }

    fn title(&self) -> String {
        if self.name.is_empty() {
            self.kind.to_owned()
        } else {
            format!("{}/{}", self.kind, self.name)
        }
    }
}

/// A [`Path`] or the keys of one.
pub(super) trait IntoPath {
    fn into_path(self) -> Path;
}

impl IntoPath for Path {
    fn into_path(self) -> Path {
        self
    }
}

impl IntoPath for &[&str] {
    fn into_path(self) -> Path {
        self.iter().copied().collect()
    }
}

/// The resources of all files, by kind, in the order of the files.
#[derive(Debug, Default)]
pub(super) struct Resources<'a> {
    pub stores: Vec<Resource<'a>>,
    pub secrets: Vec<Resource<'a>>,
    /// Stanzas and, from before the plugin's first release, Repositories.
    pub stanzas: Vec<Resource<'a>>,
    pub clusters: Vec<Resource<'a>>,
    pub ignored: Vec<IgnoredResource>,
}

/// Sorts the documents of `files`; broken ones and those that are no resource are problems.
pub(super) fn collect<'a>(
    files: &'a [File],
    is_substituted: bool,
    problems: &mut Vec<Problem>,
) -> Resources<'a> {
    let mut resources = Resources::default();
    for file in files {
        let mut is_empty = true;
        for document in &file.documents {
            match &document.root {
                Ok(node) if node.value == Value::Null => continue,
                Ok(node) => {
                    let unreplaced = is_substituted.then_some(document.unreplaced.as_slice());
                    let origin = Origin {
                        file: &file.path,
                        document: document.index,
                        unreplaced,
                    };
                    resources.add(origin, node, problems);
                }
                Err(error) => {
                    let place = Place {
                        file: Some(file.path.clone()),
                        document: Some(document.index),
                        position: Some(error.position),
                        ..Place::default()
                    };
                    problems.push(Problem::error(place, &error.message));
                }
            }
            is_empty = false;
        }
        if is_empty {
            problems.push(empty(&file.path));
        }
    }
    resources
}

fn empty(file: &FilePath) -> Problem {
    let place = Place {
        file: Some(file.to_owned()),
        ..Place::default()
    };
    Problem::error(place, "the file has no documents").hint("Check that it is the right file.")
}

/// Where a resource comes from.
#[derive(Clone, Copy)]
struct Origin<'a> {
    file: &'a FilePath,
    document: usize,
    unreplaced: Option<&'a [Unreplaced]>,
}

impl<'a> Resources<'a> {
    fn add(&mut self, origin: Origin<'a>, node: &'a Node, problems: &mut Vec<Problem>) {
        let text = |path: &[&str]| node.get(&path.into_path()).and_then(Node::as_str);
        let resource = Resource {
            file: origin.file,
            document: origin.document,
            api_version: text(&["apiVersion"]).unwrap_or_default(),
            kind: text(&["kind"]).unwrap_or_default(),
            name: text(NAME).unwrap_or_default(),
            node,
            unreplaced: origin.unreplaced,
        };
        if resource.kind.is_empty() || resource.api_version.is_empty() {
            let hint = "Every Kubernetes resource has both, as text.";
            let problem =
                resource.error(Path::root(), "no resource: apiVersion or kind is missing");
            problems.push(problem.hint(hint));
        } else if resource.kind == "List" && resource.api_version == "v1" {
            for item in node.field("items").map(Node::items).unwrap_or_default() {
                self.add(origin, item, problems);
            }
        } else {
            self.sort(resource, problems);
        }
    }

    fn sort(&mut self, resource: Resource<'a>, problems: &mut Vec<Problem>) {
        let (group, _) = resource.api_version.split_once('/').unwrap_or_default();
        match (resource.kind, group) {
            (ObjectStore::KIND, _) => {
                check_version(&resource, ObjectStore::API_VERSION, problems);
                self.stores.push(resource);
            }
            ("Secret", "") => {
                check_version(&resource, "v1", problems);
                self.secrets.push(resource);
            }
            (Stanza::KIND | Repository::KIND, Stanza::GROUP) => {
                check_version(&resource, Stanza::API_VERSION, problems);
                self.stanzas.push(resource);
            }
            ("Cluster", "postgresql.cnpg.io") => {
                check_version(&resource, "postgresql.cnpg.io/v1", problems);
                self.clusters.push(resource);
            }
            _ => self.ignored.push(IgnoredResource {
                file: resource.file.to_owned(),
                document: resource.document,
                resource: resource.title(),
            }),
        }
    }
}

fn check_version(resource: &Resource<'_>, known: &str, problems: &mut Vec<Problem>) {
    if resource.api_version == known {
        return;
    }
    let (kind, version) = (resource.kind, resource.api_version);
    let message = format!("apiVersion `{version}` of {kind} is unknown");
    let problem = resource.error(["apiVersion"].as_slice(), message);
    problems.push(problem.hint(format!("walcast reads `{known}`.")));
}
