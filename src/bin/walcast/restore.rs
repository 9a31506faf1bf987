//! `walcast restore`: a base backup to its place, from whichever destination has it.

use std::{
    fmt::Write as _,
    io::{self, IsTerminal, Write as _},
    path::{Path, PathBuf, absolute},
};

use clap::{Args, ValueEnum};
use futures_util::future::join_all;
use jiff::Timestamp;
use walcast::{
    byte_size::ByteSize,
    error::chain,
    fanout::{Destination, DestinationId},
    pg::{Lsn, SegmentSize, TimelineId},
    restore::{
        Purpose, RecoverySettings, RecoveryTarget, TargetAction, TargetTimeline,
        base::{BackupCopy, BaseRestore, Progress, RestoreReport},
        place::{Delta, OuterLinks, Placement},
        plan::{Holdings, RestorePlan, RestoreRequest},
    },
    workers::Workers,
};

use crate::{
    configuration::ConfigOptions,
    output::{self, Failure, Format},
    policy::leave_out,
    signals::Stop,
};

#[derive(Args, Debug)]
pub(crate) struct Restore {
    #[command(flatten)]
    config: ConfigOptions,
    /// The data directory to be: empty, or not there.
    #[arg(long, value_name = "DIR")]
    target_dir: PathBuf,
    /// The backup, by its id or its name. Default: the newest that leads to the target.
    #[arg(long, value_name = "BACKUP")]
    backup: Option<String>,
    #[command(flatten)]
    target: Target,
    /// The timeline: `latest`, `current` or a number.
    #[arg(long, value_name = "TIMELINE", default_value = "latest", value_parser = timeline)]
    target_timeline: TargetTimeline,
    /// Ends before what is exactly at the target.
    #[arg(long)]
    exclusive: bool,
    /// What the server does at the target.
    #[arg(long, value_name = "ACTION", value_enum, default_value_t = Action::Pause)]
    target_action: Action,
    /// Makes a standby, which goes on to follow.
    #[arg(long)]
    standby: bool,
    #[command(flatten)]
    placing: Placing,
    /// PostgreSQL's `restore_command`. Default: this program's `wal-restore` with these options.
    #[arg(long = "restore-command", value_name = "COMMAND")]
    command: Option<String>,
    /// A destination that is not asked; may be given several times.
    #[arg(long, value_name = "DEST")]
    without: Vec<DestinationId>,
    /// Prints the plan and does nothing.
    #[arg(long)]
    dry_run: bool,
}

/// How files are put in their place.
#[derive(Args, Debug)]
struct Placing {
    /// Puts a tablespace, by its name or number, elsewhere; may be given several times.
    #[arg(long, value_name = "NAME=DIR", value_parser = Moved::parse)]
    tablespace: Vec<Moved>,
    /// Corrects a data directory of the same cluster, whose server is not running: only what
    /// differs is written. It also completes a restore that was interrupted.
    #[arg(long)]
    delta: bool,
    /// Begins without a look at the free space.
    #[arg(long)]
    no_space_check: bool,
    /// Leaves links that lead out of the data directory out, instead of refusing the backup.
    #[arg(long)]
    leave_out_links: bool,
}

/// Where recovery ends. Default: at the end of the archive.
#[derive(Args, Debug)]
#[group(multiple = false)]
struct Target {
    /// Ends at the last transaction that was committed by then: `2026-11-25T12:00:00Z`.
    #[arg(long = "target-time", value_name = "TIME")]
    time: Option<Timestamp>,
    /// Ends at a position: `0/3000060`.
    #[arg(long = "target-lsn", value_name = "LSN")]
    lsn: Option<Lsn>,
    /// Ends at a restore point, made by `pg_create_restore_point`.
    #[arg(long = "target-name", value_name = "NAME")]
    name: Option<String>,
    /// Ends with a transaction.
    #[arg(long = "target-xid", value_name = "XID")]
    xid: Option<u64>,
    /// Ends as soon as the server is consistent.
    #[arg(long = "target-immediate")]
    immediate: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Action {
    /// Waits, to be looked at.
    Pause,
    /// Begins a timeline of its own and takes writes.
    Promote,
    /// Shuts down.
    Shutdown,
}

/// A tablespace and where it goes.
#[derive(Clone, Debug)]
struct Moved {
    name: String,
    location: PathBuf,
}

impl Moved {
    fn parse(text: &str) -> Result<Self, String> {
        let (name, location) = text.split_once('=').ok_or("it has no `=`")?;
        let location = absolute(location).map_err(|error| error.to_string())?;
        Ok(Self {
            name: name.to_owned(),
            location,
        })
    }
}

fn timeline(text: &str) -> Result<TargetTimeline, String> {
    match text {
        "latest" => Ok(TargetTimeline::Latest),
        "current" => Ok(TargetTimeline::Current),
        number => {
            let number = number
                .parse()
                .ok()
                .and_then(|number| TimelineId::new(number).ok());
            let number = number.ok_or("it is neither `latest`, `current` nor a number")?;
            Ok(TargetTimeline::Number(number))
        }
    }
}

impl Target {
    fn target(&self) -> RecoveryTarget {
        if let Some(time) = self.time {
            RecoveryTarget::Time(time)
        } else if let Some(lsn) = self.lsn {
            RecoveryTarget::Lsn(lsn)
        } else if let Some(name) = &self.name {
            RecoveryTarget::Name(name.clone())
        } else if let Some(xid) = self.xid {
            RecoveryTarget::Xid(xid)
        } else if self.immediate {
            RecoveryTarget::Immediate
        } else {
            RecoveryTarget::Latest
        }
    }
}

impl Restore {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let mut stop = Stop::listen()?;
        let workers = Workers::new();
        let mut destinations = self.config.load(&workers).await?.destinations;
        leave_out(&mut destinations, &self.without)?;
        let plan = self.plan(&destinations).await?;
        if self.dry_run {
            match format {
                Format::Json => output::print_json(&plan),
                Format::Text => output::print(&plan.to_string()),
            }
            return Ok(0);
        }
        if format == Format::Text {
            output::print(&plan.to_string());
        }
        let report = tokio::select! {
            biased;
            code = stop.requested() => return Ok(code),
            report = self.restore(&plan, &destinations, workers) => report?,
        };
        match format {
            Format::Json => output::print_json(&report),
            Format::Text => output::print(&self.told(&report)),
        }
        Ok(0)
    }

    /// Decides which backup to restore, by what the destinations that answer hold.
    async fn plan(&self, destinations: &[Destination]) -> Result<RestorePlan, Failure> {
        let looks = destinations.iter().map(|one| one.repository.catalog(None));
        let mut holdings = Vec::new();
        let mut segment_size = SegmentSize::default();
        for (destination, catalog) in destinations.iter().zip(join_all(looks).await) {
            match catalog {
                Ok(catalog) => {
                    let mut backups = catalog.backups.iter();
                    let mut archives = catalog.archives.iter();
                    if backups.any(|one| one.stored.segment_size.is_some())
                        || archives.any(|one| !one.segments.is_empty())
                    {
                        segment_size = catalog.segment_size;
                    }
                    holdings.push(Holdings::of(&destination.id, &catalog));
                }
                Err(error) => {
                    tracing::warn!("{} is passed by: {}", destination.id, chain(&error));
                }
            }
        }
        let request = RestoreRequest {
            target: self.target.target(),
            timeline: self.target_timeline,
            backup: self.backup.clone(),
            system_id: None,
            segment_size,
        };
        let plan = request.plan(&holdings);
        plan.map_err(|error| Failure::of(&error).with_hint(Some(error.hint())))
    }

    async fn restore(
        &self,
        plan: &RestorePlan,
        destinations: &[Destination],
        workers: Workers,
    ) -> Result<RestoreReport, Failure> {
        let copies = self.copies(plan, destinations).await?;
        let (_, reader) = copies.first().expect("there is one if there is no error");
        let target = absolute(&self.target_dir);
        let target = target.map_err(|error| Failure::new(format!("--target-dir: {error}")))?;
        let mut placement = Placement::new(target, reader.backup(), reader.tablespaces());
        for moved in &self.placing.tablespace {
            let tablespaces = reader.tablespaces();
            placement
                .move_tablespace(tablespaces, &moved.name, &moved.location)
                .map_err(|error| Failure::of(&error).with_hint(error.hint()))?;
        }
        if self.placing.delta {
            placement.delta = Delta::Keep;
        }
        if self.placing.no_space_check {
            placement.size = None;
        }
        if self.placing.leave_out_links {
            placement.outer_links = OuterLinks::LeaveOut;
        }
        let restore = BaseRestore {
            placement,
            settings: self.settings()?,
            rounds: 3,
            workers,
        };
        let is_terminal = io::stderr().is_terminal();
        let show = |progress: Progress<'_>| {
            if let Progress::Placed(placed) = progress
                && is_terminal
            {
                let (files, bytes) = (
                    placed.files,
                    ByteSize::new(placed.written + placed.kept).rounded(),
                );
                // Nobody is left to tell if standard error is gone.
                let _ = write!(io::stderr().lock(), "\r\x1b[K{bytes}, {files} files");
            }
        };
        let report = restore.run(copies, &show).await;
        if is_terminal {
            let _ = write!(io::stderr().lock(), "\r\x1b[K");
        }
        report.map_err(|error| Failure::of(&error).with_hint(error.hint()))
    }

    /// Opens the backup in each destination that holds it.
    async fn copies(
        &self,
        plan: &RestorePlan,
        destinations: &[Destination],
    ) -> Result<Vec<BackupCopy>, Failure> {
        let mut copies = Vec::new();
        let mut failure = None;
        for source in &plan.from {
            let destination = destinations.iter().find(|one| one.id == source.destination);
            let Some(destination) = destination else {
                continue;
            };
            match destination.repository.open_backup(&plan.backup.id).await {
                Ok(reader) => copies.push((destination.id.clone(), reader)),
                Err(error) => {
                    tracing::warn!("{} is passed by: {}", destination.id, chain(&error));
                    failure = Some(Failure::of(&error).with_hint(error.hint()));
                }
            }
        }
        match failure {
            Some(failure) if copies.is_empty() => Err(failure),
            _ => Ok(copies),
        }
    }

    fn settings(&self) -> Result<RecoverySettings, Failure> {
        let command = match &self.command {
            Some(command) => command.clone(),
            None => own_command(&self.config, &self.without)?,
        };
        Ok(RecoverySettings {
            target: self.target.target(),
            inclusive: !self.exclusive,
            timeline: self.target_timeline,
            action: match self.target_action {
                Action::Pause => TargetAction::Pause,
                Action::Promote => TargetAction::Promote,
                Action::Shutdown => TargetAction::Shutdown,
            },
            purpose: if self.standby {
                Purpose::Standby
            } else {
                Purpose::Recover
            },
            ..RecoverySettings::new(command)
        })
    }

    fn told(&self, report: &RestoreReport) -> String {
        let (files, bytes) = (
            report.placed.files,
            ByteSize::new(report.placed.written + report.placed.kept).rounded(),
        );
        let mut text = format!(
            "restored backup {} to {}: {files} files, {bytes}\n",
            report.backup,
            self.target_dir.display()
        );
        for complaint in &report.complaints {
            let _ = writeln!(text, "{complaint}");
        }
        text.push_str("start PostgreSQL there: it fetches its WAL and recovers\n");
        text
    }
}

/// Returns the command with which a restored server fetches its WAL from all destinations but
/// some: this program's.
pub(crate) fn own_command(
    config: &ConfigOptions,
    without: &[DestinationId],
) -> Result<String, Failure> {
    let failure = |reason: String| {
        let hint = "Give the whole command with --restore-command.";
        Failure::new(reason).with_hint(Some(hint))
    };
    let program = std::env::current_exe();
    let program = program.map_err(|error| failure(format!("finding this program: {error}")))?;
    let mut words = vec![
        quoted(&program).map_err(&failure)?,
        "wal-restore".to_owned(),
    ];
    words.extend(config.arguments().map_err(&failure)?);
    for destination in without {
        words.push(format!("--without {destination}"));
    }
    words.extend(["%f".to_owned(), "%p".to_owned()]);
    Ok(words.join(" "))
}

/// Quotes a word for the shell that runs `restore_command`, in which `%` begins a placeholder.
pub(crate) fn quoted(path: &Path) -> Result<String, String> {
    let text = path.to_str();
    let text = text.ok_or_else(|| format!("{} is not UTF-8", path.display()))?;
    let is_plain =
        |character: char| character.is_ascii_alphanumeric() || "/._-+:@,=".contains(character);
    if text.chars().all(is_plain) {
        return Ok(text.to_owned());
    }
    Ok(format!(
        "'{}'",
        text.replace('\'', r"'\''").replace('%', "%%")
    ))
}
