//! The program `walcast`: wiring of the library, one file per command.

mod audit;
mod backup;
mod client;
mod configuration;
mod crds;
mod diff;
mod duration;
mod expire;
mod failpoints;
mod forget;
mod heal;
mod info;
mod lint;
mod logging;
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
    expire::Expire,
    forget::Forget,
    heal::Heal,
    info::Info,
    lint::Lint,
    logging::LogOptions,
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
    /// down, and with 2 when that cannot be told.
    Status(Status),
    /// Takes a base backup of the server on this machine to every destination, in one pass.
    ///
    /// Ends with 0 when every destination holds it, with 3 when one does not or the checksum of a
    /// page is wrong, and with 1 when none does.
    Backup(Box<Backup>),
    /// Restores a base backup, from whichever destination has it, and has the server recover.
    Restore(Box<Restore>),
    /// Copies a base backup to the destinations that lack it, from one that holds it.
    Heal(Heal),
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
            | Self::Info(_)
            | Self::Expire(_)
            | Self::Forget(_)
            | Self::StanzaCreate(_)
            | Self::StanzaUpgrade(_)
            | Self::Crds(_) => output::FAILED,
            Self::WalRestore(_) => wal_restore::UNKNOWN,
            Self::Status(_) => status::UNKNOWN,
            Self::Audit(_) | Self::Report(_) => audit::UNKNOWN,
            Self::Lint(_) => lint::UNKNOWN,
        }
    }

    fn runtime(&self) -> std::io::Result<Runtime> {
        match self {
            Self::Serve(_)
            | Self::Backup(_)
            | Self::Restore(_)
            | Self::Heal(_)
            | Self::Audit(_)
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
            | Self::Crds(_) => Builder::new_current_thread().enable_all().build(),
        }
    }

    async fn run(self, output: ReportFormat) -> Result<u8, Failure> {
        let Some(format) = output.common() else {
            return match self {
                Self::Lint(command) => command.run(output),
                _ => Err(Failure::new("only `walcast lint` has this output")),
            };
        };
        match self {
            Self::Lint(command) => command.run(output),
            Self::WalArchive(command) => command.run(format).await,
            Self::WalRestore(command) => command.run(format).await,
            Self::Serve(command) => command.run().await,
            Self::Status(command) => command.run(format).await,
            Self::Backup(command) => command.run(format).await,
            Self::Restore(command) => command.run(format).await,
            Self::Heal(command) => command.run(format).await,
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
