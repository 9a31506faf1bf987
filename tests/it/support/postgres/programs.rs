//! Where PostgreSQL's programs are; a missing one fails the test and says how to install it.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The programs of a version's server.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    folder: PathBuf,
}

impl Programs {
    /// Those that the tests use where they do not say otherwise: in the folder that `POSTGRES_BIN`
    /// names, else of the newest version that is installed.
    ///
    /// # Panics
    ///
    /// If none is installed.
    pub(crate) fn usual() -> Self {
        let named = std::env::var_os("POSTGRES_BIN").map(PathBuf::from);
        let folder = named.or_else(newest);
        let folder = folder.unwrap_or_else(|| missing(Path::new("/usr/lib/postgresql")));
        Self { folder }
    }

    /// Those of another major version, in the folder that `WALCAST_TEST_POSTGRES` names.
    ///
    /// # Panics
    ///
    /// If that version is not there.
    pub(crate) fn of_version(version: u32) -> Self {
        let hint = "run scripts/test, or source scripts/provision.sh and run `need_other_postgres`";
        let Some(versions) = std::env::var_os("WALCAST_TEST_POSTGRES") else {
            panic!("WALCAST_TEST_POSTGRES does not say where PostgreSQL {version} is: {hint}");
        };
        let folder = Path::new(&versions).join(version.to_string());
        let is_there = folder.join("postgres").exists();
        assert!(
            is_there,
            "PostgreSQL {version} is not in {}: {hint}",
            folder.display()
        );
        Self { folder }
    }

    /// Returns the path of a program of the server.
    pub(super) fn server(&self, name: &str) -> PathBuf {
        found(self.folder.join(name))
    }

    /// Returns the path of a program that asks servers, which does not have to be of their version.
    pub(super) fn client(name: &str) -> PathBuf {
        found(Self::usual().folder.join(name))
    }
}

fn newest() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let newest = versions
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse::<u32>().ok())
        .max()?;
    Some(PathBuf::from(format!("/usr/lib/postgresql/{newest}/bin")))
}

fn found(program: PathBuf) -> PathBuf {
    if !program.exists() {
        missing(&program);
    }
    program
}

fn missing(path: &Path) -> ! {
    panic!(
        "{} is missing: apt-get install postgresql, or run scripts/test",
        path.display()
    )
}
