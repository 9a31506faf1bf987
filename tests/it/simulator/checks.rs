//! The invariants, asserted after every step.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read,
    num::NonZeroUsize,
    time::Duration,
};

use bytes::Bytes;
use tokio::time::Instant;
use walcast::{
    codec::{Codec, Decoder},
    fanout::MinCopies,
    pg::WalFileName,
    store::Key,
};

use super::world::World;

/// What the checks remember from step to step.
#[derive(Debug, Default)]
pub(super) struct Checks {
    /// What each store really holds, whatever the faults in front of it.
    holdings: Vec<Holding>,
    /// Files that were archived before the spool was lost: their debts may be unknown.
    pub(super) forgotten: BTreeSet<WalFileName>,
    /// Names under which a second primary wrote other content, by destination.
    pub(super) foreign: BTreeSet<(usize, WalFileName)>,
}

#[derive(Debug, Default)]
struct Holding {
    contents: BTreeMap<Key, Bytes>,
    decoded: BTreeMap<WalFileName, Vec<Vec<u8>>>,
    /// The greatest name that was ever the oldest: after the spool was lost, what is older
    /// counts as removed by retention.
    oldest: Option<WalFileName>,
}

impl Checks {
    /// Asserts I1, I3 and I4.
    pub(super) async fn assert_safe(&mut self, world: &World) {
        self.look(world);
        let owed = Owed::of(world);
        let postgres = world.postgres.lock().await;
        for (&name, content) in &postgres.acknowledged {
            let holders: Vec<_> = self
                .holdings
                .iter()
                .map(|holding| holding.holds(name, content))
                .collect();
            let copies = holders.iter().filter(|&&holds| holds).count();
            let wanted = match world.policy.min_copies {
                MinCopies::AtLeast(count) => count.get(),
                MinCopies::All => world.places.len(),
            };
            assert!(
                copies >= wanted,
                "I1: {name} has {copies} copies, not {wanted}"
            );
            for (index, holds) in holders.iter().enumerate().filter(|(_, holds)| !**holds) {
                let id = &world.places[index].id;
                assert!(
                    !holds && !world.policy.required.contains(id),
                    "I1: {id} lacks {name}"
                );
                if !self.forgotten.contains(&name) {
                    owed.assert(index, name);
                }
            }
        }
    }

    /// I4: no key ever changes its content, and none goes away.
    fn look(&mut self, world: &World) {
        self.holdings
            .resize_with(world.places.len(), Holding::default);
        for (holding, place) in self.holdings.iter_mut().zip(&world.places) {
            let now = place.store.contents();
            for (key, bytes) in &holding.contents {
                assert_eq!(
                    now.get(key),
                    Some(bytes),
                    "I4: {key} changed in {}",
                    place.id
                );
            }
            for (key, bytes) in now
                .iter()
                .filter(|(key, _)| !holding.contents.contains_key(*key))
            {
                if let Some((name, codec)) = split(key) {
                    holding
                        .decoded
                        .entry(name)
                        .or_default()
                        .push(decode(codec, bytes));
                }
            }
            holding.contents = now;
            holding.oldest = holding.oldest.max(holding.decoded.keys().next().copied());
        }
    }

    /// I2: the waits of PostgreSQL since the last look.
    pub(super) async fn assert_isolated(&self, world: &World, most_long_waits: usize) {
        let waits = std::mem::take(&mut *world.waits.lock().await);
        let long = waits
            .iter()
            .filter(|wait| wait.took > Duration::from_secs(2))
            .count();
        assert!(
            long <= most_long_waits,
            "I2: PostgreSQL waited {long} times: {waits:?}"
        );
    }

    /// I2: with one sound destination, where one is enough, no other costs more than one patience.
    ///
    /// A destination that was broken is given the time that a breaker may stay open.
    pub(super) async fn assert_patient(&self, world: &World, disk_sound_since: Option<Instant>) {
        let waits = std::mem::take(&mut *world.waits.lock().await);
        let one_is_enough = world.policy.min_copies == MinCopies::AtLeast(NonZeroUsize::MIN)
            && world.policy.required.is_empty();
        let Some(disk) = disk_sound_since.filter(|_| one_is_enough) else {
            return;
        };
        let sound = world.places.iter().filter(|place| !place.is_faulty);
        let Some(place) = sound.map(|place| place.sound_since).min() else {
            return;
        };
        let since = place.max(disk) + Duration::from_mins(2);
        let limit = world.policy.patience + Duration::from_secs(1);
        for wait in waits.iter().filter(|wait| wait.asked >= since) {
            assert!(wait.took <= limit, "I2: PostgreSQL waited {:?}", wait.took);
        }
    }

    /// Whose content is right is not known any more: the spool was lost.
    fn is_disputed(&self, name: WalFileName) -> bool {
        !self.forgotten.is_empty() && self.foreign.iter().any(|(_, foreign)| *foreign == name)
    }

    /// I5: everything is everywhere, and the spool is empty but for conflicts.
    pub(super) async fn assert_converged(&mut self, world: &World) {
        self.assert_safe(world).await;
        let postgres = world.postgres.lock().await;
        for (index, holding) in self.holdings.iter().enumerate() {
            for (&name, content) in &postgres.acknowledged {
                let expired = self.forgotten.contains(&name)
                    && holding.oldest.is_some_and(|oldest| name < oldest);
                let disputed = self.is_disputed(name);
                let excused = expired || disputed || self.foreign.contains(&(index, name));
                assert!(
                    excused || holding.holds(name, content),
                    "I5: d{index} misses {name}"
                );
            }
        }
        for entry in world.process().spool.entries() {
            for id in entry.owed.keys() {
                let index = world
                    .places
                    .iter()
                    .position(|place| place.id == *id)
                    .unwrap();
                let conflict =
                    self.foreign.contains(&(index, entry.name)) || self.is_disputed(entry.name);
                assert!(conflict, "I5: {id} still owes {}", entry.name);
            }
        }
    }
}

/// Who owes what by the spool, and how much by the status.
struct Owed {
    by_spool: BTreeSet<(usize, WalFileName)>,
    by_status: Vec<usize>,
}

impl Owed {
    fn of(world: &World) -> Self {
        let process = world.process();
        let index = |id| world.places.iter().position(|place| place.id == id);
        let mut by_spool = BTreeSet::new();
        for entry in process.spool.entries() {
            let owing = entry.owed.into_keys().filter_map(index);
            by_spool.extend(owing.map(|index| (index, entry.name)));
        }
        let status = process.archiver.status();
        let by_status = status
            .destinations
            .iter()
            .map(|destination| destination.owed)
            .collect();
        Self {
            by_spool,
            by_status,
        }
    }

    /// Whoever misses an acknowledged file owes it on record (I1), and status says so (I3).
    fn assert(&self, index: usize, name: WalFileName) {
        assert!(
            self.by_spool.contains(&(index, name)),
            "I1: {name} is not owed by d{index}"
        );
        assert!(
            self.by_status[index] > 0,
            "I3: status hides that d{index} owes {name}"
        );
    }
}

impl Holding {
    fn holds(&self, name: WalFileName, content: &[u8]) -> bool {
        self.decoded
            .get(&name)
            .is_some_and(|found| found.iter().any(|found| found == content))
    }
}

fn split(key: &Key) -> Option<(WalFileName, Option<Codec>)> {
    let file = key.as_str().rsplit('/').next()?;
    if let Ok(name) = file.parse() {
        return Some((name, None));
    }
    let (name, suffix) = file.rsplit_once('.')?;
    let codec = Codec::ALL
        .into_iter()
        .find(|codec| codec.barman_extension() == suffix)?;
    Some((name.parse().ok()?, Some(codec)))
}

fn decode(codec: Option<Codec>, bytes: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    Decoder::new(codec, bytes, 1 << 20)
        .unwrap()
        .read_to_end(&mut content)
        .unwrap();
    content
}
