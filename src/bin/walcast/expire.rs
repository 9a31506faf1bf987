//! `walcast expire`: what the retention policies let go.

use std::{fmt::Write, num::NonZeroU32};

use clap::Args;
use futures_util::future::join_all;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use walcast::{
    byte_size::ByteSize,
    clock::{Clock, SystemClock},
    error::chain,
    fanout::{Destination, DestinationId},
    repository::{Catalog, Pace},
    restore::plan::Window,
    retention::{ExpireError, Moment, Plan, Policy, Refusal, RetentionRequest, Step, expire},
    workers::Workers,
};

use crate::{
    configuration::ConfigOptions,
    output::{self, FAILED, Failure, Format},
    policy::check_known,
    retention::RetentionOptions,
    table,
};

#[derive(Args, Debug)]
pub(crate) struct Expire {
    #[command(flatten)]
    config: ConfigOptions,
    /// Removes nothing, and tells what would be removed.
    #[arg(long)]
    dry_run: bool,
    /// A destination to look at; may be given several times. Default: all.
    #[arg(long, value_name = "DEST")]
    destination: Vec<DestinationId>,
    /// Most objects that are removed in a second from each destination. Default: as fast as it can.
    #[arg(long, value_name = "N", help_heading = "Limits")]
    deletes_per_second: Option<NonZeroU32>,
    #[command(flatten)]
    retention: RetentionOptions,
}

/// How the process ends when a destination holds more than its policy says.
const STRICTER: u8 = 3;

/// What became of one destination.
struct Outcome<'a> {
    destination: &'a Destination,
    policies: Vec<Policy>,
    plan: Plan,
    /// How many segments go by the plan.
    segments: u64,
    /// How many objects were removed; `None` if nothing was to be.
    removed: Option<Result<u64, ExpireError>>,
}

impl Expire {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let site = self.config.load(&Workers::new()).await?;
        check_known("--destination", &self.destination, &site.destinations)?;
        let is_chosen =
            |id: &DestinationId| self.destination.is_empty() || self.destination.contains(id);
        let all = site.destinations.iter().zip(&site.retention);
        let chosen = all.filter(|(destination, _)| is_chosen(&destination.id));
        let outcomes = join_all(chosen.map(|(one, said)| self.expire(one, said))).await;
        match format {
            Format::Json => {
                let all: Vec<_> = outcomes.iter().map(Outcome::json).collect();
                output::print_json(&json!({ "dry_run": self.dry_run, "destinations": all }));
            }
            Format::Text => {
                let pages: Vec<_> = outcomes.iter().map(Outcome::page).collect();
                output::print(&pages.join("\n"));
            }
        }
        Ok(code(&outcomes))
    }

    async fn expire<'a>(&self, destination: &'a Destination, said: &[Policy]) -> Outcome<'a> {
        let repository = &*destination.repository;
        let policies = self.retention.policies(repository.format(), said);
        let (plan, catalog) = match repository.catalog(None).await {
            Ok(catalog) => {
                let request = RetentionRequest {
                    destination: destination.id.clone(),
                    format: repository.format(),
                    policies: &policies,
                    moment: Moment {
                        now: SystemClock.now(),
                        zone: TimeZone::system(),
                    },
                };
                (request.plan(&catalog), catalog)
            }
            Err(error) => (Plan::unlisted(chain(&error)), Catalog::default()),
        };
        let segments = plan.segments(&catalog);
        let removed = if self.dry_run || plan.is_empty() {
            None
        } else {
            let rate = self.deletes_per_second;
            let pace = rate.map_or_else(Pace::unlimited, Pace::new);
            let expired = expire(repository, &plan, &pace).await;
            Some(expired.map(|expired| expired.objects))
        };
        Outcome {
            destination,
            policies,
            plan,
            segments,
            removed,
        }
    }
}

fn code(outcomes: &[Outcome<'_>]) -> u8 {
    if outcomes.iter().all(Outcome::is_done) {
        0
    } else if outcomes.iter().all(Outcome::is_failed) {
        FAILED
    } else {
        STRICTER
    }
}

impl Outcome<'_> {
    /// Whether it holds what its policy says.
    fn is_done(&self) -> bool {
        !self.is_failed() && self.plan.refusals.is_empty()
    }

    /// Whether nothing was removed that could have been, or not all.
    fn is_failed(&self) -> bool {
        matches!(self.removed, Some(Err(_))) || self.plan.refusals.iter().any(Refusal::is_total)
    }

    fn page(&self) -> String {
        let (id, repository) = (&self.destination.id, &self.destination.repository);
        let mut text = format!("{id} ({repository})\n");
        if self.policies.is_empty() {
            text.push_str("  no policy: everything stays\n");
        }
        for policy in &self.policies {
            let _ = writeln!(text, "  policy: {policy}");
        }
        if !(self.plan.kept.is_empty() && self.plan.removed.is_empty()) {
            text.push_str(&table::plain(&HEADER, self.rows()));
        }
        for step in &self.plan.steps {
            if let Step::Wal(selection) = step {
                for range in &selection.segments {
                    let _ = writeln!(text, "  WAL {} to {} goes", range.first, range.last);
                }
            }
        }
        text.push_str(&windows("now", &self.plan.before));
        text.push_str(&windows("then", &self.plan.after));
        for refusal in &self.plan.refusals {
            let effect = if refusal.is_total() {
                "nothing goes"
            } else {
                "more stays"
            };
            let _ = writeln!(text, "  {effect}: {refusal}\n  hint: {}", refusal.hint());
        }
        match &self.removed {
            None => {}
            Some(Ok(objects)) => {
                let _ = writeln!(text, "  removed: {objects} objects");
            }
            Some(Err(error)) => {
                let _ = writeln!(text, "  not done: {}", chain(error));
                if let Some(hint) = error.hint() {
                    let _ = writeln!(text, "  hint: {hint}");
                }
            }
        }
        text
    }

    fn rows(&self) -> impl Iterator<Item = [String; 4]> + '_ {
        let goes = self.plan.removed.iter().map(|backup| {
            let what = "goes".to_owned();
            row(&backup.id, backup.ended, backup.stored_size, what)
        });
        let stays = self.plan.kept.iter().map(|backup| {
            let reasons: Vec<_> = backup.reasons.iter().map(ToString::to_string).collect();
            let what = format!("stays: {}", reasons.join("; "));
            row(&backup.id, backup.ended, backup.stored_size, what)
        });
        goes.chain(stays)
    }

    fn json(&self) -> Value {
        let repository = &self.destination.repository;
        let (error, objects) = match &self.removed {
            None => (None, 0),
            Some(Ok(objects)) => (None, *objects),
            Some(Err(error)) => (Some(error), error.objects()),
        };
        let refusals = self.plan.refusals.iter().map(|refusal| {
            json!({
                "reason": refusal,
                "text": refusal.to_string(),
                "hint": refusal.hint(),
                "nothing_goes": refusal.is_total(),
            })
        });
        json!({
            "id": self.destination.id,
            "format": repository.format(),
            "location": repository.to_string(),
            "policies": self.policies.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "steps": self.plan.steps,
            "removed": self.plan.removed,
            "kept": self.plan.kept,
            "segments": self.segments,
            "refusals": refusals.collect::<Vec<_>>(),
            "before": self.plan.before,
            "after": self.plan.after,
            "removed_objects": objects,
            "error": error.map(|error| chain(error)),
            "hint": error.and_then(ExpireError::hint),
        })
    }
}

const HEADER: [&str; 4] = ["  BACKUP", "ENDED", "SIZE", "PLAN"];

fn row(id: &str, ended: Option<jiff::Timestamp>, size: u64, what: String) -> [String; 4] {
    let ended = ended.map(|at| table::seconds(at).to_string());
    [
        format!("  {id}"),
        ended.unwrap_or_else(|| "-".to_owned()),
        ByteSize::new(size).rounded(),
        what,
    ]
}

fn windows(when: &str, windows: &[Window]) -> String {
    let at = |time: Option<jiff::Timestamp>| {
        time.map_or_else(String::new, |time| format!(" ({})", table::seconds(time)))
    };
    let mut text = String::new();
    for window in windows {
        let (from, since) = (window.from, at(window.since));
        let (to, until) = (window.to, at(window.until));
        let _ = writeln!(
            text,
            "  recovery {when}: from {from}{since} to {to}{until} on timeline {}",
            window.timeline
        );
    }
    if windows.is_empty() {
        let _ = writeln!(text, "  recovery {when}: nowhere");
    }
    text
}
