//! From one value to another by small changes of the text.

use std::collections::HashSet;

use serde_json::{Map, Value as Json};

use super::{
    Edit, comments,
    entry::{is_flow, line_break, line_end, line_start, own_entries},
    flow_scalar,
};
use crate::manifest::{
    Document, Entry, Node, Value,
    emit::{Layout, emit_in},
};

/// Collects the changes that make values of a text others.
pub(super) struct Writer<'s> {
    source: &'s str,
    layout: Layout,
    /// What stands in the text without quotes and has placeholders.
    templates: HashSet<String>,
    edits: Vec<Edit>,
}

impl<'s> Writer<'s> {
    pub(super) fn new(source: &'s str, documents: &[Document]) -> Self {
        let mut templates = HashSet::new();
        let mut list_indent = None;
        for root in documents.iter().filter_map(|one| one.root.as_ref().ok()) {
            learn(root, &mut templates, &mut list_indent);
        }
        Self {
            source,
            layout: Layout {
                list_indent: list_indent.unwrap_or_default(),
                is_name_first: true,
            },
            templates,
            edits: Vec::new(),
        }
    }

    pub(super) fn into_edits(self) -> Vec<Edit> {
        self.edits
    }

    /// Makes a value another one; `None` if what it stands in must be written anew.
    pub(super) fn value(&mut self, node: &Node, wanted: &Json) -> Option<()> {
        if node.to_json() == *wanted {
            return Some(());
        }
        if is_alias(self.source, node) {
            return None;
        }
        let mark = self.edits.len();
        let done = match (&node.value, wanted) {
            (Value::Mapping(_), Json::Object(wanted)) if !wanted.is_empty() => {
                self.mapping(node, wanted)
            }
            (Value::Sequence(items), Json::Array(wanted)) if !wanted.is_empty() => {
                self.sequence(node, items, wanted)
            }
            _ => self.scalar(node, wanted),
        };
        if done.is_none() {
            self.edits.truncate(mark);
        }
        done
    }

    fn scalar(&mut self, node: &Node, wanted: &Json) -> Option<()> {
        let is_scalar = !matches!(node.value, Value::Mapping(_) | Value::Sequence(_));
        let slice = node.span.slice(self.source)?;
        if !is_scalar || slice.is_empty() || slice.contains('\n') {
            return None;
        }
        let edit = match wanted {
            Json::String(text) => Edit::scalar(self.source, node, text)
                .unwrap_or_else(|| Edit::replace(node.span.bytes(), flow_scalar(text))),
            Json::Bool(_) | Json::Number(_) => {
                Edit::replace(node.span.bytes(), wanted.to_string())
            }
            Json::Null | Json::Array(_) | Json::Object(_) => return None,
        };
        self.edits.push(edit);
        Some(())
    }

    fn mapping(&mut self, node: &Node, wanted: &Map<String, Json>) -> Option<()> {
        let own = own_entries(node)?;
        let all = node.as_mapping()?.entries();
        let is_own = |entry: &Entry| own.iter().any(|one| one.key.name == entry.key.name);
        let is_kept = |entry: &Entry| wanted.get(&entry.key.name) == Some(&entry.value.to_json());
        // What a merge brings in cannot be changed here.
        if all.iter().any(|entry| !is_own(entry) && !is_kept(entry)) {
            return None;
        }
        let mut added: Map<String, Json> = Map::new();
        for (key, value) in wanted {
            if !all.iter().any(|entry| entry.key.name == *key) {
                added.insert(key.clone(), value.clone());
            }
        }
        let mut removed: Vec<&Entry> = Vec::new();
        for entry in &own {
            if !wanted.contains_key(&entry.key.name) {
                removed.push(entry);
            }
        }
        if is_flow(self.source, node)? {
            if !added.is_empty() || !removed.is_empty() {
                return None;
            }
        } else {
            self.rename(&mut removed, &mut added, wanted);
        }
        if removed.len() == own.len() {
            return None;
        }
        let mut changed = None;
        for entry in &own {
            let Some(wanted) = wanted.get(&entry.key.name) else {
                continue;
            };
            if entry.value.to_json() == *wanted {
                continue;
            }
            changed = Some(*entry);
            if self.value(&entry.value, wanted).is_none() {
                if is_flow(self.source, node)? {
                    return None;
                }
                self.replace(entry, wanted)?;
            }
        }
        if !added.is_empty() {
            let last = own.last().copied();
            let place = removed.first().copied().map(Place::Before);
            let place = place.or_else(|| changed.or(last).map(Place::After))?;
            self.insert(&place, &Json::Object(added))?;
        }
        for entry in removed {
            self.line_indent(entry)?;
            self.edits.push(Edit::remove(self.source, node, &entry.key.name)?);
        }
        Some(())
    }

    /// Gives a key another name if its value stays much the same.
    fn rename(
        &mut self,
        removed: &mut Vec<&Entry>,
        added: &mut Map<String, Json>,
        wanted: &Map<String, Json>,
    ) {
        let ([entry], 1) = (removed.as_slice(), added.len()) else {
            return;
        };
        let Some((name, value)) = added.iter().next() else {
            return;
        };
        let old = entry.value.to_json();
        let is_alike = old == *value
            || match (old.as_object(), value.as_object()) {
                (Some(old), Some(new)) => old.iter().any(|(key, value)| new.get(key) == Some(value)),
                _ => false,
            };
        let Some(edit) = Edit::key(self.source, &entry.key, name).filter(|_| is_alike) else {
            return;
        };
        let mark = self.edits.len();
        self.edits.push(edit);
        if self.value(&entry.value, &wanted[name]).is_none() {
            self.edits.truncate(mark);
            return;
        }
        removed.clear();
        added.clear();
    }

    fn sequence(&mut self, node: &Node, items: &[Node], wanted: &[Json]) -> Option<()> {
        if node.span.slice(self.source)?.starts_with('[') || items.is_empty() {
            return None;
        }
        let pairs = pair(items, wanted)?;
        let kept = pairs.iter().flatten().count();
        if kept == 0 {
            return None;
        }
        for (item, pair) in items.iter().zip(&pairs) {
            match pair {
                Some(index) => {
                    if self.value(item, &wanted[*index]).is_none() {
                        self.replace_item(item, &wanted[*index])?;
                    }
                }
                None => self.remove_item(item)?,
            }
        }
        let added = &wanted[kept..];
        if !added.is_empty() {
            let last = items.last()?;
            let indent = self.dash(last)?;
            let text = self.indented(&Json::Array(added.to_vec()), indent);
            let at = line_end(self.source, self.content_end(last.span.bytes()));
            let line_break = line_break(self.source);
            self.edits.push(Edit::replace(
                at..at,
                format!("{line_break}{}{text}", " ".repeat(indent)),
            ));
        }
        Some(())
    }

    /// Writes an entry of a block anew.
    fn replace(&mut self, entry: &Entry, wanted: &Json) -> Option<()> {
        let indent = self.line_indent(entry)?;
        let start = entry.key.span.start.offset;
        let value = self.content_end(entry.value.span.bytes());
        let end = value.max(entry.key.span.end.offset);
        let mut object = Map::new();
        object.insert(entry.key.name.clone(), wanted.clone());
        let text = self.indented(&Json::Object(object), indent);
        self.keep_comments(start..end, indent);
        self.edits.push(Edit::replace(start..end, text));
        Some(())
    }

    fn replace_item(&mut self, item: &Node, wanted: &Json) -> Option<()> {
        let indent = self.dash(item)?;
        let end = self.content_end(item.span.bytes());
        let line = line_start(self.source, item.span.start.offset) + indent;
        self.keep_comments(line..end, indent);
        let text = self.indented(&Json::Array(vec![wanted.clone()]), indent);
        self.edits.push(Edit::replace(line..end, text));
        Some(())
    }

    fn remove_item(&mut self, item: &Node) -> Option<()> {
        let indent = self.dash(item)?;
        let start = line_start(self.source, item.span.start.offset);
        let last = line_end(self.source, self.content_end(item.span.bytes()));
        let rest = self.source[last..].split_inclusive('\n').next();
        let end = last + rest.map_or(0, str::len);
        let kept = self.comment_lines(start..end, indent);
        self.edits.push(Edit::replace(start..end, kept));
        Some(())
    }

    fn insert(&mut self, place: &Place<'_>, entries: &Json) -> Option<()> {
        let line_break = line_break(self.source);
        match place {
            Place::Before(entry) => {
                let indent = self.line_indent(entry)?;
                let at = line_start(self.source, entry.key.span.start.offset);
                let text = self.indented(entries, indent);
                let text = format!("{}{text}{line_break}", " ".repeat(indent));
                self.edits.push(Edit::replace(at..at, text));
            }
            Place::After(entry) => {
                let indent = entry.key.span.start.column - 1;
                let value = self.content_end(entry.value.span.bytes());
                let at = line_end(self.source, value.max(entry.key.span.end.offset));
                let text = self.indented(entries, indent);
                let text = format!("{line_break}{}{text}", " ".repeat(indent));
                self.edits.push(Edit::replace(at..at, text));
            }
        }
        Some(())
    }

    /// Returns the indentation of an entry that begins its line.
    fn line_indent(&self, entry: &Entry) -> Option<usize> {
        let start = entry.key.span.start.offset;
        let before = self.source.get(line_start(self.source, start)..start)?;
        before.chars().all(|c| c == ' ').then_some(before.len())
    }

    /// Returns the indentation of the dash of an item that begins its line.
    fn dash(&self, item: &Node) -> Option<usize> {
        let start = item.span.start.offset;
        let before = self.source.get(line_start(self.source, start)..start)?;
        let indent = before.trim_start_matches(' ');
        let is_usual = indent.trim_end() == "-";
        is_usual.then_some(before.len() - indent.len())
    }

    fn content_end(&self, bytes: std::ops::Range<usize>) -> usize {
        let content = self.source.get(bytes.clone()).unwrap_or_default();
        bytes.start + content.trim_end().len()
    }

    /// Has the comments of a part stand before its line.
    fn keep_comments(&mut self, bytes: std::ops::Range<usize>, indent: usize) {
        let at = line_start(self.source, bytes.start);
        let kept = self.comment_lines(bytes, indent);
        if !kept.is_empty() {
            self.edits.push(Edit::replace(at..at, kept));
        }
    }

    fn comment_lines(&self, bytes: std::ops::Range<usize>, indent: usize) -> String {
        let part = self.source.get(bytes).unwrap_or_default();
        let line_break = line_break(self.source);
        let mut lines = String::new();
        for comment in comments::comments(part) {
            lines.extend(std::iter::repeat_n(' ', indent));
            lines.push_str(&comment);
            lines.push_str(line_break);
        }
        lines
    }

    /// Writes a value whose further lines are indented.
    fn indented(&self, value: &Json, indent: usize) -> String {
        let text = self.emit(value);
        let margin = format!("{}{}", line_break(self.source), " ".repeat(indent));
        let lines: Vec<&str> = text.trim_end().split('\n').collect();
        lines.join(&margin)
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
            Json::Array(items) => items.iter().for_each(|item| self.find_templates(item, found)),
            Json::Object(map) => {
                for (_, value) in map.iter().filter(|(key, _)| *key != "parameters") {
                    self.find_templates(value, found);
                }
            }
            _ => {}
        }
    }
}

enum Place<'e> {
    Before(&'e Entry),
    After(&'e Entry),
}

/// Writes what aliases stand for in their place where their anchor is changed or gone.
pub(super) fn keep_aliases(source: &str, root: &Node, edits: &mut Vec<Edit>) {
    let mut aliases = Vec::new();
    find_aliases(source, root, &mut aliases);
    let is_touched = |bytes: &std::ops::Range<usize>| {
        let mut replaced = edits.iter().map(Edit::bytes);
        replaced.any(|edit| edit.start <= bytes.start && bytes.end <= edit.end)
    };
    let mut inlined = Vec::new();
    for node in aliases {
        let bytes = node.span.bytes();
        let Some(name) = source.get(bytes.start + 1..bytes.end) else {
            continue;
        };
        let anchor = format!("&{name}");
        let is_whole = |at: usize| {
            let next = source[at + anchor.len()..].chars().next();
            next.is_none_or(|next| next.is_whitespace() || ",]}".contains(next))
        };
        let before = source.get(..bytes.start).unwrap_or_default();
        let places = before.match_indices(&anchor).map(|(at, _)| at);
        let Some(at) = places.filter(|at| is_whole(*at)).last() else {
            continue;
        };
        let is_scalar = !matches!(node.value, Value::Mapping(_) | Value::Sequence(_));
        let at_anchor = at..at + anchor.len();
        let value = at + anchor.len() + 1;
        let is_changed = edits.iter().any(|edit| edit.bytes().start == value);
        if !is_touched(&bytes) && is_scalar && (is_touched(&at_anchor) || is_changed) {
            let text = match node.to_json() {
                Json::String(text) => flow_scalar(&text),
                other => other.to_string(),
            };
            inlined.push(Edit::replace(bytes, text));
        }
    }
    edits.extend(inlined);
}

fn find_aliases<'n>(source: &str, node: &'n Node, found: &mut Vec<&'n Node>) {
    if is_alias(source, node) {
        found.push(node);
        return;
    }
    match &node.value {
        Value::Sequence(items) => {
            for item in items {
                find_aliases(source, item, found);
            }
        }
        Value::Mapping(mapping) => {
            for entry in mapping.entries() {
                find_aliases(source, &entry.value, found);
            }
        }
        Value::Null
        | Value::Bool(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::String(_)
        | Value::Template(_) => {}
    }
}

fn is_alias(source: &str, node: &Node) -> bool {
    let slice = node.span.slice(source);
    slice.is_some_and(|slice| slice.starts_with('*') && !slice.contains(char::is_whitespace))
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
fn pair(items: &[Node], wanted: &[Json]) -> Option<Vec<Option<usize>>> {
    let old: Option<Vec<&str>> = items.iter().map(|item| item.field("name")?.as_str()).collect();
    let new: Option<Vec<&str>> = wanted.iter().map(|item| item.get("name")?.as_str()).collect();
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
