//! What can go wrong in a repository.

use crate::{
    codec::CodecError,
    store::{self, Class, Key},
};

/// A result of a repository.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An operation of a repository failed. Cheap to clone.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// No answer came.
    #[error("{repository}: no answer to `{operation}` within {after:?}")]
    TimedOut {
        /// The repository.
        repository: String,
        /// What was asked.
        operation: &'static str,
        /// How long was waited.
        after: std::time::Duration,
    },
    /// An object is damaged, or is not what its name says.
    #[error("{key} in {repository}: {reason}")]
    Damaged {
        /// The repository.
        repository: String,
        /// The damaged object.
        key: Key,
        /// What is wrong with it.
        reason: String,
    },
    /// A name cannot be a key of the store.
    #[error("{repository}: {source}")]
    Key {
        /// The repository.
        repository: String,
        /// What is wrong with it.
        source: store::InvalidKey,
    },
    /// What is there contradicts what was asked for; nothing was written.
    #[error("{repository}: {reason}")]
    Refused {
        /// The repository.
        repository: String,
        /// Why.
        reason: String,
    },
    /// The repository was not made for what was asked, or cannot be opened as it is configured.
    #[error("{key} in {repository}: {reason}")]
    NotSetUp {
        /// The repository.
        repository: String,
        /// The object that is missing or tells it.
        key: Key,
        /// What is wrong.
        reason: String,
        /// What to do, as a full sentence.
        hint: &'static str,
    },
    /// There is no base backup of that id.
    #[error("{repository}: there is no backup {id}")]
    NoBackup {
        /// The repository.
        repository: String,
        /// What was asked for.
        id: String,
    },
    /// An encoding is not available in this build.
    #[error("{repository}: {source}")]
    Codec {
        /// The repository.
        repository: String,
        /// Which, and how to get it.
        source: CodecError,
    },
}

impl Error {
    /// Returns what makes an error of a name that cannot be a key.
    pub(super) fn of_key(
        repository: &impl std::fmt::Display,
    ) -> impl FnOnce(store::InvalidKey) -> Self {
        let repository = repository.to_string();
        move |source| Self::Key { repository, source }
    }

    /// Returns what the caller can do.
    pub fn class(&self) -> Class {
        match self {
            Self::Store(error) => error.class(),
            Self::TimedOut { .. } => Class::Transient,
            Self::Refused { .. } => Class::Conflict,
            Self::NotSetUp { .. } => Class::Denied,
            Self::NoBackup { .. } => Class::Missing,
            Self::Damaged { .. } | Self::Key { .. } | Self::Codec { .. } => Class::Invalid,
        }
    }

    /// Returns how long the store asked to wait.
    pub fn retry_after(&self) -> Option<std::time::Duration> {
        match self {
            Self::Store(error) => error.retry_after(),
            _ => None,
        }
    }

    /// Returns what to do, as a full sentence.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Store(error) => error.hint(),
            Self::TimedOut { .. } => {
                Some("Look at the network to the store and at the store's own status.")
            }
            Self::Damaged { .. } => {
                Some("Keep the object for inspection and copy it again from another destination.")
            }
            Self::Refused { .. } => {
                Some("Look at what is there; use another server name, or try again later.")
            }
            Self::NotSetUp { hint, .. } => Some(hint),
            Self::NoBackup { .. } => Some("See what is there with `walcast info`."),
            Self::Key { .. } => Some("Change the path or the server name of this destination."),
            Self::Codec { .. } => Some("Build walcast with the feature named after the codec."),
        }
    }
}
