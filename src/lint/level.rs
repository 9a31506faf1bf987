//! How bad a finding is.

use std::{fmt, str::FromStr};

/// How bad a [`Finding`](super::Finding) is.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Worth to know.
    Note,
    /// It works, perhaps not as it was meant; or it cannot be told whether it does.
    Warning,
    /// Backups are not made, not kept, or cannot be restored.
    Error,
}

impl Level {
    /// Returns the name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The text is not the name of a level.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is not a level: note, warning or error")]
pub struct InvalidLevel(pub String);

impl FromStr for Level {
    type Err = InvalidLevel;

    fn from_str(text: &str) -> Result<Self, InvalidLevel> {
        let all = [Self::Note, Self::Warning, Self::Error];
        let found = all.into_iter().find(|level| level.name() == text);
        found.ok_or_else(|| InvalidLevel(text.to_owned()))
    }
}
