//! Reports for GitHub's workflow runs.

use std::fmt::Write;

use crate::lint::{Level, Report};

/// Writes a report as workflow commands, which GitHub shows beside the lines of a pull request.
///
/// Format: GitHub's documentation of workflow commands, "Setting a … message".
pub fn github(report: &Report) -> String {
    let mut page = String::new();
    for finding in &report.findings {
        let command = match finding.level {
            Level::Note => "notice",
            Level::Warning => "warning",
            Level::Error => "error",
        };
        let (start, end) = (finding.span.start, finding.span.end);
        let last = end.line.max(start.line);
        let title = format!("{:?}", finding.rule);
        let text = format!("{}\n{}", finding.message, finding.help);
        writeln!(
            page,
            "::{command} file={},line={},endLine={last},col={},title={}::{}",
            property(&finding.file.to_string_lossy()),
            start.line,
            start.column,
            property(&title),
            data(&text)
        )
        .expect("a string takes all");
    }
    page
}

fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
