//! A data directory, some destinations, and the program.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
};

use jiff::Timestamp;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use walcast::fanout::Status;

use super::{
    s3::{Options, S3Server},
    wal,
};

const SPOOL: [&str; 2] = ["--spool", "../spool"];

/// A data directory, folders as destinations, a spool, and a configuration.
pub(crate) struct World {
    folder: TempDir,
    configuration: String,
}

/// What a run of the program came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl World {
    /// Without destinations.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("data/pg_wal")).unwrap();
        Self {
            folder,
            configuration: String::new(),
        }
    }

    /// With a folder for each of `names`.
    pub(crate) fn with_folders(names: &[&str]) -> Self {
        let mut world = Self::new();
        for name in names {
            world.add_folder(name);
        }
        world
    }

    /// Adds a folder as a destination.
    pub(crate) fn add_folder(&mut self, name: &str) {
        fs::create_dir(self.path(name)).unwrap();
        let path = self.path(name);
        let place = format!("destinationPath: file://{}", path.display());
        let compression = ["wal: {compression: lz4}", "data: {compression: gzip}"];
        self.add_store(name, &[&[place.as_str()], &compression[..]].concat());
    }

    /// Adds a bucket as a destination, with its keys in a Secret.
    pub(crate) fn add_bucket(&mut self, name: &str, server: &S3Server) {
        self.add_bucket_at(name, &server.endpoint(), server.options(), &[]);
    }

    /// Adds a bucket as a destination, described by what the server would have to be and by
    /// further lines of its `configuration`.
    pub(crate) fn add_bucket_at(
        &mut self,
        name: &str,
        endpoint: &str,
        options: &Options,
        lines: &[&str],
    ) {
        let place = format!("destinationPath: s3://{}/pg", options.bucket);
        let endpoint = format!("endpointURL: {endpoint}");
        let id = format!("  accessKeyId: {{name: keys-of-{name}, key: id}}");
        let secret = format!("  secretAccessKey: {{name: keys-of-{name}, key: secret}}");
        let place = [&place, &endpoint, "s3Credentials:", &id, &secret];
        self.add_store(name, &[&place, lines].concat());
        let (id, secret) = (&options.access_key, &options.secret_key);
        self.add_document(&format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: keys-of-{name}}}\n\
             stringData: {{id: {id}, secret: {secret}}}\n"
        ));
    }

    /// Adds an `ObjectStore` with these lines of its `configuration`.
    pub(crate) fn add_store(&mut self, name: &str, lines: &[&str]) {
        let mut document = format!(
            "apiVersion: barmancloud.cnpg.io/v1\nkind: ObjectStore\n\
             metadata: {{name: {name}}}\nspec:\n  configuration:\n"
        );
        for line in lines {
            writeln!(document, "    {line}").unwrap();
        }
        self.add_document(&document);
    }

    /// Takes all destinations out of the configuration.
    pub(crate) fn clear_configuration(&mut self) {
        self.configuration.clear();
    }

    /// Adds a document to the configuration.
    pub(crate) fn add_document(&mut self, document: &str) {
        write!(self.configuration, "---\n{document}").unwrap();
        fs::write(self.path("stores.yaml"), &self.configuration).unwrap();
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a segment for PostgreSQL to archive and returns its `%p`.
    pub(crate) fn write_segment(&self, number: u64) -> String {
        wal::write(&self.path("data/pg_wal"), number);
        format!("pg_wal/{}", wal::name(number))
    }

    /// Archives a segment that is written for it.
    pub(crate) fn archive(&self, number: u64, arguments: &[&str]) -> Ran {
        let path = self.write_segment(number);
        self.archive_path(&path, arguments)
    }

    /// Runs `wal-archive`.
    pub(crate) fn archive_path(&self, path: &str, arguments: &[&str]) -> Ran {
        let all = [&["wal-archive", path], &SPOOL[..], arguments];
        self.run(&all.concat())
    }

    /// Fetches a segment to `pg_wal/RECOVERYXLOG`.
    pub(crate) fn restore(&self, number: u64, arguments: &[&str]) -> Ran {
        let name = wal::name(number);
        let all = [&["wal-restore", &name, "pg_wal/RECOVERYXLOG"], arguments];
        self.run(&all.concat())
    }

    /// Runs `status`.
    pub(crate) fn status(&self, arguments: &[&str]) -> Ran {
        let all = [&["status"], &SPOOL[..], arguments];
        self.run(&all.concat())
    }

    /// Returns what `status` tells, whatever that is.
    #[track_caller]
    pub(crate) fn known(&self) -> Status {
        let ran = self.status(&["--output=json"]);
        serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"))
    }

    /// Runs the program in the data directory, as PostgreSQL does.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.command(arguments).output().unwrap().into()
    }

    /// Starts the resident and waits until it listens.
    pub(crate) fn serve(&self) -> Resident {
        let mut resident = Resident::spawn(&mut self.serve_command(&["--patience=500ms"]));
        resident.wait_until_it_says("socket");
        resident
    }

    pub(crate) fn serve_command(&self, arguments: &[&str]) -> Command {
        self.command(&[&["serve"], &SPOOL[..], arguments].concat())
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_walcast"));
        command
            .args(arguments)
            .current_dir(self.path("data"))
            .env_clear()
            .env("WALCAST_FILE", self.path("stores.yaml"))
            .env("WALCAST_SERVER_NAME", "main")
            .stdin(Stdio::null());
        command
    }

    /// Returns whether the folder `name` holds a segment.
    pub(crate) fn holds(&self, name: &str, number: u64) -> bool {
        let segment = wal::name(number);
        let key = format!("{name}/main/wals/{}/{segment}.lz4", &segment[..16]);
        self.path(key).exists()
    }

    /// Returns the state that the last command left.
    pub(crate) fn state(&self) -> serde_json::Value {
        let content = fs::read(self.path("spool/state.json")).unwrap();
        serde_json::from_slice(&content).unwrap()
    }

    /// Lets the time pass after which destinations that are down are asked again.
    pub(crate) fn end_pauses(&self) {
        let path = self.path("spool/state.json");
        let Ok(content) = fs::read(&path) else {
            return;
        };
        let mut state: serde_json::Value = serde_json::from_slice(&content).unwrap();
        let destinations = state["destinations"].as_object_mut().unwrap();
        for destination in destinations.values_mut() {
            if !destination["not_before"].is_null() {
                destination["not_before"] = Timestamp::UNIX_EPOCH.to_string().into();
            }
        }
        fs::write(path, serde_json::to_vec(&state).unwrap()).unwrap();
    }

    /// Returns the names that somebody owes.
    pub(crate) fn owed(&self) -> Vec<String> {
        let folder = self.path("spool/queue/00000001");
        let entries = fs::read_dir(folder).into_iter().flatten();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort_unstable();
        names
    }

    /// Replaces what differs from run to run.
    pub(crate) fn redacted(&self, text: &str) -> String {
        let root = self.folder.path().display().to_string();
        let text = text.replace(&root, "/world");
        let lines = text.lines().map(redacted_line);
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// Writes `TIME` for times, `SIZE` for sizes, and one blank between words.
fn redacted_line(line: &str) -> String {
    let indent = line.len() - line.trim_start().len();
    let mut words: Vec<String> = Vec::new();
    for word in line.split_whitespace() {
        let stands_for = match word.trim_end_matches([',', ')', ';']) {
            "s" | "min" | "h" => Some("TIME"),
            "B" | "KiB" | "MiB" => Some("SIZE"),
            _ => None,
        };
        match (words.last_mut(), stands_for) {
            (Some(number), Some(kind)) if number.trim_start_matches('(').parse::<f64>().is_ok() => {
                let before = if number.starts_with('(') { "(" } else { "" };
                let behind = word.trim_start_matches(char::is_alphabetic);
                *number = format!("{before}{kind}{behind}");
            }
            _ => words.push(word.to_owned()),
        }
    }
    format!("{}{}", &line[..indent], words.join(" "))
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    /// Checks that it did its work and had nothing to say.
    #[track_caller]
    pub(crate) fn assert_silent_success(&self) {
        assert_eq!(
            (self.code, self.stdout.as_str(), self.stderr.as_str()),
            (Some(0), "", "")
        );
    }

    /// Checks how it ended, and that it said something.
    #[track_caller]
    pub(crate) fn assert_ended(&self, code: i32, said: &str) {
        assert!(
            self.code == Some(code) && self.stderr.contains(said),
            "{self:?}"
        );
    }
}

/// A running resident, killed when dropped.
pub(crate) struct Resident {
    child: Child,
}

impl Resident {
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let child = command.stderr(Stdio::piped()).spawn().unwrap();
        Self { child }
    }

    /// Reads its log up to a line with `text`.
    #[track_caller]
    pub(crate) fn wait_until_it_says(&mut self, text: &str) {
        assert!(
            self.says(text),
            "the resident ended before it said `{text}`"
        );
    }

    /// Reads its log up to a line with `text`; false if it ended before.
    pub(crate) fn says(&mut self, text: &str) -> bool {
        self.line_with(text).is_some()
    }

    /// Reads its log up to a line with `text` and returns that; `None` if it ended before.
    pub(crate) fn line_with(&mut self, text: &str) -> Option<String> {
        let log = self.child.stderr.as_mut().unwrap();
        let mut line = Vec::new();
        let mut byte = [0];
        // Byte by byte, so that nothing of the next line is taken.
        while std::io::Read::read(log, &mut byte).unwrap() == 1 {
            line.push(byte[0]);
            if byte[0] != b'\n' {
                continue;
            }
            let read = String::from_utf8_lossy(&line);
            if read.contains(text) {
                return Some(read.into_owned());
            }
            line.clear();
        }
        None
    }

    /// Asks it to end and returns its exit code.
    pub(crate) fn stop(self) -> Option<i32> {
        self.terminate();
        self.wait().code()
    }

    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Returns how it ended, once it has.
    pub(crate) fn wait(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Makes it hang, or go on.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).unwrap();
    }

    /// Ends it without notice.
    pub(crate) fn kill(mut self) {
        self.kill_now();
        self.child.wait().unwrap();
    }

    /// As [`kill`](Self::kill), without waiting for the end.
    pub(crate) fn kill_now(&mut self) {
        self.child.kill().unwrap();
    }
}

impl Drop for Resident {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for what a test server sees.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(future)
}
