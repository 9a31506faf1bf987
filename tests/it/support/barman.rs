//! The real `barman-cloud-*` tools, run on a bucket.

use std::{
    ffi::OsString,
    path::Path,
    process::{Command, Output},
};

use super::s3::S3Server;

/// What runs the tools.
pub(crate) struct Barman<'a> {
    python: OsString,
    server: &'a S3Server,
}

impl<'a> Barman<'a> {
    const VERSION: &'static str = "3.19.1";

    /// Uses the Python that `WALCAST_TEST_PYTHON` names, else `python3`.
    ///
    /// # Panics
    ///
    /// If that Python does not have the version of Barman that is meant, with its codecs.
    pub(crate) fn on(server: &'a S3Server) -> Self {
        let named = std::env::var_os("WALCAST_TEST_PYTHON");
        let python = named.unwrap_or_else(|| OsString::from("python3"));
        let script = "import boto3, lz4, snappy, zstandard, barman.version as b; \
                      print(b.__version__)";
        let found = Command::new(&python).args(["-c", script]).output();
        let version = found.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        assert!(
            version
                .as_ref()
                .is_ok_and(|version| version == Self::VERSION),
            "{} has no Barman {}: python3 -m venv target/venv && target/venv/bin/pip install \
             'barman[cloud,snappy,lz4,zstandard]=={1}', then set \
             WALCAST_TEST_PYTHON=$PWD/target/venv/bin/python",
            python.display(),
            Self::VERSION,
        );
        Self { python, server }
    }

    /// Archives the file at `path`, with an option like `--gzip` or none.
    pub(crate) fn archive(&self, url: &str, name: &str, option: Option<&str>, path: &Path) {
        let mut command = self.tool("cloud_walarchive");
        command.args(option).args([url, name]).arg(path);
        expect(&mut command, 0);
    }

    /// Fetches `wal` to `target`, with a spool of its own in `folder`.
    pub(crate) fn restore(&self, url: &str, name: &str, wal: &str, folder: &Path) -> Vec<u8> {
        let target = folder.join("restored");
        let mut command = self.wal_restore(url, name, &folder.join("spool"));
        expect(command.arg(wal).arg(&target), 0);
        std::fs::read(target).unwrap()
    }

    /// Returns the command that restores from `name`, to which name and target are to be added.
    pub(crate) fn wal_restore(&self, url: &str, name: &str, spool: &Path) -> Command {
        let mut command = self.tool("cloud_walrestore");
        command.arg("--spool-dir").arg(spool).args([url, name]);
        command
    }

    /// Asks whether the archive is empty, and expects an exit code: 0 if it is, 1 if not.
    pub(crate) fn check_wal_archive(&self, url: &str, name: &str, code: i32) {
        let mut command = self.tool("cloud_check_wal_archive");
        expect(command.args([url, name]), code);
    }

    /// Takes a base backup, with an option like `--gzip` or none.
    pub(crate) fn base_backup(
        &self,
        url: &str,
        name: &str,
        backup: &str,
        option: Option<&str>,
        conninfo: &str,
    ) {
        let mut command = self.tool("cloud_backup");
        command
            .args(option)
            .args(["--immediate-checkpoint", "--name", backup]);
        expect(command.args(["--dbname", conninfo, url, name]), 0);
    }

    /// Lists the base backups.
    pub(crate) fn backup_list(&self, url: &str, name: &str) -> serde_json::Value {
        let mut command = self.tool("cloud_backup_list");
        let output = expect(command.args(["--format", "json", url, name]), 0);
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Says what is known of a base backup.
    pub(crate) fn backup_show(&self, url: &str, name: &str, backup: &str) -> serde_json::Value {
        let mut command = self.tool("cloud_backup_show");
        let output = expect(command.args(["--format", "json", url, name, backup]), 0);
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Keeps a base backup, releases it or asks, whatever `options` say, and returns the answer.
    pub(crate) fn backup_keep(
        &self,
        url: &str,
        name: &str,
        backup: &str,
        options: &[&str],
    ) -> String {
        let mut command = self.tool("cloud_backup_keep");
        let output = expect(command.args(options).args([url, name, backup]), 0);
        String::from_utf8(output.stdout).unwrap()
    }

    /// Deletes the base backups that `options` name.
    pub(crate) fn backup_delete(&self, url: &str, name: &str, options: &[&str]) {
        let mut command = self.tool("cloud_backup_delete");
        expect(command.args(options).args([url, name]), 0);
    }

    /// Deletes base backups by policies, in few processes, and returns how each call ended.
    pub(crate) fn delete_all(&self, jobs: &[Vec<String>]) -> Vec<i64> {
        let options = ["--endpoint-url".to_owned(), self.server.endpoint()];
        let parts = jobs.chunks(jobs.len().div_ceil(2).max(1)).map(|part| {
            let part: Vec<_> = part
                .iter()
                .map(|job| [&options, &job[..]].concat())
                .collect();
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), serde_json::to_vec(&part).unwrap()).unwrap();
            let mut command = self.python();
            command.args(["-c", DELETE_ALL]).arg(file.path());
            (file, command)
        });
        let parts: Vec<_> = parts.collect();
        std::thread::scope(|scope| {
            let runs = parts.into_iter().map(|(file, mut command)| {
                scope.spawn(move || {
                    let output = expect(&mut command, 0);
                    drop(file);
                    serde_json::from_slice::<Vec<i64>>(&output.stdout).unwrap()
                })
            });
            let runs: Vec<_> = runs.collect();
            let codes = runs.into_iter().map(|run| run.join().unwrap());
            codes.flatten().collect()
        })
    }

    /// Restores a base backup.
    pub(crate) fn base_restore(
        &self,
        url: &str,
        name: &str,
        backup: &str,
        target: &Path,
        options: &[&str],
    ) {
        let mut command = self.tool("cloud_restore");
        expect(
            command.args(options).args([url, name, backup]).arg(target),
            0,
        );
    }

    fn tool(&self, module: &str) -> Command {
        let mut command = self.python();
        command
            .args(["-m", &format!("barman.clients.{module}")])
            .args(["--endpoint-url", &self.server.endpoint()]);
        command
    }

    fn python(&self) -> Command {
        let options = self.server.options();
        let mut command = Command::new(&self.python);
        command
            .env("AWS_ACCESS_KEY_ID", &options.access_key)
            .env("AWS_SECRET_ACCESS_KEY", &options.secret_key)
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env("AWS_EC2_METADATA_DISABLED", "true");
        command
    }
}

/// Calls the tool with each of the lists of arguments in a file.
const DELETE_ALL: &str = "
import boto3, contextlib, io, json, sys
from barman.clients import cloud_backup_delete
# Each session reads megabytes of descriptions anew.
session = boto3.Session()
boto3.Session = lambda *args, **kwargs: session
codes = []
for job in json.load(open(sys.argv[1])):
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            cloud_backup_delete.main(job)
        codes.append(0)
    except SystemExit as error:
        codes.append(error.code or 0)
print(json.dumps(codes))
";

fn expect(command: &mut Command, code: i32) -> Output {
    let output: Output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{command:?}: {stderr}");
    output
}
