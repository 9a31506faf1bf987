//! A card for each destination: how it is, in words.

use std::collections::HashSet;

use jiff::Timestamp;

use super::{
    Page,
    html::Html,
    moments::Moments,
    scale::Place,
    state::{State, can_restore},
    verdict::worst,
    words::{absolute, count, grouped, relative, span},
};
use crate::{
    audit::{DestinationAudit, Severity},
    byte_size::ByteSize,
    repository::Format,
    restore::plan::Window,
};

/// Writes the section with the cards.
pub(super) fn write(html: &mut Html, page: &Page<'_>, moments: &Moments) {
    let audit = page.audit;
    let largest = audit
        .destinations
        .iter()
        .map(total)
        .max()
        .unwrap_or_default();
    html.tag(
        "section",
        &[("aria-labelledby", &"destinations-title")],
        |html| {
            html.leaf("h2", &[("id", &"destinations-title")], "Destinations");
            html.tag("div.cards", &[], |html| {
                for (place, one) in audit.destinations.iter().enumerate() {
                    let state = State::of(one);
                    let class = format_args!("card {}", state.class()).to_string();
                    html.tag(
                        "article",
                        &[("class", &class), ("id", &format_args!("d{place}"))],
                        |html| {
                            header(html, one, state);
                            if let Some(finding) =
                                worst(audit, one).filter(|one| one.severity >= Severity::Warning)
                            {
                                html.tag("p.says", &[], |html| html.prose(&finding.message));
                            }
                            if one.is_readable {
                                facts(html, one, audit.at, moments, largest);
                            }
                        },
                    );
                }
            });
        },
    );
}

fn header(html: &mut Html, one: &DestinationAudit, state: State) {
    html.tag("header", &[], |html| {
        html.leaf("h3", &[], &one.id);
        chip(html, state.class(), state.word());
    });
    html.tag("p.place", &[], |html| {
        html.text(layout(one.format));
        html.text(" · ");
        html.leaf("span.key", &[], &one.location);
    });
}

/// Writes a state as a small label.
pub(super) fn chip(html: &mut Html, class: &str, word: &str) {
    html.leaf("span", &[("class", &format_args!("chip {class}"))], word);
}

/// Returns what a layout is called.
pub(super) fn layout(format: Format) -> &'static str {
    match format {
        Format::Barman => "Barman’s layout",
        Format::PgBackRest => "pgBackRest’s layout",
    }
}

fn facts(html: &mut Html, one: &DestinationAudit, now: Timestamp, moments: &Moments, largest: u64) {
    html.tag("dl", &[], |html| {
        fact(html, "Restores", |html| reach(html, one, now, moments));
        fact(html, "Lag", |html| lag(html, one));
        fact(html, "Backups", |html| backups(html, one, now));
        if !one.backups.is_empty() || one.proof.newest.is_some() {
            fact(html, "Read again", |html| proof(html, one, now));
        }
        if !one.backups.is_empty() || one.drill.is_some() {
            fact(html, "Drill", |html| drill(html, one, now));
        }
        if !one.backups.is_empty() {
            fact(html, "Goes next", |html| removed(html, one));
        }
        fact(html, "Size", |html| sizes(html, one, largest));
    });
}

fn fact(html: &mut Html, name: &str, content: impl FnOnce(&mut Html)) {
    html.tag("div", &[], |html| {
        html.leaf("dt", &[], name);
        html.tag("dd", &[], content);
    });
}

fn small(html: &mut Html, text: impl std::fmt::Display) {
    html.leaf("small", &[], text);
}

/// Says to which moments the newest timeline can be restored.
fn reach(html: &mut Html, one: &DestinationAudit, now: Timestamp, moments: &Moments) {
    let newest = one.windows.iter().map(|window| window.timeline).max();
    let windows = one.windows.iter();
    let windows: Vec<&Window> = windows
        .filter(|window| Some(window.timeline) == newest)
        .collect();
    let first = windows.iter().min_by_key(|window| window.from);
    let last = windows.iter().max_by_key(|window| window.to);
    let (Some(first), Some(last)) = (first, last) else {
        if can_restore(one) {
            html.leaf("strong", &[], "backups alone");
        } else {
            html.leaf("b.no", &[], "nothing");
        }
        return;
    };
    let since = first
        .since
        .or_else(|| moments.about(first.timeline, first.from));
    let until = last.until.or_else(|| moments.about(last.timeline, last.to));
    html.tag("strong", &[], |html| {
        moment(html, since, first.from, now);
        html.text(" to ");
        moment(html, until, last.to, now);
    });
    if let (Some(since), Some(until)) = (since, until) {
        html.tag("small", &[], |html| {
            absolute(html, since);
            html.text(" to ");
            absolute(html, until);
        });
    }
    let gaps = windows.len() - 1;
    if gaps > 0 {
        small(html, format!("with {}", count(gaps as u64, "gap")));
    }
    let others = one.windows.len() - windows.len();
    if others > 0 {
        small(html, "and on older timelines, see the details");
    }
}

fn moment(
    html: &mut Html,
    time: Option<Timestamp>,
    position: impl std::fmt::Display,
    now: Timestamp,
) {
    match time {
        Some(time) => relative(html, time, now),
        None => html.text(format_args!("position {position}")),
    }
}

fn lag(html: &mut Html, one: &DestinationAudit) {
    match &one.lag {
        None => html.text("not known"),
        Some(lag) if lag.segments == 0 => html.text("none"),
        Some(lag) => {
            let size = ByteSize::new(lag.bytes).rounded();
            html.leaf("strong", &[], count(lag.segments, "segment"));
            html.text(format_args!(" behind {}", lag.best));
            small(html, format!("{size} of WAL, for {}", span(lag.seconds)));
        }
    }
}

fn backups(html: &mut Html, one: &DestinationAudit, now: Timestamp) {
    let sound = one.backups.iter().filter(|backup| backup.is_restorable);
    let newest = sound.clone().filter_map(|backup| backup.ended).max();
    let (sound, all) = (sound.count(), one.backups.len());
    match (all, sound) {
        (0, _) => html.leaf("b.no", &[], "none"),
        (all, sound) if all == sound => {
            html.text(count(all as u64, "backup"));
        }
        (all, sound) => {
            html.leaf("strong", &[], grouped(sound as u64));
            html.text(format_args!(" of {} can be restored", grouped(all as u64)));
        }
    }
    if let Some(newest) = newest {
        html.tag("small", &[], |html| {
            html.text("the newest ended ");
            relative(html, newest, now);
        });
    }
}

fn proof(html: &mut Html, one: &DestinationAudit, now: Timestamp) {
    let proof = &one.proof;
    match (proof.everything_since, proof.newest) {
        (Some(since), _) => {
            html.text("everything, the oldest of it ");
            relative(html, since, now);
        }
        (None, Some(newest)) => {
            html.text("a part, last ");
            relative(html, newest, now);
        }
        (None, None) => html.text("never"),
    }
    if proof.due > 0 {
        small(html, format!("{} due", count(proof.due, "object")));
    }
}

fn drill(html: &mut Html, one: &DestinationAudit, now: Timestamp) {
    let Some(drill) = &one.drill else {
        html.text("never restored for practice");
        return;
    };
    match &drill.failure {
        None => html.text("passed "),
        Some(_) => html.leaf("b.no", &[], "failed "),
    }
    relative(html, drill.at, now);
    let milliseconds = [drill.restore_ms, drill.recovery_ms, drill.check_ms];
    let milliseconds = milliseconds.into_iter().fold(0, u64::saturating_add);
    let seconds = i64::try_from(milliseconds / 1000).unwrap_or(i64::MAX);
    small(html, format!("took {}", span(seconds)));
}

fn removed(html: &mut Html, one: &DestinationAudit) {
    match (one.next_removed.len(), &one.policies[..]) {
        (0, []) => html.text("nothing: no policy"),
        (0, _) => html.text("nothing"),
        (some, _) => {
            html.text(count(some as u64, "backup"));
            let size = ByteSize::new(leaving_bytes(one)).rounded();
            small(html, format!("{size}, and the WAL that only they need"));
        }
    }
    if let [policy] = &one.policies[..] {
        small(html, format!("keeps by {policy}"));
    }
}

/// Returns the size of the backups that retention removes next.
pub(super) fn leaving_bytes(one: &DestinationAudit) -> u64 {
    let ids: HashSet<&String> = one.next_removed.iter().collect();
    let leaving = one.backups.iter().filter(|backup| ids.contains(&backup.id));
    leaving
        .map(|backup| backup.stored_size)
        .fold(0, u64::saturating_add)
}

fn total(one: &DestinationAudit) -> u64 {
    one.backup_bytes.saturating_add(one.wal_bytes)
}

/// Writes how much space is used, beside the destination that uses most.
fn sizes(html: &mut Html, one: &DestinationAudit, largest: u64) {
    let (backups, wal) = (
        ByteSize::new(one.backup_bytes).rounded(),
        ByteSize::new(one.wal_bytes).rounded(),
    );
    html.text(ByteSize::new(total(one)).rounded());
    let label = format!("backups {backups}, WAL {wal}");
    html.tag(
        "svg.meter",
        &[("height", &8), ("role", &"img"), ("aria-label", &label)],
        |html| {
            let (backups, all) = (
                Place::of(one.backup_bytes, largest),
                Place::of(total(one), largest),
            );
            html.void(
                "rect.ground",
                &[("width", &"100%"), ("height", &8), ("rx", &2)],
            );
            html.void("rect.base", &[("width", &backups), ("height", &8)]);
            html.void(
                "rect.wal",
                &[
                    ("x", &backups),
                    ("width", &all.since(backups)),
                    ("height", &8),
                ],
            );
        },
    );
    html.tag("small", &[], |html| {
        html.tag("span.pair", &[], |html| {
            html.leaf("span.dot.base", &[], "");
            html.text(format_args!("backups {backups}"));
        });
        html.text(" ");
        html.tag("span.pair", &[], |html| {
            html.leaf("span.dot.wal", &[], "");
            html.text(format_args!("WAL {wal}"));
        });
    });
}
