//! What the kustomization of a folder does to the resources beside it.
//!
//! Only that of the very folder is looked at: which overlays use a folder is not known from there.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

use super::{Field, File, Kind, Seen};
use crate::manifest::Node;

/// The kustomizations of all folders.
#[derive(Debug, Default)]
pub(super) struct Kustomizations<'a> {
    folders: HashMap<&'a Path, Kustomization<'a>>,
    /// Files that are no resources but patches of some.
    patches: HashSet<PathBuf>,
}

#[derive(Debug, Default)]
struct Kustomization<'a> {
    namespace: Option<&'a str>,
    /// The names of the kinds that patches are for.
    patched: Vec<&'a str>,
}

impl<'a> Kustomizations<'a> {
    pub(super) fn of(files: &'a [File]) -> Self {
        let mut all = Self::default();
        for file in files {
            let documents = file.documents.iter();
            let roots = documents.filter_map(|document| document.root.as_ref().ok());
            for root in roots.filter(|root| is_kustomization(file, root)) {
                all.add(file, root, files);
            }
        }
        all
    }

    fn add(&mut self, file: &'a File, root: &'a Node, files: &'a [File]) {
        let field = |key| Field::of(root.field(key));
        let mut kustomization = Kustomization::default();
        if let Seen::Is(namespace) = field("namespace").name() {
            kustomization.namespace = Some(namespace);
        }
        let patches = field("patches").items().iter();
        for patch in patches {
            let patch = Field::of(Some(patch));
            if let Seen::Is(kind) = patch.at(&["target", "kind"]).text() {
                kustomization.patched.push(kind);
            }
            if let Seen::Is(path) = patch.get("path").text() {
                self.add_patch(file, path, files, &mut kustomization);
            }
            if let Some(text) = patch.get("patch").node().and_then(Node::as_str) {
                kustomization.patched.extend(kinds_in(text));
            }
        }
        for patch in field("patchesStrategicMerge").items() {
            match patch.as_str() {
                Some(text) if text.contains('\n') => {
                    kustomization.patched.extend(kinds_in(text));
                }
                Some(path) => self.add_patch(file, path, files, &mut kustomization),
                None => {}
            }
        }
        self.folders.insert(file.folder(), kustomization);
    }

    fn add_patch(
        &mut self,
        file: &File,
        path: &str,
        files: &'a [File],
        kustomization: &mut Kustomization<'a>,
    ) {
        let path = file.folder().join(path.trim_start_matches("./"));
        let listed = files.iter().find(|file| file.name == path);
        if let Some(file) = listed {
            kustomization.patched.extend(kinds_in(&file.text));
        }
        self.patches.insert(path);
    }

    /// Returns the namespace that the resources of a file are put into.
    pub(super) fn namespace(&self, file: &File) -> Option<&'a str> {
        self.folders.get(file.folder())?.namespace
    }

    /// Returns whether resources of a kind beside a file are patched.
    pub(super) fn patch(&self, file: &File, kind: Kind) -> bool {
        let folder = self.folders.get(file.folder());
        folder.is_some_and(|folder| folder.patched.contains(&kind.name()))
    }

    /// Returns whether a file has no resources but patches of some.
    pub(super) fn is_patch(&self, file: &File) -> bool {
        self.patches.contains(&file.name)
    }
}

fn is_kustomization(file: &File, root: &Node) -> bool {
    let stem = file.name.file_stem().and_then(|stem| stem.to_str());
    let api_version = root.field("apiVersion").and_then(Node::as_str);
    let is_kustomize = |version: &str| version.starts_with("kustomize.config.k8s.io/");
    match api_version {
        Some(version) => is_kustomize(version),
        None => stem == Some("kustomization"),
    }
}

/// Returns the kinds that a patch names.
fn kinds_in(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().map(str::trim);
    lines.filter_map(|line| line.strip_prefix("kind:").map(str::trim))
}
