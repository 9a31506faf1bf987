//! What else is known of each destination, folded away.

use std::fmt::Display;

use super::{
    Page,
    html::Html,
    words::{count, exact, grouped, list, span},
};
use crate::{
    audit::{DestinationAudit, Hole},
    byte_size::ByteSize,
    drill::DrillRecord,
    restore::plan::Window,
};

/// More rows than that are only in the JSON of the audit.
const SHOWN: usize = 200;

/// Writes the section with the details.
pub(super) fn write(html: &mut Html, page: &Page<'_>) {
    html.tag(
        "section",
        &[("id", &"details"), ("aria-labelledby", &"details-title")],
        |html| {
            html.leaf("h2", &[("id", &"details-title")], "Details");
            for one in &page.audit.destinations {
                html.tag("details", &[], |html| {
                    html.leaf("summary", &[], &one.id);
                    destination(html, one);
                });
            }
        },
    );
}

fn destination(html: &mut Html, one: &DestinationAudit) {
    html.tag("dl", &[], |html| {
        fact(html, "Place", &one.location);
        fact(html, "Layout", one.format);
        if !one.policies.is_empty() {
            fact(html, "Retention", list(&one.policies));
        }
        if let Some(newest) = &one.newest {
            let (timeline, position) = (newest.timeline.get(), newest.position);
            fact(
                html,
                "Archive ends",
                format_args!("at {position} on timeline {timeline}"),
            );
        }
        if let Some(newest) = one.newest_wal {
            fact(html, "Newest WAL", exact(newest));
        }
        if one.is_readable {
            let wal = ByteSize::new(one.wal_bytes).rounded();
            fact(
                html,
                "WAL",
                format_args!("{} in {wal}", count(one.segments, "segment")),
            );
        }
        if let Some(drill) = &one.drill {
            practice(html, drill);
        }
    });
    windows(html, &one.windows);
    holes(html, &one.holes);
}

fn fact(html: &mut Html, name: &str, value: impl Display) {
    html.tag("div", &[], |html| {
        html.leaf("dt", &[], name);
        html.leaf("dd", &[], value);
    });
}

fn practice(html: &mut Html, drill: &DrillRecord) {
    let how = match &drill.failure {
        None => "passed".to_owned(),
        Some(reason) => format!("failed: {reason}"),
    };
    fact(
        html,
        "Drill",
        format_args!("{}, on {}: {how}", exact(drill.at), drill.machine),
    );
    let (files, size) = (
        count(drill.files, "file"),
        ByteSize::new(drill.bytes).rounded(),
    );
    fact(
        html,
        "Restored",
        format_args!(
            "backup {}: {files}, {size}, in {}",
            drill.backup,
            took(drill.restore_ms)
        ),
    );
    let reached = drill
        .reached
        .map_or_else(String::new, |position| format!("{position} "));
    fact(
        html,
        "Replayed",
        format_args!("to {reached}in {}", took(drill.recovery_ms)),
    );
    if let Some(commit) = drill.last_commit {
        fact(html, "Last commit", exact(commit));
    }
    if !drill.databases.is_empty() {
        fact(
            html,
            "Checked",
            format_args!("{} in {}", list(&drill.databases), took(drill.check_ms)),
        );
    }
    if let Some(answer) = &drill.answer {
        fact(html, "Answer", answer);
    }
}

fn took(milliseconds: u64) -> String {
    if milliseconds < 10_000 {
        return format!(
            "{}.{} seconds",
            milliseconds / 1000,
            milliseconds / 100 % 10
        );
    }
    span(i64::try_from(milliseconds / 1000).unwrap_or(i64::MAX))
}

fn windows(html: &mut Html, windows: &[Window]) {
    if windows.is_empty() {
        return;
    }
    let columns = ["Timeline", "From", "To", "First backup"];
    table(
        html,
        "Stretches to which it alone can restore",
        &columns,
        windows,
        |html, window| {
            html.leaf("td", &[], window.timeline.get());
            position(html, window.from, window.since);
            position(html, window.to, window.until);
            html.leaf("td.key", &[], &window.backup);
        },
    );
}

fn position(html: &mut Html, position: impl Display, time: Option<jiff::Timestamp>) {
    html.tag("td", &[], |html| {
        html.leaf("span.key", &[], position);
        if let Some(time) = time {
            html.leaf("small", &[], exact(time));
        }
    });
}

fn holes(html: &mut Html, holes: &[Hole]) {
    if holes.is_empty() {
        return;
    }
    let columns = ["First segment missing", "Last", "Segments"];
    table(html, "Holes in the WAL", &columns, holes, |html, hole| {
        html.leaf("td.key", &[], hole.range.first);
        html.leaf("td.key", &[], hole.range.last);
        html.leaf("td", &[], grouped(hole.segments));
    });
}

fn table<T>(
    html: &mut Html,
    caption: &str,
    columns: &[&str],
    rows: &[T],
    cells: impl Fn(&mut Html, &T),
) {
    html.tag("table", &[], |html| {
        html.leaf("caption", &[], caption);
        html.tag("thead", &[], |html| {
            html.tag("tr", &[], |html| {
                for column in columns {
                    html.leaf("th", &[("scope", &"col")], column);
                }
            });
        });
        html.tag("tbody", &[], |html| {
            for row in rows.iter().take(SHOWN) {
                html.tag("tr", &[], |html| cells(html, row));
            }
        });
    });
    if let Some(more) = rows.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        html.tag("p.note", &[], |html| {
            html.prose(&format!(
                "And {} more, which `walcast audit --output=json` tells.",
                grouped(more as u64)
            ));
        });
    }
}
