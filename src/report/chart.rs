//! The time line: one row for each destination, all on the same axis.

use jiff::{SignedDuration, Timestamp};

use super::{
    Page,
    html::{Attributes, Html},
    row,
    scale::{Place, Scale, Tick},
    state::State,
    tracks::Track,
    words::{count, day},
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
                row::write(html, track, scale, &ticks, at);
            });
        }
        html.tag("div.row.axis", &[], |html| {
            html.leaf("div.who", &[], "");
            axis(html, &ticks);
        });
    });
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
                let attributes: Attributes<'_> = &[
                    ("class", &grade("tick", number)),
                    ("x", &tick.place),
                    ("y", &13),
                    ("text-anchor", &anchor),
                ];
                html.leaf("text", attributes, &tick.label);
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

/// Every other mark has no room on a small screen.
pub(super) fn grade(class: &'static str, number: usize) -> String {
    let odd = if number % 2 == 1 { " odd" } else { "" };
    format!("{class}{odd}")
}
