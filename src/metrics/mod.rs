//! Metrics of the destinations, as OpenMetrics text.
//!
//! A [`Snapshot`] is what is known at one moment: the archiver's [`Status`], what was measured of
//! the requests to each store, and what an audit found that each destination holds. It renders
//! itself; there is no registry and nothing global. What is not known has no sample, so that no
//! zero stands for "nobody looked".
//!
//! Names follow Prometheus' conventions: `walcast_…_seconds`, `…_bytes`, `…_total`; moments are
//! `…_timestamp_seconds`, in seconds since 1970. Labels are the names of destinations, operations,
//! classes of errors and states; never an address, a key or a message, which may hold secrets.
//!
//! Format: OpenMetrics 1.0. The types used are gauge, counter and histogram only, which readers of
//! the older text format (0.0.4), such as the textfile collector of Prometheus' node exporter,
//! accept as well.
//!
//! # Example
//!
//! ```
//! use jiff::Timestamp;
//! use walcast::{
//!     fanout::{SpoolStatus, Status},
//!     metrics::{Snapshot, Source},
//! };
//!
//! let status = Status {
//!     at: Timestamp::from_second(1_790_000_000)?,
//!     system_id: None,
//!     last_archived: None,
//!     last_archived_at: None,
//!     spool: SpoolStatus { path: "/spool".into(), files: 3, bytes: 48 << 20, abandoned: vec![] },
//!     destinations: vec![],
//! };
//!
//! let text = Snapshot::new(status, Source::Resident).render();
//!
//! assert!(text.contains("\nwalcast_spool_bytes 50331648\n"));
//! assert!(text.ends_with("# EOF\n"));
//! # Ok::<(), jiff::Error>(())
//! ```

mod engine;
mod exposition;
mod holdings;
mod of_audit;
mod requests;
#[cfg(test)]
mod tests;

use std::fmt;

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, text},
    registry::Registry,
};
use serde::{Deserialize, Serialize};

pub use self::holdings::{Holdings, Lag, Point};
use crate::{audit::Audit, destination::DestinationId, fanout::Status, store::Measured};

/// The media type of what [`Snapshot::render`] returns.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What is known of the destinations at one moment.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Snapshot {
    /// What each destination holds and owes, as the archiver has it.
    pub status: Status,
    /// Who told the status.
    pub source: Source,
    /// What was measured of the requests to each destination, by the process that tells it.
    pub requests: Vec<(DestinationId, Vec<Measured>)>,
    /// What each destination holds, for those that were looked at.
    pub holdings: Vec<(DestinationId, Holdings)>,
}

/// Returns what an audit found as OpenMetrics text.
pub fn render_audit(audit: &Audit) -> String {
    let destinations = audit.destinations.iter();
    let holdings = destinations.filter_map(|one| {
        let found = Holdings::of(audit, one)?;
        Some((one.id.clone(), found))
    });
    rendered(AuditMetrics(holdings.collect()))
}

/// What an audit found.
#[derive(Debug)]
struct AuditMetrics(Vec<(DestinationId, Holdings)>);

impl Collector for AuditMetrics {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        holdings::encode(&self.0, &mut exposition::Exposition::new(encoder))
    }
}

fn rendered(collector: impl Collector) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(collector));
    let mut rendered = String::new();
    text::encode(&mut rendered, &registry).expect("a string takes all");
    rendered
}

/// Who told a status.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The resident, which archives.
    Resident,
    /// The spool, in which the last command left it.
    Spool,
    /// The spool, which cannot tell the health of the destinations: its state is lost, or the
    /// resident that has a newer one hangs.
    Unknown,
}

impl Snapshot {
    /// Returns a snapshot with nothing but a status.
    pub fn new(status: Status, source: Source) -> Self {
        Self {
            status,
            source,
            requests: Vec::new(),
            holdings: Vec::new(),
        }
    }

    /// Returns all that is known as OpenMetrics text.
    pub fn render(&self) -> String {
        rendered(self.clone())
    }
}

impl Collector for Snapshot {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut exposition = exposition::Exposition::new(encoder);
        engine::encode(&self.status, self.source, &mut exposition)?;
        holdings::encode(&self.holdings, &mut exposition)?;
        requests::encode(&self.requests, &mut exposition)
    }
}
