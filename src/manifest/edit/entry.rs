//! Entries of mappings, added and removed.

use super::{Edit, comments};
use crate::manifest::{Entry, Node};

/// See [`Edit::add`].
pub(super) fn add(source: &str, mapping: &Node, after: &str, entries: &str) -> Option<Edit> {
    let own = own_entries(mapping)?;
    if is_flow(source, mapping)? {
        return add_in_braces(source, mapping, &own, entries);
    }
    let margin = margin(source, &own)?;
    let anchor = own.iter().find(|entry| entry.key.name == after);
    let anchor = anchor.or_else(|| own.last())?;
    if anchor.value.span.end.line != anchor.key.span.start.line {
        return before_all(&own, entries, &margin);
    }
    let at = line_end(source, anchor.value.span.end.offset);
    let entries = entries.trim_end().replace('\n', &margin);
    Some(Edit::replace(at..at, format!("{margin}{entries}")))
}

/// See [`Edit::add_first`].
pub(super) fn add_first(source: &str, mapping: &Node, entries: &str) -> Option<Edit> {
    let own = own_entries(mapping)?;
    if is_flow(source, mapping)? {
        return add_in_braces(source, mapping, &own, entries);
    }
    before_all(&own, entries, &margin(source, &own)?)
}

fn before_all(own: &[&Entry], entries: &str, margin: &str) -> Option<Edit> {
    let at = own.first()?.key.span.start.offset;
    let entries = entries.trim_end().replace('\n', margin);
    Some(Edit::replace(at..at, format!("{entries}{margin}")))
}

/// Returns a line break and the indentation of a block's keys.
fn margin(source: &str, own: &[&Entry]) -> Option<String> {
    let first = own.first()?.key.span.start;
    let before = source.get(line_start(source, first.offset)..first.offset)?;
    let is_usual = before.chars().all(|c| c == ' ' || c == '-');
    is_usual.then(|| format!("{}{}", line_break(source), " ".repeat(first.column - 1)))
}

fn add_in_braces(source: &str, mapping: &Node, own: &[&Entry], entries: &str) -> Option<Edit> {
    if entries.contains('\n') {
        return None;
    }
    let Some(first) = own.first() else {
        let inside = mapping.span.start.offset + 1;
        return Some(Edit::replace(inside..inside, entries));
    };
    let at = first.key.span.start.offset;
    // A quote of the key stands before its text.
    let before = source.get(mapping.span.start.offset + 1..at)?;
    if before.trim() != "" {
        return None;
    }
    Some(Edit::replace(at..at, format!("{entries}, ")))
}

/// See [`Edit::remove`].
pub(super) fn remove(source: &str, mapping: &Node, key: &str) -> Option<Edit> {
    let own = own_entries(mapping)?;
    let index = own.iter().position(|entry| entry.key.name == key)?;
    let (entry, next) = (own[index], own.get(index + 1));
    if own.len() < 2 {
        return None;
    }
    let start = entry.key.span.start.offset;
    let end = entry.value.span.end.offset.max(entry.key.span.end.offset);
    if is_flow(source, mapping)? {
        let bytes = match next {
            Some(next) => start..next.key.span.start.offset,
            None => own[index - 1].value.span.end.offset..end,
        };
        let removed = source.get(bytes.clone())?;
        return (!removed.contains(['\n', '#'])).then(|| Edit::replace(bytes, ""));
    }
    let line = line_start(source, start);
    if !source.get(line..start)?.trim_start_matches(' ').is_empty() {
        let next = next?.key.span.start.offset;
        let gap = source.get(end..next)?;
        return (gap.trim() == "").then(|| Edit::replace(start..next, ""));
    }
    let last = start + source.get(start..end)?.trim_end().len();
    let line_end = line_end(source, last);
    let rest = source.get(last..line_end)?.trim_start();
    if !rest.is_empty() && !rest.starts_with('#') {
        return None;
    }
    let line_break = source[line_end..].split_inclusive('\n').next();
    let end = line_end + line_break.map_or(0, str::len);
    let indent = &source[line..start];
    let kept = comments::comments(&source[line..end]).into_iter();
    let kept = kept.map(|comment| format!("{indent}{comment}{}", self::line_break(source)));
    Some(Edit::replace(line..end, kept.collect::<String>()))
}

/// Returns the entries that stand in the mapping, not where an alias or a merge takes them from;
/// `None` if it is no mapping or stands elsewhere itself.
pub(super) fn own_entries(mapping: &Node) -> Option<Vec<&Entry>> {
    let bytes = mapping.span.bytes();
    let entries = mapping.as_mapping()?.entries();
    let is_own = |entry: &&Entry| bytes.contains(&entry.key.span.start.offset);
    let own: Vec<&Entry> = entries.iter().filter(is_own).collect();
    (entries.is_empty() || !own.is_empty()).then_some(own)
}

pub(super) fn is_flow(source: &str, mapping: &Node) -> Option<bool> {
    let slice = mapping.span.slice(source)?;
    Some(slice.starts_with('{'))
}

pub(super) fn line_start(source: &str, at: usize) -> usize {
    source[..at].rfind('\n').map_or(0, |found| found + 1)
}

/// Returns where the line ends that has the byte at `at`, before its line break.
pub(super) fn line_end(source: &str, at: usize) -> usize {
    let rest = &source[at..];
    let line = rest.find('\n').map_or(rest, |end| &rest[..end]);
    at + line.trim_end_matches('\r').len()
}

pub(super) fn line_break(source: &str) -> &'static str {
    if source.contains("\r\n") {
        "\r\n"
    } else {
        "\n"
    }
}
