use std::ops::Range;

use bytes::Bytes;
use futures_util::TryStreamExt;

use super::*;
use crate::store::{
    Class, MemoryStore, Operation, PutMode, StoreExt, conformance,
    fault::{Fault, FaultPlan, FaultStore},
};

#[tokio::test]
async fn keeps_the_contract() {
    let retry = World::new().retry;
    conformance::run(&retry, "some/where/").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn keeps_the_contract_while_one_request_in_three_fails() {
    let world = World::new();
    let faults = [500, 503, 429, 408].map(Fault::status);
    world.plan.randomly(1, 0.3, faults);
    let patient = RetryPolicy {
        attempts: 100,
        total: Duration::from_hours(1),
        ..RetryPolicy::default()
    };
    let retry = Retry::new(Arc::new(world.faulty), patient, Rng::with_seed(2));

    conformance::run(&retry, "some/where/").await.unwrap();

    assert!(world.plan.injected() > 50);
}

#[tokio::test(start_paused = true)]
async fn attempts_are_bounded_and_pauses_grow() {
    let world = World::new();
    world.plan.set(Fault::status(500));
    let begun = Instant::now();

    let error = world.retry.head(&key("a")).await.unwrap_err();

    assert_eq!(error.class(), Class::Transient);
    assert_eq!(world.plan.injected(), 5);
    let longest = (1 + 2 + 4 + 8) * RetryPolicy::default().first_pause;
    let waited = begun.elapsed();
    assert!(waited > Duration::ZERO && waited <= longest, "{waited:?}");
}

#[test]
fn pauses_are_drawn_between_zero_and_a_bound_that_doubles() {
    let patience = World::new().retry.patience;
    for (failed, bound) in [(1, 200), (2, 400), (3, 800), (8, 20_000), (99, 20_000)] {
        let bound = Duration::from_millis(bound);
        let draws = (0..100).map(|_| patience.draw(failed)).collect::<Vec<_>>();
        assert!(draws.iter().all(|pause| *pause <= bound));
        assert!(draws.iter().any(|pause| *pause > bound / 2));
        assert!(draws.iter().any(|pause| *pause < bound / 2));
    }
}

#[tokio::test(start_paused = true)]
async fn the_pause_that_a_store_asks_for_is_kept() {
    let world = World::new();
    world.script(Operation::Head, 1, throttled(Duration::from_secs(30)));
    let begun = Instant::now();

    let error = world.retry.head(&key("a")).await.unwrap_err();

    assert_eq!(error.class(), Class::Missing);
    let waited = begun.elapsed();
    let range = Duration::from_secs(30)..Duration::from_millis(30_250);
    assert!(range.contains(&waited), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_pause_beyond_the_total_is_not_begun() {
    let world = World::new();
    world.script(Operation::Head, 1, throttled(Duration::MAX));
    let begun = Instant::now();

    let error = world.retry.head(&key("a")).await.unwrap_err();

    assert_eq!(error.class(), Class::Throttled);
    assert_eq!(error.retry_after(), Some(Duration::MAX));
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn what_needs_a_person_is_not_repeated() {
    for code in [403, 404, 412, 400, 507] {
        let world = World::new();
        world.plan.set(Fault::status(code));
        world.retry.head(&key("a")).await.unwrap_err();
        assert_eq!(world.plan.injected(), 1, "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_broken_body_is_resumed_where_it_broke() {
    for range in [None, Some(0..1_000_000_usize), Some(1000..900_000)] {
        let world = World::with_object().await;
        for at in [0, 1, 300_000, 299_999] {
            world.script(Operation::Get, 1, Fault::ResetBody { at });
            world.script(Operation::Get, 1, Fault::TruncatedBody { at });
            world.script(Operation::Get, 1, Fault::status(503));
        }

        let bytes = world.read(range.clone()).await.unwrap();

        let whole = content();
        let range = range.unwrap_or(0..1_000_000);
        assert!(bytes == whole[range]);
        assert_eq!(world.plan.injected(), 12);
    }
}

#[tokio::test(start_paused = true)]
async fn an_object_that_changed_is_not_glued_to_its_old_half() {
    let world = World::with_object().await;
    world.script(Operation::Get, 1, Fault::ResetBody { at: 300_000 });
    let object = world.retry.get(&key("a"), GetOptions::default()).await;

    world.memory_put(vec![0; 1_000_000]).await;
    let read = object.unwrap().body.try_collect::<Vec<_>>().await;

    assert_eq!(read.unwrap_err().class(), Class::Conflict);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_comes_ends_the_attempts() {
    let world = World::with_object().await;
    world.plan.set(Fault::ResetBody { at: 0 });

    let error = world.read(None).await.unwrap_err();

    assert_eq!(error.class(), Class::Transient);
    assert_eq!(world.plan.injected(), 5);
}

#[tokio::test(start_paused = true)]
async fn deletes_are_repeated_for_the_keys_that_failed() {
    let world = World::new();
    let keys = ["a", "b", "c"].map(key);
    let (flaky, refused) = (Fault::status(500), Fault::status(403));
    world
        .plan
        .script(Operation::Delete, |key| key == "b", 2, flaky);
    world
        .plan
        .script(Operation::Delete, |key| key == "c", 9, refused);

    let results = world.retry.delete(&keys).await;

    let classes = results.into_iter().map(|r| r.map_err(|e| e.class()));
    let expected = [Ok(()), Ok(()), Err(Class::Denied)];
    assert_eq!(classes.collect::<Vec<_>>(), expected);
    assert_eq!(world.plan.injected(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_create_whose_answer_was_lost_is_a_conflict_with_itself() {
    let world = World::new();
    world.script(Operation::Put, 1, Fault::LostAnswer);
    let options = PutOptions::create();
    assert_eq!(options.mode, PutMode::Create);

    let put = world
        .retry
        .put_bytes(&key("a"), Bytes::from_static(b"x"), options)
        .await;

    assert_eq!(put.unwrap_err().class(), Class::Conflict);
    let bytes = world.retry.get_bytes(&key("a"), 1).await.unwrap();
    assert_eq!(bytes, "x");
}

struct World {
    memory: MemoryStore,
    plan: FaultPlan,
    faulty: FaultStore,
    retry: Retry,
}

impl World {
    fn new() -> Self {
        let memory = MemoryStore::new();
        let plan = FaultPlan::new();
        let faulty = FaultStore::new(Arc::new(memory.clone()), plan.clone());
        let inner = Arc::new(faulty.clone());
        let retry = Retry::new(inner, RetryPolicy::default(), Rng::with_seed(3));
        Self {
            memory,
            plan,
            faulty,
            retry,
        }
    }

    async fn with_object() -> Self {
        let world = Self::new();
        world.memory_put(content()).await;
        world
    }

    async fn memory_put(&self, bytes: Vec<u8>) {
        self.memory
            .put_bytes(&key("a"), bytes.into(), PutOptions::default())
            .await
            .unwrap();
    }

    fn script(&self, operation: Operation, times: u64, fault: Fault) {
        self.plan.script(operation, |_| true, times, fault);
    }

    async fn read(&self, range: Option<Range<usize>>) -> Result<Vec<u8>> {
        let options = GetOptions {
            range: range.map(|range| range.start as u64..range.end as u64),
            if_match: None,
        };
        let object = self.retry.get(&key("a"), options).await?;
        Ok(object.body.try_collect::<Vec<_>>().await?.concat())
    }
}

fn content() -> Vec<u8> {
    let mut bytes = vec![0; 1_000_000];
    Rng::with_seed(4).fill(&mut bytes);
    bytes
}

fn throttled(pause: Duration) -> Fault {
    Fault::Status {
        code: 429,
        retry_after: Some(pause),
    }
}

fn key(text: &str) -> Key {
    Key::parse(text).unwrap()
}
