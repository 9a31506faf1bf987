//! What observations mean.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::{
    Audit, AuditRequest, AuditedBackup, DestinationAudit, Fact, Finding, Hole, Lag, Level, Newest,
    Observation, Problem, ProofStatus, lag::lags, report::problem,
};
use crate::{
    catalog::{Catalog, Chains, Health},
    pg::{SegmentRange, SystemId, TimelineId},
    repository::{BackupState, StoredBackup, UnfinishedBackup},
    restore::plan::{Window, missing_wal, windows_on_all_timelines},
    retention::{Generation, Policy, RetentionRequest},
};

impl AuditRequest<'_> {
    /// Decides what the observations mean.
    pub fn judge(&self) -> Audit {
        let lags = lags(self.observations);
        let cluster = self.observations.iter().find_map(Observation::cluster);
        let newest = newest_backup(self.observations);
        let (mut destinations, mut findings) = (Vec::new(), Vec::new());
        for (place, observation) in self.observations.iter().enumerate() {
            let policies = self.policies.get(place).map_or(&[][..], Vec::as_slice);
            let mut judge = Judge::new(self, observation, policies);
            if let Ok(catalog) = &observation.catalog {
                judge.look_at(catalog, lags[place].clone());
                judge.compare(cluster, newest);
            }
            let (destination, found) = judge.end();
            destinations.push(destination);
            findings.extend(found);
        }
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        Audit {
            at: self.moment.now,
            level: self.level,
            destinations,
            findings,
        }
    }
}

/// Returns the newest backup that can be restored from any destination.
fn newest_backup(observations: &[Observation]) -> Option<(&Observation, &StoredBackup)> {
    let sound = observations.iter().filter_map(|observation| {
        let catalog = observation.catalog.as_ref().ok()?;
        Some((observation, newest_sound(catalog)?))
    });
    sound.max_by_key(|(_, backup)| (backup.timeline, backup.stop))
}

fn newest_sound(catalog: &Catalog) -> Option<&StoredBackup> {
    let chains = Chains::new(catalog);
    let mut places = (0..chains.len()).rev();
    let place = places.find(|place| chains.is_sound(*place))?;
    Some(&chains.backup(place).stored)
}

/// On its way through one destination.
struct Judge<'a> {
    request: &'a AuditRequest<'a>,
    observation: &'a Observation,
    policies: &'a [Policy],
    audit: DestinationAudit,
    facts: Vec<Fact>,
}

impl<'a> Judge<'a> {
    fn new(
        request: &'a AuditRequest<'a>,
        observation: &'a Observation,
        policies: &'a [Policy],
    ) -> Self {
        let id = observation.destination.clone();
        let location = observation.location.clone();
        let mut judge = Self {
            request,
            observation,
            policies,
            audit: DestinationAudit::unknown(id, observation.format, location),
            facts: Vec::new(),
        };
        if let Err(error) = &observation.catalog {
            let error = error.clone();
            judge.facts.push(Fact::Unreadable { error });
        }
        judge.audit.policies = policies.iter().map(ToString::to_string).collect();
        judge.audit.drill.clone_from(&observation.remembered.drill);
        judge.look_at_drill();
        judge
    }

    fn end(mut self) -> (DestinationAudit, Vec<Finding>) {
        let id = &self.audit.id;
        let findings: Vec<_> = self
            .facts
            .into_iter()
            .map(|fact| Finding::new(id, fact))
            .collect();
        self.audit.severity = findings.iter().map(|finding| finding.severity).max();
        (self.audit, findings)
    }

    fn now(&self) -> Timestamp {
        self.request.moment.now
    }

    fn look_at(&mut self, catalog: &Catalog, lag: Option<Lag>) {
        let chains = Chains::new(catalog);
        let windows = windows_on_all_timelines(&self.observation.destination, catalog);
        self.audit.is_readable = true;
        self.measure(catalog);
        self.look_at_backups(&chains);
        self.look_at_wal(catalog, &windows);
        self.audit.newest = newest(&windows);
        self.audit.windows = windows;
        if let Some(lag) = &lag
            && lag.segments > 0
            && lag.seconds >= self.request.expectations.lag.as_secs()
        {
            self.facts.push(Fact::Behind {
                best: lag.best.clone(),
                segments: lag.segments,
                seconds: lag.seconds,
            });
        }
        self.audit.lag = lag;
        self.look_at_age(catalog, &chains);
        self.look_at_retention(catalog, &chains);
        self.look_closer();
        self.look_at_proofs(catalog, &chains);
    }

    fn measure(&mut self, catalog: &Catalog) {
        let size = catalog.segment_size;
        let backups = catalog.backups.iter();
        let segments = catalog.archives.iter().flat_map(|one| &one.segments);
        self.audit.backup_bytes = backups.map(|one| one.stored.stored_size).sum();
        self.audit.wal_bytes = catalog.archives.iter().map(|one| one.stored_size).sum();
        self.audit.segments = segments.map(|range| range.count(size)).sum();
        self.audit.newest_wal = catalog.newest_wal();
    }

    fn look_at_backups(&mut self, chains: &Chains<'_>) {
        let complete: Vec<_> = (0..chains.len())
            .filter(|place| chains.is_complete(*place))
            .collect();
        let is_any_sound = complete.iter().any(|place| chains.is_sound(*place));
        match complete.last() {
            None => self.facts.push(Fact::NoBackup),
            Some(_) if !is_any_sound => self.facts.push(Fact::NothingRestorable),
            Some(_) => {}
        }
        for place in 0..chains.len() {
            let backup = chains.backup(place);
            let (stored, health) = (&backup.stored, chains.health(place));
            if let Health::Lacks(segment) = health {
                self.facts.push(Fact::NotRestorable {
                    backup: stored.id.clone(),
                    segment,
                    is_newest: complete.last() == Some(&place),
                });
            }
            match &stored.state {
                BackupState::Unfinished => {
                    self.unfinished(&stored.id, stored.began.max(backup.touched));
                }
                BackupState::Failed { reason } if place + 1 == chains.len() => {
                    self.facts.push(Fact::Failed {
                        backup: stored.id.clone(),
                        reason: reason.clone(),
                    });
                }
                BackupState::Failed { .. } | BackupState::Complete => {}
            }
            let proofs = &self.observation.remembered.proofs;
            self.audit.backups.push(AuditedBackup {
                id: stored.id.clone(),
                name: stored.name.clone(),
                kind: backup.kind,
                began: stored.began,
                ended: stored.ended,
                timeline: stored.timeline,
                stop: stored.stop,
                stored_size: stored.stored_size,
                is_restorable: health == Health::Sound,
                problem: problem(health),
                reaches: chains.reach(place),
                proved: proofs.backups.get(&stored.id).map(|proof| proof.at),
            });
        }
        let failed = chains.catalog.backups.iter().map(|backup| &backup.stored);
        let failed = failed.filter(|one| matches!(one.state, BackupState::Failed { .. }));
        self.audit.last_failed_backup = failed.filter_map(|one| one.ended.or(one.began)).max();
        for damaged in &chains.catalog.damaged {
            self.facts.push(Fact::DamagedRecord {
                backup: damaged.id.clone(),
                problem: crate::error::chain(&damaged.error),
            });
        }
        for stray in &chains.catalog.strays {
            self.unfinished(&stray.id, Some(stray.touched));
        }
    }

    fn unfinished(&mut self, backup: &str, since: Option<Timestamp>) {
        let age = since.map(|since| self.now().duration_since(since));
        self.facts.push(Fact::Unfinished {
            backup: backup.to_owned(),
            since,
            is_abandoned: age.is_none_or(|age| age >= UnfinishedBackup::ABANDONED),
        });
    }

    fn look_at_wal(&mut self, catalog: &Catalog, windows: &[Window]) {
        let size = catalog.segment_size;
        let missing = missing_wal(catalog);
        let current = catalog.current_archives();
        let ranges: Vec<SegmentRange> = current
            .clone()
            .flat_map(|one| one.segments.iter().copied())
            .collect();
        let histories: BTreeSet<TimelineId> = current
            .flat_map(|one| one.timelines.iter().copied())
            .collect();
        let newest = ranges.iter().map(|range| range.last).max();
        let end = newest.map(|last| (last.timeline(), last.next(size).start_lsn(size)));
        let is_reached = end.is_none_or(|(timeline, end)| {
            windows
                .iter()
                .any(|window| (window.timeline, window.to) == (timeline, end))
        });
        let is_cut_off = !is_reached && !windows.is_empty();
        for (place, range) in missing.iter().enumerate() {
            let (range, segments) = (*range, range.count(size));
            self.audit.holes.push(Hole::new(range, size));
            self.facts
                .push(if is_cut_off && place + 1 == missing.len() {
                    Fact::CutOff { range, segments }
                } else {
                    Fact::Hole { range, segments }
                });
        }
        let timelines: BTreeSet<_> = ranges.iter().map(|range| range.first.timeline()).collect();
        let last = timelines.last().copied();
        for timeline in timelines.difference(&histories) {
            if *timeline != TimelineId::FIRST {
                self.facts.push(Fact::NoHistory {
                    timeline: *timeline,
                    is_newest: Some(*timeline) == last,
                });
            }
        }
    }

    fn look_at_age(&mut self, catalog: &Catalog, chains: &Chains<'_>) {
        let expectations = self.request.expectations;
        let now = self.now();
        let is_too_old = |at: Option<Timestamp>, age: SignedDuration| {
            at.is_none_or(|at| now.duration_since(at) > age)
        };
        let newest = catalog.newest_wal();
        if expectations
            .wal_age
            .is_some_and(|age| is_too_old(newest, age))
        {
            self.facts.push(Fact::WalTooOld { newest });
        }
        let sound = (0..chains.len()).filter(|place| chains.is_sound(*place));
        let newest = sound
            .filter_map(|place| chains.backup(place).stored.ended)
            .max();
        if expectations
            .backup_age
            .is_some_and(|age| is_too_old(newest, age))
        {
            self.facts.push(Fact::BackupTooOld { newest });
        }
    }

    fn look_at_retention(&mut self, catalog: &Catalog, chains: &Chains<'_>) {
        let request = RetentionRequest {
            destination: self.observation.destination.clone(),
            format: self.observation.format,
            policies: self.policies,
            moment: self.request.moment.clone(),
        };
        let plan = request.plan(catalog);
        self.audit.next_removed = plan.removed.iter().map(|one| one.id.clone()).collect();
        // Without a policy nothing would be deleted, whatever the rest is like; damaged records
        // and the like have facts of their own.
        let refusals = plan
            .refusals
            .into_iter()
            .filter(|refusal| refusal.is_of_retention_alone() && !self.policies.is_empty());
        self.facts.extend(refusals.map(Fact::Retention));
        for policy in self.policies {
            self.facts.extend(older_than(policy, chains, self.now()));
            self.facts.extend(too_seldom(policy, chains));
        }
    }

    fn look_closer(&mut self) {
        let Some(look) = &self.observation.look else {
            return;
        };
        for (backup, problem) in &look.odd {
            self.facts.push(Fact::Objects {
                backup: backup.clone(),
                problem: problem.clone(),
            });
        }
        let survey = &look.survey;
        if survey.foreign > 0 {
            self.facts.push(Fact::Foreign {
                objects: survey.foreign,
                bytes: survey.foreign_bytes,
                examples: survey.examples.iter().map(ToString::to_string).collect(),
            });
        }
        let oldest = survey
            .uploads
            .iter()
            .filter_map(|upload| upload.begun)
            .min();
        if !survey.uploads.is_empty() {
            let age = oldest.map(|oldest| self.now().duration_since(oldest));
            self.facts.push(Fact::Uploads {
                count: survey.uploads.len() as u64,
                oldest,
                are_abandoned: age.is_none_or(|age| age >= UnfinishedBackup::ABANDONED),
            });
        }
    }

    fn look_at_proofs(&mut self, catalog: &Catalog, chains: &Chains<'_>) {
        let proofs = &self.observation.remembered.proofs;
        let complete = (0..chains.len()).filter(|place| chains.is_complete(*place));
        let ids: Vec<&str> = complete
            .map(|place| chains.backup(place).stored.id.as_str())
            .collect();
        for (name, oddity) in &proofs.odd {
            let name = name.clone();
            self.facts.push(match &oddity.problem {
                Problem::Damaged(problem) => Fact::Corrupt {
                    what: name,
                    problem: problem.clone(),
                },
                Problem::Differs(other) => Fact::Conflict {
                    name,
                    other: other.clone(),
                },
            });
        }
        let everything_since = proofs.everything_since(catalog, &ids);
        self.audit.proof = ProofStatus {
            newest: proofs.newest(),
            everything_since,
            due: 0,
        };
        let Some(period) = self.request.expectations.proof_period else {
            return;
        };
        let since = self.now().checked_sub(period).unwrap_or(Timestamp::MIN);
        let size = catalog.segment_size;
        let wal = proofs.due_wal(catalog, since).into_iter();
        let wal: u64 = wal.map(|range| range.count(size)).sum();
        let is_due = |id: &&&str| {
            proofs
                .backups
                .get(**id)
                .is_none_or(|proof| proof.at < since)
        };
        let due = wal + ids.iter().filter(is_due).count() as u64;
        self.audit.proof.due = due;
        if due > 0 && self.request.level < Level::All {
            let since = everything_since;
            self.facts.push(Fact::NotProved { since, due });
        }
    }

    fn look_at_drill(&mut self) {
        let drill = self.observation.remembered.drill.as_ref();
        if let Some((drill, reason)) = drill.and_then(|one| Some((one, one.failure.clone()?))) {
            self.facts.push(Fact::DrillFailed {
                at: drill.at,
                reason,
            });
        }
        let Some(age) = self.request.expectations.drill_age else {
            return;
        };
        let last = drill.map(|drill| drill.at);
        if last.is_none_or(|last| self.now().duration_since(last) > age) {
            self.facts.push(Fact::NoDrill { last });
        }
    }

    fn compare(
        &mut self,
        cluster: Option<SystemId>,
        newest: Option<(&Observation, &StoredBackup)>,
    ) {
        let own = self.observation.cluster();
        if let (Some(found), Some(expected)) = (own, cluster)
            && found != expected
        {
            self.facts.push(Fact::OtherCluster { found, expected });
            return;
        }
        let Some((holder, backup)) = newest else {
            return;
        };
        let catalog = self.observation.catalog.as_ref().ok();
        let own = catalog.and_then(newest_sound);
        let position = |backup: &StoredBackup| (backup.timeline, backup.stop);
        if own.is_some_and(|own| position(own) < position(backup)) {
            self.facts.push(Fact::OlderBackup {
                best: holder.destination.clone(),
                backup: backup.id.clone(),
            });
        }
    }
}

/// Returns the newest position of the newest timeline to which a window leads.
fn newest(windows: &[Window]) -> Option<Newest> {
    let window = windows.iter().max_by_key(|one| (one.timeline, one.to))?;
    Some(Newest {
        timeline: window.timeline,
        position: window.to,
        at: window.until,
    })
}

/// Whether the newest backup is older than the time for which a policy keeps backups: then nothing
/// came for that long.
fn older_than(policy: &Policy, chains: &Chains<'_>, now: Timestamp) -> Option<Fact> {
    let days = policy.days()?;
    let complete = (0..chains.len()).filter(|place| chains.is_complete(*place));
    let newest = complete
        .filter_map(|place| chains.backup(place).stored.ended)
        .max()?;
    let age = SignedDuration::from_hours(i64::from(days).saturating_mul(24));
    (now.duration_since(newest) > age).then(|| Fact::OlderThanPolicy {
        newest,
        policy: policy.to_string(),
    })
}

/// Whether backups come less often than the shortest stretch of time of which a policy counts
/// several. How often they come is the median of the last ones, so that one of a person between
/// two of a schedule does not matter.
fn too_seldom(policy: &Policy, chains: &Chains<'_>) -> Option<Fact> {
    let Policy::Generations(generations) = policy else {
        return None;
    };
    let wanted = generations.wanted().into_iter();
    let (shortest, _) = wanted.into_iter().find(|(_, count)| *count > 1)?;
    let complete = (0..chains.len()).filter(|place| chains.is_complete(*place));
    let mut ends: Vec<_> = complete
        .filter_map(|place| chains.backup(place).stored.ended)
        .collect();
    ends.sort_unstable();
    let recent = &ends[ends.len().saturating_sub(RECENT)..];
    let mut pauses: Vec<i64> = recent
        .windows(2)
        .map(|two| two[1].duration_since(two[0]).as_secs())
        .collect();
    if pauses.len() < LEAST {
        return None;
    }
    pauses.sort_unstable();
    let every = pauses[pauses.len() / 2];
    let (wanted, length) = match shortest {
        Generation::Hour => ("hours", 3_600),
        Generation::Day => ("days", DAY),
        Generation::Week => ("weeks", 7 * DAY),
        Generation::Month => ("months", 31 * DAY),
        Generation::Year => ("years", 366 * DAY),
    };
    // A schedule that is a little late is no other schedule.
    (every > length + length / 10).then_some(Fact::TooSeldom { wanted, every })
}

/// How many backups tell how often they come.
const RECENT: usize = 15;
/// How many pauses between them it takes at least.
const LEAST: usize = 3;
/// In seconds.
const DAY: i64 = 86_400;
