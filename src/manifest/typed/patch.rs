//! What is kept aside, and where it belongs.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Map, Value as Json};

use super::Aside;
use crate::manifest::{Node, Path, Segment};

/// What becomes of one value of the JSON that a type is written as.
#[derive(Clone, Debug, Default)]
pub(super) struct Patch {
    /// What belongs there, and what the type wrote in its place when it was read.
    leaf: Option<(Leaf, Option<Json>)>,
    /// Whether the type wrote anything there when it was read.
    is_written: bool,
    /// Whether it is text that had no quotes.
    is_unquoted: bool,
    fields: BTreeMap<String, Self>,
    /// Items by their index in the document.
    items: BTreeMap<usize, Self>,
    /// Items that have a name of their own.
    named: HashMap<String, Self>,
}

#[derive(Clone, Debug)]
enum Leaf {
    /// What is kept aside: its index there.
    Aside(usize),
    /// `false`, zero or nothing, which the type does not write.
    Zero(Json),
}

impl Patch {
    /// Makes the patch that turns `written` into the document that was read.
    pub(super) fn new(
        aside: &[Aside],
        zeros: &[(Path, &Node)],
        unquoted: &[Path],
        written: &Json,
    ) -> Self {
        let mut patch = Self::default();
        for (index, aside) in aside.iter().enumerate() {
            patch.at(&aside.path).leaf = Some((Leaf::Aside(index), None));
        }
        for (path, node) in zeros {
            patch.at(path).leaf = Some((Leaf::Zero(node.to_json()), None));
        }
        for path in unquoted {
            patch.at(path).is_unquoted = true;
        }
        patch.anchor(Some(written));
        patch
    }

    fn at(&mut self, path: &Path) -> &mut Self {
        path.segments()
            .iter()
            .fold(self, |patch, segment| match segment {
                Segment::Key(key) => patch.fields.entry(key.clone()).or_default(),
                Segment::Index(index) => patch.items.entry(*index).or_default(),
            })
    }

    /// Remembers what the type writes of it, and names the items that have a name.
    fn anchor(&mut self, written: Option<&Json>) {
        self.is_written = written.is_some();
        match &mut self.leaf {
            Some((Leaf::Zero(_), _)) if self.is_written => self.leaf = None,
            Some((_, instead)) => *instead = written.cloned(),
            None => {}
        }
        for (key, field) in &mut self.fields {
            field.anchor(written.and_then(|json| json.get(key)));
        }
        if self.items.is_empty() {
            return;
        }
        let written = written
            .and_then(Json::as_array)
            .map_or(&[][..], Vec::as_slice);
        let names = names(written);
        let mut inserted = 0;
        for (index, mut item) in std::mem::take(&mut self.items) {
            if item.leaf.is_some() {
                inserted += 1;
                self.items.insert(index, item);
                continue;
            }
            let position = index - inserted;
            item.anchor(written.get(position));
            match written.get(position).and_then(name) {
                Some(name) if names.contains(name) => {
                    self.named.insert(name.to_owned(), item);
                }
                _ => {
                    self.items.insert(index, item);
                }
            }
        }
    }

    /// Puts what was kept aside back into what the type writes now.
    pub(super) fn apply(&self, json: Json, aside: &[Aside]) -> Json {
        self.applied(Some(json), aside).unwrap_or_default()
    }

    fn applied(&self, json: Option<Json>, aside: &[Aside]) -> Option<Json> {
        match &self.leaf {
            Some((Leaf::Aside(index), instead)) if *instead == json => {
                return Some(aside[*index].json.clone());
            }
            Some((Leaf::Zero(zero), instead)) if *instead == json => return Some(zero.clone()),
            Some(_) => return json,
            None => {}
        }
        let is_removed = json.is_none() && self.is_written;
        if is_removed {
            return None;
        }
        if !self.fields.is_empty() {
            self.apply_to_fields(json, aside)
        } else if !self.items.is_empty() || !self.named.is_empty() {
            self.apply_to_items(json, aside)
        } else {
            json
        }
    }

    /// A mapping that the type left out because it has nothing in it is made again.
    fn apply_to_fields(&self, json: Option<Json>, aside: &[Aside]) -> Option<Json> {
        let mut map = match json {
            None => Map::new(),
            Some(Json::Object(map)) => map,
            other => return other,
        };
        for (key, field) in &self.fields {
            let old = map.get_mut(key).map(Json::take);
            match field.applied(old, aside) {
                Some(new) => {
                    map.insert(key.clone(), new);
                }
                None => {
                    map.remove(key);
                }
            }
        }
        (!map.is_empty() || self.is_written).then_some(Json::Object(map))
    }

    fn apply_to_items(&self, json: Option<Json>, aside: &[Aside]) -> Option<Json> {
        let items = match json {
            None => Vec::new(),
            Some(Json::Array(items)) => items,
            other => return other,
        };
        let names: HashSet<String> = names(&items).into_iter().map(ToOwned::to_owned).collect();
        let mut old = items.into_iter();
        let mut new = Vec::new();
        let mut inserted = self.items.iter().filter(|(_, item)| item.leaf.is_some());
        let mut next = inserted.next();
        loop {
            if let Some((index, item)) = next
                && (*index <= new.len() || old.len() == 0)
            {
                new.extend(item.applied(None, aside));
                next = inserted.next();
            } else if let Some(item) = old.next() {
                let patch = self
                    .of_item(&item, new.len(), |name| names.contains(name))
                    .filter(|patch| patch.leaf.is_none());
                new.extend(match patch {
                    Some(patch) => patch.applied(Some(item), aside),
                    None => Some(item),
                });
            } else {
                break;
            }
        }
        (!new.is_empty() || self.is_written).then_some(Json::Array(new))
    }

    fn of_item(
        &self,
        item: &Json,
        index: usize,
        is_unique: impl Fn(&str) -> bool,
    ) -> Option<&Self> {
        let named = name(item)
            .filter(|name| is_unique(name))
            .and_then(|name| self.named.get(name));
        named.or_else(|| self.items.get(&index))
    }

    /// Finds the text that had no quotes in the JSON that [`apply`](Self::apply) made.
    pub(super) fn find_unquoted(&self, json: &Json, found: &mut HashSet<*const Json>) {
        if self.is_unquoted {
            found.insert(json);
        }
        for (key, field) in &self.fields {
            if let Some(json) = json.get(key) {
                field.find_unquoted(json, found);
            }
        }
        if self.items.is_empty() && self.named.is_empty() {
            return;
        }
        let items = json.as_array().map_or(&[][..], Vec::as_slice);
        let names = names(items);
        for (index, item) in items.iter().enumerate() {
            if let Some(patch) = self.of_item(item, index, |name| names.contains(name)) {
                patch.find_unquoted(item, found);
            }
        }
    }
}

/// Returns the names that one item of the list has and no other.
fn names(items: &[Json]) -> HashSet<&str> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for name in items.iter().filter_map(name) {
        *counts.entry(name).or_default() += 1;
    }
    let unique = counts.into_iter().filter(|(_, count)| *count == 1);
    unique.map(|(name, _)| name).collect()
}

fn name(item: &Json) -> Option<&str> {
    item.get("name")?.as_str()
}
