//! How a text is laid out, so that new parts look like it.

use std::collections::HashSet;

use serde_json::Value as Json;

use crate::manifest::{
    Document, Node, Value,
    emit::{Layout, emit_in},
};

/// What new parts take over.
pub(super) struct Style {
    layout: Layout,
    /// What stands in the text without quotes and has placeholders.
    templates: HashSet<String>,
}

impl Style {
    pub(super) fn of(documents: &[Document]) -> Self {
        let mut templates = HashSet::new();
        let mut list_indent = None;
        for root in documents.iter().filter_map(|one| one.root.as_ref().ok()) {
            learn(root, &mut templates, &mut list_indent);
        }
        Self {
            layout: Layout {
                list_indent: list_indent.unwrap_or_default(),
                is_name_first: true,
            },
            templates,
        }
    }

    pub(super) fn emit(&self, value: &Json) -> String {
        let mut unquoted = HashSet::new();
        self.find_templates(value, &mut unquoted);
        emit_in(value, self.layout, &unquoted)
    }

    /// Parameters of plugins are text, also where a placeholder stands for a number.
    fn find_templates(&self, value: &Json, found: &mut HashSet<*const Json>) {
        match value {
            Json::String(text) if self.templates.contains(text) => {
                found.insert(std::ptr::from_ref(value));
            }
            Json::Array(items) => {
                for item in items {
                    self.find_templates(item, found);
                }
            }
            Json::Object(map) => {
                for (_, value) in map.iter().filter(|(key, _)| *key != "parameters") {
                    self.find_templates(value, found);
                }
            }
            Json::String(_) | Json::Null | Json::Bool(_) | Json::Number(_) => {}
        }
    }
}

/// Learns what stands without quotes, and how lists are indented.
fn learn(node: &Node, templates: &mut HashSet<String>, list_indent: &mut Option<usize>) {
    match &node.value {
        Value::Template(text) => {
            templates.insert(text.clone());
        }
        Value::Sequence(items) => {
            for item in items {
                learn(item, templates, list_indent);
            }
        }
        Value::Mapping(mapping) => {
            for entry in mapping.entries() {
                let (key, value) = (entry.key.span.start, entry.value.span.start);
                let is_block_list = !entry.value.items().is_empty() && value.line > key.line;
                if is_block_list && list_indent.is_none() {
                    // A list in brackets on lines of its own is a rare guess.
                    *list_indent = Some(if value.column > key.column { 2 } else { 0 });
                }
                learn(&entry.value, templates, list_indent);
            }
        }
        Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Float(_) | Value::String(_) => {}
    }
}

/// Returns which item becomes which: by name if all have one, else by place. `None` if items
/// change their order, or if a new one is not at the end.
pub(super) fn pair(items: &[Node], wanted: &[Json]) -> Option<Vec<Option<usize>>> {
    let old: Option<Vec<&str>> = items
        .iter()
        .map(|item| item.field("name")?.as_str())
        .collect();
    let new: Option<Vec<&str>> = wanted
        .iter()
        .map(|item| item.get("name")?.as_str())
        .collect();
    let pairs: Vec<Option<usize>> = match (old, new) {
        (Some(old), Some(new)) if are_distinct(&old) && are_distinct(&new) => {
            let place = |name: &&str| new.iter().position(|one| one == name);
            old.iter().map(place).collect()
        }
        _ => (0..items.len())
            .map(|index| (index < wanted.len()).then_some(index))
            .collect(),
    };
    let in_order = pairs.iter().flatten().enumerate();
    in_order
        .into_iter()
        .all(|(place, index)| place == *index)
        .then_some(pairs)
}

fn are_distinct(names: &[&str]) -> bool {
    let mut seen = HashSet::new();
    names.iter().all(|name| seen.insert(*name))
}
