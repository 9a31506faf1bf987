//! A private server on restored files.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{Instant, sleep};

use super::Programs;
use crate::{
    error::chain,
    pg::server::{ConnectOptions, Server},
    workers::Workers,
};

/// A server of which nobody but this process knows. Killed when it is dropped.
#[derive(Debug)]
pub(super) struct PrivateServer {
    child: Child,
    folder: PathBuf,
    role: String,
}

/// What keeps a restored server from reaching out, whatever its own settings are, and from wanting
/// what this machine does not have.
const SETTINGS: [(&str, &str); 21] = [
    ("listen_addresses", ""),
    ("port", "5432"),
    ("unix_socket_permissions", "0700"),
    ("archive_mode", "off"),
    ("hot_standby", "off"),
    ("primary_conninfo", ""),
    ("primary_slot_name", ""),
    ("recovery_end_command", ""),
    ("archive_cleanup_command", ""),
    ("max_logical_replication_workers", "0"),
    ("shared_preload_libraries", ""),
    ("session_preload_libraries", ""),
    ("local_preload_libraries", ""),
    ("synchronous_standby_names", ""),
    ("ssl", "off"),
    ("huge_pages", "off"),
    ("shared_buffers", "128MB"),
    ("autovacuum", "off"),
    ("logging_collector", "off"),
    ("log_destination", "stderr"),
    ("external_pid_file", ""),
];

impl PrivateServer {
    /// Starts a server on the files in `data`; its socket, its log and who may come are in
    /// `folder`. Blocking.
    pub(super) fn start(
        programs: &Programs,
        folder: &Path,
        data: &Path,
        role: &str,
        more: &[(String, String)],
    ) -> io::Result<Self> {
        let (hba, ident) = (folder.join("pg_hba.conf"), folder.join("pg_ident.conf"));
        fs::write(&hba, "local all all trust\n")?;
        fs::write(&ident, "")?;
        let log = File::create(folder.join(LOG))?;
        let mut command = Command::new(programs.server());
        command.arg("-D").arg(data);
        let mut set = |name: &str, value: &str| {
            command.arg("-c").arg(format!("{name}={value}"));
        };
        for (name, value) in SETTINGS {
            set(name, value);
        }
        set("unix_socket_directories", &folder.to_string_lossy());
        set("hba_file", &hba.to_string_lossy());
        set("ident_file", &ident.to_string_lossy());
        for (name, value) in more {
            set(name, value);
        }
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        Ok(Self {
            child: command.spawn()?,
            folder: folder.to_owned(),
            role: role.to_owned(),
        })
    }

    /// Waits until it has replayed everything and lets somebody in.
    pub(super) async fn recovered(
        &mut self,
        patience: Duration,
        workers: &Workers,
    ) -> Result<Server, String> {
        let end = Instant::now() + patience;
        let mut last = "it did not answer".to_owned();
        while Instant::now() < end {
            let ended = self.child.try_wait().map_err(|error| error.to_string())?;
            if let Some(status) = ended {
                return Err(self.told(&ended_early(status), workers).await);
            }
            match Server::connect(&self.options("postgres")?).await {
                Ok(server) => match server.is_in_recovery().await {
                    Ok(false) => return Ok(server),
                    Ok(true) => {}
                    Err(error) => last = chain(&error),
                },
                Err(error) => last = chain(&error),
            }
            sleep(Duration::from_millis(100)).await;
        }
        let reason = format!("the server did not recover within {patience:?}: {last}");
        Err(self.told(&reason, workers).await)
    }

    /// Opens a session with a database.
    pub(super) async fn connect(&self, database: &str) -> Result<Server, String> {
        let server = Server::connect(&self.options(database)?).await;
        server.map_err(|error| chain(&error))
    }

    /// Returns the arguments with which PostgreSQL's own programs reach it.
    pub(super) fn arguments(&self) -> [String; 3] {
        [
            format!("--host={}", self.folder.display()),
            "--port=5432".to_owned(),
            format!("--username={}", self.role),
        ]
    }

    /// Ends it at once: its files are of no more use.
    pub(super) async fn stop(mut self, workers: &Workers) -> io::Result<()> {
        // It may have ended.
        let _ = kill_process(Pid::from_child(&self.child), Signal::QUIT);
        workers.disk(move || self.child.wait().map(drop)).await
    }

    fn options(&self, database: &str) -> Result<ConnectOptions, String> {
        let options = ConnectOptions::parse("").map_err(|error| chain(&error))?;
        Ok(options
            .or_host(&self.folder.to_string_lossy())
            .or_port(5432)
            .or_user(&self.role)
            .or_database(database))
    }

    /// Adds the last lines of the log to a reason.
    async fn told(&self, reason: &str, workers: &Workers) -> String {
        let log = self.folder.join(LOG);
        let text = workers
            .disk(move || fs::read(log))
            .await
            .unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let mut lines: Vec<_> = text.lines().rev().take(LINES).collect();
        lines.reverse();
        format!("{reason}; its log ends with: {}", lines.join(" | "))
    }
}

impl Drop for PrivateServer {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = kill_process(Pid::from_child(&self.child), Signal::QUIT);
        }
    }
}

fn ended_early(status: ExitStatus) -> String {
    format!("the server ended early, {status}")
}

const LOG: &str = "postgres.log";
/// How many lines of the log are told.
const LINES: usize = 8;
