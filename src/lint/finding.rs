//! What was found.

use std::path::PathBuf;

use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::{Level, Rule};
use crate::manifest::{Edit, Span};

/// One thing that a rule found.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// How bad it is here.
    pub level: Level,
    /// What it comes to in this very document: lower case, without a full stop.
    pub message: String,
    /// The file.
    pub file: PathBuf,
    /// Kind and name of the resource, if it is one.
    pub resource: Option<String>,
    /// Where it is.
    pub span: Span,
    /// What else there is to say, each a line.
    pub notes: Vec<String>,
    /// What to do: sentences.
    pub help: String,
    /// How to mend it, if that is safe.
    pub fix: Option<Fix>,
}

/// A change of the file that mends a finding and nothing else.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Fix {
    /// What is done, in the imperative: `write six fields`.
    pub title: String,
    /// The changes, all for the same file; they belong together.
    pub edits: Vec<Edit>,
}

/// Everything that was found.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// In the order of the files and of their lines.
    pub findings: Vec<Finding>,
    /// How many files were read.
    pub files: usize,
    /// How many resources were looked at; those of foreign kinds do not count.
    pub resources: usize,
    /// How many findings are not here because a comment allows them.
    pub allowed: usize,
}

impl Report {
    /// Counts the findings of a level.
    pub fn count(&self, level: Level) -> usize {
        let wanted = self.findings.iter();
        wanted.filter(|finding| finding.level == level).count()
    }

    /// Returns the worst level there is.
    pub fn worst(&self) -> Option<Level> {
        self.findings.iter().map(|finding| finding.level).max()
    }
}

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (start, end) = (self.span.start, self.span.end);
        let mut fields = serializer.serialize_struct("Finding", 14)?;
        fields.serialize_field("rule", self.rule.id)?;
        fields.serialize_field("name", self.rule.name)?;
        fields.serialize_field("level", &self.level)?;
        fields.serialize_field("message", &self.message)?;
        fields.serialize_field("file", &self.file.to_string_lossy())?;
        fields.serialize_field("line", &start.line)?;
        fields.serialize_field("column", &start.column)?;
        fields.serialize_field("endLine", &end.line)?;
        fields.serialize_field("endColumn", &end.column)?;
        fields.serialize_field("resource", &self.resource)?;
        fields.serialize_field("notes", &self.notes)?;
        fields.serialize_field("help", &self.help)?;
        fields.serialize_field("source", self.rule.source)?;
        fields.serialize_field("fix", &self.fix)?;
        fields.end()
    }
}

impl Serialize for Fix {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Change<'a> {
            start: usize,
            end: usize,
            text: &'a str,
        }
        let edits = self.edits.iter().map(|edit| Change {
            start: edit.bytes().start,
            end: edit.bytes().end,
            text: edit.text(),
        });
        let edits: Vec<Change<'_>> = edits.collect();
        let mut fields = serializer.serialize_struct("Fix", 2)?;
        fields.serialize_field("title", &self.title)?;
        fields.serialize_field("edits", &edits)?;
        fields.end()
    }
}
