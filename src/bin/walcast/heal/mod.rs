//! `walcast heal`: destinations get what they lack from others that hold it.

mod one;
mod page;

use std::{num::NonZeroU32, path::PathBuf, sync::Arc, time::Duration};

use clap::{Args, ValueEnum};
use jiff::tz::TimeZone;
use serde_json::json;
use walcast::{
    audit::{Expectations, Level},
    backup::{BackupSettings, Progress},
    byte_size::ByteSize,
    clock::{Clock, SystemClock},
    fanout::DestinationId,
    heal::{HealPlan, HealReport, HealRequest, HealSettings, Scope, heal},
    retention::Moment,
};

use self::one::copy_one;
use crate::{
    audit::{Depth, Look, Looker, SiteOptions},
    output::{self, FAILED, Failure, Format},
    policy::check_known,
    signals::Stop,
};

#[derive(Args, Debug)]
pub(crate) struct Heal {
    #[command(flatten)]
    site: SiteOptions,
    /// Copies nothing, and tells what would be copied.
    #[arg(long)]
    dry_run: bool,
    /// Copies this backup alone, by its id or its name, and no WAL.
    #[arg(long, value_name = "BACKUP", conflicts_with_all = ["dry_run", "backups", "corrupt"])]
    backup: Option<String>,
    /// Which backups a destination gets that it lacks; WAL it gets in any case.
    #[arg(long, value_enum, default_value_t = Backups::All)]
    backups: Backups,
    /// The only destination from which something is copied. Default: the healthiest that holds it.
    #[arg(long, value_name = "DEST")]
    from: Option<DestinationId>,
    /// A destination that gets something; may be given several times. Default: all.
    #[arg(long, value_name = "DEST")]
    to: Vec<DestinationId>,
    /// Replaces WAL that `walcast audit` found damaged, when sound bytes are at hand; what was there
    /// is kept aside, under `walcast/aside/`.
    #[arg(long, requires = "evidence")]
    corrupt: bool,
    /// The file in which `walcast audit` remembers what it read.
    #[arg(long, value_name = "FILE")]
    evidence: Option<PathBuf>,
    #[command(flatten)]
    limits: LimitOptions,
}

#[derive(Args, Clone, Debug)]
struct LimitOptions {
    /// Most bytes of WAL copied per second, as they are before they are compressed. Default: as
    /// fast as it goes.
    #[arg(long, value_name = "SIZE", help_heading = LIMITS)]
    rate: Option<ByteSize>,
    /// Most files of the archive copied per second.
    #[arg(long, value_name = "N", help_heading = LIMITS)]
    files_per_second: Option<NonZeroU32>,
    /// Memory for what is on its way.
    #[arg(long, value_name = "SIZE", default_value = "64MiB", help_heading = LIMITS)]
    memory: ByteSize,
    /// Does not read again what was written.
    #[arg(long, help_heading = LIMITS)]
    no_read_back: bool,
}

const LIMITS: &str = "Limits";
/// The WAL of a backup comes before it.
const WAL_PATIENCE: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Backups {
    /// All that its retention would keep.
    All,
    /// The newest, if its own are older.
    Newest,
    /// None.
    None,
}

impl Heal {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        if let Some(backup) = &self.backup {
            return copy_one(&self, backup, format).await;
        }
        let mut stop = Stop::listen()?;
        let depth = Depth {
            level: Level::Listing,
            evidence: self.evidence.clone(),
            ..Depth::default()
        };
        let looker = self.site.looker(Expectations::default(), depth).await?;
        check_known("--to", &self.to, &looker.destinations)?;
        check_known("--from", self.from.as_slice(), &looker.destinations)?;
        let look = looker.look(None).await?;
        let plan = self.plan(&looker, &look);
        if format == Format::Text {
            output::print(&page::of_plan(&plan));
        }
        if self.dry_run || plan.is_empty() {
            if format == Format::Json {
                output::print_json(&json!({ "dry_run": self.dry_run, "plan": plan }));
            }
            return Ok(code(&plan, None));
        }
        let progress = Arc::new(Progress::default());
        let settings = self.settings();
        let report = tokio::select! {
            code = stop.requested() => return Ok(code),
            report = heal(&plan, &looker.destinations, &settings, &looker.workers, &progress) => report,
        };
        match format {
            Format::Json => output::print_json(&json!({ "plan": plan, "report": report })),
            Format::Text => output::print(&page::of_report(&report)),
        }
        Ok(code(&plan, Some(&report)))
    }

    fn plan(&self, looker: &Looker, look: &Look) -> HealPlan {
        let request = HealRequest {
            observations: &look.observations,
            audit: &look.audit,
            policies: &looker.policies,
            scope: match self.backups {
                Backups::All => Scope::Everything,
                Backups::Newest => Scope::Newest,
                Backups::None => Scope::Wal,
            },
            corrupt: self.corrupt,
            to: Some(&*self.to).filter(|to| !to.is_empty()),
            from: self.from.as_ref(),
            moment: Moment {
                now: SystemClock.now(),
                zone: TimeZone::system(),
            },
        };
        request.plan()
    }

    fn settings(&self) -> HealSettings {
        HealSettings {
            backup: BackupSettings {
                memory: self.limits.memory,
                wal_patience: Some(WAL_PATIENCE),
                ..BackupSettings::default()
            },
            memory: self.limits.memory,
            rate: self.limits.rate,
            files_per_second: self.limits.files_per_second,
            read_back: !self.limits.no_read_back,
        }
    }
}

/// What nobody can give is no failure of this run, and what could not be read is.
fn code(plan: &HealPlan, report: Option<&HealReport>) -> u8 {
    let is_healed = plan.left_out.is_empty() && report.is_none_or(HealReport::is_complete);
    if is_healed { 0 } else { FAILED }
}
