//! What a command prints and how it ends.

use std::{
    error::Error,
    fs,
    io::{self, Write},
    path::Path,
};

use clap::ValueEnum;
use serde::Serialize;
use walcast::error::chain;

/// The exit code of a command that could not do its work.
pub(crate) const FAILED: u8 = 1;

/// How results are printed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// How a report is printed: as other results, or in a form that only some commands have.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// Of `lint`: SARIF 2.1.0, for code scanning.
    Sarif,
    /// Of `lint`: commands of GitHub's workflows, shown beside the lines of a pull request.
    Github,
    /// Of `status`: metrics as OpenMetrics text.
    #[value(name = "openmetrics")]
    OpenMetrics,
}

impl ReportFormat {
    /// Returns the format if every command has it.
    pub(crate) fn common(self) -> Option<Format> {
        match self {
            Self::Text => Some(Format::Text),
            Self::Json => Some(Format::Json),
            Self::Sarif | Self::Github | Self::OpenMetrics => None,
        }
    }
}

/// Why a command failed, for people.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What happened.
    pub(crate) text: String,
    /// What to do, as a full sentence.
    pub(crate) hint: Option<String>,
    /// Whether the text says itself that it is an error.
    rendered: bool,
}

impl Failure {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            hint: None,
            rendered: false,
        }
    }

    /// Takes an error with its causes.
    pub(crate) fn of(error: &dyn Error) -> Self {
        Self::new(chain(error))
    }

    /// Takes a report that has its own form.
    pub(crate) fn report(report: &impl ToString) -> Self {
        Self {
            rendered: true,
            ..Self::new(report.to_string())
        }
    }

    #[must_use]
    pub(crate) fn with_hint(mut self, hint: Option<impl Into<String>>) -> Self {
        self.hint = hint.map(Into::into);
        self
    }

    /// Prints it to standard error, as a log record if those are JSON.
    pub(crate) fn print(&self, json: bool) {
        if json {
            tracing::error!(hint = self.hint, "{}", self.text);
            return;
        }
        let label = if self.rendered { "" } else { "error: " };
        let mut text = format!("{label}{}\n", self.text);
        if let Some(hint) = &self.hint {
            text = format!("{text}hint: {hint}\n");
        }
        // Nobody is left to tell if standard error is gone.
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }
}

/// Prints text to standard output; a reader that has gone away has seen enough.
pub(crate) fn print(text: &str) {
    let mut stdout = io::stdout().lock();
    let _ = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
}

/// Replaces a file as a whole: nobody reads half of it.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let written = fs::write(&temporary, content).and_then(|()| fs::rename(&temporary, path));
    written.inspect_err(|_| {
        // What matters is why it could not be written.
        let _ = fs::remove_file(&temporary);
    })
}

/// Prints a value as one line of JSON.
pub(crate) fn print_json(value: &impl Serialize) {
    let text = serde_json::to_string(value).expect("results have only JSON's types");
    print(&format!("{text}\n"));
}
