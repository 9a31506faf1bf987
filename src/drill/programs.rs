//! Where PostgreSQL's programs are.

use std::{
    env,
    path::{Path, PathBuf},
};

use crate::pg::MajorVersion;

/// The programs of one version of PostgreSQL.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Programs {
    folder: PathBuf,
}

/// No server of the version is installed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the program `postgres` of version {version} is in none of {}", folders(.looked))]
pub struct NoPrograms {
    version: MajorVersion,
    looked: Vec<PathBuf>,
}

impl Programs {
    /// Looks for the server of a version: in `folder` alone if that is given, else where the
    /// packages of Debian and of the PostgreSQL project put it, and in the `PATH`.
    ///
    /// # Errors
    ///
    /// [`NoPrograms`] if it is in none of them. Of what the `PATH` has the version is not known
    /// before it is started.
    pub fn find(version: MajorVersion, folder: Option<&Path>) -> Result<Self, NoPrograms> {
        let looked = match folder {
            Some(folder) => vec![folder.to_owned()],
            None => usual(version),
        };
        let found = looked
            .iter()
            .find(|folder| folder.join("postgres").is_file());
        match found {
            Some(folder) => Ok(Self {
                folder: folder.clone(),
            }),
            None => Err(NoPrograms { version, looked }),
        }
    }

    /// Returns the path of the server.
    pub(super) fn server(&self) -> PathBuf {
        self.folder.join("postgres")
    }

    /// Returns the path of `pg_amcheck`, which versions before 14 do not have and which is in a
    /// package of its own here and there.
    pub(super) fn amcheck(&self) -> Option<PathBuf> {
        let path = self.folder.join("pg_amcheck");
        path.is_file().then_some(path)
    }
}

fn usual(version: MajorVersion) -> Vec<PathBuf> {
    let mut folders = vec![
        PathBuf::from(format!("/usr/lib/postgresql/{version}/bin")),
        PathBuf::from(format!("/usr/pgsql-{version}/bin")),
    ];
    if let Some(path) = env::var_os("PATH") {
        folders.extend(env::split_paths(&path));
    }
    folders
}

fn folders(folders: &[PathBuf]) -> String {
    let folders: Vec<_> = folders
        .iter()
        .map(|one| one.display().to_string())
        .collect();
    folders.join(", ")
}
