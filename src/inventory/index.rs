//! Resources by kind and name.

use std::{cmp::Reverse, collections::HashMap};

use super::{Field, File, Kind, Resource, Seen, kustomization::Kustomizations};
use crate::manifest::Node;

/// The resources of an inventory, in the order of its files.
#[derive(Debug)]
pub struct Index<'a> {
    by_kind: HashMap<Kind, Vec<Resource<'a>>>,
    by_name: HashMap<Kind, HashMap<&'a str, Vec<Resource<'a>>>>,
}

/// What a reference leads to.
#[derive(Clone, Copy, Debug)]
pub enum Found<'a> {
    /// A resource that may be in the same namespace: the nearest of that name.
    Here(Resource<'a>),
    /// There is one of that name, certainly in another namespace.
    Elsewhere(Resource<'a>),
    /// The files have none.
    Nowhere,
    /// It cannot be told: the name is not known, or there is no reference.
    Unknown,
}

impl<'a> Index<'a> {
    pub(super) fn new(files: &'a [File]) -> Self {
        let kustomizations = Kustomizations::of(files);
        let mut index = Self {
            by_kind: HashMap::new(),
            by_name: HashMap::new(),
        };
        for file in files {
            if kustomizations.is_patch(file) {
                continue;
            }
            for document in &file.documents {
                if let Ok(root) = &document.root {
                    index.add(file, document.index, root, &kustomizations);
                }
            }
        }
        index
    }

    fn add(
        &mut self,
        file: &'a File,
        document: usize,
        node: &'a Node,
        kustomizations: &Kustomizations<'a>,
    ) {
        let text = |key| node.field(key).and_then(Node::as_str).unwrap_or_default();
        let (api_version, kind) = (text("apiVersion"), text("kind"));
        if (api_version, kind) == ("v1", "List") {
            for item in Field::of(node.field("items")).items() {
                self.add(file, document, item, kustomizations);
            }
            return;
        }
        let Some(kind) = Kind::of(api_version, kind) else {
            return;
        };
        let metadata = Field::of(Some(node)).get("metadata");
        let moved_to = kustomizations.namespace(file).map(Seen::Is);
        let resource = Resource {
            kind,
            file,
            document,
            node,
            is_patched: kustomizations.patch(file, kind),
            name: metadata.get("name").name(),
            namespace: moved_to.unwrap_or_else(|| metadata.get("namespace").name()),
        };
        self.by_kind.entry(kind).or_default().push(resource);
        if let Seen::Is(name) = resource.name() {
            let named = self.by_name.entry(kind).or_default();
            named.entry(name).or_default().push(resource);
        }
    }

    /// Returns the resources of a kind.
    pub fn of_kind(&self, kind: Kind) -> &[Resource<'a>] {
        self.by_kind.get(&kind).map_or(&[], Vec::as_slice)
    }

    /// Returns all resources, kind by kind.
    pub fn all(&self) -> impl Iterator<Item = &Resource<'a>> {
        let mut kinds: Vec<_> = self.by_kind.iter().collect();
        kinds.sort_unstable_by_key(|(kind, _)| **kind);
        kinds.into_iter().flat_map(|(_, resources)| resources)
    }

    /// Returns the resources with a name, whatever their namespace.
    pub fn named(&self, kind: Kind, name: &str) -> &[Resource<'a>] {
        let named = self.by_name.get(&kind).and_then(|named| named.get(name));
        named.map_or(&[], Vec::as_slice)
    }

    /// Returns what a reference to a name leads to from a resource.
    pub fn find(&self, kind: Kind, name: Seen<&str>, from: &Resource<'_>) -> Found<'a> {
        let Seen::Is(name) = name else {
            return Found::Unknown;
        };
        let named = self.named(kind, name);
        let here = named.iter().filter(|one| one.may_share_namespace(from));
        let nearest = here.min_by_key(|one| Reverse(nearness(one, from)));
        match (nearest, named.first()) {
            (Some(here), _) => Found::Here(*here),
            (None, Some(elsewhere)) => Found::Elsewhere(*elsewhere),
            (None, None) => Found::Nowhere,
        }
    }
}

impl<'a> Found<'a> {
    /// Returns the resource if it may be meant.
    pub fn here(self) -> Option<Resource<'a>> {
        match self {
            Self::Here(resource) => Some(resource),
            Self::Elsewhere(_) | Self::Nowhere | Self::Unknown => None,
        }
    }
}

/// Returns how near two resources are written: in one file, else in folders with a long common
/// path. A namespace that both name counts most.
fn nearness(one: &Resource<'_>, other: &Resource<'_>) -> (bool, bool, usize) {
    let is_certain = matches!(
        (one.namespace(), other.namespace()),
        (Seen::Is(one), Seen::Is(other)) if one == other
    );
    let common = one.folder().iter().zip(other.folder());
    let common = common.take_while(|(one, other)| one == other).count();
    (is_certain, std::ptr::eq(one.file, other.file), common)
}
