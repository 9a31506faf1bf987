//! An audit as people like to read it.

use std::fmt::Write;

use jiff::Timestamp;
use walcast::{
    audit::{Audit, DestinationAudit, Severity},
    byte_size::ByteSize,
};

use super::Look;
use crate::{
    duration::rough,
    table::{self, seconds},
};

const HEADER: [&str; 7] = [
    "DESTINATION",
    "STATE",
    "RECOVERY FROM",
    "TO",
    "LAG",
    "BACKUPS",
    "READ AGAIN",
];

/// Prints a headline, a table of the destinations, and what is wrong.
pub(super) fn page(look: &Look) -> String {
    let audit = &look.audit;
    let mut text = format!("{}\n", headline(audit));
    let rows = audit.destinations.iter().map(|one| row(one, audit.at));
    text.push_str(&table::plain(&HEADER, rows));
    for (id, bytes, interrupted) in &look.read {
        let bytes = ByteSize::new(*bytes).rounded();
        let _ = write!(text, "{id}: {bytes} read again");
        if let Some(reason) = interrupted {
            let _ = write!(text, ", then it failed: {reason}");
        }
        text.push('\n');
    }
    for finding in &audit.findings {
        let (word, id) = (word(Some(finding.severity)), &finding.destination);
        let (message, hint) = (&finding.message, finding.hint);
        let _ = writeln!(text, "\n{word}: {id}: {message}\n  hint: {hint}");
    }
    text
}

/// Returns one line that says it all, as monitoring shows it.
pub(crate) fn headline(audit: &Audit) -> String {
    let count = audit.destinations.len();
    let is_bad = |one: &&DestinationAudit| one.severity >= Some(Severity::Warning);
    let bad: Vec<_> = audit.destinations.iter().filter(is_bad).collect();
    let state = word(audit.severity().filter(|worst| *worst >= Severity::Warning));
    if bad.is_empty() {
        return format!("{state}: all {count} destinations can restore what they should");
    }
    let ids: Vec<_> = bad.iter().map(|one| one.id.to_string()).collect();
    format!(
        "{state}: {} of {count} destinations: {}",
        bad.len(),
        ids.join(", ")
    )
}

fn row(one: &DestinationAudit, now: Timestamp) -> [String; 7] {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let at = |time: Timestamp| seconds(time).to_string();
    let oldest = one.windows.iter().filter_map(|window| window.since).min();
    let to = one.newest.map(|newest| match newest.at {
        Some(time) => at(time),
        None => newest.position.to_string(),
    });
    let lag = one.lag.as_ref().map(|lag| match lag.segments {
        0 => "none".to_owned(),
        segments => {
            let seconds = std::time::Duration::from_secs(lag.seconds.unsigned_abs());
            format!("{segments} segments, {}", rough(seconds))
        }
    });
    let sound = one.backups.iter().filter(|backup| backup.is_restorable);
    let proved = match (one.proof.everything_since, one.proof.newest) {
        (Some(since), _) => format!("all since {}", ago(since, now)),
        (None, Some(newest)) => format!("a part, {} ago", ago(newest, now)),
        (None, None) => "never".to_owned(),
    };
    [
        one.id.to_string(),
        word(one.severity.filter(|worst| *worst >= Severity::Warning)).to_owned(),
        or_dash(oldest.map(at)),
        or_dash(to),
        or_dash(lag),
        if one.is_readable {
            format!("{} of {}", sound.count(), one.backups.len())
        } else {
            "-".to_owned()
        },
        proved,
    ]
}

fn ago(time: Timestamp, now: Timestamp) -> String {
    let age = now.duration_since(time);
    rough(age.try_into().unwrap_or_default())
}

/// Returns what a severity is called.
pub(super) fn word(severity: Option<Severity>) -> &'static str {
    match severity {
        None => "ok",
        Some(Severity::Notice) => "notice",
        Some(Severity::Warning) => "warning",
        Some(Severity::Critical) => "critical",
    }
}
