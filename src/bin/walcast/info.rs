//! `walcast info`: what each destination holds.

use std::fmt::Write;

use clap::Args;
use futures_util::future::join_all;
use serde::Serialize;
use serde_json::{Value, json};
use walcast::{
    byte_size::ByteSize,
    catalog::{Catalog, Chains, Health},
    error::chain,
    fanout::Destination,
    repository::{self, Annotations, BackupState, Keep, StoredBackup, pgbackrest::StanzaReport},
    restore::plan::windows,
    workers::Workers,
};

use crate::{
    configuration::ConfigOptions,
    output::{self, FAILED, Failure, Format},
    table,
};

#[derive(Args, Debug)]
pub(crate) struct Info {
    #[command(flatten)]
    config: ConfigOptions,
}

/// What is known of one destination.
struct Known<'a> {
    destination: &'a Destination,
    catalog: repository::Result<Catalog>,
    /// In the words of pgBackRest, if it is in its layout.
    report: Option<StanzaReport>,
}

impl Info {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let workers = Workers::new();
        let destinations = self.config.load(&workers).await?.destinations;
        // Their reports are JSON alone.
        let stanzas = match format {
            Format::Json => self.config.load_stanzas(&workers).await?,
            Format::Text => Vec::new(),
        };
        let look = destinations.iter().map(|destination| {
            let mut stanzas = stanzas.iter();
            let stanza = stanzas.find(|(id, _)| *id == destination.id);
            async move {
                let report = match stanza {
                    Some((_, stanza)) => stanza.report().await.ok(),
                    None => None,
                };
                Known {
                    destination,
                    catalog: destination.repository.catalog(None).await,
                    report,
                }
            }
        });
        let known = join_all(look).await;
        match format {
            Format::Json => {
                let all: Vec<_> = known.iter().map(Known::json).collect();
                output::print_json(&json!({ "destinations": all }));
            }
            Format::Text => {
                let pages: Vec<_> = known.iter().map(Known::page).collect();
                output::print(&pages.join("\n"));
            }
        }
        let is_sound = known.iter().all(Known::can_be_restored);
        Ok(if is_sound { 0 } else { FAILED })
    }
}

impl Known<'_> {
    /// Whether a backup is there from which recovery is possible.
    fn can_be_restored(&self) -> bool {
        let is_sound = |catalog: &Catalog| {
            let chains = Chains::new(catalog);
            (0..chains.len()).any(|place| chains.is_sound(place))
        };
        self.catalog.as_ref().is_ok_and(is_sound)
    }

    fn page(&self) -> String {
        let repository = &self.destination.repository;
        let mut text = format!("{} ({repository})\n", self.destination.id);
        let catalog = match &self.catalog {
            Ok(catalog) => catalog,
            Err(error) => {
                let _ = writeln!(text, "  cannot be read: {}", chain(error));
                if let Some(hint) = error.hint() {
                    let _ = writeln!(text, "  hint: {hint}");
                }
                return text;
            }
        };
        if catalog.backups.is_empty() {
            text.push_str("  no base backup\n");
        } else {
            let chains = Chains::new(catalog);
            let rows = (0..chains.len()).map(|place| row(&chains, place));
            text.push_str(&table::plain(&HEADER, rows));
        }
        for backup in &catalog.backups {
            for (key, value) in backup.stored.annotations.iter() {
                let _ = writeln!(text, "  {}: {key}={value}", backup.stored.id);
            }
        }
        for damaged in &catalog.damaged {
            let _ = writeln!(
                text,
                "  backup {} is damaged: {}",
                damaged.id,
                chain(&damaged.error)
            );
        }
        for archive in &catalog.archives {
            let of = if archive.is_current {
                String::new()
            } else {
                format!(" of {}", archive.id)
            };
            for range in &archive.segments {
                let (first, last) = (range.first, range.last);
                let count = range.count(catalog.segment_size);
                let _ = writeln!(text, "  WAL{of} {first} to {last}: {count}");
            }
        }
        if catalog.archives.iter().all(|one| one.segments.is_empty()) {
            text.push_str("  no WAL\n");
        }
        for window in windows(&self.destination.id, catalog) {
            let at = |time: Option<jiff::Timestamp>| {
                time.map_or_else(String::new, |time| format!(" ({})", table::seconds(time)))
            };
            let (from, since) = (window.from, at(window.since));
            let (to, until) = (window.to, at(window.until));
            let timeline = window.timeline;
            let _ = writeln!(
                text,
                "  recovery from {from}{since} to {to}{until} on timeline {timeline}"
            );
        }
        text
    }

    fn json(&self) -> Value {
        let id = &self.destination.id;
        let repository = &self.destination.repository;
        let head = json!({
            "id": id,
            "format": repository.format(),
            "location": repository.to_string(),
        });
        let body = match &self.catalog {
            Err(error) => json!({ "error": chain(error), "hint": error.hint() }),
            Ok(catalog) => json!({
                "backups": Described::all(catalog),
                "damaged": catalog.damaged.iter().map(|one| json!({
                    "id": one.id, "error": chain(&one.error),
                })).collect::<Vec<_>>(),
                "wal": catalog.archives.iter().flat_map(|archive| {
                    archive.segments.iter().map(|range| json!({
                        "archive": archive.id,
                        "first": range.first,
                        "last": range.last,
                        "count": range.count(catalog.segment_size),
                    }))
                }).collect::<Vec<_>>(),
                "windows": windows(&self.destination.id, catalog).iter().map(|window| json!({
                    "timeline": window.timeline.get(),
                    "backup": window.backup,
                    "from": window.from.to_string(),
                    "since": window.since,
                    "to": window.to.to_string(),
                    "until": window.until,
                })).collect::<Vec<_>>(),
                "wal_bytes": catalog.archives.iter().map(|one| one.stored_size).sum::<u64>(),
                "newest_wal_at": catalog.newest_wal(),
            }),
        };
        let report = self.report.as_ref().map(|report| json!(report));
        merged(merged(head, body), report.unwrap_or_default())
    }
}

fn merged(mut one: Value, other: Value) -> Value {
    if let (Value::Object(one), Value::Object(other)) = (&mut one, other) {
        one.extend(other);
    }
    one
}

/// A backup as JSON has it.
#[derive(Serialize)]
struct Described<'a> {
    id: &'a str,
    name: Option<&'a str>,
    annotations: &'a Annotations,
    state: &'static str,
    error: Option<&'a str>,
    began: Option<jiff::Timestamp>,
    ended: Option<jiff::Timestamp>,
    timeline: Option<u32>,
    system_id: Option<String>,
    start: Option<String>,
    stop: Option<String>,
    first_segment: Option<String>,
    last_segment: Option<String>,
    /// By the server's account, when it began.
    bytes: Option<u64>,
    stored_bytes: u64,
    keep: Option<&'static str>,
    /// The last segment that recovery can reach on the backup's timeline.
    recoverable_to: Option<String>,
    /// A segment that recovery cannot do without.
    missing: Option<String>,
}

impl<'a> Described<'a> {
    fn all(catalog: &'a Catalog) -> Vec<Self> {
        let chains = Chains::new(catalog);
        (0..chains.len())
            .map(|place| Self::of(&chains, place))
            .collect()
    }

    fn of(chains: &Chains<'a>, place: usize) -> Self {
        let backup = &chains.backup(place).stored;
        Self {
            id: &backup.id,
            name: backup.name.as_deref(),
            annotations: &backup.annotations,
            state: state(backup),
            error: match &backup.state {
                BackupState::Failed { reason } => reason.as_deref(),
                _ => None,
            },
            began: backup.began,
            ended: backup.ended,
            timeline: backup.timeline.map(walcast::pg::TimelineId::get),
            system_id: backup.system_id.map(|id| id.to_string()),
            start: backup.start.map(|lsn| lsn.to_string()),
            stop: backup.stop.map(|lsn| lsn.to_string()),
            first_segment: backup.first_segment.map(|name| name.to_string()),
            last_segment: backup.last_segment.map(|name| name.to_string()),
            bytes: backup.size,
            stored_bytes: backup.stored_size,
            keep: backup.keep.map(keep),
            recoverable_to: chains.reach(place).map(|last| last.to_string()),
            missing: match chains.health(place) {
                Health::Lacks(segment) => segment.map(|segment| segment.to_string()),
                Health::Sound | Health::Incomplete => None,
            },
        }
    }
}

const HEADER: [&str; 6] = ["  BACKUP", "NAME", "STATE", "ENDED", "SIZE", "RECOVERABLE"];

fn row(chains: &Chains<'_>, place: usize) -> [String; 6] {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let backup = &chains.backup(place).stored;
    let reach = match (chains.health(place), chains.reach(place)) {
        (Health::Sound, Some(last)) => format!("to {last}"),
        (Health::Sound, None) => "to its end".to_owned(),
        (Health::Lacks(Some(segment)), _) => format!("no: {segment} is missing"),
        (Health::Lacks(None), _) => "no: objects are missing".to_owned(),
        (Health::Incomplete, _) => "no".to_owned(),
    };
    let kept = backup.keep.map(|kept| format!(", kept ({})", keep(kept)));
    [
        format!("  {}", backup.id),
        or_dash(backup.name.clone()),
        format!("{}{}", state(backup), kept.unwrap_or_default()),
        or_dash(backup.ended.map(|at| table::seconds(at).to_string())),
        ByteSize::new(backup.stored_size).rounded(),
        reach,
    ]
}

fn state(backup: &StoredBackup) -> &'static str {
    match backup.state {
        BackupState::Complete => "complete",
        BackupState::Unfinished => "unfinished",
        BackupState::Failed { .. } => "failed",
    }
}

fn keep(keep: Keep) -> &'static str {
    match keep {
        Keep::Full => "full",
        Keep::Standalone => "standalone",
    }
}
