//! What an error of the operating system means for the caller.

use std::io;

use rustix::io::Errno;

use crate::store::Class;

/// What went wrong below the store's folder: a class, a reason and what to do.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) class: Class,
    pub(super) reason: String,
    pub(super) hint: Option<&'static str>,
    pub(super) source: Option<io::Error>,
}

pub(super) type Attempt<T = ()> = Result<T, Failure>;

impl Failure {
    pub(super) fn new(class: Class, reason: impl Into<String>) -> Self {
        Self {
            class,
            reason: reason.into(),
            hint: None,
            source: None,
        }
    }

    pub(super) fn missing() -> Self {
        Self::new(Class::Missing, "no such object")
    }

    /// The folder of the store is not there: perhaps its volume is not mounted.
    pub(super) fn no_root(source: Option<io::Error>) -> Self {
        Self {
            hint: Some("Mount the volume or create the folder; walcast never creates it."),
            source,
            ..Self::new(Class::Denied, "the folder of the store is not there")
        }
    }

    /// Returns whether there is nothing where something was looked for.
    pub(super) fn is_absence(&self) -> bool {
        let errno = self.source.as_ref().and_then(Errno::from_io_error);
        self.class == Class::Missing || errno == Some(Errno::NOTDIR)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let (class, reason, hint) = describe(&error);
        Self {
            hint,
            source: Some(error),
            ..Self::new(class, reason)
        }
    }
}

impl From<Errno> for Failure {
    fn from(errno: Errno) -> Self {
        io::Error::from(errno).into()
    }
}

fn describe(error: &io::Error) -> (Class, &'static str, Option<&'static str>) {
    match Errno::from_io_error(error) {
        Some(Errno::NOSPC) => (
            Class::Full,
            "no space is left on the volume",
            Some("Free space on the volume or enlarge it."),
        ),
        Some(Errno::DQUOT) => (
            Class::Full,
            "the disk quota is used up",
            Some("Raise the quota or delete files."),
        ),
        Some(Errno::ACCESS | Errno::PERM) => (
            Class::Denied,
            "permission denied",
            Some("Give the user that runs walcast read and write access to the folder."),
        ),
        Some(Errno::ROFS) => (
            Class::Denied,
            "the file system is read-only",
            Some("Mount the volume writable; after disk errors it may have become read-only."),
        ),
        Some(Errno::NOENT) => (Class::Missing, "no such object", None),
        Some(Errno::EXIST) => (Class::Conflict, "the key exists already", None),
        Some(Errno::NOTDIR) => (Class::Invalid, "a folder of the key is an object", None),
        Some(Errno::ISDIR | Errno::NOTEMPTY) => (Class::Invalid, "the key is a folder", None),
        Some(Errno::LOOP) => (
            Class::Invalid,
            "the key leads through a symbolic link",
            None,
        ),
        Some(Errno::NAMETOOLONG) => (Class::Invalid, "the path is too long", None),
        Some(Errno::FBIG) => (
            Class::Invalid,
            "the file is too large for the file system",
            Some("Use a file system without that limit, or raise the process's limit."),
        ),
        _ => (Class::Transient, "input/output error", None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_system_have_their_class() {
        let expected = [
            (Errno::NOSPC, Class::Full),
            (Errno::DQUOT, Class::Full),
            (Errno::ACCESS, Class::Denied),
            (Errno::PERM, Class::Denied),
            (Errno::ROFS, Class::Denied),
            (Errno::NOENT, Class::Missing),
            (Errno::EXIST, Class::Conflict),
            (Errno::NOTDIR, Class::Invalid),
            (Errno::ISDIR, Class::Invalid),
            (Errno::LOOP, Class::Invalid),
            (Errno::IO, Class::Transient),
            (Errno::STALE, Class::Transient),
        ];
        for (errno, class) in expected {
            let failure = Failure::from(errno);
            assert_eq!(failure.class, class, "{errno}");
            let needs_person = matches!(class, Class::Full | Class::Denied);
            assert_eq!(failure.hint.is_some(), needs_person, "{errno}");
        }
    }
}
