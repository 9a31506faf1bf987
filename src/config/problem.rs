//! What is wrong with a configuration, said so that it can be found and mended.

use std::{fmt, path::PathBuf};

use crate::manifest::{Path, Position};

/// One thing that is wrong or odd.
///
/// Prints as compilers do: place, severity and message, then the resource and the field, then
/// what to do. Has no value that came from a Secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problem {
    /// Whether the configuration can be used in spite of it.
    pub severity: Severity,
    /// Where it is; less of it is known when it concerns more.
    pub place: Place,
    /// What it is: lower case, without a full stop.
    pub message: String,
    /// What to do: a sentence.
    pub hint: Option<String>,
}

/// How bad a [`Problem`] is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Severity {
    /// There is no configuration.
    Error,
    /// There is one, perhaps not the one that was meant.
    Warning,
}

/// Where a [`Problem`] is.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Place {
    /// The file, by the name it was loaded under.
    pub file: Option<PathBuf>,
    /// The document in the file, from 0.
    pub document: Option<usize>,
    /// Kind and name of the resource: `ObjectStore/minio`.
    pub resource: Option<String>,
    /// The way to the field; the root if it is the resource as a whole.
    pub path: Path,
    /// Line and column.
    pub position: Option<Position>,
}

/// Everything that is wrong with a configuration, in the order of the files; at least one error.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problems(pub Vec<Problem>);

impl Problem {
    pub(super) fn error(place: Place, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            place,
            message: message.into(),
            hint: None,
        }
    }

    pub(super) fn warning(place: Place, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(place, message)
        }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }

    /// Returns whether there is no configuration because of it.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl Problems {
    fn count(&self, severity: Severity) -> usize {
        let wanted = self.0.iter().filter(|p| p.severity == severity);
        wanted.count()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.place.file {
            write!(f, "{}:", file.display())?;
            if let Some(position) = self.place.position {
                write!(f, "{position}:")?;
            }
            f.write_str(" ")?;
        }
        write!(f, "{}: {}", self.severity, self.message)?;
        if let Some(document) = self.place.document {
            write!(f, "\n  in document {}", document + 1)?;
        }
        if let Some(resource) = &self.place.resource {
            write!(f, ", {resource}")?;
        }
        if !self.place.path.segments().is_empty() {
            write!(f, ", {}", self.place.path)?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  help: {hint}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.0 {
            writeln!(f, "{problem}\n")?;
        }
        write!(
            f,
            "the configuration has {}",
            counted(self.count(Severity::Error), "error")
        )?;
        match self.count(Severity::Warning) {
            0 => Ok(()),
            warnings => write!(f, " and {}", counted(warnings, "warning")),
        }
    }
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

impl std::error::Error for Problems {}
