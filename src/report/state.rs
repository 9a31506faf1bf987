//! How a destination is, in one word.

use crate::audit::{DestinationAudit, Severity};

/// How a destination, or all of them, is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum State {
    /// As it should be.
    Sound,
    /// It can be restored, but not all is as it should be.
    Warning,
    /// It cannot do what it is there for.
    Critical,
    /// Nobody knows what it holds.
    Unreadable,
}

impl State {
    pub(super) fn of(one: &DestinationAudit) -> Self {
        if one.is_readable {
            Self::from(one.severity)
        } else {
            Self::Unreadable
        }
    }

    /// Returns what it is called in the style sheet.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Sound => "sound",
            Self::Warning => "warning",
            Self::Critical => "critical",
            Self::Unreadable => "unreadable",
        }
    }

    /// Returns what it is called on the page.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Sound => "ok",
            Self::Warning => "warning",
            Self::Critical => "critical",
            Self::Unreadable => "not readable",
        }
    }

    /// Returns a sign that differs from the others without its colour.
    pub(super) fn sign(self) -> &'static str {
        match self {
            Self::Sound => "✓",
            Self::Warning => "!",
            Self::Critical => "✕",
            Self::Unreadable => "?",
        }
    }
}

impl From<Option<Severity>> for State {
    fn from(severity: Option<Severity>) -> Self {
        match severity {
            None | Some(Severity::Notice) => Self::Sound,
            Some(Severity::Warning) => Self::Warning,
            Some(Severity::Critical) => Self::Critical,
        }
    }
}

/// Whether anything can be restored from a destination.
pub(super) fn can_restore(one: &DestinationAudit) -> bool {
    !one.windows.is_empty() || one.backups.iter().any(|backup| backup.is_restorable)
}
