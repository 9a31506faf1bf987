//! Comments that allow findings.
//!
//! `# walcast: allow T02, no-retention it is a demo` allows these rules on its line, or, if it has
//! the line to itself, on the next line that is no comment. Before a document's first line it is
//! for the whole document.

use std::ops::Range;

use super::{Finding, Rule, settings};
use crate::{
    inventory::File,
    manifest::{Position, Span},
};

const MARK: &str = "walcast: allow";

/// A comment that allows findings.
#[derive(Debug)]
pub(super) struct Allow {
    /// Where the comment stands.
    pub(super) span: Span,
    /// What it names; an error is a message.
    pub(super) rules: Result<Vec<&'static Rule>, String>,
    /// The lines it is for.
    lines: Range<usize>,
    pub(super) is_used: bool,
}

/// Finds the comments of a file.
pub(super) fn find(file: &File) -> Vec<Allow> {
    if !file.text.contains(MARK) {
        return Vec::new();
    }
    let lines: Vec<&str> = file.text.lines().collect();
    let mut offset = 0;
    let mut found = Vec::new();
    for (index, line) in file.text.split_inclusive('\n').enumerate() {
        if let Some(hash) = comment(line) {
            found.push(Allow {
                span: span(line, hash, offset, index + 1),
                rules: named(&line[hash..]),
                lines: scope(file, &lines, index, line[..hash].trim().is_empty()),
                is_used: false,
            });
        }
        offset += line.len();
    }
    found
}

impl Allow {
    /// Returns whether it allows a finding of its file.
    pub(super) fn allows(&self, finding: &Finding) -> bool {
        let rules = self.rules.as_deref().unwrap_or_default();
        self.lines.contains(&finding.span.start.line) && rules.contains(&finding.rule)
    }
}

/// Returns where the comment begins in a line.
fn comment(line: &str) -> Option<usize> {
    let mark = line.find(MARK)?;
    let hash = line[..mark].trim_end().strip_suffix('#')?.len();
    let before = &line[..hash];
    (before.is_empty() || before.ends_with([' ', '\t'])).then_some(hash)
}

fn span(line: &str, hash: usize, offset: usize, number: usize) -> Span {
    let text = line.trim_end();
    let position = |at: usize| Position {
        offset: offset + at,
        line: number,
        column: line[..at].chars().count() + 1,
    };
    Span {
        start: position(hash),
        end: position(text.len()),
    }
}

/// Reads the names after the mark: a list with commas, whose last one is followed by a reason.
fn named(comment: &str) -> Result<Vec<&'static Rule>, String> {
    let (_, mut rest) = comment.split_once(MARK).unwrap_or_default();
    let mut rules = Vec::new();
    loop {
        rest = rest.trim_start();
        let end = rest
            .find([' ', ',', '\t', '\r', '\n'])
            .unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        if name.is_empty() {
            return Err("it names no rule".to_owned());
        }
        rules.push(settings::find(name)?);
        match after.trim_start().strip_prefix(',') {
            Some(more) => rest = more,
            None => return Ok(rules),
        }
    }
}

/// Returns the lines, from 1, that a comment in line `index` is for.
fn scope(file: &File, lines: &[&str], index: usize, is_alone: bool) -> Range<usize> {
    if !is_alone {
        return index + 1..index + 2;
    }
    let is_content = |line: &&str| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with('#') && !line.starts_with('%')
    };
    let after = lines[index + 1..].iter().position(is_content);
    let next = after.map_or(lines.len(), |after| index + 1 + after);
    let before = lines[..index].iter().rev().find(|line| is_content(line));
    let begins = before.is_none_or(|line| is_marker(line)) || lines.get(next) == Some(&"---");
    if !begins {
        return next + 1..next + 2;
    }
    // The document begins with the next content, or with the marker there.
    let documents = &file.documents;
    let of_line = |line: usize| documents.iter().rposition(|one| one.line <= line);
    let document = of_line(next + 1).unwrap_or(0);
    let first = documents
        .get(document)
        .map_or(1, |one| one.line.min(index + 1));
    let last = documents
        .get(document + 1)
        .map_or(usize::MAX, |one| one.line);
    first..last
}

fn is_marker(line: &str) -> bool {
    line.starts_with("---") || line.starts_with("...")
}
