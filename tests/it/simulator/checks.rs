//! The invariants, asserted after every step.

use std::{collections::BTreeMap, io::Read, time::Duration};

use bytes::Bytes;
use walcast::{
    codec::{Codec, Decoder},
    fanout::MinCopies,
    pg::WalFileName,
    store::Key,
};

use super::world::{Place, World};

/// What the checks remember from step to step.
#[derive(Debug, Default)]
pub(super) struct Checks {
    contents: Vec<BTreeMap<Key, Bytes>>,
    /// Since when debts may be unknown because the spool was lost: those files are exempt.
    pub(super) forgotten: Vec<WalFileName>,
    /// Names under which a second primary wrote other content, by destination.
    pub(super) foreign: Vec<(usize, WalFileName)>,
}

impl Checks {
    /// Asserts I1, I3 and I4.
    pub(super) async fn assert_safe(&mut self, world: &World) {
        self.assert_nothing_changed(world);
        let postgres = world.postgres.lock().await;
        for (&name, content) in &postgres.acknowledged {
            let holders: Vec<_> =
                world.places.iter().map(|place| holds(place, name, content)).collect();
            let copies = holders.iter().filter(|&&holds| holds).count();
            let wanted = match world.policy.min_copies {
                MinCopies::AtLeast(count) => count.get(),
                MinCopies::All => world.places.len(),
            };
            assert!(copies >= wanted, "I1: {name} has {copies} copies, not {wanted}");
            for (place, holds) in world.places.iter().zip(&holders) {
                let required = world.policy.required.contains(&place.id);
                assert!(*holds || !required, "I1: {name} is not in the required {}", place.id);
            }
            self.assert_owed(world, name, &holders);
        }
    }

    /// Whoever misses an acknowledged file owes it on record, and status says so.
    fn assert_owed(&self, world: &World, name: WalFileName, holders: &[bool]) {
        let Some(process) = &world.process else { return };
        if self.forgotten.contains(&name) {
            return;
        }
        for (place, holds) in world.places.iter().zip(holders) {
            if *holds {
                continue;
            }
            assert!(process.spool.owes_file(&place.id, name), "I1: {name} is not owed by {}", place.id);
            let status = process.archiver.status();
            let seen = status.destinations.iter().find(|seen| seen.id == place.id).unwrap();
            assert!(seen.owed > 0, "I3: status hides that {} owes {name}", place.id);
        }
    }

    /// I4: no key ever changes its content, and none goes away.
    fn assert_nothing_changed(&mut self, world: &World) {
        let now: Vec<_> = world.places.iter().map(|place| place.store.contents()).collect();
        for (index, before) in self.contents.iter().enumerate() {
            for (key, bytes) in before {
                let after = now[index].get(key);
                assert_eq!(after, Some(bytes), "I4: {key} changed in d{index}");
            }
        }
        self.contents = now;
    }

    /// I2: the waits of PostgreSQL since the last look.
    pub(super) async fn assert_isolated(&self, world: &World, most_long_waits: usize) {
        let waits = std::mem::take(&mut *world.waits.lock().await);
        let long = waits.iter().filter(|&&wait| wait > Duration::from_secs(2)).count();
        assert!(long <= most_long_waits, "I2: PostgreSQL waited {long} times: {waits:?}");
        let limit = world.policy.deadline;
        assert!(waits.iter().all(|&wait| wait <= limit), "I2: {waits:?}");
    }

    /// I5: everything is everywhere, and the spool is empty but for conflicts.
    pub(super) async fn assert_converged(&mut self, world: &World) {
        self.assert_safe(world).await;
        let postgres = world.postgres.lock().await;
        for (index, place) in world.places.iter().enumerate() {
            let oldest = self.oldest(place);
            for (&name, content) in &postgres.acknowledged {
                let excused = self.foreign.contains(&(index, name))
                    || (self.forgotten.contains(&name) && oldest.is_some_and(|oldest| name < oldest));
                assert!(
                    excused || holds(place, name, content),
                    "I5: {} still misses {name}",
                    place.id
                );
            }
        }
        let process = world.process.as_ref().expect("it is running");
        for entry in process.spool.entries() {
            for id in entry.owed.keys() {
                let index = world.places.iter().position(|place| place.id == *id).unwrap();
                assert!(
                    self.foreign.contains(&(index, entry.name)),
                    "I5: {id} still owes {}",
                    entry.name
                );
            }
        }
    }

    fn oldest(&self, place: &Place) -> Option<WalFileName> {
        place.store.contents().keys().filter_map(|key| split(key).map(|(name, _)| name)).min()
    }
}

/// Returns whether the store really holds the file, whatever the faults in front of it.
fn holds(place: &Place, name: WalFileName, content: &[u8]) -> bool {
    place.store.contents().iter().any(|(key, bytes)| {
        split(key).is_some_and(|(found, codec)| found == name && decode(codec, bytes) == content)
    })
}

fn split(key: &Key) -> Option<(WalFileName, Option<Codec>)> {
    let file = key.as_str().rsplit('/').next()?;
    if let Ok(name) = file.parse() {
        return Some((name, None));
    }
    let (name, suffix) = file.rsplit_once('.')?;
    let codec = Codec::ALL.into_iter().find(|codec| codec.barman_extension() == suffix)?;
    Some((name.parse().ok()?, Some(codec)))
}

fn decode(codec: Option<Codec>, bytes: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    Decoder::new(codec, bytes, 1 << 20).unwrap().read_to_end(&mut content).unwrap();
    content
}
