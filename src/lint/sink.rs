//! Where rules put what they find.

use std::path::Path as FilePath;

use super::{Finding, Fix, Level, Rule, Settings};
use crate::{
    inventory::{File, Resource},
    manifest::{Edit, Node, Path, Span, Variables, placeholders},
};

/// Takes the findings of one rule after the other.
#[derive(Debug)]
pub(super) struct Sink<'s> {
    settings: &'s Settings,
    variables: &'s Variables,
    rule: &'static Rule,
    findings: Vec<Finding>,
}

/// A finding that a rule is about to report.
#[derive(Debug)]
pub(super) struct Draft {
    file: std::path::PathBuf,
    resource: Option<String>,
    span: Span,
    message: String,
    level: Option<Level>,
    /// Why it is not certain.
    doubt: Option<Doubt>,
    notes: Vec<String>,
    help: Option<String>,
    fix: Option<Fix>,
}

/// Why a finding is not certain.
#[derive(Debug)]
enum Doubt {
    /// It is about this text, which has placeholders.
    Placeholder(String),
    /// A kustomization patches resources of the kind.
    Patch,
}

impl Doubt {
    /// Returns the reason; `None` if the placeholders were given values.
    fn reason(&self, variables: &Variables) -> Option<&'static str> {
        match self {
            Self::Patch => Some("a patch of the kustomization beside it may change this"),
            Self::Placeholder(text) => placeholders(text)
                .any(|one| variables.get(one.name).is_none())
                .then_some("this is so with the default of the placeholder"),
        }
    }
}

impl<'s> Sink<'s> {
    pub(super) fn new(
        settings: &'s Settings,
        variables: &'s Variables,
        rule: &'static Rule,
    ) -> Self {
        Self {
            settings,
            variables,
            rule,
            findings: Vec::new(),
        }
    }

    /// Goes on with another rule.
    pub(super) fn turn_to(&mut self, rule: &'static Rule) {
        self.rule = rule;
    }

    /// Takes a finding, unless its rule is off. What is not certain is at most a warning.
    pub(super) fn add(&mut self, draft: Draft) {
        let level = draft.level.unwrap_or(self.rule.level);
        let Some(mut level) = self.settings.apply(self.rule, level) else {
            return;
        };
        let mut notes = draft.notes;
        let doubt = draft.doubt.as_ref();
        let doubt = doubt.and_then(|doubt| doubt.reason(self.variables));
        if let Some(reason) = doubt.filter(|_| level > Level::Warning) {
            level = Level::Warning;
            notes.push(reason.to_owned());
        }
        self.findings.push(Finding {
            rule: self.rule,
            level,
            message: draft.message,
            file: draft.file,
            resource: draft.resource,
            span: draft.span,
            notes,
            help: draft.help.unwrap_or_else(|| self.rule.remedy.to_owned()),
            fix: draft.fix,
        });
    }

    pub(super) fn into_findings(self) -> Vec<Finding> {
        self.findings
    }
}

impl Draft {
    /// Begins a finding about the field at `keys`, or about what should have it.
    pub(super) fn at(resource: &Resource<'_>, keys: &[&str], message: impl Into<String>) -> Self {
        let path: Path = keys.iter().copied().collect();
        let span = resource.node.nearest(&path);
        let first = resource
            .node
            .key_at(&path)
            .filter(|_| span.start.line != span.end.line);
        Self::of(resource, first.unwrap_or(span), message)
    }

    /// Begins a finding about a value.
    pub(super) fn on(resource: &Resource<'_>, node: &Node, message: impl Into<String>) -> Self {
        Self::of(resource, node.span, message)
    }

    /// Begins a finding about a part of a resource.
    pub(super) fn of(resource: &Resource<'_>, span: Span, message: impl Into<String>) -> Self {
        let written = span.slice(&resource.file.text).unwrap_or_default();
        let is_filled_in = written.contains("${") && span.start.line == span.end.line;
        let doubt = if is_filled_in {
            Some(Doubt::Placeholder(written.to_owned()))
        } else {
            resource.is_patched.then_some(Doubt::Patch)
        };
        Self {
            resource: Some(resource.title()),
            doubt,
            ..Self::in_file(&resource.file.name, span, message)
        }
    }

    /// Begins a finding about a place in a file.
    pub(super) fn in_file(file: &FilePath, span: Span, message: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            resource: None,
            span,
            message: message.into(),
            level: None,
            doubt: None,
            notes: Vec::new(),
            help: None,
            fix: None,
        }
    }

    /// Sets how bad it is, in place of the rule's level.
    #[must_use]
    pub(super) fn level(mut self, level: Level) -> Self {
        self.level = Some(level);
        self
    }

    /// Adds a line.
    #[must_use]
    pub(super) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Says what to do here, in place of the rule's remedy.
    #[must_use]
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds a fix, if all its changes can be made.
    #[must_use]
    pub(super) fn fix(
        mut self,
        title: impl Into<String>,
        edits: impl IntoIterator<Item = Option<Edit>>,
    ) -> Self {
        let edits: Option<Vec<Edit>> = edits.into_iter().collect();
        self.fix = edits.map(|edits| Fix {
            title: title.into(),
            edits,
        });
        self
    }
}

/// Returns the text of a resource's file, for its edits.
pub(super) fn text<'a>(resource: &Resource<'a>) -> &'a str {
    let file: &File = resource.file;
    &file.text
}
