//! What was found, the worst first, and what to do about it.

use std::mem::discriminant;

use super::{Page, cards::chip, html::Html, state::State, words::count};
use crate::audit::{Finding, Severity};

/// Writes the section with the findings.
pub(super) fn write(html: &mut Html, page: &Page<'_>) {
    html.tag(
        "section",
        &[("id", &"findings"), ("aria-labelledby", &"findings-title")],
        |html| {
            html.leaf("h2", &[("id", &"findings-title")], "Findings");
            if page.audit.findings.is_empty() {
                html.leaf("p", &[], "Nothing was found that needs a person.");
                return;
            }
            html.tag("ol.findings", &[], |html| {
                for alike in alike(&page.audit.findings) {
                    write_alike(html, &alike);
                }
            });
        },
    );
}

/// Returns the findings, the worst first, those of one kind of one destination together.
fn alike(findings: &[Finding]) -> Vec<Vec<&Finding>> {
    let mut findings: Vec<&Finding> = findings.iter().collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let mut groups: Vec<Vec<&Finding>> = Vec::new();
    let kind = |one: &Finding| (one.severity, one.hint, discriminant(&one.fact));
    for finding in findings {
        let is_alike = |group: &&mut Vec<&Finding>| {
            group[0].destination == finding.destination && kind(group[0]) == kind(finding)
        };
        match groups.iter_mut().find(is_alike) {
            Some(group) => group.push(finding),
            None => groups.push(vec![finding]),
        }
    }
    groups
}

fn write_alike(html: &mut Html, alike: &[&Finding]) {
    let first = alike[0];
    let (class, word) = match first.severity {
        Severity::Notice => ("notice", "notice"),
        severity => {
            let state = State::from(Some(severity));
            (state.class(), state.word())
        }
    };
    html.tag("li", &[("class", &class)], |html| {
        html.tag("p.what", &[], |html| {
            chip(html, class, word);
            html.text(" ");
            html.leaf("strong", &[], &first.destination);
            html.text(": ");
            html.prose(&first.message);
        });
        if alike.len() > 1 {
            html.tag("details", &[], |html| {
                let more = count(alike.len() as u64 - 1, "more finding");
                html.leaf("summary", &[], format!("{more} like this"));
                html.tag("ul", &[], |html| {
                    for finding in &alike[1..] {
                        html.tag("li", &[], |html| html.prose(&finding.message));
                    }
                });
            });
        }
        html.tag("p.hint", &[], |html| html.prose(first.hint));
    });
}
