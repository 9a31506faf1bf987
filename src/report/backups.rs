//! The base backups of each destination, their sizes over time, and what retention removes next.

use std::collections::HashSet;

use jiff::Timestamp;

use super::{
    Page,
    cards::leaving_bytes,
    chart::axis,
    html::{Attributes, Html},
    scale::{Place, Scale},
    tracks::Track,
    words::{ago, count, exact, kind, list, relative},
};
use crate::{
    audit::{AuditedBackup, DestinationAudit},
    byte_size::ByteSize,
};

/// Writes the section with the backups.
pub(super) fn write(html: &mut Html, page: &Page<'_>, tracks: &[Track<'_>], scale: Scale) {
    html.tag(
        "section",
        &[("id", &"backups"), ("aria-labelledby", &"backups-title")],
        |html| {
            html.leaf("h2", &[("id", &"backups-title")], "Backups");
            sizes(html, tracks, scale);
            for one in page.audit.destinations.iter().filter(|one| one.is_readable) {
                html.leaf("h3", &[], &one.id);
                if one.backups.is_empty() {
                    html.leaf("p.retention", &[], "No backup is there.");
                    continue;
                }
                html.tag("p.retention", &[], |html| {
                    retention(html, one, page.audit.at);
                });
                tables(html, one, page.audit.at);
            }
        },
    );
}

/// Says what retention does next, and from when on can be restored after that.
fn retention(html: &mut Html, one: &DestinationAudit, now: Timestamp) {
    match &one.policies[..] {
        [] => {
            html.text("No retention policy: everything stays.");
            return;
        }
        [policy] => html.text(format_args!("Keeps by {policy}. ")),
        several => html.text(format_args!(
            "Its policies contradict each other: {}. ",
            list(several)
        )),
    }
    if one.next_removed.is_empty() {
        html.text("Nothing goes next.");
        return;
    }
    let backups = count(one.next_removed.len() as u64, "backup");
    let size = ByteSize::new(leaving_bytes(one)).rounded();
    html.leaf("strong", &[], format!("{backups} ({size}) removed next."));
    let leaving = leaving(one);
    let stays = one
        .backups
        .iter()
        .filter(|one| one.is_restorable && !leaving.contains(one.id.as_str()));
    if let Some(first) = stays.filter_map(|one| one.ended).min() {
        html.text(" What can be restored then begins ");
        relative(html, first, now);
        html.text(".");
    }
}

fn leaving(one: &DestinationAudit) -> HashSet<&str> {
    one.next_removed.iter().map(String::as_str).collect()
}

/// More backups than that are folded away.
const SHOWN: usize = 12;

fn tables(html: &mut Html, one: &DestinationAudit, now: Timestamp) {
    let newest_first: Vec<_> = one.backups.iter().rev().collect();
    let leaving = leaving(one);
    let (shown, folded) = newest_first.split_at(newest_first.len().min(SHOWN));
    let caption = format!("Backups of {}", one.id);
    table(html, &caption, shown, &leaving, now);
    if folded.is_empty() {
        return;
    }
    html.tag("details", &[], |html| {
        let going = folded
            .iter()
            .filter(|one| leaving.contains(one.id.as_str()))
            .count();
        let mut summary = vec![count(folded.len() as u64, "older backup")];
        summary.extend((going > 0).then(|| format!("{going} of them removed next")));
        html.leaf("summary", &[], summary.join(", "));
        table(
            html,
            &format!("Older backups of {}", one.id),
            folded,
            &leaving,
            now,
        );
    });
}

fn table(
    html: &mut Html,
    caption: &str,
    backups: &[&AuditedBackup],
    leaving: &HashSet<&str>,
    now: Timestamp,
) {
    html.tag("table.backups", &[], |html| {
        html.leaf("caption", &[], caption);
        html.tag("thead", &[], |html| {
            html.tag("tr", &[], |html| {
                html.leaf("th", &[("scope", &"col")], "Backup");
                html.leaf("th", &[("scope", &"col")], "Ended");
                html.leaf("th.number", &[("scope", &"col")], "Size");
                html.leaf("th", &[("scope", &"col")], "State");
            });
        });
        html.tag("tbody", &[], |html| {
            for backup in backups {
                row(html, backup, leaving.contains(backup.id.as_str()), now);
            }
        });
    });
}

fn row(html: &mut Html, one: &AuditedBackup, is_leaving: bool, now: Timestamp) {
    let class = match (one.is_restorable, is_leaving) {
        (false, _) => "broken",
        (true, true) => "leaving",
        (true, false) => "stays",
    };
    html.tag("tr", &[("class", &class)], |html| {
        html.tag("th", &[("scope", &"row")], |html| {
            html.leaf("span.key", &[], &one.id);
            let name = one
                .name
                .as_ref()
                .map_or_else(String::new, |name| format!(" · {name}"));
            html.leaf("small", &[], format!("{}{name}", kind(one.kind)));
        });
        html.tag("td", &[], |html| match one.ended {
            Some(ended) => {
                relative(html, ended, now);
                html.leaf("small", &[], exact(ended));
            }
            None => html.text("not known"),
        });
        html.leaf("td.number", &[], ByteSize::new(one.stored_size).rounded());
        html.tag("td", &[], |html| {
            match &one.problem {
                None if one.is_restorable => html.text("can be restored"),
                None => html.leaf("b.no", &[], "cannot be restored"),
                Some(problem) => {
                    html.leaf("b.no", &[], "cannot be restored");
                    html.leaf("small", &[], problem);
                }
            }
            if is_leaving {
                html.leaf("small", &[], "removed next");
            }
            if let Some(proved) = one.proved {
                html.leaf("small", &[], format!("read again {}", ago(proved, now)));
            }
        });
    });
}

/// Writes the sizes of the backups over time, all destinations by one measure.
fn sizes(html: &mut Html, tracks: &[Track<'_>], scale: Scale) {
    let all = tracks.iter().flat_map(|track| &track.backups);
    let Some(largest) = all
        .map(|(_, one)| one.stored_size)
        .max()
        .filter(|size| *size > 0)
    else {
        return;
    };
    html.tag("figure.chart", &[], |html| {
        html.tag("figcaption", &[], |html| {
            html.leaf("strong", &[], "Size of each backup");
            let largest = ByteSize::new(largest).rounded();
            html.leaf("span.range", &[], format!(" the full height is {largest}"));
        });
        for track in tracks.iter().filter(|track| !track.backups.is_empty()) {
            html.tag("div.row", &[], |html| {
                html.tag("div.who", &[], |html| {
                    html.leaf("span", &[("title", &track.one.id)], &track.one.id);
                });
                columns(html, track, scale, largest);
            });
        }
        html.tag("div.row.axis", &[], |html| {
            html.leaf("div.who", &[], "");
            axis(html, &scale.ticks());
        });
    });
}

/// In pixels.
const HEIGHT: u32 = 44;

fn columns(html: &mut Html, track: &Track<'_>, scale: Scale, largest: u64) {
    let label = format!(
        "Sizes of {} of {}",
        count(track.backups.len() as u64, "backup"),
        track.one.id
    );
    html.tag(
        "svg.columns",
        &[
            ("height", &HEIGHT),
            ("role", &"img"),
            ("aria-label", &label),
        ],
        |html| {
            html.void(
                "line.floor",
                &[
                    ("x1", &0),
                    ("x2", &"100%"),
                    ("y1", &HEIGHT),
                    ("y2", &HEIGHT),
                ],
            );
            for cluster in track.visible_backups(scale) {
                let size = cluster
                    .all
                    .iter()
                    .map(|one| one.stored_size)
                    .max()
                    .unwrap_or_default();
                let height = Place::of(size, largest);
                let goes = cluster
                    .all
                    .iter()
                    .all(|one| track.leaving.contains(one.id.as_str()));
                let attributes: Attributes<'_> = &[
                    ("class", if goes { &"column leaving" } else { &"column" }),
                    ("x1", &cluster.from),
                    ("x2", &cluster.from),
                    ("y1", &"100%"),
                    ("y2", &Place::END.since(height)),
                ];
                html.tag("line", attributes, |html| {
                    let size = ByteSize::new(size).rounded();
                    let title = match &cluster.all[..] {
                        [one] => format!("Backup {}: {size}", one.id),
                        several => format!(
                            "{}, the largest has {size}",
                            count(several.len() as u64, "backup")
                        ),
                    };
                    html.leaf("title", &[], title);
                });
            }
        },
    );
}
