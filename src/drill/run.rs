//! A drill from its begin to its end.

use std::{
    fs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use tokio::time::Instant;

use super::{DrillRecord, Programs, server::PrivateServer};
use crate::{
    clock::Clock,
    error::chain,
    fanout::Destination,
    pg::{MajorVersion, server::Server},
    repository::BackupReader,
    restore::{
        RecoverySettings, RecoveryTarget, TargetTimeline,
        base::BaseRestore,
        place::Placement,
        plan::{Holdings, RestorePlan, RestoreRequest},
    },
    workers::Workers,
};

/// A restore for practice from one destination.
#[derive(Clone, Debug)]
pub struct Drill<'a> {
    /// The destination, and no other.
    pub destination: &'a Destination,
    /// The backup; `None` is the newest that leads to the end of the archive.
    pub backup: Option<&'a str>,
    /// A folder in which one is made for the drill, with room for the whole cluster.
    pub scratch: &'a Path,
    /// Leaves the files and the log where they are.
    pub keep: bool,
    /// Where PostgreSQL's programs are; `None` looks where packages put them.
    pub programs: Option<&'a Path>,
    /// The command with which the server fetches its WAL, with `%f` and `%p`, from that destination
    /// alone.
    pub restore_command: &'a str,
    /// The role that asks; a superuser of the cluster.
    pub role: &'a str,
    /// What is asked besides.
    pub question: Option<Question<'a>>,
    /// Further settings of the server, such as a library that a table's access method needs.
    pub settings: &'a [(String, String)],
    /// How long recovery may take.
    pub patience: Duration,
    /// Does the blocking work.
    pub workers: &'a Workers,
    /// Tells the time.
    pub clock: &'a dyn Clock,
}

/// A question to the restored server.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// In which database.
    pub database: &'a str,
    /// The statement. No row, and an error, is a failure of the drill.
    pub sql: &'a str,
}

type Step<T = ()> = Result<T, String>;

impl Drill<'_> {
    /// Restores, and returns what came of it; whatever fails is in the record.
    pub async fn run(&self) -> DrillRecord {
        let mut record = DrillRecord::new(self.clock.now(), self.backup.unwrap_or("none"));
        let system = rustix::system::uname();
        record.machine = system.nodename().to_string_lossy().into_owned();
        let stamp = record.at.strftime("%Y%m%dT%H%M%S");
        let folder = self
            .scratch
            .join(format!("drill-{}-{stamp}", self.destination.id));
        if let Err(reason) = self.take(&folder, &mut record).await {
            record.failure = Some(reason);
        }
        if !self.keep {
            let gone = self.workers.disk(move || fs::remove_dir_all(folder)).await;
            if let Err(error) = gone {
                tracing::warn!(%error, "the files of the drill were not removed");
            }
        }
        record
    }

    async fn take(&self, folder: &Path, record: &mut DrillRecord) -> Step {
        if rustix::process::geteuid().is_root() {
            return Err(
                "PostgreSQL does not run as root: run the drill as another user".to_owned(),
            );
        }
        let plan = self.plan().await?;
        record.backup.clone_from(&plan.backup.id);
        let version = plan.backup.server_version.unwrap_or_default();
        let version = MajorVersion::from_server_version(version)
            .ok_or_else(|| format!("the backup is of version {version}, which is not known"))?;
        let programs = Programs::find(version, self.programs).map_err(|error| error.to_string())?;
        let path = folder.to_owned();
        let create = move || fs::DirBuilder::new().mode(0o700).create(path);
        let created = self.workers.disk(create).await;
        created.map_err(|error| format!("{}: {error}", folder.display()))?;

        let begin = Instant::now();
        let data = self.restore(folder, &plan, record).await?;
        record.restore_ms = milliseconds(begin);

        let begin = Instant::now();
        let mut server = self.start(&programs, folder, data).await?;
        let session = server.recovered(self.patience, self.workers).await?;
        record.recovery_ms = milliseconds(begin);

        let begin = Instant::now();
        let checked = self.check(&server, &session, &programs, record).await;
        record.check_ms = milliseconds(begin);
        session.close().await;
        let stopped = server.stop(self.workers).await;
        checked?;
        stopped.map_err(|error| format!("the server could not be stopped: {error}"))
    }

    async fn plan(&self) -> Step<RestorePlan> {
        let catalog = self.destination.repository.catalog(None).await;
        let catalog = catalog.map_err(|error| chain(&error))?;
        let request = RestoreRequest {
            target: RecoveryTarget::Latest,
            timeline: TargetTimeline::Latest,
            backup: self.backup.map(str::to_owned),
            system_id: None,
            segment_size: catalog.segment_size,
        };
        let holdings = Holdings::of(&self.destination.id, &catalog);
        let plan = request.plan(std::slice::from_ref(&holdings));
        plan.map_err(|error| chain(&error))
    }

    async fn restore(
        &self,
        folder: &Path,
        plan: &RestorePlan,
        record: &mut DrillRecord,
    ) -> Step<PathBuf> {
        let repository = &self.destination.repository;
        let reader = repository.open_backup(&plan.backup.id).await;
        let reader = reader.map_err(|error| chain(&error))?;
        let data = folder.join("data");
        let placement = placement(folder, &data, &*reader)?;
        let restore = BaseRestore {
            placement,
            settings: RecoverySettings::new(self.restore_command),
            rounds: 3,
            workers: self.workers.clone(),
        };
        let copies = vec![(self.destination.id.clone(), reader)];
        let report = restore.run(copies, &|_| {}).await;
        let report = report.map_err(|error| chain(&error))?;
        record.files = report.placed.files;
        record.bytes = report.placed.written;
        Ok(data)
    }

    async fn start(
        &self,
        programs: &Programs,
        folder: &Path,
        data: PathBuf,
    ) -> Step<PrivateServer> {
        let (programs, folder) = (programs.clone(), folder.to_owned());
        let (role, settings) = (self.role.to_owned(), self.settings.to_vec());
        let start = move || PrivateServer::start(&programs, &folder, &data, &role, &settings);
        let started = self.workers.disk(start).await;
        started.map_err(|error| format!("the server could not be started: {error}"))
    }

    async fn check(
        &self,
        server: &PrivateServer,
        session: &Server,
        programs: &Programs,
        record: &mut DrillRecord,
    ) -> Step {
        let reached = session.reached().await.map_err(|error| chain(&error))?;
        record.timeline = Some(reached.timeline);
        record.reached = reached.replayed;
        record.last_commit = reached.last_commit;
        if let Some(amcheck) = programs.amcheck() {
            let arguments = server.arguments();
            let mut command = Command::new(amcheck);
            command.args(arguments).args(["--all", "--install-missing"]);
            let output = self.workers.disk(move || command.output()).await;
            let output = output.map_err(|error| format!("pg_amcheck: {error}"))?;
            if !output.status.success() {
                let said = [output.stdout, output.stderr].concat();
                let said = String::from_utf8_lossy(&said);
                let said: Vec<_> = said.lines().take(LINES).collect();
                return Err(format!("pg_amcheck found something: {}", said.join(" | ")));
            }
            record.databases = session.databases().await.map_err(|error| chain(&error))?;
        }
        let Some(question) = &self.question else {
            return Ok(());
        };
        let session = server.connect(question.database).await?;
        let answer = session.ask(question.sql).await;
        session.close().await;
        let answer = answer.map_err(|error| format!("the question: {}", chain(&error)))?;
        if answer.is_empty() {
            return Err("the question had no answer".to_owned());
        }
        record.answer = Some(answer.join("\n"));
        Ok(())
    }
}

/// Everything goes below the folder of the drill.
fn placement(folder: &Path, data: &Path, reader: &dyn BackupReader) -> Step<Placement> {
    let tablespaces = reader.tablespaces();
    let mut placement = Placement::new(data.to_owned(), reader.backup(), tablespaces);
    for tablespace in tablespaces {
        let place = folder.join(format!("tablespace-{}", tablespace.oid));
        let moved = placement.move_tablespace(tablespaces, &tablespace.name, &place);
        moved.map_err(|error| chain(&error))?;
    }
    Ok(placement)
}

fn milliseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// How many lines of a program's output are told.
const LINES: usize = 10;
