//! What can be made to go wrong.

use std::time::Duration;

use jiff::SignedDuration;

use crate::store::{Class, Error, Key, Operation};

/// Something that goes wrong with a request.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// The store answers with an HTTP status and does nothing: 403, 404, 408, 409, 412, 429, 500,
    /// 503 or any other.
    Status {
        /// The status.
        code: u16,
        /// The pause that the answer asks for.
        retry_after: Option<Duration>,
    },
    /// No connection comes about within the time; nothing is done.
    ConnectTimeout(Duration),
    /// The request is performed, but no answer comes within the time.
    ReadTimeout(Duration),
    /// The request is never answered: its future is pending until it is dropped.
    Hang,
    /// The request is performed after a while.
    Delay(Duration),
    /// The connection breaks after this many bytes of a body; taken modulo its length.
    ResetBody {
        /// Bytes that arrive.
        at: u64,
    },
    /// A body arrives in small blocks with a pause before each.
    SlowBody {
        /// Bytes per block.
        block: usize,
        /// The pause.
        pause: Duration,
    },
    /// A body ends after this many bytes without an error; taken modulo its length.
    TruncatedBody {
        /// Bytes that arrive.
        at: u64,
    },
    /// One bit of the byte at this offset of a body is wrong; taken modulo its length.
    FlippedBit {
        /// Offset of the byte.
        at: u64,
    },
    /// The request is performed, but the connection breaks before the answer.
    LostAnswer,
    /// The request is performed twice, and answered by the second time.
    Twice,
    /// A put fails with a time-out and arrives at
    /// [`deliver_late`](super::FaultPlan::deliver_late).
    Late,
    /// A listing lacks the objects that were written last.
    StaleList {
        /// How many are lacking.
        missing: usize,
    },
    /// A listing ends early without an error.
    IncompleteList {
        /// How many items are listed.
        items: usize,
    },
    /// An upload stays behind unfinished: beginning one loses the answer, aborting one does
    /// nothing and claims success.
    OrphanUpload,
    /// The credentials are valid no more.
    ExpiredCredentials,
    /// The store refuses a request because the clocks differ.
    RefusedClock,
    /// The store's clock differs from ours by this much: `modified` is shifted.
    ShiftedClock(SignedDuration),
    /// No space is left.
    NoSpace,
    /// The device fails.
    IoError,
    /// The bytes were written and could not be synced.
    FailedSync,
}

impl Fault {
    /// An answer with an HTTP status.
    pub fn status(code: u16) -> Self {
        Self::Status {
            code,
            retry_after: None,
        }
    }

    /// Returns whether it means anything for `operation`.
    pub(super) fn concerns(&self, operation: Operation) -> bool {
        use Operation::{
            Abort, BeginUpload, Complete, Delete, Get, Head, List, ListUploads, Put, PutPart,
        };
        match self {
            Self::ResetBody { .. }
            | Self::SlowBody { .. }
            | Self::TruncatedBody { .. }
            | Self::FlippedBit { .. } => operation == Get,
            Self::Late => operation == Put,
            Self::StaleList { .. } | Self::IncompleteList { .. } => operation == List,
            Self::OrphanUpload => matches!(operation, BeginUpload | Abort),
            Self::ShiftedClock(_) => matches!(operation, Get | Head | List),
            Self::Twice => matches!(operation, Put | PutPart | Complete | Delete | Abort),
            Self::NoSpace | Self::FailedSync => {
                matches!(operation, Put | BeginUpload | PutPart | Complete)
            }
            Self::IoError => operation != ListUploads,
            _ => true,
        }
    }

    /// Returns the error that the caller sees.
    pub(super) fn error(
        &self,
        operation: Operation,
        store: &impl std::fmt::Display,
        key: Option<&Key>,
    ) -> Error {
        let (class, reason) = self.describe();
        let mut error = Error::new(class, operation, store, reason);
        if let Some(key) = key {
            error = error.with_key(key);
        }
        if let Some(hint) = self.hint() {
            error = error.with_hint(hint);
        }
        error.with_retry_after(self.retry_after())
    }

    fn describe(&self) -> (Class, String) {
        let (class, reason) = match self {
            Self::Status { code, .. } => return (status_class(*code), format!("status {code}")),
            Self::ConnectTimeout(_) => (Class::Transient, "no connection in time"),
            Self::ExpiredCredentials => (Class::Denied, "the credentials have expired"),
            Self::RefusedClock => (Class::Denied, "the clocks differ too much"),
            Self::NoSpace => (Class::Full, "no space is left"),
            Self::IoError => (Class::Transient, "input/output error"),
            Self::FailedSync => (Class::Transient, "the file could not be synced"),
            Self::LostAnswer | Self::ResetBody { .. } => (Class::Transient, "connection reset"),
            _ => (Class::Transient, "no answer in time"),
        };
        (class, reason.to_owned())
    }

    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Status { code: 403, .. } => Some("Check the credentials and their permissions."),
            Self::ExpiredCredentials => Some("Renew the credentials."),
            Self::RefusedClock => Some("Set the clock of this machine."),
            Self::NoSpace => Some("Free space or enlarge the volume."),
            _ => None,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

fn status_class(code: u16) -> Class {
    match code {
        401 | 403 => Class::Denied,
        404 => Class::Missing,
        412 => Class::Conflict,
        429 | 503 => Class::Throttled,
        507 => Class::Full,
        // S3 answers 409 to a conditional put that met another one under way.
        408 | 409 | 500.. => Class::Transient,
        _ => Class::Invalid,
    }
}
