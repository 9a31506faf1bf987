//! The time line: one row for each destination, all on the same axis.

use jiff::{SignedDuration, Timestamp};

use super::{
    Page,
    html::Html,
    scale::{Place, Scale, Tick},
    state::State,
    tracks::{Cluster, Stretch, Track},
    words::{ago, count, day, exact, list},
};
use crate::{
    audit::{AuditedBackup, Hole},
    byte_size::ByteSize,
    repository::BackupKind,
    restore::plan::Window,
};

/// What the axis of the whole time line shows: everything whose time is known.
pub(super) fn whole(tracks: &[Track<'_>], at: Timestamp) -> Scale {
    let times = || tracks.iter().flat_map(Track::times);
    let from = times().min().map_or(at, |first| first.min(at));
    let to = times().max().map_or(at, |last| last.max(at));
    // The first mark is not cut in half.
    let margin = SignedDuration::from_secs(to.duration_since(from).as_secs() / 50);
    Scale::new(from.checked_sub(margin).unwrap_or(from), to)
}

/// Writes the section with the time line.
pub(super) fn write(html: &mut Html, page: &Page<'_>, tracks: &[Track<'_>]) {
    let at = page.audit.at;
    let scale = whole(tracks, at);
    html.tag(
        "section",
        &[("id", &"time"), ("aria-labelledby", &"time-title")],
        |html| {
            html.leaf("h2", &[("id", &"time-title")], "Time line");
            html.leaf(
                "p.note",
                &[],
                "A filled bar: the destination alone can restore to every moment in it.",
            );
            figure(html, "Everything", scale, tracks, at);
            // What happened lately is too narrow to be seen beside weeks.
            if scale.seconds() > 4 * DAY {
                let from = at.checked_sub(SignedDuration::from_secs(DAY)).unwrap_or(at);
                figure(html, "The last 24 hours", Scale::new(from, at), tracks, at);
            }
            legend(html);
            let undated: usize = tracks.iter().map(|track| track.undated).sum();
            if undated > 0 {
                let undated = count(undated as u64, "part");
                let note = format!(
                    "Not drawn, as nothing tells when that was: {undated}; see the details."
                );
                html.leaf("p.note.undated", &[], note);
            }
        },
    );
}

const DAY: i64 = 86_400;

fn figure(html: &mut Html, title: &str, scale: Scale, tracks: &[Track<'_>], at: Timestamp) {
    let ticks = scale.ticks();
    html.tag("figure.chart", &[], |html| {
        html.tag("figcaption", &[], |html| {
            html.leaf("strong", &[], title);
            let (from, to) = scale.ends();
            html.leaf(
                "span.range",
                &[],
                format!(" {} to {}, UTC", day(from), day(to)),
            );
        });
        for (place, track) in tracks.iter().enumerate() {
            html.tag("div.row", &[], |html| {
                let state = State::of(track.one);
                html.tag("div.who", &[], |html| {
                    html.leaf(
                        "span",
                        &[
                            ("class", &format_args!("sign {}", state.class())),
                            ("aria-hidden", &"true"),
                        ],
                        state.sign(),
                    );
                    let link = format_args!("#d{place}");
                    html.leaf(
                        "a",
                        &[("href", &link), ("title", &track.one.id)],
                        &track.one.id,
                    );
                });
                row(html, track, scale, &ticks, at);
            });
        }
        html.tag("div.row.axis", &[], |html| {
            html.leaf("div.who", &[], "");
            axis(html, &ticks);
        });
    });
}

/// In pixels: where lanes and marks are, from the top.
const LANE: u32 = 16;
const TOP: u32 = 5;
const OLDER: u32 = 4;
/// More timelines than that are in the details alone.
const OLDER_SHOWN: usize = 4;

fn row(html: &mut Html, track: &Track<'_>, scale: Scale, ticks: &[Tick], at: Timestamp) {
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

/// Every other mark has no room on a small screen.
fn grade(class: &'static str, number: usize) -> String {
    let odd = if number % 2 == 1 { " odd" } else { "" };
    format!("{class}{odd}")
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
        let attributes: [(_, &dyn std::fmt::Display); 3] = [
            ("x", &"50%"),
            ("y", &(top + 12)),
            ("text-anchor", &"middle"),
        ];
        html.leaf("text.instead", &attributes, note);
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
    let attributes: [(_, &dyn std::fmt::Display); 6] = [
        ("class", &class),
        ("x", &from),
        ("width", &to.since(from)),
        ("y", &top),
        ("height", &height),
        ("rx", &2),
    ];
    html.tag("rect", &attributes, |html| {
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
    let attributes: [(_, &dyn std::fmt::Display); 5] = [
        ("x", &cluster.from),
        ("width", &cluster.to.since(cluster.from)),
        ("y", &top),
        ("height", &height),
        ("rx", &1),
    ];
    html.tag("rect.hole", &attributes, |html| {
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
        let attributes: [(_, &dyn std::fmt::Display); 3] =
            [("x", &cluster.from), ("y", &y), ("overflow", &"visible")];
        html.tag("svg", &attributes, |html| {
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
    let attributes: [(_, &dyn std::fmt::Display); 4] = [
        ("class", &class),
        ("cx", &cluster.from),
        ("cy", &y),
        ("r", &radius),
    ];
    html.tag("circle", &attributes, |html| html.leaf("title", &[], title));
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

/// Returns what a kind of backup is called.
pub(super) fn kind(kind: BackupKind) -> &'static str {
    match kind {
        BackupKind::Full => "full",
        BackupKind::Differential => "differential",
        BackupKind::Incremental => "incremental",
    }
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

/// Writes the labels of an axis.
pub(super) fn axis(html: &mut Html, ticks: &[Tick]) {
    html.tag(
        "svg.labels",
        &[("height", &18), ("aria-hidden", &"true")],
        |html| {
            for (number, tick) in ticks.iter().enumerate() {
                let anchor = match tick.place {
                    near if near < Place(6_000) => "start",
                    near if near > Place(94_000) => "end",
                    _ => "middle",
                };
                let attributes: [(_, &dyn std::fmt::Display); 4] = [
                    ("class", &grade("tick", number)),
                    ("x", &tick.place),
                    ("y", &13),
                    ("text-anchor", &anchor),
                ];
                html.leaf("text", &attributes, &tick.label);
            }
        },
    );
}

fn legend(html: &mut Html) {
    let entry = |html: &mut Html, text: &str, draw: fn(&mut Html)| {
        html.tag("li", &[], |html| {
            html.tag(
                "svg",
                &[("width", &18), ("height", &16), ("aria-hidden", &"true")],
                draw,
            );
            html.text(text);
        });
    };
    html.tag("ul.legend", &[], |html| {
        entry(html, "can be restored", |html| {
            html.void(
                "rect.can",
                &[
                    ("x", &1),
                    ("y", &3),
                    ("width", &16),
                    ("height", &10),
                    ("rx", &2),
                ],
            );
        });
        entry(html, "WAL missing", |html| {
            html.void(
                "rect.hole",
                &[
                    ("x", &7),
                    ("y", &1),
                    ("width", &3),
                    ("height", &14),
                    ("rx", &1),
                ],
            );
        });
        entry(html, "backup, full or incremental", |html| {
            html.void("circle.backup", &[("cx", &5), ("cy", &8), ("r", &4)]);
            html.void("circle.backup", &[("cx", &14), ("cy", &8), ("r", &2.5)]);
        });
        entry(html, "removed next", |html| {
            html.void(
                "circle.backup.leaving",
                &[("cx", &9), ("cy", &8), ("r", &4)],
            );
        });
        entry(html, "cannot be restored", |html| {
            html.tag(
                "svg",
                &[("x", &9), ("y", &8), ("overflow", &"visible")],
                |html| {
                    html.void("path.backup.broken", &[("d", &"M-4-4L4 4M-4 4L4-4")]);
                },
            );
        });
    });
}
