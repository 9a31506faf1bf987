//! An audit as a page that a person likes to look at.
//!
//! [`Page::to_html`] is a pure function: the same audit gives the same bytes. What it gives is one
//! file that needs nothing else: no network, no font, no picture, and no script for anything but
//! its age. Its content security policy forbids the rest, so that a name in a bucket does nothing
//! on the page even if there were a mistake in how it is escaped, for which [one place](html) is
//! responsible. It follows the system's light or dark colours, and fits a phone.
//!
//! Times are in UTC; where an audit tells a position in the WAL and no time, it is calculated from
//! the positions around it whose times are known, and called "about".

mod backups;
mod cards;
mod chart;
mod details;
mod findings;
mod html;
mod moments;
mod row;
mod scale;
mod state;
mod tracks;
mod verdict;
mod words;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

use self::{html::Html, moments::Moments, state::State, tracks::Track, verdict::Verdict};
use crate::audit::{Audit, Level};

/// A page about an audit.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// What was found.
    pub audit: &'a Audit,
    /// What the cluster is called, where known.
    pub cluster: Option<&'a str>,
}

impl Page<'_> {
    /// Returns the page, as one self-contained file of HTML.
    pub fn to_html(&self) -> String {
        let verdict = Verdict::of(self.audit);
        let moments = Moments::of(self.audit);
        let destinations = self.audit.destinations.iter();
        let tracks: Vec<_> = destinations.map(|one| Track::of(one, &moments)).collect();
        let mut html = Html::default();
        html.own("<!DOCTYPE html>\n");
        html.tag("html", &[("lang", &"en")], |html| {
            self.head(html, &verdict);
            html.tag("body", &[], |html| {
                self.title(html, &verdict);
                html.tag("main", &[], |html| {
                    cards::write(html, self, &moments);
                    chart::write(html, self, &tracks);
                    findings::write(html, self);
                    let scale = chart::whole(&tracks, self.audit.at);
                    backups::write(html, self, &tracks, scale);
                    details::write(html, self);
                });
                self.footer(html);
                html.tag("script", &[], |html| html.own(SCRIPT));
            });
        });
        html.into_string()
    }

    fn head(&self, html: &mut Html, verdict: &Verdict) {
        let meta = |html: &mut Html, name: &str, content: &str| {
            html.void("meta", &[("name", &name), ("content", &content)]);
        };
        html.tag("head", &[], |html| {
            html.void("meta", &[("charset", &"utf-8")]);
            html.void(
                "meta",
                &[
                    ("http-equiv", &"Content-Security-Policy"),
                    ("content", &security()),
                ],
            );
            meta(html, "viewport", "width=device-width, initial-scale=1");
            meta(html, "color-scheme", "light dark");
            meta(html, "referrer", "no-referrer");
            meta(
                html,
                "generator",
                concat!("walcast ", env!("CARGO_PKG_VERSION")),
            );
            html.void("link", &[("rel", &"icon"), ("href", &icon(verdict.state))]);
            let cluster = self
                .cluster
                .map_or_else(String::new, |name| format!("{name}: "));
            html.leaf("title", &[], format!("{cluster}{}", verdict.headline));
            html.tag("style", &[], |html| html.own(STYLE));
        });
    }

    fn title(&self, html: &mut Html, verdict: &Verdict) {
        let audit = self.audit;
        let class = format!("verdict {}", verdict.state.class());
        html.tag("header", &[("class", &class)], |html| {
            html.tag("p.looked", &[("id", &"looked")], |html| {
                html.leaf("b", &[], self.cluster.unwrap_or("walcast"));
                html.text(" as of ");
                words::absolute(html, audit.at);
                html.leaf("span", &[("id", &"age")], "");
            });
            html.tag("h1", &[], |html| {
                html.leaf(
                    "span.sign",
                    &[("aria-hidden", &"true")],
                    verdict.state.sign(),
                );
                html.leaf("span", &[], &verdict.headline);
            });
            for sentence in &verdict.more {
                html.leaf("p.more", &[], sentence);
            }
        });
    }

    fn footer(&self, html: &mut Html) {
        let level = match self.audit.level {
            Level::Listing => "listings and the records of backups",
            Level::Metadata => "listings, and each object that a backup needs",
            Level::Digests => "listings, and a part of the content read again",
            Level::All => "listings, and the whole content read again",
        };
        html.tag("footer", &[], |html| {
            html.text(concat!(
                "walcast ",
                env!("CARGO_PKG_VERSION"),
                " looked at "
            ));
            html.text(level);
            html.text(". All times are in UTC; “ago” counts from ");
            words::absolute(html, self.audit.at);
            html.text(". What is called “about” is calculated from positions in the WAL.");
        });
    }
}

const STYLE: &str = include_str!("style.css");
/// Says how old the page is, to who opens it late.
const SCRIPT: &str = include_str!("age.js");

/// Returns what the page may do: nothing but be shown.
fn security() -> String {
    let digest = STANDARD.encode(Sha256::digest(SCRIPT));
    format!(
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
         script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
}

/// Returns the picture of a tab: a disc in the colour of the state.
fn icon(state: State) -> String {
    let colour = match state {
        State::Sound => "2f8f5b",
        State::Warning => "d08b00",
        State::Critical => "cc3a2f",
        State::Unreadable => "7a776f",
    };
    format!(
        "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E\
         %3Ccircle cx='8' cy='8' r='7' fill='%23{colour}'/%3E%3C/svg%3E"
    )
}
