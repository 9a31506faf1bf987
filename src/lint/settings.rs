//! What is looked for, and how bad it is.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Level, Rule, rules};
use crate::manifest::{Position, Value, closest, documents};

/// What [`lint`](super::lint) is to do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    now: Timestamp,
    /// By id of the rule; nothing is off.
    levels: BTreeMap<&'static str, Option<Level>>,
}

/// A file of settings that is wrong.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{position}: {message}")]
pub struct SettingsError {
    /// Where.
    pub position: Position,
    /// What is wrong.
    pub message: String,
}

impl Settings {
    /// Returns the rules' own levels. Runs of schedules are shown from `now` on.
    pub fn new(now: Timestamp) -> Self {
        Self {
            now,
            levels: BTreeMap::new(),
        }
    }

    /// Reads a file of settings, which is YAML, and takes what it says:
    ///
    /// ```yaml
    /// rules:
    ///   T26: off          # the id or the name of a rule; off, note, warning or error
    ///   no-retention: error
    /// ```
    ///
    /// # Errors
    /// [`SettingsError`] for the first thing that is no such setting.
    pub fn read(mut self, text: &str) -> Result<Self, SettingsError> {
        let wrong = |position, message: String| SettingsError { position, message };
        for document in documents(text) {
            let root = document.root;
            let root = root.map_err(|error| wrong(error.position, error.message))?;
            if root.value == Value::Null {
                continue;
            }
            let Some(mapping) = root.as_mapping() else {
                return Err(wrong(root.span.start, "it is no mapping".to_owned()));
            };
            for entry in mapping.entries() {
                let (at, name) = (entry.key.span.start, &entry.key.name);
                if name != "rules" {
                    let message = format!("there is no setting `{name}`, only `rules`");
                    return Err(wrong(at, message));
                }
                let Some(rules) = entry.value.as_mapping() else {
                    return Err(wrong(at, "`rules` is no mapping".to_owned()));
                };
                for entry in rules.entries() {
                    let level = level(&entry.value.value);
                    let level = level.map_err(|m| wrong(entry.value.span.start, m))?;
                    let rule = find(&entry.key.name);
                    let rule = rule.map_err(|m| wrong(entry.key.span.start, m))?;
                    self = self.level(rule, level);
                }
            }
        }
        Ok(self)
    }

    /// Sets the level of a rule's findings; `None` turns it off.
    #[must_use]
    pub fn level(mut self, rule: &'static Rule, level: Option<Level>) -> Self {
        self.levels.insert(rule.id, level);
        self
    }

    /// Returns from when on runs of schedules are shown.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Returns the level that findings of a rule have here if they would have `level`; `None` if
    /// it is off.
    pub(super) fn apply(&self, rule: &Rule, level: Level) -> Option<Level> {
        self.levels.get(rule.id).copied().unwrap_or(Some(level))
    }
}

/// Finds a rule by id or name.
///
/// # Errors
/// A message with the nearest name.
pub(super) fn find(name: &str) -> Result<&'static Rule, String> {
    if let Some(rule) = rules::all().find(|rule| rule.is_called(name)) {
        return Ok(rule);
    }
    Err(match closest(name, rules::all().map(|rule| rule.name)) {
        Some(near) => format!("there is no rule `{name}`; did you mean `{near}`?"),
        None => format!("there is no rule `{name}`"),
    })
}

fn level(value: &Value) -> Result<Option<Level>, String> {
    let wrong = || "expected off, note, warning or error".to_owned();
    match value {
        // `off` without quotes is a flag to YAML.
        Value::Bool(false) => Ok(None),
        Value::String(text) if text == "off" => Ok(None),
        Value::String(text) => text.parse().map(Some).map_err(|_| wrong()),
        Value::Null
        | Value::Bool(true)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Template(_)
        | Value::Sequence(_)
        | Value::Mapping(_) => Err(wrong()),
    }
}
