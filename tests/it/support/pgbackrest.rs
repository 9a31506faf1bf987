//! The real pgBackRest, run without a server on a repository in a folder or in a bucket.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tempfile::TempDir;

use super::s3::S3Server;

/// The cluster of the `pg_control` that it is given.
pub(crate) const SYSTEM_ID: u64 = 7_711_211_386_514_761_850;
/// The name of the stanza.
pub(crate) const STANZA: &str = "main";

/// One way to run it.
pub(crate) struct PgBackRest {
    /// Data directory, locks, and what is pushed and fetched.
    folder: TempDir,
    environment: Vec<(String, String)>,
}

impl PgBackRest {
    /// Works on the repository in `path`.
    pub(crate) fn on_folder(path: &Path) -> Self {
        Self::new().with("REPO1_PATH", path.to_str().unwrap())
    }

    /// Works on the repository `path` of the bucket, which is served with TLS.
    pub(crate) fn on_bucket(server: &S3Server, path: &str) -> Self {
        let pgbackrest = Self::new();
        let options = server.options();
        let ca = pgbackrest.path("ca.pem");
        fs::write(&ca, server.ca().expect("it is served with TLS")).unwrap();
        // It looks for names alone in a certificate, not for addresses.
        let endpoint = server.endpoint().replace("127.0.0.1", "localhost");
        pgbackrest
            .with("REPO1_TYPE", "s3")
            .with("REPO1_PATH", path)
            .with("REPO1_S3_BUCKET", &options.bucket)
            .with("REPO1_S3_ENDPOINT", &endpoint)
            .with("REPO1_S3_REGION", "us-east-1")
            .with("REPO1_S3_URI_STYLE", "path")
            .with("REPO1_S3_KEY", &options.access_key)
            .with("REPO1_S3_KEY_SECRET", &options.secret_key)
            .with("REPO1_STORAGE_CA_FILE", ca.to_str().unwrap())
    }

    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        fs::create_dir_all(data.join("global")).unwrap();
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pg");
        let mut control = fs::read(fixtures.join("15/pg_control")).unwrap();
        control.resize(8192, 0);
        fs::write(data.join("global/pg_control"), control).unwrap();
        let locks = folder.path().join("lock");
        Self {
            folder,
            environment: Vec::new(),
        }
        .with("STANZA", STANZA)
        .with("PG1_PATH", data.to_str().unwrap())
        .with("LOCK_PATH", locks.to_str().unwrap())
        .with("LOG_LEVEL_CONSOLE", "warn")
        .with("LOG_LEVEL_FILE", "off")
    }

    /// Sets an option, as the variable without its prefix.
    pub(crate) fn with(mut self, option: &str, value: &str) -> Self {
        let name = format!("PGBACKREST_{option}");
        self.environment.push((name, value.to_owned()));
        self
    }

    /// Encrypts with `passphrase`, if there is one.
    pub(crate) fn with_passphrase(self, passphrase: Option<&str>) -> Self {
        match passphrase {
            None => self,
            Some(passphrase) => self
                .with("REPO1_CIPHER_TYPE", "aes-256-cbc")
                .with("REPO1_CIPHER_PASS", passphrase),
        }
    }

    /// Returns a path in its own folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Returns where `pgbackrest stop` leaves its files.
    pub(crate) fn locks(&self) -> PathBuf {
        self.path("lock")
    }

    /// Makes the stanza.
    #[track_caller]
    pub(crate) fn create_stanza(&self) {
        self.succeed(&["--no-online", "stanza-create"]);
    }

    /// Archives a file.
    #[track_caller]
    pub(crate) fn push(&self, name: &str, content: &[u8]) {
        self.write(name, content);
        let path = self.path(name);
        self.succeed(&["archive-push", path.to_str().unwrap()]);
    }

    /// Fetches a file; `None` if it is not there.
    #[track_caller]
    pub(crate) fn get(&self, name: &str) -> Option<Vec<u8>> {
        let target = self.path("fetched");
        let output = self.run(&["archive-get", name, target.to_str().unwrap()]);
        match output.status.code() {
            Some(0) => Some(fs::read(target).unwrap()),
            Some(1) => None,
            _ => panic!("archive-get {name}: {}", text(&output)),
        }
    }

    /// Returns the `restore_command` of a server in `data` that fetches with it.
    pub(crate) fn fetching(&self, data: &Path) -> String {
        let environment = self.environment.iter();
        let environment = environment.map(|(name, value)| format!("{name}={value}"));
        let environment: Vec<_> = environment.collect();
        format!(
            "env {} pgbackrest --no-config --pg1-path={} archive-get %f \"%p\"",
            environment.join(" "),
            data.display()
        )
    }

    /// Returns what `verify` says of the whole repository.
    #[track_caller]
    pub(crate) fn verify(&self) -> String {
        self.succeed(&["verify", "--output=text", "--verbose"])
    }

    /// Returns what `info` says of the stanza.
    #[track_caller]
    pub(crate) fn info(&self) -> serde_json::Value {
        let output = self.succeed(&["info", "--output=json"]);
        let mut stanzas: Vec<serde_json::Value> = serde_json::from_str(&output).unwrap();
        assert_eq!(stanzas.len(), 1, "{output}");
        stanzas.remove(0)
    }

    /// Runs a command that must succeed, and returns what it says.
    #[track_caller]
    pub(crate) fn succeed(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command that must fail with this code.
    #[track_caller]
    pub(crate) fn fail(&self, arguments: &[&str], code: i32) {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(code), "{}", text(&output));
    }

    /// Leaves a file where it can be pushed.
    pub(crate) fn write(&self, name: &str, content: &[u8]) {
        fs::write(self.path(name), content).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let environment = self.environment.iter();
        let environment = environment.map(|(name, value)| (name.as_str(), value.as_str()));
        let mut command = Command::new("pgbackrest");
        command.arg("--no-config").args(arguments).envs(environment);
        command.output().unwrap_or_else(|error| {
            panic!("`pgbackrest` is missing: apt-get install pgbackrest ({error})")
        })
    }
}

fn text(output: &Output) -> String {
    let all = [&*output.stdout, b"\n", &*output.stderr].concat();
    String::from_utf8_lossy(&all).into_owned()
}
