use std::io;

/// An archive that cannot be read: the cause inside the [`io::Error`].
#[derive(Debug, thiserror::Error)]
pub(super) enum InvalidTar {
    #[error("member `{member}` of the archive {problem}")]
    Member { member: String, problem: String },
    #[error("the archive ends inside member `{member}`")]
    Truncated { member: String },
    #[error("the archive is damaged at its beginning: {reason}")]
    DamagedBeginning { reason: String },
    #[error("the archive is damaged behind member `{member}`: {reason}")]
    Damaged { member: String, reason: String },
}

impl InvalidTar {
    pub(super) fn member(member: &str, problem: impl Into<String>) -> io::Error {
        Self::Member {
            member: member.to_owned(),
            problem: problem.into(),
        }
        .into()
    }
}

impl From<InvalidTar> for io::Error {
    fn from(error: InvalidTar) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}
