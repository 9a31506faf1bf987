//! A status as people like to read it.

use std::fmt::Write;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use jiff::Timestamp;
use walcast::{
    byte_size::ByteSize,
    clock,
    fanout::{AbandonedDebt, DestinationState, DestinationStatus, Status},
};

use crate::duration::rough;

const HEADER: [&str; 8] = [
    "DESTINATION",
    "LAYOUT",
    "STATE",
    "OWES",
    "OLDEST OWED",
    "SINCE",
    "LAST STORED",
    "NEXT ATTEMPT",
];

/// Prints a table of the destinations, and below it what is wrong; `source` says who tells it.
pub(crate) fn page(status: &Status, source: &str) -> String {
    let mut text = format!("{}\n{}", headline(status, source), table(status));
    for destination in &status.destinations {
        text.push_str(&trouble(destination));
    }
    for debt in &status.spool.abandoned {
        text.push_str(&abandoned(debt));
    }
    text
}

/// Prints a line per destination.
pub(crate) fn lines(status: &Status) -> String {
    let mut text = String::new();
    for one in &status.destinations {
        let (at, id, state) = (seconds(status.at), &one.id, name(one));
        let owed = owed(one).unwrap_or_else(|| "nothing".into());
        writeln!(text, "{at} {id} {state}, owes {owed}").expect("a string takes all");
    }
    text
}

fn headline(status: &Status, source: &str) -> String {
    let not = if status.is_complete() { "" } else { "not " };
    let last = match (status.last_archived, status.last_archived_at) {
        (Some(name), Some(at)) => format!("last archived {name} {}", ago(at, status.at)),
        _ => "nothing archived yet".to_owned(),
    };
    format!("{not}every destination holds everything ({source}); {last}\n")
}

fn table(status: &Status) -> String {
    let rows = status.destinations.iter();
    plain(&HEADER, rows.map(|one| row(one, status.at)))
}

/// Prints columns without lines between them.
pub(crate) fn plain<const N: usize>(
    header: &[&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(header);
    for row in rows {
        table.add_row(row);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
        column.set_cell_alignment(CellAlignment::Left);
    }
    table.trim_fmt() + "\n"
}

fn row(one: &DestinationStatus, at: Timestamp) -> [String; 8] {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".into());
    let stored = one.last_stored.zip(one.last_stored_at);
    [
        one.id.to_string(),
        one.format.to_string(),
        name(one).to_owned(),
        or_dash(owed(one)),
        or_dash(one.oldest_owed.map(|name| name.to_string())),
        or_dash(one.owed_since.map(|since| ago(since, at))),
        or_dash(stored.map(|(name, stored)| format!("{name} {}", ago(stored, at)))),
        or_dash(
            one.next_attempt
                .map(|next| format!("in {}", rough(clock::between(at, next)))),
        ),
    ]
}

fn owed(one: &DestinationStatus) -> Option<String> {
    (one.owed > 0).then(|| files(one.owed, one.owed_bytes))
}

fn files(count: usize, bytes: u64) -> String {
    let files = if count == 1 { "file" } else { "files" };
    format!("{count} {files} ({})", ByteSize::new(bytes).rounded())
}

fn name(one: &DestinationStatus) -> &'static str {
    match one.state {
        DestinationState::Healthy if one.comparing => "comparing",
        DestinationState::Healthy => "healthy",
        DestinationState::Behind => "behind",
        DestinationState::Down => "down",
        DestinationState::Refused => "refused",
        DestinationState::Conflict => "conflict",
        _ => "unknown",
    }
}

/// Says what is wrong with a destination and what to do; nothing if nothing is.
fn trouble(one: &DestinationStatus) -> String {
    let mut text = String::new();
    if let Some(error) = &one.error {
        let _ = writeln!(text, "\n{} ({}):\n  {error}", one.id, one.location);
        if let Some(hint) = &one.hint {
            let _ = writeln!(text, "  hint: {hint}");
        }
    }
    text
}

/// Says what nobody pays, and how to be rid of it.
fn abandoned(debt: &AbandonedDebt) -> String {
    let (id, owed) = (&debt.id, files(debt.owed, debt.owed_bytes));
    format!(
        "\n{id} is not configured and owes {owed}\n  hint: Add its resource again, or drop the \
         debt with `walcast forget {id}`.\n"
    )
}

fn ago(then: Timestamp, now: Timestamp) -> String {
    format!("{} ago", rough(clock::between(then, now)))
}

/// Cuts off less than a second.
pub(crate) fn seconds(at: Timestamp) -> Timestamp {
    at.round(jiff::Unit::Second).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn destination(id: &str, state: &str, more: Value) -> Value {
        let mut all = json!({
            "id": id,
            "format": "barman",
            "location": format!("barman:file:///{id}"),
            "state": state,
            "owed": 0,
            "owed_bytes": 0,
            "gaps": 0,
            "conflicts": 0,
            "comparing": false,
            "last_stored": "000000010000000A000000FE",
            "last_stored_at": "2026-11-23T11:59:57Z",
            "failures": 0,
        });
        let Value::Object(more) = more else {
            panic!("fields are an object")
        };
        all.as_object_mut().unwrap().extend(more);
        all
    }

    fn status() -> Status {
        let down = json!({
            "owed": 1234,
            "owed_bytes": 7_123_456_789_u64,
            "oldest_owed": "000000010000000A00000001",
            "owed_since": "2026-11-22T22:00:00Z",
            "next_attempt": "2026-11-23T12:00:25Z",
            "error": "no answer",
            "hint": "Look at the network.",
        });
        let behind = json!({
            "owed": 1,
            "owed_bytes": 512,
            "oldest_owed": "00000002.history",
            "owed_since": "2026-11-23T11:55:00Z",
            "last_stored": null,
        });
        let status = json!({
            "at": "2026-11-23T12:00:00Z",
            "last_archived": "000000010000000A000000FE",
            "last_archived_at": "2026-11-23T11:59:57Z",
            "spool": {"path": "/spool", "files": 1235, "bytes": 7_123_457_301_u64,
                "abandoned": [{"id": "old", "owed": 12, "owed_bytes": 4096}]},
            "destinations": [
                destination("minio", "healthy", json!({})),
                destination("backblaze-b2", "down", down),
                destination("nfs", "behind", behind),
                destination("new", "healthy", json!({"comparing": true})),
            ],
        });
        serde_json::from_value(status).unwrap()
    }

    #[test]
    fn a_page_is_a_table_and_what_is_wrong() {
        insta::assert_snapshot!(page(&status(), "says the resident"), @r"
        not every destination holds everything (says the resident); last archived 000000010000000A000000FE 3 s ago

        DESTINATION   LAYOUT  STATE      OWES                  OLDEST OWED               SINCE      LAST STORED                       NEXT ATTEMPT
        minio         barman  healthy    -                     -                         -          000000010000000A000000FE 3 s ago  -
        backblaze-b2  barman  down       1234 files (6.6 GiB)  000000010000000A00000001  14 h ago   000000010000000A000000FE 3 s ago  in 25 s
        nfs           barman  behind     1 file (512 B)        00000002.history          5 min ago  -                                 -
        new           barman  comparing  -                     -                         -          000000010000000A000000FE 3 s ago  -

        backblaze-b2 (barman:file:///backblaze-b2):
          no answer
          hint: Look at the network.

        old is not configured and owes 12 files (4.0 KiB)
          hint: Add its resource again, or drop the debt with `walcast forget old`.
        ");
    }

    #[test]
    fn lines_are_one_per_destination() {
        insta::assert_snapshot!(lines(&status()), @r"
        2026-11-23T12:00:00Z minio healthy, owes nothing
        2026-11-23T12:00:00Z backblaze-b2 down, owes 1234 files (6.6 GiB)
        2026-11-23T12:00:00Z nfs behind, owes 1 file (512 B)
        2026-11-23T12:00:00Z new comparing, owes nothing
        ");
    }
}
