//! Resources on their way to what they are to be.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::{Path as FilePath, PathBuf},
};

use serde_json::Value as Json;

use super::{
    Asked, Check, FileChange, Plan, Question, Remark, Step,
    commands::apply,
    json::{get, items, list},
};
use crate::{
    inventory::{File, Kind, Resource},
    lint::system::System,
    manifest::{Change, Node, Path, Span, documents, emit_like, rewrite},
};

/// Takes the changes of resources, and makes steps of them.
pub(super) struct Desk<'a> {
    pub(super) system: &'a System<'a>,
    pub(super) plan: Plan,
    /// Resources as they are written, with their placeholders, by where their node is.
    sheets: HashMap<usize, Sheet>,
    /// The texts that steps have changed so far.
    texts: BTreeMap<PathBuf, String>,
    dirty: Vec<usize>,
    made: Vec<FileChange>,
    names: HashSet<PathBuf>,
}

#[derive(Clone, Debug)]
struct Sheet {
    title: String,
    file: PathBuf,
    document: usize,
    path: Path,
    json: Json,
}

impl<'a> Desk<'a> {
    pub(super) fn new(system: &'a System<'a>, plan: Plan) -> Self {
        let mut by_file: HashMap<&FilePath, Vec<&Resource<'a>>> = HashMap::new();
        for resource in system.index.all() {
            by_file
                .entry(&resource.file.name)
                .or_default()
                .push(resource);
        }
        let mut sheets = HashMap::new();
        for here in by_file.values() {
            read(here[0].file, here, &mut sheets);
        }
        let files = system.inventory.files().iter();
        Self {
            system,
            plan,
            sheets,
            texts: BTreeMap::new(),
            dirty: Vec::new(),
            made: Vec::new(),
            names: files.map(|file| file.name.clone()).collect(),
        }
    }

    /// Returns a resource as it is by now, with its placeholders.
    pub(super) fn json(&self, resource: &Resource<'_>) -> &Json {
        let sheet = self.sheets.get(&address(resource));
        sheet.map_or(&Json::Null, |sheet| &sheet.json)
    }

    /// Changes a resource in the step that is being made.
    pub(super) fn change(&mut self, resource: &Resource<'_>, change: impl FnOnce(&mut Json)) {
        let key = address(resource);
        let Some(sheet) = self.sheets.get_mut(&key) else {
            return;
        };
        let before = sheet.json.clone();
        change(&mut sheet.json);
        if sheet.json != before && !self.dirty.contains(&key) {
            self.dirty.push(key);
        }
    }

    /// Makes a file with a new resource beside another one, in the step that is being made.
    pub(super) fn create(&mut self, beside: &Resource<'_>, resource: &Json) -> PathBuf {
        let text = |keys: &[&str]| get(resource, keys).and_then(Json::as_str);
        let kind = text(&["kind"]).unwrap_or_default().to_owned();
        let name = text(&["metadata", "name"]).unwrap_or_default().to_owned();
        let file = self.free_name(beside.folder(), &kind, &name);
        let new = emit_like(&beside.file.text, resource);
        self.made.push(FileChange {
            file: file.clone(),
            old: None,
            new: format!("---\n{new}"),
            resources: vec![format!("{kind}/{name}")],
            is_minimal: true,
        });
        self.names.insert(file.clone());
        self.list_in_kustomization(beside, &file);
        file
    }

    fn free_name(&self, folder: &FilePath, kind: &str, name: &str) -> PathBuf {
        let kept = |c: &char| c.is_ascii_alphanumeric() || "-.".contains(*c);
        let name: String = name.chars().filter(kept).collect();
        let base = format!("{}-{name}", kind.to_ascii_lowercase());
        let mut file = folder.join(format!("{base}.yaml"));
        let mut number = 2;
        while self.names.contains(&file) {
            file = folder.join(format!("{base}-{number}.yaml"));
            number += 1;
        }
        file
    }

    /// A kustomization that lists the file beside which a new one stands lists that one, too.
    fn list_in_kustomization(&mut self, beside: &Resource<'_>, new: &FilePath) {
        let folder = beside.folder();
        let name = |path: &FilePath| {
            path.file_name()
                .map(|name| name.to_string_lossy().into_owned())
        };
        let (Some(own), Some(new)) = (name(&beside.file.name), name(new)) else {
            return;
        };
        for file in self.system.inventory.files() {
            if file.folder() != folder || !is_kustomization(&file.name) {
                continue;
            }
            let text = self.text(&file.name).unwrap_or(&file.text).to_owned();
            let Some(root) = documents(&text)
                .into_iter()
                .next()
                .and_then(|one| one.root.ok())
            else {
                continue;
            };
            let mut wanted = root.to_json();
            let is_own = |one: &Json| {
                let path = one.as_str().unwrap_or_default();
                path.trim_start_matches("./") == own
            };
            if !items(&wanted, &["resources"]).iter().any(is_own) {
                continue;
            }
            list(&mut wanted, &["resources"]).push(Json::String(format!("./{new}")));
            let change = Change {
                document: 0,
                path: Path::root(),
                wanted,
            };
            let Ok(rewritten) = rewrite(&text, &[change]) else {
                continue;
            };
            self.texts.insert(file.name.clone(), rewritten.text.clone());
            let mut made = self.made.iter_mut();
            if let Some(earlier) = made.find(|one| one.file == file.name) {
                earlier.new = rewritten.text;
                earlier.is_minimal &= rewritten.is_minimal;
                continue;
            }
            self.made.push(FileChange {
                file: file.name.clone(),
                old: Some(text),
                new: rewritten.text,
                resources: vec!["Kustomization".to_owned()],
                is_minimal: rewritten.is_minimal,
            });
        }
    }

    fn text(&self, file: &FilePath) -> Option<&str> {
        self.texts.get(file).map(String::as_str)
    }

    /// Ends the step that is being made: it has what was changed since the last one. Without
    /// changes it is none, unless it has something to run or to look at.
    pub(super) fn step(&mut self, mut step: Step) {
        let dirty = std::mem::take(&mut self.dirty);
        let made = std::mem::take(&mut self.made);
        let mut by_file: BTreeMap<PathBuf, Vec<Sheet>> = BTreeMap::new();
        for sheet in dirty.iter().filter_map(|key| self.sheets.get(key)) {
            by_file
                .entry(sheet.file.clone())
                .or_default()
                .push(sheet.clone());
        }
        for (file, sheets) in by_file {
            if let Some(change) = self.rewritten(&file, &sheets) {
                step.changes.push(change);
            }
        }
        step.changes.extend(made);
        let resources = step
            .changes
            .iter()
            .filter(|one| !is_kustomization(&one.file));
        let applied: Vec<String> = resources.map(|one| apply(&one.file)).collect();
        step.commands.splice(0..0, applied);
        if !(step.changes.is_empty() && step.commands.is_empty() && step.checks.is_empty()) {
            self.plan.steps.push(step);
        }
    }

    /// Ends the step that is being made, if it changes something.
    pub(super) fn step_if_changed(&mut self, step: Step) {
        if !self.dirty.is_empty() || !self.made.is_empty() {
            self.step(step);
        }
    }

    fn rewritten(&mut self, file: &FilePath, sheets: &[Sheet]) -> Option<FileChange> {
        let mut files = self.system.inventory.files().iter();
        let original = files.find(|one| one.name == file)?;
        let old = self.text(file).unwrap_or(&original.text).to_owned();
        let change = |sheet: &Sheet| Change {
            document: sheet.document,
            path: sheet.path.clone(),
            wanted: sheet.json.clone(),
        };
        let changes: Vec<Change> = sheets.iter().map(change).collect();
        match rewrite(&old, &changes) {
            Ok(rewritten) => {
                self.texts.insert(file.to_owned(), rewritten.text.clone());
                Some(FileChange {
                    file: file.to_owned(),
                    old: Some(old),
                    new: rewritten.text,
                    resources: sheets.iter().map(|sheet| sheet.title.clone()).collect(),
                    is_minimal: rewritten.is_minimal,
                })
            }
            Err(error) => {
                for sheet in sheets {
                    let text = format!(
                        "{} cannot be changed ({error}): write it by hand as\n{}",
                        file.display(),
                        emit_like(&old, &sheet.json).trim_end()
                    );
                    self.obstacle(&sheet.title, text);
                }
                None
            }
        }
    }

    pub(super) fn ask(
        &mut self,
        about: &str,
        text: impl Into<String>,
        option: impl Into<String>,
    ) -> Asked {
        let question = Question {
            about: about.to_owned(),
            text: text.into(),
            option: option.into(),
        };
        if !self.plan.questions.contains(&question) {
            self.plan.questions.push(question);
        }
        Asked
    }

    pub(super) fn obstacle(&mut self, about: &str, text: impl Into<String>) -> Asked {
        add(&mut self.plan.obstacles, about, text.into());
        Asked
    }

    pub(super) fn lose(&mut self, about: &str, text: impl Into<String>) {
        add(&mut self.plan.losses, about, text.into());
    }

    pub(super) fn leave(&mut self, about: &str, text: impl Into<String>) {
        add(&mut self.plan.untouched, about, text.into());
    }

    /// Returns the resources of a kind.
    pub(super) fn of_kind(&self, kind: Kind) -> Vec<Resource<'a>> {
        self.system.index.of_kind(kind).to_vec()
    }
}

fn is_kustomization(file: &FilePath) -> bool {
    file.file_stem().is_some_and(|stem| stem == "kustomization")
}

fn add(remarks: &mut Vec<Remark>, about: &str, text: String) {
    let about = about.to_owned();
    let remark = Remark { about, text };
    if !remarks.contains(&remark) {
        remarks.push(remark);
    }
}

impl Step {
    pub(super) fn new(title: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            why: why.into(),
            ..Self::default()
        }
    }

    #[must_use]
    pub(super) fn run(mut self, command: impl Into<String>) -> Self {
        self.commands.push(command.into());
        self
    }

    #[must_use]
    pub(super) fn check(mut self, command: impl Into<String>, expect: impl Into<String>) -> Self {
        self.checks.push(Check {
            command: command.into(),
            expect: expect.into(),
        });
        self
    }
}

/// Reads the resources of a file as they are written: the inventory's documents have defaults in
/// place of placeholders.
fn read(file: &File, here: &[&Resource<'_>], sheets: &mut HashMap<usize, Sheet>) {
    let documents = documents(&file.text);
    for resource in here {
        let document = documents.get(resource.document);
        let Some(root) = document.and_then(|one| one.root.as_ref().ok()) else {
            continue;
        };
        let Some(path) = locate(root, resource.node.span) else {
            continue;
        };
        let Some(node) = root.get(&path) else {
            continue;
        };
        let sheet = Sheet {
            title: resource.title(),
            file: file.name.clone(),
            document: resource.document,
            json: node.to_json(),
            path,
        };
        sheets.insert(address(resource), sheet);
    }
}

/// Returns the way to the value at a place: the root, or an item of a `List`.
fn locate(node: &Node, span: Span) -> Option<Path> {
    if node.span == span {
        return Some(Path::root());
    }
    let items = node.field("items").map(Node::items).unwrap_or_default();
    items.iter().enumerate().find_map(|(index, item)| {
        let inner = locate(item, span)?;
        let mut segments = Path::root().key("items").index(index).segments().to_vec();
        segments.extend(inner.segments().iter().cloned());
        Some(Path::from(segments))
    })
}

/// Returns where a resource's node is in memory, which tells it from all others.
fn address(resource: &Resource<'_>) -> usize {
    std::ptr::from_ref(resource.node).addr()
}
