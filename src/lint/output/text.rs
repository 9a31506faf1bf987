//! Reports for people.

use std::{collections::HashMap, fmt::Write, path::Path};

use crate::{
    inventory::Inventory,
    lint::{Finding, Level, Report},
};

/// Writes a report as compilers do: place, level and message, the line with what is meant
/// underlined, what to do; at the end a summary.
pub fn text(inventory: &Inventory, report: &Report) -> String {
    let files = inventory.files().iter();
    let texts: HashMap<&Path, &str> = files
        .map(|file| (file.name.as_path(), file.text.as_str()))
        .collect();
    let mut page = String::new();
    for finding in &report.findings {
        let text = texts.get(finding.file.as_path()).copied();
        page += &one(finding, text.unwrap_or_default());
        page.push('\n');
    }
    page += &summary(report);
    page
}

fn one(finding: &Finding, text: &str) -> String {
    let Finding {
        rule,
        level,
        message,
        span,
        ..
    } = finding;
    let mut page = String::new();
    let mut line = |text: std::fmt::Arguments<'_>| {
        page.write_fmt(text).expect("a string takes all");
        page.push('\n');
    };
    let (file, start) = (finding.file.display(), span.start);
    line(format_args!("{file}:{start}: {level}[{rule:?}]: {message}"));
    let width = start.line.to_string().len();
    if let Some((source, marks)) = excerpt(finding, text) {
        line(format_args!("{:width$} |", ""));
        line(format_args!("{} | {source}", start.line));
        line(format_args!("{:width$} | {marks}", ""));
    }
    if let Some(resource) = &finding.resource {
        line(format_args!("{:width$} = in {resource}", ""));
    }
    for note in &finding.notes {
        line(format_args!("{:width$} = {note}", ""));
    }
    line(format_args!("{:width$} = help: {}", "", finding.help));
    if let Some(fix) = &finding.fix {
        line(format_args!("{:width$} = --fix can {}", "", fix.title));
    }
    page
}

/// Returns the first line of what is meant, and the marks below it.
fn excerpt(finding: &Finding, text: &str) -> Option<(String, String)> {
    const LONGEST: usize = 160;
    let span = finding.span;
    let source = text.lines().nth(span.start.line.checked_sub(1)?)?;
    let before = span.start.column.checked_sub(1)?;
    let in_line = source.chars().count();
    if source.is_empty() || before > LONGEST {
        return None;
    }
    let end = if span.end.line == span.start.line {
        span.end.column.saturating_sub(1)
    } else {
        source.trim_end().chars().count()
    };
    let marked = end.min(in_line).saturating_sub(before).max(1);
    let shown: String = source.chars().take(LONGEST).collect();
    let marks = "^".repeat(marked.min(LONGEST - before.min(LONGEST - 1)));
    Some((
        shown.replace('\t', " "),
        format!("{}{marks}", " ".repeat(before)),
    ))
}

fn summary(report: &Report) -> String {
    let counts = [Level::Error, Level::Warning, Level::Note].map(|level| {
        let count = report.count(level);
        let plural = if count == 1 { "" } else { "s" };
        format!("{count} {level}{plural}")
    });
    let fixes = report
        .findings
        .iter()
        .filter(|one| one.fix.is_some())
        .count();
    let mut page = format!(
        "{} in {} resources of {} files",
        counts.join(", "),
        report.resources,
        report.files
    );
    if report.allowed > 0 {
        write!(page, ", {} allowed", report.allowed).expect("a string takes all");
    }
    if fixes > 0 {
        write!(page, "; --fix can mend {fixes}").expect("a string takes all");
    }
    page.push('\n');
    page
}
