//! What a person wants to know first, in a plain sentence.

use super::{
    state::{State, can_restore},
    words::{ago, list},
};
use crate::audit::{Audit, DestinationAudit, Fact, Finding, Severity};

/// What an audit comes to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Verdict {
    /// How it is.
    pub(super) state: State,
    /// The worst, as a sentence.
    pub(super) headline: String,
    /// What else there is to say, as sentences.
    pub(super) more: Vec<String>,
}

impl Verdict {
    pub(super) fn of(audit: &Audit) -> Self {
        let state = state(audit);
        let mut sentences = sentences(audit).into_iter();
        let headline = sentences.next().unwrap_or_else(|| all_is_well(audit));
        let mut more: Vec<_> = sentences.collect();
        more.extend(newest(audit));
        Self {
            state,
            headline,
            more,
        }
    }
}

fn state(audit: &Audit) -> State {
    let all_unreadable = audit.destinations.iter().all(|one| !one.is_readable);
    if all_unreadable {
        State::Unreadable
    } else {
        State::from(audit.severity())
    }
}

/// Returns what is wrong, the worst first, each destination in one sentence.
fn sentences(audit: &Audit) -> Vec<String> {
    let all = &audit.destinations;
    let is_unreadable = |one: &&DestinationAudit| !one.is_readable;
    let is_lost = |one: &&DestinationAudit| one.is_readable && !can_restore(one);
    let is_bad = |one: &&DestinationAudit, severity| {
        one.is_readable && can_restore(one) && one.severity == Some(severity)
    };
    let lost: Vec<_> = all.iter().filter(is_lost).collect();
    let unreadable: Vec<_> = all.iter().filter(is_unreadable).collect();
    let critical = all.iter().filter(|one| is_bad(one, Severity::Critical));
    let warned = all.iter().filter(|one| is_bad(one, Severity::Warning));
    let (critical, warned): (Vec<_>, Vec<_>) = (critical.collect(), warned.collect());
    let mut sentences = Vec::new();
    match &lost[..] {
        [] => {}
        _ if lost.len() == all.len() => sentences.push("Nothing can be restored.".to_owned()),
        [one] => sentences.push(match worst(audit, one) {
            Some(finding) => sentence(&format!(
                "{} cannot be restored: {}",
                one.id,
                reason(finding)
            )),
            None => format!("{} cannot be restored.", one.id),
        }),
        several => sentences.push(format!("{} cannot be restored.", names(several))),
    }
    match &unreadable[..] {
        [] => {}
        _ if unreadable.len() == all.len() => {
            sentences.push("No destination can be read.".to_owned());
        }
        some => sentences.push(format!("{} cannot be read.", names(some))),
    }
    sentences.extend(concern(audit, &critical, "is in danger", "are in danger"));
    sentences.extend(concern(audit, &warned, "needs attention", "need attention"));
    sentences
}

/// Says why nothing can be restored, without saying that again.
fn reason(finding: &Finding) -> &str {
    match finding.fact {
        Fact::NoBackup => "no complete backup is there",
        Fact::NothingRestorable => "something is missing from each of its backups",
        _ => &finding.message,
    }
}

/// Says which destinations can be restored and are not as they should be.
fn concern(
    audit: &Audit,
    some: &[&DestinationAudit],
    singular: &str,
    plural: &str,
) -> Option<String> {
    match some {
        [] => None,
        [one] => Some(match worst(audit, one) {
            Some(finding) => sentence(&format!("{} {singular}: {}", one.id, finding.message)),
            None => format!("{} {singular}.", one.id),
        }),
        several => Some(format!("{} {plural}.", names(several))),
    }
}

fn names(some: &[&DestinationAudit]) -> String {
    let ids: Vec<_> = some.iter().map(|one| &one.id).collect();
    list(&ids)
}

/// Returns the worst finding of a destination.
pub(super) fn worst<'a>(audit: &'a Audit, one: &DestinationAudit) -> Option<&'a Finding> {
    let own = audit
        .findings
        .iter()
        .filter(|finding| finding.destination == one.id);
    // The first of several that are equally bad: the audit tells the weightier one first.
    own.rev().max_by_key(|finding| finding.severity)
}

/// Ends a text as a sentence that is short enough for a headline.
fn sentence(text: &str) -> String {
    const LONGEST: usize = 180;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => format!("{}.", text.trim_end_matches('.')),
    }
}

fn all_is_well(audit: &Audit) -> String {
    match &audit.destinations[..] {
        [] => "No destination was looked at.".to_owned(),
        [one] => format!("{} can restore what it should.", one.id),
        several => format!(
            "All {} destinations can restore what they should.",
            several.len()
        ),
    }
}

/// Says how fresh the newest point is that can be restored from anywhere.
fn newest(audit: &Audit) -> Option<String> {
    let newest = |one: &DestinationAudit| one.newest.and_then(|newest| newest.at);
    let best = audit.destinations.iter().filter_map(newest).max()?;
    let holders = audit.destinations.iter();
    let holders: Vec<_> = holders
        .filter(|one| newest(one) == Some(best))
        .map(|one| &one.id)
        .collect();
    Some(format!(
        "The newest WAL that can be restored was stored {}, in {}.",
        ago(best, audit.at),
        list(&holders)
    ))
}
