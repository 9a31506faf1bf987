//! `walcast audit`: what each destination alone can restore, and what is wrong with it.

mod look;
mod page;
mod watch;

use clap::Args;
use serde_json::{Value, json};
use walcast::{
    audit::{Audit as Judgement, Severity},
    metrics::render_audit,
};

use self::watch::WatchOptions;
pub(crate) use self::{
    look::{Depth, Look, LookOptions, Looker, SiteOptions},
    page::headline,
};
use crate::output::{self, Failure, Format};

/// How the process ends when the audit itself could not be made, as monitoring expects it.
pub(crate) const UNKNOWN: u8 = 3;
const WARNING: u8 = 1;
const CRITICAL: u8 = 2;

#[derive(Args, Debug)]
pub(crate) struct Audit {
    #[command(flatten)]
    look: LookOptions,
    #[command(flatten)]
    watch: WatchOptions,
}

impl Audit {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let looker = self.look.looker().await?;
        if self.watch.is_asked_for() {
            return self.watch.run(&looker, format).await;
        }
        let look = looker.look(None).await?;
        print(&look, format);
        Ok(code(&look.audit))
    }

    /// Prints metrics. Ends with 0 when they are there: a file that is kept only then must not be
    /// missing just when something is wrong.
    pub(crate) async fn expose(self) -> Result<u8, Failure> {
        if self.watch.is_asked_for() {
            return Err(Failure::new("--watch does not go with this output"));
        }
        let looker = self.look.looker().await?;
        let look = looker.look(None).await?;
        output::print(&render_audit(&look.audit));
        Ok(0)
    }
}

/// Prints what a look saw.
fn print(look: &Look, format: Format) {
    match format {
        Format::Text => output::print(&page::page(look)),
        Format::Json => output::print_json(&as_json(look)),
    }
}

/// Returns what a look saw, for programs.
pub(crate) fn as_json(look: &Look) -> Value {
    let mut value = json!(look.audit);
    value["state"] = json!(page::word(worst(&look.audit)));
    value["headline"] = json!(headline(&look.audit));
    let read = look.read.iter().map(|(id, bytes, interrupted)| {
        json!({ "destination": id, "bytes": bytes, "interrupted": interrupted })
    });
    value["read"] = read.collect();
    value
}

/// Returns what counts for monitoring.
fn worst(audit: &Judgement) -> Option<Severity> {
    audit.severity().filter(|worst| *worst >= Severity::Warning)
}

/// Returns how the process ends.
pub(crate) fn code(audit: &Judgement) -> u8 {
    match worst(audit) {
        None | Some(Severity::Notice) => 0,
        Some(Severity::Warning) => WARNING,
        Some(Severity::Critical) => CRITICAL,
    }
}
