//! What can go wrong in a store, classified by what the caller can do.

use std::{fmt, sync::Arc, time::Duration};

use super::Key;

/// A result of a store.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a caller can do about an error.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// May go away by itself: network, time-outs, overload. Try again, with growing pauses.
    Transient,
    /// The store asks for fewer requests. Try again, not before [`Error::retry_after`].
    Throttled,
    /// Refused until a person changes credentials, names or permissions.
    Denied,
    /// There is no such object.
    Missing,
    /// The key exists already, or has other content than was asked for.
    Conflict,
    /// The request or the bytes are wrong, or the store lacks what was asked for.
    Invalid,
    /// No space is left.
    Full,
    /// The caller gave up.
    Cancelled,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Transient,
        Self::Throttled,
        Self::Denied,
        Self::Missing,
        Self::Conflict,
        Self::Invalid,
        Self::Full,
        Self::Cancelled,
    ];

    /// Returns whether trying the same again may succeed without a person.
    pub fn is_retriable(self) -> bool {
        matches!(self, Self::Transient | Self::Throttled)
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Transient => "transient",
            Self::Throttled => "throttled",
            Self::Denied => "denied",
            Self::Missing => "missing",
            Self::Conflict => "conflict",
            Self::Invalid => "invalid",
            Self::Full => "full",
            Self::Cancelled => "cancelled",
        })
    }
}

/// An operation of [`Store`](super::Store).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// `put`
    Put,
    /// `begin_upload`
    BeginUpload,
    /// `put_part`
    PutPart,
    /// `complete`
    Complete,
    /// `abort` and `abort_unfinished`
    Abort,
    /// `get` and reading the body
    Get,
    /// `head`
    Head,
    /// `list` and `list_level`
    List,
    /// `delete`
    Delete,
    /// `unfinished_uploads`
    ListUploads,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Put,
        Self::BeginUpload,
        Self::PutPart,
        Self::Complete,
        Self::Abort,
        Self::Get,
        Self::Head,
        Self::List,
        Self::Delete,
        Self::ListUploads,
    ];
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Put => "put",
            Self::BeginUpload => "begin upload",
            Self::PutPart => "put part",
            Self::Complete => "complete upload",
            Self::Abort => "abort upload",
            Self::Get => "get",
            Self::Head => "head",
            Self::List => "list",
            Self::Delete => "delete",
            Self::ListUploads => "list uploads",
        })
    }
}

/// An operation of a store failed. Cheap to clone; never holds a secret.
#[derive(Clone, Debug)]
pub struct Error(Arc<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    class: Class,
    operation: Operation,
    store: String,
    key: Option<Key>,
    reason: String,
    retry_after: Option<Duration>,
    hint: Option<&'static str>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// Creates an error of `store` (its `Display`), with the reason in lower case.
    pub fn new(
        class: Class,
        operation: Operation,
        store: &impl fmt::Display,
        reason: impl Into<String>,
    ) -> Self {
        Self(Arc::new(Inner {
            class,
            operation,
            store: store.to_string(),
            key: None,
            reason: reason.into(),
            retry_after: None,
            hint: None,
            source: None,
        }))
    }

    /// Names the key.
    #[must_use]
    pub fn with_key(self, key: &Key) -> Self {
        self.change(|inner| inner.key = Some(key.clone()))
    }

    /// Says how long the store asks to wait.
    #[must_use]
    pub fn with_retry_after(self, pause: Option<Duration>) -> Self {
        self.change(|inner| inner.retry_after = pause)
    }

    /// Says what to do, as a full sentence.
    #[must_use]
    pub fn with_hint(self, hint: &'static str) -> Self {
        self.change(|inner| inner.hint = Some(hint))
    }

    /// Keeps the cause.
    #[must_use]
    pub fn with_source(self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.change(|inner| inner.source = Some(Arc::new(source)))
    }

    /// Changes the class, for a wrapper that knows better.
    #[must_use]
    pub fn with_class(self, class: Class) -> Self {
        self.change(|inner| inner.class = class)
    }

    /// Returns what the caller can do.
    pub fn class(&self) -> Class {
        self.0.class
    }

    /// Returns the operation that failed.
    pub fn operation(&self) -> Operation {
        self.0.operation
    }

    /// Returns the key that it was for.
    pub fn key(&self) -> Option<&Key> {
        self.0.key.as_ref()
    }

    /// Returns how long the store asked to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Returns what to do, as a full sentence.
    pub fn hint(&self) -> Option<&'static str> {
        self.0.hint
    }

    fn change(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner {
            operation,
            store,
            key,
            reason,
            ..
        } = &*self.0;
        match key {
            Some(key) => write!(f, "{operation} {key} in {store}: {reason}"),
            None => write!(f, "{operation} in {store}: {reason}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}
