use std::time::Duration;

use bytes::Bytes;
use jiff::SignedDuration;
use tokio::time::Instant;

use super::*;
use crate::store::{Class, MemoryStore, conformance};

#[tokio::test]
async fn keeps_the_contract_without_faults() {
    conformance::run(&World::new().store, "some/where/")
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn refusals_have_their_class_and_do_nothing() {
    let pause = Some(Duration::from_secs(9));
    let after = |code| Fault::Status {
        code,
        retry_after: pause,
    };
    let faults = [
        (Fault::status(403), Class::Denied),
        (Fault::status(404), Class::Missing),
        (Fault::status(408), Class::Transient),
        (Fault::status(409), Class::Transient),
        (Fault::status(412), Class::Conflict),
        (Fault::status(418), Class::Invalid),
        (Fault::status(429), Class::Throttled),
        (Fault::status(500), Class::Transient),
        (after(503), Class::Throttled),
        (
            Fault::ConnectTimeout(Duration::from_secs(3)),
            Class::Transient,
        ),
        (Fault::ExpiredCredentials, Class::Denied),
        (Fault::RefusedClock, Class::Denied),
        (Fault::NoSpace, Class::Full),
        (Fault::IoError, Class::Transient),
        (Fault::FailedSync, Class::Transient),
    ];
    for (fault, class) in faults {
        let world = World::new();
        world.plan.set(fault.clone());

        let error = world.put("a").await.unwrap_err();

        assert_eq!(error.class(), class, "{fault:?}");
        assert_eq!(error.retry_after().is_some(), fault == after(503));
        let needs_person = matches!(class, Class::Denied | Class::Full);
        assert_eq!(error.hint().is_some(), needs_person, "{fault:?}");
        assert!(world.memory.contents().is_empty(), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn lost_answers_come_after_the_deed() {
    for fault in [
        Fault::LostAnswer,
        Fault::ReadTimeout(Duration::from_secs(30)),
    ] {
        let world = World::new();
        world.plan.set(fault);
        let error = world.put("a").await.unwrap_err();
        assert_eq!(error.class(), Class::Transient);
        assert_eq!(world.memory.contents().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_hang_lasts_until_it_is_dropped() {
    let world = World::new();
    world.plan.set(Fault::Hang);
    let patience = Duration::from_hours(24);
    let waited = tokio::time::timeout(patience, world.put("a")).await;
    assert!(waited.is_err());

    world.plan.clear();
    world.put("a").await.unwrap();
}

#[tokio::test]
async fn a_put_performed_twice_meets_itself() {
    let world = World::new();
    world.plan.set(Fault::Twice);
    let error = world.put("a").await.unwrap_err();
    assert_eq!(error.class(), Class::Conflict);
}

#[tokio::test]
async fn a_late_put_arrives_when_told() {
    let world = World::new();
    world.script(Operation::Put, 1, Fault::Late);

    world.put("a").await.unwrap_err();
    assert!(world.memory.contents().is_empty());
    assert_eq!(world.plan.late(), 1);

    let answers = world.plan.deliver_late().await;
    assert!(matches!(*answers, [Ok(())]));
    assert_eq!(world.memory.contents().len(), 1);
    assert_eq!(world.plan.late(), 0);
}

#[tokio::test(start_paused = true)]
async fn bodies_are_damaged_as_planned() {
    let world = World::new();
    world.put("a").await.unwrap();
    let key = key("a");

    world.script(Operation::Get, 1, Fault::TruncatedBody { at: 4 });
    let read = read(&world.store, &key).await.unwrap();
    assert_eq!(read, b"some");

    world.script(Operation::Get, 1, Fault::FlippedBit { at: 12 });
    let flipped = world.store.get_bytes(&key, 99).await.unwrap();
    assert_eq!(flipped, "sole bytes");

    world.script(Operation::Get, 1, Fault::ResetBody { at: 4 });
    let error = world.store.get_bytes(&key, 99).await.unwrap_err();
    assert_eq!(error.class(), Class::Transient);

    let (block, pause) = (3, Duration::from_secs(1));
    world.script(Operation::Get, 1, Fault::SlowBody { block, pause });
    let begun = Instant::now();
    assert_eq!(world.store.get_bytes(&key, 99).await.unwrap(), "some bytes");
    assert_eq!(begun.elapsed(), 4 * pause);
}

#[tokio::test]
async fn listings_lack_what_is_newest_or_last() {
    let world = World::new();
    for name in ["a", "c", "b"] {
        world.put(name).await.unwrap();
    }
    world.script(Operation::List, 2, Fault::StaleList { missing: 1 });
    assert_eq!(world.list().await, ["a", "c"]);
    let level = world.store.list_level("").await.unwrap();
    assert_eq!(level.objects.len(), 2);

    world.script(Operation::List, 1, Fault::IncompleteList { items: 1 });
    assert_eq!(world.list().await, ["a"]);
    assert_eq!(world.list().await, ["a", "b", "c"]);
}

#[tokio::test]
async fn an_upload_can_be_left_behind() {
    let world = World::new();
    let options = UploadOptions {
        part_size: 1,
        put: PutOptions::default(),
    };
    let upload = world.store.begin_upload(&key("a"), options.clone()).await;
    world.plan.set(Fault::OrphanUpload);
    upload.unwrap().abort().await.unwrap();
    world
        .store
        .begin_upload(&key("b"), options)
        .await
        .unwrap_err();

    let left = world.memory.unfinished_uploads("").await.unwrap();
    assert_eq!(left.len(), 2);
}

#[tokio::test]
async fn the_store_s_clock_can_differ() {
    let world = World::new();
    world.put("a").await.unwrap();
    let key = key("a");
    let modified = world.store.head(&key).await.unwrap().modified;

    let hour = SignedDuration::from_hours(1);
    world.plan.set(Fault::ShiftedClock(hour));

    let head = world.store.head(&key).await.unwrap();
    let listed = world.store.list_all("").await.unwrap();
    let got = world.store.get(&key, GetOptions::default()).await.unwrap();
    for meta in [&head, &listed[0], &got.meta] {
        assert_eq!(meta.modified.duration_since(modified), hour);
    }
}

#[tokio::test]
async fn scripts_choose_by_operation_and_key_and_end() {
    let world = World::new();
    let matches = |key: &str| key.starts_with("wal/");
    world
        .plan
        .script(Operation::Put, matches, 2, Fault::status(500));

    world.put("base/1").await.unwrap();
    for _ in 0..2 {
        world.put("wal/1").await.unwrap_err();
    }
    assert!(!world.store.exists(&key("wal/1")).await.unwrap());
    world.put("wal/1").await.unwrap();

    assert_eq!(world.plan.injected(), 2);
    assert_eq!(world.plan.injected_into(Operation::Put), 2);
    assert_eq!(world.plan.injected_into(Operation::Head), 0);
}

#[tokio::test]
async fn chance_is_repeatable_by_its_seed() {
    let outcomes = async |seed| {
        let world = World::new();
        world.plan.randomly(seed, 0.5, [Fault::status(500)]);
        let mut outcomes = Vec::new();
        for number in 0..64 {
            outcomes.push(world.put(&number.to_string()).await.is_ok());
        }
        outcomes
    };

    let first = outcomes(1).await;
    assert_eq!(first, outcomes(1).await);
    assert_ne!(first, outcomes(2).await);
}

struct World {
    memory: MemoryStore,
    plan: FaultPlan,
    store: FaultStore,
}

impl World {
    fn new() -> Self {
        let memory = MemoryStore::new();
        let plan = FaultPlan::new();
        let store = FaultStore::new(Arc::new(memory.clone()), plan.clone());
        Self {
            memory,
            plan,
            store,
        }
    }

    fn script(&self, operation: Operation, times: u64, fault: Fault) {
        self.plan.script(operation, |_| true, times, fault);
    }

    async fn put(&self, name: &str) -> Result<()> {
        let bytes = Bytes::from_static(b"some bytes");
        self.store
            .put_bytes(&key(name), bytes, PutOptions::create())
            .await
    }

    async fn list(&self) -> Vec<String> {
        let metas = self.store.list_all("").await.unwrap();
        metas.iter().map(|meta| meta.key.to_string()).collect()
    }
}

async fn read(store: &FaultStore, key: &Key) -> Result<Vec<u8>> {
    let object = store.get(key, GetOptions::default()).await?;
    Ok(object.body.try_collect::<Vec<_>>().await?.concat())
}

fn key(text: &str) -> Key {
    Key::parse(text).unwrap()
}
