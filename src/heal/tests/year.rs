//! A year of backups, losses, expiries and copies on three destinations, made up from a seed, with
//! the invariants of the architecture looked at every day.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::super::{HealRequest, Scope, StepContent};
use crate::{
    audit::{
        Audit, AuditRequest, Expectations, Fact, Level, Observation,
        test_data::{SIZE, backup, catalog, id, observation},
    },
    catalog::{Catalog, Chains, Segments},
    pg::{Lsn, SegmentName, SegmentRange, TimelineHistory, TimelineId},
    repository::{BackupState, HeldBackup},
    restore::plan::Window,
    retention::{BarmanPolicy, Generations, Moment, Policy, RetentionRequest},
};

const NAMES: [&str; 3] = ["a", "b", "c"];
const DAYS: i64 = 365;
/// Every six hours.
const STEPS: i64 = 4;

struct Year {
    rng: Rng,
    now: Timestamp,
    timeline: u32,
    /// The next segment.
    number: u64,
    /// Where each timeline but the first branched off: from which, at which segment.
    branches: BTreeMap<u32, (u32, u64)>,
    held: Vec<Catalog>,
    /// For how many steps each destination stays away.
    away: [u32; 3],
    policies: Vec<Vec<Policy>>,
    /// How often something happened, so that a year in which nothing does is noticed.
    seen: BTreeSet<&'static str>,
}

impl Year {
    fn new(seed: u64) -> Self {
        let generations = Generations {
            daily: 7,
            weekly: 4,
            monthly: 6,
            ..Generations::default()
        };
        Self {
            rng: Rng::with_seed(seed),
            now: "2026-01-01T00:00:00Z".parse().unwrap(),
            timeline: 1,
            number: 1,
            branches: BTreeMap::new(),
            held: NAMES.map(|_| catalog(&[], Vec::new())).to_vec(),
            away: [0; 3],
            policies: vec![
                vec![Policy::Barman(BarmanPolicy::window(14))],
                vec![Policy::Barman(BarmanPolicy::redundancy(5))],
                vec![Policy::Generations(generations)],
            ],
            seen: BTreeSet::new(),
        }
    }

    fn moment(&self) -> Moment {
        Moment {
            now: self.now,
            zone: TimeZone::UTC,
        }
    }

    fn is_there(&self, place: usize) -> bool {
        self.away[place] == 0
    }

    fn rarely(&mut self, odds: u32) -> bool {
        self.rng.u32(0..odds) == 0
    }

    fn name(&self, number: u64) -> SegmentName {
        SegmentName::from_number(TimelineId::new(self.timeline).unwrap(), number, SIZE)
    }

    fn step(&mut self) {
        self.now += SignedDuration::from_hours(24 / STEPS);
        for place in 0..3 {
            self.away[place] = self.away[place].saturating_sub(1);
            if self.away[place] == 0 && self.rarely(60) {
                self.away[place] = self.rng.u32(1..40);
                self.seen.insert("outage");
            }
        }
        for _ in 0..self.rng.u32(1..5) {
            self.archive();
        }
    }

    /// A segment that nobody took PostgreSQL would keep.
    fn archive(&mut self) {
        let takers: Vec<_> = (0..3).filter(|place| self.is_there(*place)).collect();
        if takers.is_empty() {
            return;
        }
        let name = self.name(self.number);
        let sure = takers[self.rng.usize(0..takers.len())];
        for place in takers {
            if place != sure && self.rarely(50) {
                self.seen.insert("hole");
                continue;
            }
            let archive = &mut self.held[place].archives[0];
            archive.add(name.into(), SIZE);
            archive.newest = Some(self.now);
        }
        self.number += 1;
    }

    fn promote(&mut self) {
        let from = self.timeline;
        let takers: Vec<_> = (0..3).filter(|place| self.is_there(*place)).collect();
        if takers.is_empty() || self.number < 3 {
            return;
        }
        self.timeline += 1;
        // The new timeline's first segment is the one in which it branched off.
        self.number -= 1;
        self.branches.insert(self.timeline, (from, self.number));
        for place in takers {
            self.give_history(place, self.timeline);
        }
        self.seen.insert("promotion");
    }

    fn give_history(&mut self, place: usize, timeline: u32) {
        let mut text = String::new();
        let mut ancestors = Vec::new();
        let mut next = timeline;
        while let Some((from, number)) = self.branches.get(&next) {
            ancestors.push((*from, *number));
            next = *from;
        }
        for (from, number) in ancestors.iter().rev() {
            let at = Lsn::new(number * SIZE.bytes() + 100);
            writeln!(text, "{from}\t{at}\tno recovery target specified").unwrap();
        }
        let timeline = TimelineId::new(timeline).unwrap();
        let archive = &mut self.held[place].archives[0];
        if !archive.timelines.contains(&timeline) {
            let history = TimelineHistory::parse(timeline, &text).unwrap();
            archive.timelines.push(timeline);
            archive.timelines.sort_unstable();
            archive.histories.push(history);
        }
    }

    /// A backup to all that are there; one of them may fail.
    fn back_up(&mut self, day: i64) {
        let takers: Vec<_> = (0..3).filter(|place| self.is_there(*place)).collect();
        let first = self.number;
        self.archive();
        let last = self.number.max(first + 1) - 1;
        let mut taken = backup(&format!("b{day:03}"), 0, first, last);
        let stored = &mut taken.stored;
        let timeline = TimelineId::new(self.timeline).unwrap();
        stored.timeline = Some(timeline);
        stored.first_segment = Some(self.name(first));
        stored.last_segment = Some(self.name(last));
        stored.began = Some(self.now);
        stored.ended = Some(self.now);
        for place in takers {
            let mut own = taken.clone();
            if self.rarely(12) {
                own.stored.state = BackupState::Failed { reason: None };
                self.seen.insert("failed backup");
            } else if self.rarely(40) {
                own.is_whole = false;
                self.seen.insert("broken backup");
            }
            self.held[place].backups.push(own);
        }
    }

    fn expire(&mut self) {
        let there: Vec<_> = (0..3).filter(|place| self.is_there(*place)).collect();
        for place in there {
            let request = RetentionRequest {
                destination: id(NAMES[place]),
                format: crate::repository::Format::Barman,
                policies: &self.policies[place],
                moment: self.moment(),
            };
            let before = &self.held[place];
            let plan = request.plan(before);
            let after = before.after(&plan);
            assert_monotone(before, &after, &plan.before, &plan.after);
            if !plan.steps.is_empty() {
                self.seen.insert("expiry");
            }
            self.held[place] = after;
        }
    }

    fn observe(&self) -> (Vec<Observation>, Audit) {
        let all = NAMES.iter().enumerate().map(|(place, name)| {
            let mut one = observation(name, self.held[place].clone());
            if !self.is_there(place) {
                one.catalog = Err("it is away".to_owned());
            }
            one
        });
        let observations: Vec<_> = all.collect();
        let request = AuditRequest {
            level: Level::Listing,
            observations: &observations,
            policies: &self.policies,
            expectations: &Expectations::default(),
            moment: self.moment(),
        };
        let audit = request.judge();
        (observations, audit)
    }

    /// Copies what is missing, or the first part of it; returns whether there was anything.
    fn heal(&mut self, is_whole: bool) -> bool {
        let (observations, audit) = self.observe();
        let request = HealRequest {
            observations: &observations,
            audit: &audit,
            policies: &self.policies,
            scope: Scope::Everything,
            corrupt: false,
            to: None,
            from: None,
            moment: self.moment(),
        };
        let plan = request.plan();
        let most = plan.steps.len();
        let count = if is_whole {
            most
        } else {
            self.rng.usize(0..=most)
        };
        for step in &plan.steps[..count] {
            for to in &step.to {
                let place = NAMES.iter().position(|name| *name == to.as_str()).unwrap();
                assert!(self.is_there(place));
                self.copy(place, &step.content);
            }
        }
        if count > 0 {
            self.seen.insert("copy");
        }
        most > 0
    }

    fn copy(&mut self, place: usize, content: &StepContent) {
        let index = |name: &str| NAMES.iter().position(|one| *one == name).unwrap();
        match content {
            StepContent::Histories { from, timelines } => {
                for timeline in timelines {
                    let source = &self.held[index(from[0].as_str())].archives[0];
                    assert!(source.timelines.contains(timeline));
                    self.give_history(place, timeline.get());
                }
            }
            StepContent::Wal { from, ranges, .. } => {
                let source = Segments::of(
                    &self.held[index(from[0].as_str())].archives[0].segments,
                    SIZE,
                );
                let new = Segments::of(ranges, SIZE);
                assert!(new.without(&source).is_empty(), "it gives what it has not");
                let newest = self.held[index(from[0].as_str())].archives[0].newest;
                let archive = &mut self.held[place].archives[0];
                let own = Segments::of(&archive.segments, SIZE);
                archive.segments = Segments::union([own, new]).ranges(SIZE);
                archive.newest = archive.newest.max(newest);
            }
            StepContent::Backup { from, .. } => {
                let (holder, name) = &from[0];
                let source = self.held[index(holder.as_str())].backups.iter();
                let found = source
                    .clone()
                    .find(|one| one.stored.id == *name && one.is_whole);
                let copied: HeldBackup = found.unwrap().clone();
                let target = &mut self.held[place].backups;
                target.retain(|one| one.stored.id != *name);
                target.push(copied);
                target.sort_by(|one, other| one.stored.id.cmp(&other.stored.id));
            }
        }
    }

    /// I6: what is called recoverable is, looked at one segment after the other.
    fn assert_recoverable(&self, audit: &Audit) {
        for (place, one) in audit
            .destinations
            .iter()
            .enumerate()
            .filter(|(_, one)| one.is_readable)
        {
            let held = &self.held[place];
            let has = |timeline: u32, number: u64| {
                let timeline = TimelineId::new(timeline).unwrap();
                let name = SegmentName::from_number(timeline, number, SIZE);
                held.archives[0]
                    .segments
                    .iter()
                    .any(|range| range.contains(name))
            };
            for window in &one.windows {
                let stored = held
                    .backups
                    .iter()
                    .find(|one| one.stored.id == window.backup);
                let stored = &stored.unwrap().stored;
                let first = stored.first_segment.unwrap().number(SIZE);
                let end = window.to.get() / SIZE.bytes();
                for number in first..end {
                    let on = self.timeline_of(window.timeline.get(), number);
                    assert!(has(on, number), "{}: {window} lacks {on}/{number}", one.id);
                }
            }
        }
    }

    /// Returns on which timeline a segment lies on the way to another one.
    fn timeline_of(&self, target: u32, number: u64) -> u32 {
        let mut timeline = target;
        while let Some((from, branch)) = self.branches.get(&timeline) {
            if number >= *branch {
                break;
            }
            timeline = *from;
        }
        timeline
    }
}

/// I4: what could be restored inside of the policy still can, and the last backup that can stays.
fn assert_monotone(before: &Catalog, after: &Catalog, old: &[Window], new: &[Window]) {
    let newest = |held: &Catalog| {
        let chains = Chains::new(held);
        let mut places = (0..chains.len()).rev();
        let place = places.find(|place| chains.is_sound(*place));
        place.map(|place| chains.backup(place).stored.id.clone())
    };
    assert_eq!(newest(before), newest(after));
    let ends = |windows: &[Window]| windows.last().map(|one| (one.timeline, one.to));
    assert_eq!(ends(old), ends(new));
}

fn live(seed: u64) {
    let mut year = Year::new(seed);
    for day in 0..DAYS {
        for _ in 0..STEPS {
            year.step();
        }
        if year.rarely(40) {
            year.promote();
        }
        year.back_up(day);
        year.expire();
        if year.rarely(3) {
            let is_whole = !year.rarely(3);
            year.heal(is_whole);
        }
        let (_, audit) = year.observe();
        year.assert_recoverable(&audit);
    }
    // I5: when everybody is there again, it comes to an end, and nobody lacks what another has.
    year.away = [0; 3];
    let rounds = (0..5).take_while(|_| {
        let is_healed = year.heal(true);
        year.expire();
        is_healed
    });
    let rounds = rounds.count();
    assert!(rounds < 5, "copying does not come to an end");
    let (observations, audit) = year.observe();
    year.assert_recoverable(&audit);
    let union = Segments::union(
        observations
            .iter()
            .map(|one| Segments::of(&one.catalog.as_ref().unwrap().archives[0].segments, SIZE)),
    );
    for finding in &audit.findings {
        match &finding.fact {
            Fact::Hole { range, .. } | Fact::CutOff { range, .. } => {
                let SegmentRange { first, last } = *range;
                let missing = Segments::between(first, last, SIZE);
                assert!(
                    missing.and(&union).is_empty(),
                    "{finding:?} could be copied"
                );
            }
            // A broken one is there under its name, and nothing that is there is replaced.
            Fact::OlderBackup { backup, .. } => {
                let place = NAMES
                    .iter()
                    .position(|name| *name == finding.destination.as_str());
                let mut own = year.held[place.unwrap()].backups.iter();
                let broken = own.find(|one| one.stored.id == *backup);
                assert!(broken.is_some_and(|one| !one.is_whole), "{finding:?}");
            }
            Fact::Behind { .. } | Fact::NoBackup => {
                panic!("{finding:?} could be copied")
            }
            _ => {}
        }
    }
    let expected = [
        "broken backup",
        "copy",
        "expiry",
        "failed backup",
        "hole",
        "outage",
        "promotion",
    ];
    assert_eq!(year.seen.iter().copied().collect::<Vec<_>>(), expected);
}

#[test]
fn years_of_losses_are_survived() {
    for seed in 0..20 {
        live(seed);
    }
}
