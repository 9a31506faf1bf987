//! From one value to another by small changes of the text.

use serde_json::{Map, Value as Json};

use super::{
    Edit,
    aliases::is_alias,
    comments,
    entry::{is_flow, line_break, line_end, line_start, own_entries},
    flow_scalar,
    style::{Style, pair},
};
use crate::manifest::{Document, Entry, Node, Value};

/// Collects the changes that make values of a text others.
pub(super) struct Writer<'s> {
    source: &'s str,
    style: Style,
    edits: Vec<Edit>,
}

impl<'s> Writer<'s> {
    pub(super) fn new(source: &'s str, documents: &[Document]) -> Self {
        Self {
            source,
            style: Style::of(documents),
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
            Json::Bool(_) | Json::Number(_) => Edit::replace(node.span.bytes(), wanted.to_string()),
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
            changed = changed.or(Some(*entry));
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
            self.edits
                .push(Edit::remove(self.source, node, &entry.key.name)?);
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
                (Some(old), Some(new)) => {
                    old.iter().any(|(key, value)| new.get(key) == Some(value))
                }
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
            self.insert_below(self.content_end(last.span.bytes()), indent, &text);
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
        match place {
            Place::Before(entry) => {
                let indent = self.line_indent(entry)?;
                let at = line_start(self.source, entry.key.span.start.offset);
                let text = self.indented(entries, indent);
                let text = format!("{}{text}{}", " ".repeat(indent), line_break(self.source));
                self.edits.push(Edit::replace(at..at, text));
            }
            Place::After(entry) => {
                let indent = entry.key.span.start.column - 1;
                let value = self.content_end(entry.value.span.bytes());
                let text = self.indented(entries, indent);
                self.insert_below(value.max(entry.key.span.end.offset), indent, &text);
            }
        }
        Some(())
    }

    /// Inserts lines below the line that has the byte at `at`.
    fn insert_below(&mut self, at: usize, indent: usize, text: &str) {
        let end = line_end(self.source, at);
        let line_break = line_break(self.source);
        let rest = self.source[end..].split_inclusive('\n').next();
        let margin = " ".repeat(indent);
        // The next line, as this one may be removed.
        let (at, text) = match rest {
            Some(rest) if rest.ends_with('\n') => {
                (end + rest.len(), format!("{margin}{text}{line_break}"))
            }
            Some(_) | None => (end, format!("{line_break}{margin}{text}")),
        };
        self.edits.push(Edit::replace(at..at, text));
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
        self.style.emit(value)
    }
}

enum Place<'e> {
    Before(&'e Entry),
    After(&'e Entry),
}
