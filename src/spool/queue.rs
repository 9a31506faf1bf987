//! The entries in memory: names and debts, no bytes.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::entry::{Debt, Entry};
use crate::{byte_size::ByteSize, destination::DestinationId, pg::WalFileName};

#[derive(Debug, Default)]
pub(super) struct Queue {
    entries: BTreeMap<WalFileName, Entry>,
    by_destination: BTreeMap<DestinationId, BTreeSet<WalFileName>>,
    bytes: u64,
}

/// What one destination owes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Owed {
    /// How many files.
    pub files: usize,
    /// Their size in the spool.
    pub bytes: ByteSize,
    /// How many of them are recorded without bytes.
    pub gaps: usize,
    /// How many are parked: the destination holds other content under the name.
    pub parked: usize,
    /// The oldest file in archive order.
    pub oldest: Option<WalFileName>,
    /// The oldest debt.
    pub since: Option<Timestamp>,
    /// Why the newest file is owed.
    pub reason: Option<String>,
}

impl Queue {
    pub(super) fn get(&self, name: WalFileName) -> Option<&Entry> {
        self.entries.get(&name)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn insert(&mut self, entry: Entry) {
        self.remove(entry.name);
        for destination in entry.owed.keys() {
            self.by_destination
                .entry(destination.clone())
                .or_default()
                .insert(entry.name);
        }
        self.bytes += entry.len();
        self.entries.insert(entry.name, entry);
    }

    pub(super) fn remove(&mut self, name: WalFileName) {
        if let Some(entry) = self.entries.remove(&name) {
            self.bytes -= entry.len();
            for destination in entry.owed.keys() {
                self.forget(destination, name);
            }
        }
    }

    /// Takes the debt away and returns whether nobody owes the file any more.
    pub(super) fn pay(&mut self, name: WalFileName, destination: &DestinationId) -> bool {
        self.forget(destination, name);
        let Some(entry) = self.entries.get_mut(&name) else {
            return false;
        };
        entry.owed.remove(destination);
        entry.owed.is_empty()
    }

    pub(super) fn debt_mut(
        &mut self,
        name: WalFileName,
        destination: &DestinationId,
    ) -> Option<&mut Debt> {
        self.entries.get_mut(&name)?.owed.get_mut(destination)
    }

    pub(super) fn drop_bytes(&mut self, name: WalFileName) {
        if let Some(entry) = self.entries.get_mut(&name) {
            self.bytes -= entry.len();
            entry.stored = None;
        }
    }

    pub(super) fn owes(&self, destination: &DestinationId) -> bool {
        self.by_destination.contains_key(destination)
    }

    pub(super) fn debtors(&self) -> impl Iterator<Item = &DestinationId> {
        self.by_destination.keys()
    }

    pub(super) fn owed_by(&self, destination: &DestinationId) -> Vec<WalFileName> {
        let names = self.by_destination.get(destination);
        names.into_iter().flatten().copied().collect()
    }

    pub(super) fn next_owed(
        &self,
        destination: &DestinationId,
        now: Timestamp,
        skip: impl Fn(WalFileName) -> bool,
    ) -> Option<WalFileName> {
        let due = |name: &&WalFileName| {
            let debt = self
                .entries
                .get(name)
                .and_then(|entry| entry.owed.get(destination));
            debt.is_some_and(|debt| debt.parked.is_none_or(|until| until <= now)) && !skip(**name)
        };
        self.by_destination
            .get(destination)?
            .iter()
            .find(due)
            .copied()
    }

    pub(super) fn owed(&self, destination: &DestinationId) -> Owed {
        let mut owed = Owed::default();
        let names = self.by_destination.get(destination).into_iter().flatten();
        let mut bytes = 0;
        for entry in names.filter_map(|name| self.entries.get(name)) {
            let Some(debt) = entry.owed.get(destination) else {
                continue;
            };
            owed.files += 1;
            owed.gaps += usize::from(entry.stored.is_none());
            owed.parked += usize::from(debt.parked.is_some());
            owed.oldest = owed.oldest.or(Some(entry.name));
            owed.since = Some(owed.since.map_or(debt.since, |since| since.min(debt.since)));
            owed.reason = Some(debt.reason.clone());
            bytes += entry.len();
        }
        owed.bytes = ByteSize::new(bytes);
        owed
    }

    fn forget(&mut self, destination: &DestinationId, name: WalFileName) {
        if let Some(names) = self.by_destination.get_mut(destination) {
            names.remove(&name);
            if names.is_empty() {
                self.by_destination.remove(destination);
            }
        }
    }
}
