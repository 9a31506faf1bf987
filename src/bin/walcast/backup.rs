//! `walcast backup`: a base backup to every destination in one pass.

use std::{
    fmt::Write as _,
    io::{self, IsTerminal, Write as _},
    sync::Arc,
    time::Duration,
};

use clap::{Args, ValueEnum};
use futures_util::StreamExt;
use serde_json::json;
use walcast::{
    backup::{
        BackupOutcome, BackupSettings, DestinationReport, Done, Event, Progress, Report,
        take_backup,
    },
    byte_size::ByteSize,
    config::ArchiveCodec,
    pg::server::Server,
    repository::{Annotations, BackupKind},
    workers::Workers,
};

use crate::{
    configuration::ConfigOptions,
    duration,
    output::{self, FAILED, Failure, Format},
    server::ServerOptions,
    signals::Stop,
    table,
};

/// The exit code when a destination lacks the backup, or a page is bad.
const INCOMPLETE: u8 = 3;

#[derive(Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(crate) struct Backup {
    #[command(flatten)]
    config: ConfigOptions,
    #[command(flatten)]
    server: ServerOptions,
    /// What the backup is called, to find it by.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// What is written beside the backup, for people and programs; may be given several times.
    #[arg(long = "annotation", value_name = "KEY=VALUE", value_parser = Annotation::parse)]
    annotations: Vec<Annotation>,
    /// What the backup holds: all files, those that changed since the last full one, or since any
    /// other. In Barman's layout each backup is a full one.
    #[arg(long = "type", value_name = "TYPE", value_enum, default_value = "full")]
    kind: Kind,
    /// Compares all files with those of the backup on which it builds by their content, instead of
    /// their size and time.
    #[arg(long)]
    checksum: bool,
    /// How base backups are compressed, in place of what the destinations say: `none`, `bzip2`,
    /// `gzip`, `lz4`, `snappy` or `zstd`. Barman's tools before 3.20 neither restore nor delete
    /// those in zstd.
    #[arg(long, value_name = "CODEC")]
    compression: Option<ArchiveCodec>,
    /// Makes the first checkpoint as fast as the server can, instead of spreading it.
    #[arg(long)]
    fast_checkpoint: bool,
    /// Does not verify the checksums of data pages.
    #[arg(long)]
    no_verify_pages: bool,
    /// Reads at most so many bytes per second: `100MiB`.
    #[arg(long, value_name = "SIZE")]
    max_rate: Option<ByteSize>,
    /// Memory for what is on its way to the destinations.
    #[arg(long, value_name = "SIZE", default_value = "64MiB")]
    memory: ByteSize,
    /// How long a destination may take for one part of 8 MiB before the others go on without it.
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration::parse)]
    stall_limit: Duration,
    /// How long to wait, at the end, until a destination has the WAL that the backup needs. It is
    /// not complete without it.
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = duration::parse)]
    wal_patience: Duration,
    /// Completes the backup without a look at the WAL, for a cluster whose WAL goes elsewhere.
    #[arg(long, conflicts_with = "wal_patience")]
    no_wal_check: bool,
    /// How progress is shown on standard error. Default: a bar on a terminal, else nothing.
    #[arg(long, value_name = "HOW", value_enum)]
    progress: Option<ProgressForm>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum ProgressForm {
    /// One line that is written anew.
    Bar,
    /// A line every ten seconds.
    Plain,
    /// An object for each event, and one every second.
    Json,
    /// Nothing.
    None,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    Full,
    Diff,
    Incr,
}

impl Backup {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let workers = Workers::new();
        if let Some(warning) = self.compression.and_then(ArchiveCodec::warning) {
            tracing::warn!("{warning}");
        }
        let site = self.config.load_with(self.compression, &workers).await?;
        let destinations = site.destinations;
        let options = self.server.connect_options()?;
        let mut stop = Stop::listen()?;
        let server = Server::connect(&options).await;
        let mut server = server.map_err(|error| Failure::of(&error).with_hint(error.hint()))?;
        let progress = Arc::new(Progress::default());
        let shown = self.shown();
        let settings = self.settings(site.immediate_checkpoint);
        let cancelled = async {
            stop.requested().await;
        };
        let taken = tokio::select! {
            taken = take_backup(&mut server, &destinations, &settings, &workers, &progress, cancelled) => taken,
            () = show(shown, &progress) => unreachable!("progress is shown until the end"),
        };
        if shown == ProgressForm::Bar {
            eprint("\r\x1b[K");
        }
        let report = taken.map_err(|error| Failure::of(&error).with_hint(error.hint()))?;
        match format {
            Format::Json => output::print_json(&as_json(&report)),
            Format::Text => output::print(&as_text(&report)),
        }
        Ok(match report.copies() {
            0 => FAILED,
            _ if report.is_clean() => 0,
            _ => INCOMPLETE,
        })
    }

    fn settings(&self, immediate_checkpoint: bool) -> BackupSettings {
        let mut annotations = Annotations::default();
        for Annotation { key, value } in &self.annotations {
            let added = annotations.insert(key, value);
            added.expect("it was checked when it was read");
        }
        BackupSettings {
            name: self.name.clone(),
            annotations,
            kind: match self.kind {
                Kind::Full => BackupKind::Full,
                Kind::Diff => BackupKind::Differential,
                Kind::Incr => BackupKind::Incremental,
            },
            by_checksum: self.checksum,
            fast_checkpoint: self.fast_checkpoint || immediate_checkpoint,
            verify_pages: !self.no_verify_pages,
            rate: self.max_rate,
            memory: self.memory,
            stall_limit: self.stall_limit,
            wal_patience: (!self.no_wal_check).then_some(self.wal_patience),
            ..BackupSettings::default()
        }
    }

    fn shown(&self) -> ProgressForm {
        match self.progress {
            Some(form) => form,
            None if io::stderr().is_terminal() => ProgressForm::Bar,
            None => ProgressForm::None,
        }
    }
}

/// A key and its value.
#[derive(Clone, Debug)]
struct Annotation {
    key: String,
    value: String,
}

impl Annotation {
    fn parse(text: &str) -> Result<Self, String> {
        let (key, value) = text.split_once('=').ok_or("it has no `=`")?;
        let checked = Annotations::default().insert(key, value);
        checked.map_err(|error| error.to_string())?;
        Ok(Self {
            key: key.to_owned(),
            value: value.to_owned(),
        })
    }
}

/// Shows progress until it is dropped.
async fn show(form: ProgressForm, progress: &Progress) {
    let seconds = match form {
        ProgressForm::Plain => 10,
        ProgressForm::Bar | ProgressForm::Json | ProgressForm::None => 1,
    };
    let mut events = progress.events(Duration::from_secs(seconds));
    while let Some(event) = events.next().await {
        match form {
            ProgressForm::None => {}
            ProgressForm::Json => eprint(&format!("{}\n", json!(event))),
            ProgressForm::Bar => match told(&event) {
                Some(text) => eprint(&format!("\r\x1b[K{text}\n")),
                None => eprint(&format!("\r\x1b[K{}", line(&progress.done()))),
            },
            ProgressForm::Plain => {
                let text = told(&event).unwrap_or_else(|| line(&progress.done()));
                eprint(&format!("{text}\n"));
            }
        }
    }
    std::future::pending::<()>().await;
}

/// What a person wants to know at once.
fn told(event: &Event) -> Option<String> {
    match event {
        Event::Removed {
            destination,
            backup,
        } => Some(format!(
            "{destination}: removed what a killed backup left: {backup}"
        )),
        Event::Left {
            destination,
            reason,
        } => Some(format!("{destination} left: {reason}")),
        _ => None,
    }
}

fn line(done: &Done) -> String {
    let size = |bytes| ByteSize::new(bytes).rounded();
    let percent = (done.bytes * 100)
        .checked_div(done.total)
        .unwrap_or(0)
        .min(100);
    let left = done.left().map_or_else(String::new, |left| {
        format!(", {} left", duration::rough(left))
    });
    format!(
        "{percent:3} %  {} of {}, {} files, {}/s{left}",
        size(done.bytes),
        size(done.total),
        done.files,
        size(done.rate())
    )
}

/// Nobody is left to tell if standard error is gone.
fn eprint(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

fn as_text(report: &Report) -> String {
    let done = &report.done;
    let read = ByteSize::new(done.bytes).rounded();
    let mut text = format!("read {read} in {} files once\n", done.files);
    for (destination, backup) in &report.removed {
        let _ = writeln!(
            text,
            "removed what a killed backup left in {destination}: {backup}"
        );
    }
    text.push('\n');
    text.push_str(&destinations_as_text(&report.destinations));
    for page in &report.bad_pages {
        let _ = write!(text, "\nwrong checksum: {page}");
    }
    if !report.bad_pages.is_empty() {
        let more = report.more_bad_pages;
        let _ = writeln!(text, "\nand {more} more; the backup has them as they are");
    }
    text
}

fn as_json(report: &Report) -> serde_json::Value {
    let pages = report.bad_pages.iter().map(ToString::to_string);
    json!({
        "files": report.done.files,
        "bytes": report.done.bytes,
        "seconds": report.done.seconds,
        "removed": report.removed.iter().map(|(destination, backup)| json!({
            "destination": destination, "backup": backup,
        })).collect::<Vec<_>>(),
        "destinations": destinations_as_json(&report.destinations),
        "bad_pages": pages.collect::<Vec<_>>(),
        "more_bad_pages": report.more_bad_pages,
    })
}

/// Prints a table of what became of a backup in each destination.
pub(crate) fn destinations_as_text(reports: &[DestinationReport]) -> String {
    let rows = reports.iter().map(|one| {
        let backup = one.backup.clone().unwrap_or_else(|| "-".to_owned());
        let stored = ByteSize::new(one.stored).rounded();
        let outcome = match &one.outcome {
            BackupOutcome::Complete => "complete".to_owned(),
            BackupOutcome::Failed { reason } => format!("failed: {reason}"),
        };
        [one.id.to_string(), backup, stored, outcome]
    });
    table::plain(&["DESTINATION", "BACKUP", "STORED", "OUTCOME"], rows)
}

pub(crate) fn destinations_as_json(reports: &[DestinationReport]) -> serde_json::Value {
    let destinations = reports.iter().map(|one| {
        let (outcome, reason) = match &one.outcome {
            BackupOutcome::Complete => ("complete", None),
            BackupOutcome::Failed { reason } => ("failed", Some(reason)),
        };
        json!({
            "id": one.id,
            "backup": one.backup,
            "stored_bytes": one.stored,
            "outcome": outcome,
            "reason": reason,
        })
    });
    destinations.collect()
}
