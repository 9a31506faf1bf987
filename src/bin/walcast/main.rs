//! The program `walcast`: wiring of the library, one file per command.

mod audit;
mod backup;
mod client;
mod configuration;
mod crds;
mod diff;
mod drill;
mod duration;
mod expire;
mod exporter;
mod failpoints;
mod forget;
mod heal;
mod info;
mod lint;
mod logging;
mod manifests;
mod migrate;
mod output;
mod policy;
mod protocol;
mod report;
mod restore;
mod retention;
mod serve;
mod server;
mod signals;
mod spool;
mod stanza;
mod status;
mod table;
mod wal_archive;
mod wal_restore;

use std::{
    ffi::OsString,
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
};

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use tokio::runtime::{Builder, Runtime};

use self::{
    audit::Audit,
    backup::Backup,
    crds::Crds,
    drill::Drill,
    expire::Expire,
    forget::Forget,
    heal::Heal,
    info::Info,
    lint::Lint,
    logging::LogOptions,
    migrate::Migrate,
    output::{Failure, ReportFormat},
    report::Report,
    restore::Restore,
    serve::Serve,
    stanza::{Action, Stanza},
    status::Status,
    wal_archive::WalArchive,
    wal_restore::WalRestore,
};

/// Keeps the backups of a PostgreSQL cluster in several places at once.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    log: LogOptions,
    /// How results are printed.
    #[arg(long, global = true, value_name = "FORMAT", value_enum, default_value_t = ReportFormat::Text, help_heading = "Output")]
    output: ReportFormat,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Archives one WAL file to every destination: PostgreSQL's `archive_command`.
    ///
    /// Ends with 0 when the file is archived: PostgreSQL may recycle it. Ends with 1 when it is
    /// not: PostgreSQL keeps it and asks again.
    WalArchive(WalArchive),
    /// Fetches one WAL file from the first destination that has it: PostgreSQL's `restore_command`.
    ///
    /// Ends with 0 when the file is there, and with 1 when every destination answered and none
    /// has it. Ends with 200 in any other case, so that recovery stops rather than ends early.
    WalRestore(WalRestore),
    /// Stays and archives for `wal-archive`, with warm connections, sending ahead and catching up.
    Serve(Serve),
    /// Tells what each destination holds and owes.
    ///
    /// Ends with 0 when every destination holds everything, with 1 when one owes something or is
    /// down, and with 2 when that cannot be told. With `--output openmetrics`, it ends with 0 in
    /// each of these cases, which the metrics tell apart, and with 2 when there are none.
    Status(Status),
    /// Takes a base backup of the server on this machine to every destination, in one pass.
    ///
    /// Ends with 0 when every destination holds it, with 3 when one does not or the checksum of a
    /// page is wrong, and with 1 when none does.
    Backup(Box<Backup>),
    /// Restores a base backup, from whichever destination has it, and has the server recover.
    Restore(Box<Restore>),
    /// Copies to each destination what it lacks and others hold: base backups and WAL.
    ///
    /// What is copied is printed first. A destination gets what its own retention would keep, the
    /// newest backup and its WAL first; a new and empty one is filled in this way. Whoever is
    /// stopped goes on by running it again. Live archiving goes on meanwhile.
    ///
    /// Ends with 1 when something could not be copied, or a destination could not be read.
    Heal(Box<Heal>),
    /// Restores the newest backup of each destination for practice, and looks whether it is sound.
    ///
    /// Into a folder of its own, from that destination alone: a private server replays everything
    /// there is, `pg_amcheck` looks at all tables and indexes, a query of yours is answered, the
    /// time is taken. What came of it is written down beside the backups, where `walcast audit`
    /// reads it. Nothing else is written anywhere, and everything is removed at the end.
    ///
    /// Ends with 1 when a destination could not be restored.
    Drill(Box<Drill>),
    /// Tells what each destination holds: base backups, WAL, and how far recovery gets from it.
    ///
    /// Ends with 1 when a destination cannot be read, or holds no backup that can be restored.
    Info(Info),
    /// Tells to which points in time each destination alone can restore, with evidence, and what is
    /// wrong with it.
    ///
    /// Made for monitoring: ends with 0 when all is well, with 1 when there are warnings, with 2
    /// when a destination cannot restore what it is there for, and with 3 when that cannot be told.
    Audit(Box<Audit>),
    /// Writes what an audit finds as a page for a browser: one file that needs no network.
    ///
    /// Ends as `audit` does.
    Report(Box<Report>),
    /// Removes the base backups and the WAL that the destinations' retention policies let go.
    ///
    /// Each destination is looked at by itself, by the rules of the product whose layout it has.
    /// What may be the last that can be restored stays, whatever the policies say, and nothing is
    /// removed while it is not certain what is there and what is needed.
    ///
    /// Ends with 0 when every destination holds what its policy says, with 3 when one holds more
    /// than that, and with 1 when nothing could be removed anywhere.
    Expire(Box<Expire>),
    /// Drops what a destination owes that is not in the files any more.
    Forget(Forget),
    /// Makes the stanzas of the destinations in pgBackRest's layout, as `pgbackrest stanza-create`
    /// does. Nothing is archived there before.
    ///
    /// May be repeated. Ends with 1 when one could not be made, or is of another cluster.
    StanzaCreate(Stanza),
    /// Makes the stanzas those of the cluster that `pg_upgrade` made, as `pgbackrest
    /// stanza-upgrade` does.
    ///
    /// May be repeated. Ends with 1 when one could not be upgraded.
    StanzaUpgrade(Stanza),
    /// Looks for traps in the manifests of a system: schedules that fire hourly, repositories that
    /// never get a full backup, clusters that archive into one folder, and more.
    ///
    /// Ends with 1 when there are errors (with --deny warnings: or warnings), and with 2 when it
    /// cannot be told, as nothing is at a path.
    Lint(Lint),
    /// Plans the move of clusters to another kind of backup, and edits their manifests.
    ///
    /// Without --write or --output-dir nothing is written: the plan is printed, with its steps in
    /// order, what to run, and what must be seen before the next step.
    ///
    /// Ends with 0 when everything can move, with 1 when something has to be answered first or
    /// cannot move, and with 2 when there is nothing at a path.
    Migrate(Box<Migrate>),
    /// Prints the definitions of the resources that walcast has types for, for `kubectl apply`.
    ///
    /// They say what those of CloudNativePG and its plugins say, which a cluster that runs them
    /// has already.
    Crds(Crds),
}

impl Command {
    /// How the process ends when something goes wrong that the command did not foresee.
    fn code_of_failure(&self) -> u8 {
        match self {
            Self::WalArchive(_)
            | Self::Serve(_)
            | Self::Backup(_)
            | Self::Restore(_)
            | Self::Heal(_)
            | Self::Drill(_)
            | Self::Info(_)
            | Self::Expire(_)
            | Self::Forget(_)
            | Self::StanzaCreate(_)
            | Self::StanzaUpgrade(_)
            | Self::Crds(_) => output::FAILED,
            Self::WalRestore(_) => wal_restore::UNKNOWN,
            Self::Status(_) => status::UNKNOWN,
            Self::Audit(_) | Self::Report(_) => audit::UNKNOWN,
            Self::Lint(_) | Self::Migrate(_) => lint::UNKNOWN,
        }
    }

    fn runtime(&self) -> std::io::Result<Runtime> {
        match self {
            Self::Serve(_)
            | Self::Backup(_)
            | Self::Restore(_)
            | Self::Heal(_)
            | Self::Audit(_)
            | Self::Drill(_)
            | Self::Report(_) => Builder::new_multi_thread().enable_all().build(),
            Self::WalArchive(_)
            | Self::WalRestore(_)
            | Self::Status(_)
            | Self::Info(_)
            | Self::Expire(_)
            | Self::Forget(_)
            | Self::StanzaCreate(_)
            | Self::StanzaUpgrade(_)
            | Self::Lint(_)
            | Self::Migrate(_)
            | Self::Crds(_) => Builder::new_current_thread().enable_all().build(),
        }
    }

    async fn run(self, output: ReportFormat) -> Result<u8, Failure> {
        let Some(format) = output.common() else {
            return match (self, output) {
                (Self::Status(command), ReportFormat::OpenMetrics) => command.expose().await,
                (Self::Audit(command), ReportFormat::OpenMetrics) => command.expose().await,
                (_, ReportFormat::OpenMetrics) => Err(Failure::new(
                    "only `walcast status` and `walcast audit` have this output",
                )),
                (Self::Lint(command), _) => command.run(output),
                _ => Err(Failure::new("only `walcast lint` has this output")),
            };
        };
        match self {
            Self::Lint(command) => command.run(output),
            Self::Migrate(command) => command.run(format),
            Self::WalArchive(command) => command.run(format).await,
            Self::WalRestore(command) => command.run(format).await,
            Self::Serve(command) => command.run().await,
            Self::Status(command) => command.run(format).await,
            Self::Backup(command) => command.run(format).await,
            Self::Restore(command) => command.run(format).await,
            Self::Heal(command) => command.run(format).await,
            Self::Drill(command) => command.run(format).await,
            Self::Info(command) => command.run(format).await,
            Self::Audit(command) => command.run(format).await,
            Self::Report(command) => command.run(format).await,
            Self::Expire(command) => command.run(format).await,
            Self::Forget(command) => command.run(format).await,
            Self::StanzaCreate(command) => command.run(Action::Create, format).await,
            Self::StanzaUpgrade(command) => command.run(Action::Upgrade, format).await,
            Self::Crds(command) => command.run(format),
        }
    }
}

fn main() -> ExitCode {
    failpoints::arm();
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return refuse(&error, &arguments),
    };
    cli.log.start(matches!(cli.command, Command::Serve(_)));
    let otherwise = cli.command.code_of_failure();
    // PostgreSQL takes the code of a panic for the end of the archive, or of the server.
    let code = catch_unwind(AssertUnwindSafe(|| run(cli)));
    ExitCode::from(code.unwrap_or(otherwise))
}

fn run(cli: Cli) -> u8 {
    let json = cli.log.is_json();
    let otherwise = cli.command.code_of_failure();
    let runtime = cli.command.runtime().context("starting the runtime");
    let result = match runtime {
        Ok(runtime) => {
            let result = runtime.block_on(cli.command.run(cli.output));
            // A job that hangs on a dead file system must not keep the process.
            runtime.shutdown_background();
            result
        }
        Err(error) => Err(Failure::new(format!("{error:#}"))),
    };
    result.unwrap_or_else(|failure| {
        failure.print(json);
        otherwise
    })
}

/// Prints help, or what is wrong with the arguments.
fn refuse(error: &clap::Error, arguments: &[OsString]) -> ExitCode {
    // Nothing is left to say if that cannot be printed.
    let _ = error.print();
    let ends_recovery = arguments.iter().any(|argument| argument == "wal-restore");
    match error.exit_code() {
        0 => ExitCode::SUCCESS,
        _ if ends_recovery => ExitCode::from(wal_restore::UNKNOWN),
        _ => ExitCode::from(status::UNKNOWN),
    }
}
