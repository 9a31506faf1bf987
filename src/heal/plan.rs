//! What is copied, from where, and in which order.

use std::collections::BTreeSet;

use serde::Serialize;

use super::lacks::{Identity, Lacking, Union, lacking};
use crate::{
    audit::{Audit, Observation, Problem},
    catalog::{Catalog, Chains, Segments, current_segments},
    destination::DestinationId,
    pg::{SegmentName, SegmentRange, SegmentSize, SystemId, TimelineId},
    restore::plan::missing_wal,
    retention::{Moment, Policy},
};

/// Which backups a destination gets that it lacks; WAL it gets in any case.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Scope {
    /// All that its retention would keep.
    #[default]
    Everything,
    /// The newest, if its own are older.
    Newest,
    /// None.
    Wal,
}

/// What is asked of a plan.
#[derive(Clone, Debug)]
pub struct HealRequest<'a> {
    /// What was seen, one for each destination.
    pub observations: &'a [Observation],
    /// What that means: copies come from the healthiest destination.
    pub audit: &'a Audit,
    /// What each destination is to keep, in the same order.
    pub policies: &'a [Vec<Policy>],
    /// Which backups are copied.
    pub scope: Scope,
    /// Whether WAL that is known to be damaged is replaced.
    pub corrupt: bool,
    /// The destinations that get something; `None` is all.
    pub to: Option<&'a [DestinationId]>,
    /// The only destination from which something comes; `None` is any.
    pub from: Option<&'a DestinationId>,
    /// When that is.
    pub moment: Moment,
}

/// What is copied, decided before anything is.
#[derive(Clone, Debug, Default, Serialize)]
pub struct HealPlan {
    /// The cluster, where known.
    pub cluster: Option<SystemId>,
    /// Size of its segments.
    pub segment_size: SegmentSize,
    /// What to do, in this order.
    pub steps: Vec<Step>,
    /// What nobody can give.
    pub unavailable: Vec<Unavailable>,
    /// Destinations that get nothing, and why.
    pub left_out: Vec<(DestinationId, String)>,
}

/// One step of a [`HealPlan`].
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Step {
    /// Who gets it.
    pub to: Vec<DestinationId>,
    /// What.
    #[serde(flatten)]
    pub content: StepContent,
}

/// What a step copies, and from whom; the first one is asked first.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum StepContent {
    /// Histories of timelines.
    Histories {
        /// Who holds them.
        from: Vec<DestinationId>,
        /// The timelines.
        timelines: Vec<TimelineId>,
    },
    /// Segments.
    Wal {
        /// Who holds them.
        from: Vec<DestinationId>,
        /// Which.
        ranges: Vec<SegmentRange>,
        /// How many.
        segments: u64,
        /// Whether what is there is damaged, and set aside first.
        replaces: bool,
    },
    /// A base backup.
    Backup {
        /// Who holds it, and what it is called there.
        from: Vec<(DestinationId, String)>,
        /// Size of its objects at the first of them, in bytes.
        bytes: u64,
    },
}

/// What a destination lacks and nobody can give.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Unavailable {
    /// The destination.
    pub destination: DestinationId,
    /// The segments.
    pub ranges: Vec<SegmentRange>,
    /// How many.
    pub segments: u64,
}

/// When a step comes: by the backup that it is for, the newest first, then WAL before the backup,
/// which nobody lists before its WAL is there.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Phase(usize, u8);

impl HealRequest<'_> {
    /// Decides what is copied.
    pub fn plan(&self) -> HealPlan {
        let sources = self.sources();
        let union = Union::of(sources.iter().map(|(place, _)| &self.observations[*place]));
        let told = sources.first().map(|(_, catalog)| catalog.segment_size);
        let mut plan = HealPlan {
            cluster: self.cluster(),
            segment_size: told.unwrap_or_default(),
            ..HealPlan::default()
        };
        let mut steps: Vec<(Phase, Step)> = Vec::new();
        for (place, observation) in self.observations.iter().enumerate() {
            let id = &observation.destination;
            if self.to.is_some_and(|to| !to.contains(id)) {
                continue;
            }
            let catalog = match self.target(place) {
                Ok(catalog) => catalog,
                Err(reason) => {
                    plan.left_out.push((id.clone(), reason));
                    continue;
                }
            };
            let policies = self.policies.get(place).map_or(&[][..], Vec::as_slice);
            let lacking = lacking(
                observation,
                catalog,
                policies,
                &union,
                self.scope,
                &self.moment,
            );
            let others: Vec<_> = sources
                .iter()
                .filter(|(other, _)| *other != place)
                .copied()
                .collect();
            let target = Target {
                request: self,
                id,
                size: catalog.segment_size,
                others: &others,
                union: &union,
            };
            steps.extend(target.steps(&lacking));
            if self.corrupt {
                steps.extend(target.replacements(observation));
            }
            plan.unavailable.extend(target.unavailable(catalog));
        }
        steps.sort_by_key(|(phase, _)| *phase);
        plan.steps = merged(steps);
        plan
    }

    /// Returns who can give something, the healthiest first: by place, with what it holds.
    fn sources(&self) -> Vec<(usize, &Catalog)> {
        let cluster = self.cluster();
        let observations = self.observations.iter().enumerate();
        let mut sources: Vec<_> = observations
            .filter(|(_, one)| self.from.is_none_or(|from| *from == one.destination))
            .filter_map(|(place, one)| Some((place, one.catalog.as_ref().ok()?)))
            .filter(|(place, _)| {
                let own = self.observations[*place].cluster();
                own.is_none() || own == cluster
            })
            .collect();
        sources.sort_by_key(|(place, _)| {
            let audit = self.audit.destinations.get(*place);
            let lag = audit
                .and_then(|one| one.lag.as_ref())
                .map(|lag| lag.segments);
            (audit.and_then(|one| one.severity), lag)
        });
        sources
    }

    fn cluster(&self) -> Option<SystemId> {
        self.observations.iter().find_map(Observation::cluster)
    }

    /// Returns what a destination holds, or why it gets nothing.
    fn target(&self, place: usize) -> Result<&Catalog, String> {
        let observation = &self.observations[place];
        let catalog = observation.catalog.as_ref();
        let catalog = catalog.map_err(|error| format!("it cannot be read: {error}"))?;
        match (observation.cluster(), self.cluster()) {
            (Some(own), Some(cluster)) if own != cluster => {
                Err(format!("it holds cluster {own}, others hold {cluster}"))
            }
            _ => Ok(catalog),
        }
    }
}

/// A destination that gets something.
struct Target<'a> {
    request: &'a HealRequest<'a>,
    id: &'a DestinationId,
    size: SegmentSize,
    /// Who can give something, in order of preference.
    others: &'a [(usize, &'a Catalog)],
    union: &'a Union,
}

impl Target<'_> {
    fn steps(&self, lacking: &Lacking) -> Vec<(Phase, Step)> {
        let mut steps = self.histories(&lacking.histories);
        let mut rest = lacking.wal.clone();
        for (identity, first) in lacking.backups.iter().zip(&lacking.firsts) {
            let rank = self.rank(identity);
            let part = rest.and(&Segments::from(*first, self.size));
            rest = rest.without(&part);
            steps.extend(self.wal(Phase(rank, 1), part, false));
            steps.extend(self.backup(Phase(rank, 2), identity));
        }
        // Without a backup to copy, what is missing leads to those that are there.
        let last = if lacking.backups.is_empty() {
            Phase(1, 1)
        } else {
            Phase(usize::MAX, 1)
        };
        steps.extend(self.wal(last, rest, false));
        steps
    }

    /// Returns the number of a backup, counted from the newest, from 1.
    fn rank(&self, identity: &Identity) -> usize {
        let mut backups = self.union.backups.iter().rev();
        let place = backups.position(|one| Identity::of(one).as_ref() == Some(identity));
        place.map_or(usize::MAX, |place| place + 1)
    }

    fn histories(&self, wanted: &BTreeSet<TimelineId>) -> Vec<(Phase, Step)> {
        let mut left = wanted.clone();
        let mut steps = Vec::new();
        for (place, catalog) in self.others {
            let held = catalog.current_archives().flat_map(|one| &one.timelines);
            let held: BTreeSet<_> = held.copied().collect();
            let timelines: Vec<_> = left.intersection(&held).copied().collect();
            if timelines.is_empty() {
                continue;
            }
            left.retain(|timeline| !held.contains(timeline));
            steps.push(self.step(
                Phase(0, 0),
                StepContent::Histories {
                    from: self.in_order(*place, |_| true),
                    timelines,
                },
            ));
        }
        steps
    }

    /// Segments come from the first who holds them, a stretch at a time.
    fn wal(&self, phase: Phase, wanted: Segments, replaces: bool) -> Vec<(Phase, Step)> {
        let mut left = wanted;
        let mut steps = Vec::new();
        for (place, catalog) in self.others {
            let part = left.and(&current_segments(catalog));
            if part.is_empty() {
                continue;
            }
            left = left.without(&part);
            let holds = |other: &Catalog| !current_segments(other).and(&part).is_empty();
            steps.push(self.step(
                phase,
                StepContent::Wal {
                    from: self.in_order(*place, holds),
                    ranges: part.ranges(self.size),
                    segments: part.count(),
                    replaces,
                },
            ));
        }
        steps
    }

    fn backup(&self, phase: Phase, identity: &Identity) -> Option<(Phase, Step)> {
        let format = |place: usize| self.request.observations[place].format;
        let own = self.request.observations.iter();
        let own = own.filter(|one| one.destination == *self.id);
        let own = own.map(|one| one.format).next();
        let mut holders: Vec<_> = self
            .others
            .iter()
            .filter_map(|(place, catalog)| {
                let chains = Chains::new(catalog);
                let mut sound = (0..chains.len()).filter(|one| chains.is_sound(*one));
                let found = sound.find(|one| {
                    Identity::of(&chains.backup(*one).stored).as_ref() == Some(identity)
                })?;
                let stored = &chains.backup(found).stored;
                Some((*place, stored.id.clone(), stored.stored_size))
            })
            .collect();
        // Of one's own layout everything can be taken over, of another what both have words for.
        holders.sort_by_key(|(place, ..)| Some(format(*place)) != own);
        let bytes = holders.first()?.2;
        let id = |place: usize| self.request.observations[place].destination.clone();
        let from = holders
            .into_iter()
            .map(|(place, backup, _)| (id(place), backup));
        let from = from.collect();
        Some(self.step(phase, StepContent::Backup { from, bytes }))
    }

    /// What is damaged comes first, from those where it is not.
    fn replacements(&self, observation: &Observation) -> Vec<(Phase, Step)> {
        let odd = observation.remembered.proofs.odd.iter();
        let damaged = odd.filter(|(_, oddity)| matches!(oddity.problem, Problem::Damaged(_)));
        let damaged: Vec<SegmentName> = damaged.filter_map(|(name, _)| name.parse().ok()).collect();
        let of = |name: SegmentName| Segments::between(name, name, self.size);
        let mut steps = Vec::new();
        for name in damaged {
            let holders = self.others.iter().filter(|(place, catalog)| {
                let known = &self.request.observations[*place].remembered.proofs.odd;
                let is_held = !current_segments(catalog).and(&of(name)).is_empty();
                is_held && !known.contains_key(&name.to_string())
            });
            let from: Vec<_> = holders
                .map(|(place, _)| self.request.observations[*place].destination.clone())
                .collect();
            if !from.is_empty() {
                steps.push(self.step(
                    Phase(0, 1),
                    StepContent::Wal {
                        from,
                        ranges: of(name).ranges(self.size),
                        segments: 1,
                        replaces: true,
                    },
                ));
            }
        }
        steps
    }

    fn unavailable(&self, catalog: &Catalog) -> Option<Unavailable> {
        let missing = Segments::of(&missing_wal(catalog), self.size).without(&self.union.wal);
        (!missing.is_empty()).then(|| Unavailable {
            destination: self.id.clone(),
            ranges: missing.ranges(self.size),
            segments: missing.count(),
        })
    }

    /// Returns `first` and whoever else holds something of it.
    fn in_order(&self, first: usize, holds: impl Fn(&Catalog) -> bool) -> Vec<DestinationId> {
        let others = self.others.iter();
        let others = others.filter(|(place, catalog)| *place != first && holds(catalog));
        let places = std::iter::once(first).chain(others.map(|(place, _)| *place));
        let id = |place: usize| self.request.observations[place].destination.clone();
        places.map(id).collect()
    }

    fn step(&self, phase: Phase, content: StepContent) -> (Phase, Step) {
        let to = vec![self.id.clone()];
        (phase, Step { to, content })
    }
}

/// Makes one step of those that copy the same from the same, so that it is read once.
fn merged(steps: Vec<(Phase, Step)>) -> Vec<Step> {
    let mut merged: Vec<(Phase, Step)> = Vec::new();
    for (phase, step) in steps {
        let same = merged
            .iter_mut()
            .find(|(known, other)| *known == phase && other.content == step.content);
        match same {
            Some((_, other)) => other.to.extend(step.to),
            None => merged.push((phase, step)),
        }
    }
    merged.into_iter().map(|(_, step)| step).collect()
}

impl HealPlan {
    /// Returns whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}
