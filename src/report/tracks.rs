//! What a time line shows of a destination, before it is drawn.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;

use super::{
    moments::Moments,
    scale::{Place, Scale},
};
use crate::{
    audit::{AuditedBackup, DestinationAudit, Hole},
    pg::TimelineId,
    restore::plan::Window,
};

/// What a time line shows of a destination.
#[derive(Debug)]
pub(super) struct Track<'a> {
    /// The destination.
    pub(super) one: &'a DestinationAudit,
    /// To what it can restore, one lane for each timeline, the newest first.
    pub(super) lanes: Vec<Vec<Stretch<&'a Window>>>,
    /// Segments that are missing, oldest first.
    pub(super) holes: Vec<Stretch<&'a Hole>>,
    /// Backups whose time is known, oldest first.
    pub(super) backups: Vec<(Timestamp, &'a AuditedBackup)>,
    /// Backups that retention removes next.
    pub(super) leaving: HashSet<&'a str>,
    /// How many windows and holes are of an unknown time.
    pub(super) undated: usize,
}

/// A stretch of time and what it stands for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch<T> {
    /// Its beginning.
    pub(super) from: Timestamp,
    /// Its end.
    pub(super) to: Timestamp,
    /// Whether one of them is calculated from a position.
    pub(super) is_about: bool,
    /// What it stands for.
    pub(super) what: T,
}

impl<'a> Track<'a> {
    pub(super) fn of(one: &'a DestinationAudit, moments: &Moments) -> Self {
        let mut lanes: BTreeMap<TimelineId, Vec<_>> = BTreeMap::new();
        for window in &one.windows {
            let lane = lanes.entry(window.timeline).or_default();
            lane.extend(of_window(window, moments));
        }
        let mut holes: Vec<_> = one
            .holes
            .iter()
            .filter_map(|hole| of_hole(hole, moments))
            .collect();
        holes.sort_by_key(|hole| hole.from);
        let time = |backup: &AuditedBackup| backup.ended.or(backup.began);
        let backups = one.backups.iter();
        let mut backups: Vec<_> = backups
            .filter_map(|backup| Some((time(backup)?, backup)))
            .collect();
        backups.sort_by_key(|(time, _)| *time);
        let dated = holes.len() + lanes.values().map(Vec::len).sum::<usize>();
        Self {
            one,
            undated: one.windows.len() + one.holes.len() - dated,
            lanes: lanes.into_values().rev().collect(),
            holes,
            backups,
            leaving: one.next_removed.iter().map(String::as_str).collect(),
        }
    }

    /// Returns all times that it knows.
    pub(super) fn times(&self) -> impl Iterator<Item = Timestamp> {
        let windows = self
            .lanes
            .iter()
            .flatten()
            .flat_map(|one| [one.from, one.to]);
        let holes = self.holes.iter().flat_map(|one| [one.from, one.to]);
        let backups = self.backups.iter().map(|(time, _)| *time);
        windows.chain(holes).chain(backups)
    }
}

fn of_window<'a>(window: &'a Window, moments: &Moments) -> Option<Stretch<&'a Window>> {
    let about = |position| moments.about(window.timeline, position);
    let from = window.since.or_else(|| about(window.from))?;
    let to = window.until.or_else(|| about(window.to))?;
    Some(Stretch {
        from,
        to: to.max(from),
        is_about: window.since.is_none() || window.until.is_none(),
        what: window,
    })
}

fn of_hole<'a>(hole: &'a Hole, moments: &Moments) -> Option<Stretch<&'a Hole>> {
    let timeline = hole.range.first.timeline();
    let from = moments.about(timeline, hole.from)?;
    let to = moments.about(timeline, hole.to).unwrap_or(from);
    Some(Stretch {
        from,
        to: to.max(from),
        is_about: true,
        what: hole,
    })
}

/// Things so close to each other that they are drawn as one.
#[derive(Debug)]
pub(super) struct Cluster<T> {
    /// Where it begins.
    pub(super) from: Place,
    /// Where it ends.
    pub(super) to: Place,
    /// What it consists of; never empty.
    pub(super) all: Vec<T>,
}

/// Joins things that come in order: those whose beginning is near to what came before.
fn clusters<T>(
    things: impl IntoIterator<Item = (Place, Place, T)>,
    is_near: impl Fn(&Cluster<T>, Place) -> bool,
) -> Vec<Cluster<T>> {
    let mut clusters: Vec<Cluster<T>> = Vec::new();
    for (from, to, thing) in things {
        match clusters.last_mut().filter(|last| is_near(last, from)) {
            Some(last) => {
                last.to = last.to.max(to);
                last.all.push(thing);
            }
            None => clusters.push(Cluster {
                from,
                to,
                all: vec![thing],
            }),
        }
    }
    clusters
}

impl<'a> Track<'a> {
    /// Returns the holes as they are drawn.
    pub(super) fn visible_holes(&self, scale: Scale) -> Vec<Cluster<Stretch<&'a Hole>>> {
        let shown = self
            .holes
            .iter()
            .filter(|hole| scale.shows(hole.from, hole.to));
        clusters(
            shown.map(|hole| (scale.place(hole.from), scale.place(hole.to), *hole)),
            |last, from| from.since(last.to) < Place(400),
        )
    }

    /// Returns the backups as they are drawn: in as many places as a small screen can show.
    pub(super) fn visible_backups(&self, scale: Scale) -> Vec<Cluster<&'a AuditedBackup>> {
        let shown = self
            .backups
            .iter()
            .filter(|(time, _)| scale.shows(*time, *time));
        let places = shown.map(|(time, backup)| (scale.place(*time), *backup));
        clusters(
            places.map(|(place, backup)| (place, place, backup)),
            |last, from| from.slot(64) == last.from.slot(64),
        )
    }
}
