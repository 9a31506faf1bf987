//! The one order in which stores are wrapped.

use std::sync::Arc;

use fastrand::Rng;

use super::{Counters, Limit, Observed, Retry, RetryPolicy, Store};

/// How [`compose`] wraps a store.
#[derive(Clone, Debug)]
pub struct Composition {
    /// How failed requests are repeated.
    pub retry: RetryPolicy,
    /// Most requests at once; default 16.
    pub max_requests: usize,
    /// Where the lengths of pauses come from; default: a seed of its own.
    pub rng: Rng,
    /// What counts the requests, together with other stores that are given a clone of it;
    /// default: counters of its own.
    pub counters: Counters,
}

impl Default for Composition {
    fn default() -> Self {
        Self {
            retry: RetryPolicy::default(),
            max_requests: 16,
            rng: Rng::new(),
            counters: Counters::default(),
        }
    }
}

/// A store as engines use it.
#[derive(Clone, Debug)]
pub struct Composed {
    /// The wrapped store.
    pub store: Arc<dyn Store>,
    /// Counts of the requests that reach the inner store.
    pub counters: Counters,
}

/// Wraps `inner`: retries outside, so that a pause holds no permit; then the limit; then the
/// observation, so that each attempt is seen and waiting for a permit is not measured.
pub fn compose(inner: Arc<dyn Store>, composition: Composition) -> Composed {
    let counters = composition.counters;
    let observed = Observed::with_counters(inner, counters.clone());
    let limited = Limit::new(Arc::new(observed), composition.max_requests);
    let store = Retry::new(Arc::new(limited), composition.retry, composition.rng);
    Composed {
        store: Arc::new(store),
        counters,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::store::{
        Class, Key, MemoryStore, Operation, StoreExt, conformance,
        fault::{Fault, FaultPlan, FaultStore},
    };

    #[tokio::test]
    async fn keeps_the_contract() {
        let composed = compose(Arc::new(MemoryStore::new()), Composition::default());
        conformance::run(&*composed.store, "some/where/")
            .await
            .unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn each_attempt_is_counted_and_a_pause_holds_no_permit() {
        let plan = FaultPlan::new();
        let inner = FaultStore::new(Arc::new(MemoryStore::new()), plan.clone());
        let composition = Composition {
            max_requests: 1,
            rng: Rng::with_seed(7),
            ..Composition::default()
        };
        let composed = compose(Arc::new(inner), composition);
        let throttled = Fault::Status {
            code: 429,
            retry_after: Some(Duration::from_secs(30)),
        };
        plan.script(Operation::Head, |key| key == "a", 2, throttled);

        let (a, b) = (Key::parse("a").unwrap(), Key::parse("b").unwrap());
        let waiting = composed.store.exists(&a);
        tokio::pin!(waiting);
        assert!(futures_util::poll!(&mut waiting).is_pending());
        let other = composed.store.head(&b).await.unwrap_err();
        assert_eq!(other.class(), Class::Missing);
        assert!(!waiting.await.unwrap());

        assert_eq!(composed.counters.of(Operation::Head).requests, 4);
    }
}
