//! Real PostgreSQL servers: fast, quiet, reachable by a socket of their own, and stopped by whoever
//! started them.

mod load;
mod programs;

use std::{
    ffi::OsStr,
    fmt::Write as _,
    fs::{self, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, geteuid, kill_process};

pub(crate) use self::programs::Programs;

/// How long anything may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);
/// How often is looked.
const LOOK: Duration = Duration::from_millis(20);

/// Calls `look` until it returns something; `state` says what there was instead.
#[track_caller]
pub(crate) fn until<T>(
    what: &str,
    mut look: impl FnMut() -> Option<T>,
    state: impl FnOnce() -> String,
) -> T {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(seen) = look() {
            return seen;
        }
        thread::sleep(LOOK);
    }
    panic!("{what} did not happen within {PATIENCE:?}: {}", state());
}

/// A data directory, and where the server's socket and log are.
#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    data: PathBuf,
    sockets: PathBuf,
    log: PathBuf,
    programs: Programs,
}

impl Cluster {
    /// Makes a new cluster with segments of 1 MiB in `folder`, which must not be there.
    pub(crate) fn init(folder: &Path) -> Self {
        Self::init_by(&Programs::usual(), folder)
    }

    /// As [`init`](Self::init), of the version that these programs are of.
    pub(crate) fn init_by(programs: &Programs, folder: &Path) -> Self {
        let cluster = Self::of(folder).run_by(programs);
        let mut initdb = as_server(programs.server("initdb"));
        initdb.arg("--pgdata").arg(&cluster.data);
        initdb.args([
            "--username=postgres",
            "--auth=trust",
            "--no-sync",
            "--wal-segsize=1",
            "--data-checksums",
        ]);
        succeed(initdb.args(["--encoding=UTF8", "--no-locale"]));
        cluster.configure(
            "fsync = off\nautovacuum = off\nlisten_addresses = ''\nshared_buffers = 16MB\n\
             max_connections = 10\ncheckpoint_timeout = 1h\nmax_wal_size = 1GB\nlog_checkpoints = off\n",
        );
        cluster
    }

    /// Makes a copy of a data directory whose server is not running.
    pub(crate) fn copy(source: &Path, folder: &Path) -> Self {
        let cluster = Self::of(folder);
        succeed(as_server("cp").arg("-a").arg(source).arg(&cluster.data));
        cluster
    }

    /// Returns the cluster whose data directory is in `folder`, or will be.
    pub(crate) fn of(folder: &Path) -> Self {
        let cluster = Self {
            data: folder.join("data"),
            sockets: folder.join("socket"),
            log: folder.join("log"),
            programs: Programs::usual(),
        };
        succeed(as_server("mkdir").arg("-p").arg(&cluster.sockets));
        cluster
    }

    /// Has its servers run by these programs.
    #[must_use]
    pub(crate) fn run_by(mut self, programs: &Programs) -> Self {
        self.programs = programs.clone();
        self
    }

    /// Returns what runs its servers.
    pub(crate) fn programs(&self) -> &Programs {
        &self.programs
    }

    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// Returns how a server of the cluster is reached.
    pub(crate) fn conninfo(&self) -> String {
        format!("host={} user=postgres", self.sockets.display())
    }

    /// Returns where the server's socket is.
    pub(crate) fn sockets(&self) -> &Path {
        &self.sockets
    }

    /// Makes a folder beside the data directory that belongs to the server.
    pub(crate) fn make_folder(&self, name: &str) -> PathBuf {
        let folder = self.data.with_file_name(name);
        succeed(as_server("mkdir").arg(&folder));
        folder
    }

    /// Adds lines to the configuration.
    pub(crate) fn configure(&self, lines: &str) {
        let path = self.data.join("postgresql.conf");
        let mut file = OpenOptions::new().append(true).open(path).unwrap();
        file.write_all(lines.as_bytes()).unwrap();
    }

    /// Has the next server recover from the archive.
    pub(crate) fn recover(&self) {
        fs::write(self.data.join("recovery.signal"), "").unwrap();
    }

    /// Has the next server be a standby.
    pub(crate) fn stand_by(&self) {
        fs::write(self.data.join("standby.signal"), "").unwrap();
    }

    /// Returns what the servers have logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Starts the server with what `environment` sets.
    pub(crate) fn start(&self, environment: &Command) -> Server {
        let log = OpenOptions::new().create(true).append(true).open(&self.log);
        let mut command = as_server(self.programs.server("postgres"));
        for (name, value) in environment.get_envs() {
            command.env(name, value.unwrap_or_else(|| OsStr::new("")));
        }
        command
            .arg("-D")
            .arg(&self.data)
            .arg("-k")
            .arg(&self.sockets);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null());
        let child = child.stderr(log.unwrap()).spawn().unwrap();
        let cluster = self.clone();
        Server { cluster, child }
    }
}

/// A running server, stopped when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) cluster: Cluster,
    child: Child,
}

impl Server {
    /// Waits until it takes commands and has nothing left to recover.
    #[track_caller]
    pub(crate) fn until_open(self) -> Self {
        self.until_it_says(b"f\n")
    }

    /// Waits until it takes commands as a standby.
    #[track_caller]
    pub(crate) fn until_standby(self) -> Self {
        self.until_it_says(b"t\n")
    }

    #[track_caller]
    fn until_it_says(mut self, is_in_recovery: &[u8]) -> Self {
        let started = self.says_or_ended(is_in_recovery);
        assert!(started, "PostgreSQL ended: {}", self.cluster.log());
        self
    }

    fn says_or_ended(&mut self, is_in_recovery: &[u8]) -> bool {
        let cluster = self.cluster.clone();
        let look = || {
            if self.child.try_wait().unwrap().is_some() {
                return Some(false);
            }
            let output = self.psql("select pg_is_in_recovery()").output().unwrap();
            (output.stdout == is_in_recovery).then_some(true)
        };
        until("PostgreSQL's start", look, || cluster.log())
    }

    /// Waits until it has ended by itself.
    #[track_caller]
    pub(crate) fn until_ended(mut self) -> ExitStatus {
        let cluster = self.cluster.clone();
        let look = || self.child.try_wait().unwrap();
        until("PostgreSQL's end", look, || cluster.log())
    }

    /// Runs statements one by one and returns the rows, columns separated by `|`.
    #[track_caller]
    pub(crate) fn sql(&self, statements: &str) -> String {
        let output = succeed(&mut self.psql(statements));
        String::from_utf8(output.stdout)
            .unwrap()
            .trim_end()
            .to_owned()
    }

    fn psql(&self, statements: &str) -> Command {
        let mut psql = self.client("psql");
        psql.args(["-XAtq", "--set=ON_ERROR_STOP=1", "--dbname=postgres"]);
        // Each in a transaction of its own.
        for statement in statements.split_inclusive(';') {
            psql.args(["--command", statement]);
        }
        psql
    }

    /// Fills `count` segments, each with rows of the table `t`.
    #[track_caller]
    pub(crate) fn fill_segments(&self, count: usize) {
        let mut statements = "create table if not exists t (id serial, text text);".to_owned();
        for _ in 0..count {
            let row = "select md5(random()::text) from generate_series(1, 500)";
            write!(
                statements,
                "insert into t (text) {row}; select pg_switch_wal();"
            )
            .unwrap();
        }
        self.sql(&statements);
    }

    /// Returns how many rows there are, and the last.
    #[track_caller]
    pub(crate) fn rows(&self) -> String {
        self.sql("select count(*), max(id) from t")
    }

    /// Waits until all full segments are archived, and returns the name of the last. As long as
    /// one after the other is, it may take its time.
    #[track_caller]
    pub(crate) fn until_archived(&self) -> String {
        let pending = || {
            let status = fs::read_dir(self.cluster.data.join("pg_wal/archive_status")).unwrap();
            let names = status.map(|entry| entry.unwrap().file_name().into_string().unwrap());
            names.filter(|name| name.ends_with("ready")).count()
        };
        let mut left = pending();
        while left > 0 {
            let look = || Some(pending()).filter(|now| *now < left);
            left = until("archiving", look, || {
                format!("{}\n{}", self.archiver(), self.cluster.log())
            });
        }
        self.sql("select last_archived_wal from pg_stat_archiver")
    }

    /// Returns how often archiving failed.
    #[track_caller]
    pub(crate) fn failed_count(&self) -> u64 {
        let count = self.sql("select failed_count from pg_stat_archiver");
        count.parse().unwrap()
    }

    fn archiver(&self) -> String {
        self.sql("select * from pg_stat_archiver")
    }

    /// Copies the data directory while it runs, without WAL.
    pub(crate) fn base_backup(&self, to: &Path) {
        let mut command = as_server(Programs::client("pg_basebackup"));
        command
            .arg("--pgdata")
            .arg(to)
            .arg("--host")
            .arg(&self.cluster.sockets);
        command.args([
            "--username=postgres",
            "--wal-method=none",
            "--checkpoint=fast",
        ]);
        succeed(command.args(["--no-sync", "--no-manifest"]));
    }

    /// Checks every table and index by `pg_amcheck`.
    #[track_caller]
    pub(crate) fn amcheck(&self) {
        succeed(
            self.client("pg_amcheck")
                .args(["--all", "--install-missing"]),
        );
    }

    /// Returns a client's program that asks this server.
    fn client(&self, name: &str) -> Command {
        let mut command = Command::new(Programs::client(name));
        command.arg("--host").arg(&self.cluster.sockets);
        command.arg("--username=postgres");
        command
    }

    /// Ends it without a checkpoint, as a crash would.
    pub(crate) fn crash(&mut self) {
        self.signal(Signal::QUIT);
        self.child.wait().unwrap();
    }

    fn signal(&self, signal: Signal) {
        // It may have ended.
        let _ = kill_process(Pid::from_child(&self.child), signal);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.crash();
        }
    }
}

/// Gives everything in `folder` to the user that servers run as.
pub(crate) fn own(folder: &Path) {
    if geteuid().is_root() {
        succeed(
            Command::new("chown")
                .args(["-R", "postgres:postgres"])
                .arg(folder),
        );
    }
}

/// Returns a command as a user that PostgreSQL takes: it refuses root.
pub(crate) fn as_server(program: impl AsRef<OsStr>) -> Command {
    if !geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
    // What the server runs, and where it writes, may belong to root.
    command.args(["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]);
    command.arg(program);
    command
}

#[track_caller]
fn succeed(command: &mut Command) -> Output {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {stderr}");
    output
}
