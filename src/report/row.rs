//! A row of the time line: what is known of one destination.

use jiff::Timestamp;

use super::{
    chart::grade,
    html::{Attributes, Html},
    scale::{Scale, Tick},
    tracks::{Cluster, Stretch, Track},
    words::{ago, count, exact, kind, list},
};
use crate::{
    audit::{AuditedBackup, Hole},
    byte_size::ByteSize,
    repository::BackupKind,
    restore::plan::Window,
};

/// In pixels: where lanes and marks are, from the top.
const LANE: u32 = 16;
const TOP: u32 = 5;
const OLDER: u32 = 4;
/// More timelines than that are in the details alone.
const OLDER_SHOWN: usize = 4;

/// Draws what is known of a destination.
pub(super) fn write(
    html: &mut Html,
    track: &Track<'_>,
    scale: Scale,
    ticks: &[Tick],
    at: Timestamp,
) {
    let older = track.lanes.iter().skip(1).take(OLDER_SHOWN);
    let mut bottom = TOP + LANE;
    let older: Vec<_> = older
        .map(|lane| {
            let top = bottom + 2;
            bottom = top + OLDER;
            (top, lane)
        })
        .collect();
    let marks = bottom + 10;
    let height = marks + 9;
    let told = told(track, at);
    html.tag(
        "svg.track",
        &[("height", &height), ("role", &"img"), ("aria-label", &told)],
        |html| {
            grid(html, ticks, height);
            ground(html, track);
            for window in track.lanes.first().into_iter().flatten() {
                bar(html, window, scale, TOP, LANE, at);
            }
            for (top, lane) in older {
                for window in lane {
                    bar(html, window, scale, top, OLDER, at);
                }
            }
            for cluster in track.visible_holes(scale) {
                hole(html, &cluster, at);
            }
            for cluster in track.visible_backups(scale) {
                mark(html, &cluster, track, marks, at);
            }
        },
    );
}

fn grid(html: &mut Html, ticks: &[Tick], height: u32) {
    for (number, tick) in ticks.iter().enumerate() {
        html.void(
            "line",
            &[
                ("class", &grade("grid", number)),
                ("x1", &tick.place),
                ("x2", &tick.place),
                ("y1", &0),
                ("y2", &height),
            ],
        );
    }
}

/// What is behind the bars, and what is there instead of them.
fn ground(html: &mut Html, track: &Track<'_>) {
    let (class, note) = match (track.one.is_readable, track.lanes.iter().flatten().next()) {
        (false, _) => ("ground unreadable", Some("cannot be read")),
        (true, None) => ("ground empty", Some("nothing to restore from")),
        (true, Some(_)) => ("ground", None),
    };
    let (top, height) = (TOP, LANE);
    html.void(
        "rect",
        &[
            ("class", &class),
            ("x", &0),
            ("y", &top),
            ("width", &"100%"),
            ("height", &height),
            ("rx", &3),
        ],
    );
    if let Some(note) = note {
        let attributes: Attributes<'_> = &[
            ("x", &"50%"),
            ("y", &(top + 12)),
            ("text-anchor", &"middle"),
        ];
        html.leaf("text.instead", attributes, note);
    }
}

fn bar(
    html: &mut Html,
    stretch: &Stretch<&Window>,
    scale: Scale,
    top: u32,
    height: u32,
    at: Timestamp,
) {
    if !scale.shows(stretch.from, stretch.to) {
        return;
    }
    let (from, to) = (scale.place(stretch.from), scale.place(stretch.to));
    let class = if top == TOP { "can" } else { "can older" };
    let attributes: Attributes<'_> = &[
        ("class", &class),
        ("x", &from),
        ("width", &to.since(from)),
        ("y", &top),
        ("height", &height),
        ("rx", &2),
    ];
    html.tag("rect", attributes, |html| {
        let window = stretch.what;
        let about = if stretch.is_about { "about " } else { "" };
        let title = format!(
            "Can be restored on timeline {}: {about}{} to {} ({} to {}), from backup {} on",
            window.timeline.get(),
            exact(stretch.from),
            exact(stretch.to),
            ago(stretch.from, at),
            ago(stretch.to, at),
            window.backup,
        );
        html.leaf("title", &[], title);
    });
}

fn hole(html: &mut Html, cluster: &Cluster<Stretch<&Hole>>, at: Timestamp) {
    // Many that lie too close to be told apart must not hide what is between them.
    let (top, height) = match &cluster.all[..] {
        [_] => (TOP - 2, LANE + 4),
        _ => (TOP + LANE - 4, 6),
    };
    let attributes: Attributes<'_> = &[
        ("x", &cluster.from),
        ("width", &cluster.to.since(cluster.from)),
        ("y", &top),
        ("height", &height),
        ("rx", &1),
    ];
    html.tag("rect.hole", attributes, |html| {
        let first = &cluster.all[0];
        let segments = cluster.all.iter().map(|one| one.what.segments);
        let segments = count(segments.fold(0, u64::saturating_add), "segment");
        let title = match &cluster.all[..] {
            [one] if one.what.segments == 1 => {
                format!("Missing: segment {}", one.what.range.first)
            }
            [one] => format!(
                "Missing: {segments}, {} to {}",
                one.what.range.first, one.what.range.last
            ),
            several => format!(
                "Missing: {segments} in {}",
                count(several.len() as u64, "hole")
            ),
        };
        html.leaf(
            "title",
            &[],
            format!("{title}, about {}", ago(first.from, at)),
        );
    });
}

fn mark(
    html: &mut Html,
    cluster: &Cluster<&AuditedBackup>,
    track: &Track<'_>,
    y: u32,
    at: Timestamp,
) {
    let is_leaving = |one: &&AuditedBackup| track.leaving.contains(one.id.as_str());
    let broken = cluster.all.iter().filter(|one| !one.is_restorable).count();
    let leaving = cluster.all.iter().filter(|one| is_leaving(one)).count();
    let class = match (broken, leaving) {
        (1.., _) => "backup broken",
        (0, 1..) => "backup leaving",
        (0, 0) => "backup",
    };
    let is_full = cluster.all.iter().any(|one| one.kind == BackupKind::Full);
    let title = match &cluster.all[..] {
        [one] => title(one, is_leaving(one), at),
        several => {
            let mut said = vec![count(several.len() as u64, "backup")];
            said.extend((broken > 0).then(|| format!("{broken} cannot be restored")));
            said.extend((leaving > 0).then(|| format!("{leaving} removed next")));
            said.join(", ")
        }
    };
    if broken > 0 {
        // A path knows no percentages; the picture in the picture does.
        let attributes: Attributes<'_> =
            &[("x", &cluster.from), ("y", &y), ("overflow", &"visible")];
        html.tag("svg", attributes, |html| {
            html.tag(
                "path",
                &[("class", &class), ("d", &"M-4-4L4 4M-4 4L4-4")],
                |html| {
                    html.leaf("title", &[], title);
                },
            );
        });
        return;
    }
    let radius = if is_full { "4" } else { "2.5" };
    let attributes: Attributes<'_> = &[
        ("class", &class),
        ("cx", &cluster.from),
        ("cy", &y),
        ("r", &radius),
    ];
    html.tag("circle", attributes, |html| html.leaf("title", &[], title));
}

fn title(one: &AuditedBackup, is_leaving: bool, at: Timestamp) -> String {
    let mut said = vec![format!("Backup {}", one.id)];
    said.extend(one.name.clone());
    said.push(kind(one.kind).to_owned());
    said.push(ByteSize::new(one.stored_size).rounded());
    said.extend(one.ended.map(|ended| ago(ended, at)));
    said.extend(
        one.problem
            .as_ref()
            .map(|why| format!("cannot be restored: {why}")),
    );
    said.extend(is_leaving.then(|| "removed next".to_owned()));
    said.join(", ")
}

/// Says what the row shows, for who does not see it.
fn told(track: &Track<'_>, at: Timestamp) -> String {
    let id = &track.one.id;
    if !track.one.is_readable {
        return format!("{id} cannot be read");
    }
    let windows = track.lanes.first().into_iter().flatten();
    let windows: Vec<_> = windows
        .map(|one| format!("{} to {}", ago(one.from, at), ago(one.to, at)))
        .collect();
    let windows = if windows.is_empty() {
        "nothing can be restored".to_owned()
    } else {
        format!("can be restored: {}", list(&windows))
    };
    let backups = count(track.backups.len() as u64, "backup");
    let holes = count(track.holes.len() as u64, "hole");
    format!("{id}: {windows}; {backups}, {holes}")
}
