//! `walcast drill`: each destination is restored for practice.

use std::{
    fmt::Write,
    path::{PathBuf, absolute},
    time::Duration,
};

use clap::Args;
use serde_json::json;
use walcast::{
    byte_size::ByteSize,
    clock::SystemClock,
    drill::{Drill as Practice, DrillRecord, Question, remember_drill},
    error::chain,
    fanout::{Destination, DestinationId},
    workers::Workers,
};

use crate::{
    configuration::ConfigOptions,
    duration,
    output::{self, FAILED, Failure, Format},
    policy::check_known,
    restore::own_command,
    signals::Stop,
};

#[derive(Args, Debug)]
pub(crate) struct Drill {
    #[command(flatten)]
    config: ConfigOptions,
    /// A destination to restore; may be given several times. Default: all, one after the other.
    #[arg(long, value_name = "DEST")]
    destination: Vec<DestinationId>,
    /// The backup, by its id or its name. Default: the newest that leads to the end of the archive.
    #[arg(long, value_name = "BACKUP")]
    backup: Option<String>,
    /// A folder with room for the whole cluster: one is made in it for each drill, and removed.
    #[arg(long, value_name = "DIR")]
    scratch: PathBuf,
    /// Leaves the files and the server's log there.
    #[arg(long)]
    keep: bool,
    /// Writes nothing beside the backups.
    #[arg(long)]
    no_evidence: bool,
    /// PostgreSQL's `restore_command`. Default: this program's `wal-restore` from the destination
    /// alone.
    #[arg(long = "restore-command", value_name = "COMMAND")]
    command: Option<String>,
    #[command(flatten)]
    server: ServerOptions,
}

#[derive(Args, Debug)]
struct ServerOptions {
    /// The folder with PostgreSQL's programs. Default: where packages put those of the version.
    #[arg(long, value_name = "DIR", help_heading = SERVER)]
    pg_bin: Option<PathBuf>,
    /// A role of the cluster that may everything.
    #[arg(long, value_name = "ROLE", default_value = "postgres", help_heading = SERVER)]
    role: String,
    /// A setting of the private server, such as `shared_preload_libraries=timescaledb`; may be
    /// given several times.
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting, help_heading = SERVER)]
    setting: Vec<(String, String)>,
    /// Statements that are run at the end; the drill fails if they do, or return no row.
    #[arg(long, value_name = "SQL", help_heading = SERVER)]
    query: Option<String>,
    /// The database in which they are run.
    #[arg(long, value_name = "NAME", default_value = "postgres", requires = "query", help_heading = SERVER)]
    database: String,
    /// How long recovery may take.
    #[arg(long, value_name = "DURATION", default_value = "1d", value_parser = duration::parse, help_heading = SERVER)]
    patience: Duration,
}

const SERVER: &str = "The private server";

fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("it has no `=`")?;
    Ok((name.to_owned(), value.to_owned()))
}

impl Drill {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let mut stop = Stop::listen()?;
        let workers = Workers::new();
        let destinations = self.config.load(&workers).await?.destinations;
        check_known("--destination", &self.destination, &destinations)?;
        let scratch = absolute(&self.scratch);
        let scratch = scratch.map_err(|error| Failure::new(format!("--scratch: {error}")))?;
        let is_chosen =
            |one: &&Destination| self.destination.is_empty() || self.destination.contains(&one.id);
        let mut records = Vec::new();
        for destination in destinations.iter().filter(is_chosen) {
            let command = self.restore_command(destination, &destinations)?;
            let question = self.server.query.as_deref().map(|sql| Question {
                database: &self.server.database,
                sql,
            });
            let drill = Practice {
                destination,
                backup: self.backup.as_deref(),
                scratch: &scratch,
                keep: self.keep,
                programs: self.server.pg_bin.as_deref(),
                restore_command: &command,
                role: &self.server.role,
                question,
                settings: &self.server.setting,
                patience: self.server.patience,
                workers: &workers,
                clock: &SystemClock,
            };
            let record = tokio::select! {
                code = stop.requested() => return Ok(code),
                record = drill.run() => record,
            };
            if format == Format::Text {
                output::print(&told(&destination.id, &record));
            }
            if !self.no_evidence
                && let Err(error) = remember_drill(&*destination.repository, &record).await
            {
                tracing::warn!(
                    "the drill of {} is not written down: {}",
                    destination.id,
                    chain(&error)
                );
            }
            records.push((destination.id.clone(), record));
        }
        if format == Format::Json {
            let all = records.iter();
            let all = all.map(|(id, record)| json!({ "destination": id, "drill": record }));
            output::print_json(&json!({ "drills": all.collect::<Vec<_>>() }));
        }
        let is_sound = records.iter().all(|(_, record)| record.is_sound());
        Ok(if is_sound { 0 } else { FAILED })
    }

    fn restore_command(
        &self,
        destination: &Destination,
        all: &[Destination],
    ) -> Result<String, Failure> {
        if let Some(command) = &self.command {
            return Ok(command.clone());
        }
        let others = all.iter().map(|one| &one.id);
        let others: Vec<_> = others
            .filter(|id| **id != destination.id)
            .cloned()
            .collect();
        own_command(&self.config, &others)
    }
}

fn told(id: &DestinationId, record: &DrillRecord) -> String {
    let backup = &record.backup;
    if let Some(reason) = &record.failure {
        return format!("{id}: backup {backup} could not be restored: {reason}\n");
    }
    let seconds = |milliseconds: u64| Duration::from_millis(milliseconds).as_secs_f64();
    let (restore, recovery) = (seconds(record.restore_ms), seconds(record.recovery_ms));
    let (files, size) = (record.files, ByteSize::new(record.bytes).rounded());
    let mut text = format!(
        "{id}: backup {backup} restored: {files} files, {size} in {restore:.1} s; recovered in {recovery:.1} s"
    );
    if let Some(reached) = record.reached {
        let _ = write!(text, " to {reached}");
    }
    if let Some(at) = record.last_commit {
        let _ = write!(text, ", last commit {at}");
    }
    let checks = match record.databases.len() {
        0 => "pg_amcheck is not there".to_owned(),
        count => format!("pg_amcheck found nothing in {count} databases"),
    };
    let _ = writeln!(text, "; {checks} ({:.1} s)", seconds(record.check_ms));
    if let Some(answer) = &record.answer {
        for line in answer.lines() {
            let _ = writeln!(text, "  {line}");
        }
    }
    text
}
