//! Which fault hits which request.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard},
};

use fastrand::Rng;

use super::Fault;
use crate::store::{Key, Operation, Payload, PutOptions, Result, Store};

/// Decides which requests of the [`FaultStore`](super::FaultStore)s that share it are hit; cheap
/// to clone.
///
/// The first of these that has a fault for a request decides: the scripts in their order, the
/// standing fault, chance. A fault that means nothing for an operation, such as a broken body for
/// a put, leaves it alone and is not used up.
#[derive(Clone, Default)]
pub struct FaultPlan(Arc<Mutex<Rules>>);

#[derive(Default)]
struct Rules {
    scripts: Vec<Script>,
    standing: Option<Fault>,
    chance: Option<Chance>,
    injected: HashMap<Operation, u64>,
    late: Vec<LatePut>,
}

struct Script {
    operation: Operation,
    matches: Box<dyn Fn(&str) -> bool + Send>,
    times: u64,
    fault: Fault,
}

struct Chance {
    rng: Rng,
    probability: f64,
    faults: Vec<Fault>,
}

/// A put on its way, of which nobody waits for the answer.
pub(super) struct LatePut {
    pub(super) store: Arc<dyn Store>,
    pub(super) key: Key,
    pub(super) payload: Payload,
    pub(super) options: PutOptions,
}

impl FaultPlan {
    /// Creates a plan without faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Hits every request with `fault` from now on, instead of the last standing fault.
    pub fn set(&self, fault: Fault) {
        self.rules().standing = Some(fault);
    }

    /// Hits the next `times` requests of `operation` whose key (or listed prefix) matches.
    pub fn script(
        &self,
        operation: Operation,
        matches: impl Fn(&str) -> bool + Send + 'static,
        times: u64,
        fault: Fault,
    ) {
        self.rules().scripts.push(Script {
            operation,
            matches: Box::new(matches),
            times,
            fault,
        });
    }

    /// Hits each request with `probability` (0 to 1) by one of `faults`, from a seed.
    pub fn randomly(&self, seed: u64, probability: f64, faults: impl IntoIterator<Item = Fault>) {
        self.rules().chance = Some(Chance {
            rng: Rng::with_seed(seed),
            probability,
            faults: faults.into_iter().collect(),
        });
    }

    /// Ends all faults. Counts stay, and so do late puts.
    pub fn clear(&self) {
        let mut rules = self.rules();
        rules.scripts.clear();
        rules.standing = None;
        rules.chance = None;
    }

    /// Returns how many requests were hit so far.
    pub fn injected(&self) -> u64 {
        self.rules().injected.values().sum()
    }

    /// Returns how many requests of `operation` were hit so far.
    pub fn injected_into(&self, operation: Operation) -> u64 {
        let rules = self.rules();
        rules.injected.get(&operation).copied().unwrap_or_default()
    }

    /// Returns how many [late](Fault::Late) puts are on their way.
    pub fn late(&self) -> usize {
        self.rules().late.len()
    }

    /// Lets the late puts arrive, in their order, and returns the answers that nobody waited for.
    pub async fn deliver_late(&self) -> Vec<Result<()>> {
        let late = std::mem::take(&mut self.rules().late);
        let mut answers = Vec::with_capacity(late.len());
        for put in late {
            answers.push(put.store.put(&put.key, put.payload, put.options).await);
        }
        answers
    }

    pub(super) fn delay(&self, put: LatePut) {
        self.rules().late.push(put);
    }

    /// Returns the fault for a request, if it is to be hit, and counts it.
    pub(super) fn draw(&self, operation: Operation, subject: &str) -> Option<Fault> {
        let mut rules = self.rules();
        let fault = rules.draw(operation, subject)?;
        *rules.injected.entry(operation).or_default() += 1;
        Some(fault)
    }

    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.0.lock().expect("no holder of the lock panics")
    }
}

impl Rules {
    fn draw(&mut self, operation: Operation, subject: &str) -> Option<Fault> {
        if let Some(fault) = self.draw_script(operation, subject) {
            return Some(fault);
        }
        let standing = self.standing.as_ref();
        if let Some(fault) = standing.filter(|fault| fault.concerns(operation)) {
            return Some(fault.clone());
        }
        self.chance.as_mut()?.draw(operation)
    }

    fn draw_script(&mut self, operation: Operation, subject: &str) -> Option<Fault> {
        let script = self.scripts.iter_mut().find(|script| {
            script.times > 0
                && script.operation == operation
                && script.fault.concerns(operation)
                && (script.matches)(subject)
        })?;
        script.times -= 1;
        Some(script.fault.clone())
    }
}

impl Chance {
    fn draw(&mut self, operation: Operation) -> Option<Fault> {
        if self.rng.f64() >= self.probability {
            return None;
        }
        let faults = self.faults.iter();
        let possible = faults
            .filter(|fault| fault.concerns(operation))
            .collect::<Vec<_>>();
        self.rng.choice(possible).cloned()
    }
}

impl fmt::Debug for FaultPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rules = self.rules();
        f.debug_struct("FaultPlan")
            .field("scripts", &rules.scripts.len())
            .field("standing", &rules.standing)
            .field("injected", &rules.injected)
            .finish_non_exhaustive()
    }
}
