//! `walcast backup`: a base backup to every destination in one pass.

use std::{
    fmt::Write as _,
    io::{self, IsTerminal, Write as _},
    sync::Arc,
    time::Duration,
};

use clap::{Args, ValueEnum};
use serde_json::json;
use tokio::time::{MissedTickBehavior, interval};
use walcast::{
    backup::{
        BackupOutcome, BackupSettings, DestinationReport, Done, Progress, Report, take_backup,
    },
    byte_size::ByteSize,
    pg::server::Server,
    workers::Workers,
};

use crate::{
    configuration::ConfigOptions,
    duration,
    output::{self, FAILED, Failure, Format},
    server::ServerOptions,
    signals::Stop,
    table::{self, rounded},
};

/// The exit code when a destination lacks the backup, or a page is bad.
const INCOMPLETE: u8 = 3;

#[derive(Args, Debug)]
pub(crate) struct Backup {
    #[command(flatten)]
    config: ConfigOptions,
    #[command(flatten)]
    server: ServerOptions,
    /// What the backup is called, to find it by.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
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
    /// An object every second.
    Json,
    /// Nothing.
    None,
}

impl Backup {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let workers = Workers::new();
        let destinations = self.config.load(&workers).await?.destinations;
        let options = self.server.connect_options()?;
        let mut stop = Stop::listen()?;
        let server = Server::connect(&options).await;
        let mut server = server.map_err(|error| Failure::of(&error).with_hint(error.hint()))?;
        let progress = Arc::new(Progress::default());
        let shown = self.shown();
        let settings = self.settings();
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

    fn settings(&self) -> BackupSettings {
        BackupSettings {
            name: self.name.clone(),
            fast_checkpoint: self.fast_checkpoint,
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

/// Shows progress until it is dropped.
async fn show(form: ProgressForm, progress: &Progress) {
    let seconds = match form {
        ProgressForm::Plain => 10,
        ProgressForm::Bar | ProgressForm::Json | ProgressForm::None => 1,
    };
    let mut ticks = interval(Duration::from_secs(seconds));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let done = progress.done();
        match form {
            ProgressForm::None => {}
            ProgressForm::Bar => eprint(&format!("\r\x1b[K{}", line(&done))),
            ProgressForm::Plain => eprint(&format!("{}\n", line(&done))),
            ProgressForm::Json => eprint(&format!("{}\n", json!({ "progress": done }))),
        }
    }
}

fn line(done: &Done) -> String {
    let size = |bytes| rounded(ByteSize::new(bytes));
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
    let read = rounded(ByteSize::new(done.bytes));
    let mut text = format!("read {read} in {} files once\n\n", done.files);
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
        "destinations": destinations_as_json(&report.destinations),
        "bad_pages": pages.collect::<Vec<_>>(),
        "more_bad_pages": report.more_bad_pages,
    })
}

/// Prints a table of what became of a backup in each destination.
pub(crate) fn destinations_as_text(reports: &[DestinationReport]) -> String {
    let rows = reports.iter().map(|one| {
        let backup = one.backup.clone().unwrap_or_else(|| "-".to_owned());
        let stored = rounded(ByteSize::new(one.stored));
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
