use std::{io, ops::RangeInclusive};

use super::Codec;

/// A compression cannot be used as asked.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The build lacks the codec's cargo feature, which is called like the codec.
    #[error("this build has no {codec}")]
    Unavailable {
        /// The codec.
        codec: Codec,
    },
    /// The codec does not have this level.
    #[error("{codec} has no level {level}")]
    Level {
        /// The codec.
        codec: Codec,
        /// What was asked for.
        level: i32,
        /// The levels there are; empty for a codec without levels.
        levels: RangeInclusive<i32>,
    },
    /// The codec's library could not be set up, mostly for lack of memory.
    #[error("{codec} cannot be set up: {reason}")]
    Setup {
        /// The codec.
        codec: Codec,
        /// What the library says.
        reason: String,
    },
}

impl CodecError {
    /// Tells the user what to do.
    pub fn hint(&self) -> String {
        match self {
            Self::Unavailable { codec } => {
                format!("Build walcast with the cargo feature `{codec}`, or choose another codec.")
            }
            Self::Level { codec, levels, .. } if levels.is_empty() => {
                format!("Leave the level out: {codec} has none.")
            }
            Self::Level { levels, .. } => {
                let (first, last) = (levels.start(), levels.end());
                format!("Choose a level from {first} to {last}, or none for the default.")
            }
            Self::Setup { .. } => "Give the process more memory, or choose a lower level.".into(),
        }
    }
}

impl From<CodecError> for io::Error {
    fn from(error: CodecError) -> Self {
        Self::other(error)
    }
}

/// Encoded bytes cannot be decoded: the cause inside the [`io::Error`] of a
/// [`Decoder`](super::Decoder).
///
/// An error of the source itself is passed on as it is, so [`find`](Self::find) tells bad bytes
/// from a failed read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// There is more than was allowed; what was decoded so far is intact.
    #[error("the decoded data is longer than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: u64,
    },
    /// The data ends in the middle.
    #[error("the {codec} data ends too early")]
    Truncated {
        /// The codec.
        codec: Codec,
    },
    /// The data is no valid data of the codec, or needs too much memory to decode.
    #[error("the {codec} data is damaged: {reason}")]
    Damaged {
        /// The codec.
        codec: Codec,
        /// What is wrong.
        reason: String,
    },
    /// The data should be encrypted and does not begin like that.
    #[error("it is not encrypted")]
    NotEncrypted,
    /// Encrypted data is damaged, or of another pass phrase: the form does not tell which.
    #[error("it cannot be decrypted with this passphrase, or is damaged: {reason}")]
    Undecipherable {
        /// What is wrong.
        reason: &'static str,
    },
    /// An earlier read had failed already.
    #[error("decoding ended at an earlier error")]
    Ended,
}

impl DecodeError {
    /// Returns the decoding error inside `error`, if it is one.
    pub fn find(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }

    /// Tells the user what to do.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => {
                "Check that the object is what its name says; its content is larger than such a \
                 file can be."
            }
            Self::Truncated { .. } | Self::Damaged { .. } => {
                "Read the object again; if it stays so, it is damaged in the store: take it from \
                 another destination and repair this one."
            }
            Self::NotEncrypted => {
                "Check whether whoever wrote it was told to encrypt, and with what."
            }
            Self::Undecipherable { .. } => {
                "Check the passphrase; if it is right, take the object from another destination \
                 and repair this one."
            }
            Self::Ended => "Start again with a new decoder.",
        }
    }
}

impl From<DecodeError> for io::Error {
    fn from(error: DecodeError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}
