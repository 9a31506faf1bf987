//! A crash after any operation leaves what stays as it was, and the next run goes on.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use jiff::Timestamp;
use walcast::{
    repository::{BackupKind, Format},
    retention::{BarmanPolicy, Fulls, Generations, PgBackRestPolicy, Policy, WalRule},
    store::{
        MemoryStore, Operation,
        fault::{Fault, FaultPlan, FaultStore},
    },
};

use super::{contents, open, past, plan_and_expire, stored};

/// A store that does no more than so many changes.
fn dying(store: MemoryStore, changes: u64) -> FaultStore {
    let plan = FaultPlan::new();
    let done = Arc::new(AtomicU64::new(0));
    for operation in [Operation::Delete, Operation::Put] {
        let done = Arc::clone(&done);
        let is_dead = move |_: &str| done.fetch_add(1, Ordering::Relaxed) >= changes;
        plan.script(operation, is_dead, u64::MAX, Fault::status(403));
    }
    FaultStore::new(Arc::new(store), plan)
}

async fn check(format: Format, objects: &past::Objects, name: &str, policy: &Policy) -> usize {
    let now = Timestamp::now();
    let whole = stored(objects, now).await;
    let repository = open(format, Arc::new(whole.clone()), name);
    let (plan, expired) = plan_and_expire(&*repository, policy, now).await;
    expired.unwrap();
    let end = contents(&whole);
    let is_record = |key: &str| key.contains("/backup.info") && format == Format::PgBackRest;
    for changes in 0.. {
        let store = stored(objects, now).await;
        let crashed = open(format, Arc::new(dying(store.clone(), changes)), name);
        let (_, expired) = plan_and_expire(&*crashed, policy, now).await;

        let left = contents(&store);
        for (key, content) in &end {
            let found = left.get(key);
            let is_same = found == Some(content) || (is_record(key) && found.is_some());
            assert!(is_same, "{key} after {changes} changes");
        }
        let repository = open(format, Arc::new(store.clone()), name);
        let backups = repository.backups().await.unwrap().found;
        for kept in &plan.kept {
            assert!(
                backups.iter().any(|backup| backup.id == kept.id),
                "{}",
                kept.id
            );
        }

        let (_, again) = plan_and_expire(&*repository, policy, now).await;
        again.unwrap();
        assert_eq!(contents(&store), end, "{changes} changes, then the rest");
        if expired.is_ok() {
            return usize::try_from(changes).unwrap();
        }
    }
    unreachable!("a run ends")
}

#[tokio::test]
async fn in_barmans_layout() {
    let policies = [
        Policy::Barman(BarmanPolicy::redundancy(1)),
        Policy::Barman(BarmanPolicy::window(5)),
        Policy::Generations(Generations {
            daily: 3,
            wal_days: Some(2),
            ..Generations::default()
        }),
    ];
    let mut changes = 0;
    for seed in 0..12 {
        let objects = past::barman(seed, "srv", Timestamp::now());
        for policy in &policies {
            changes += check(Format::Barman, &objects, "srv", policy).await;
        }
    }
    assert!(changes > 200, "{changes}");
}

#[tokio::test]
async fn in_pgbackrests_layout() {
    let fulls = PgBackRestPolicy {
        full: Fulls::Count(1),
        diff: Some(1),
        wal: WalRule::Backups(1, BackupKind::Full),
        history: Some(0),
    };
    let policies = [
        Policy::PgBackRest(fulls),
        Policy::Generations(Generations {
            daily: 3,
            wal_days: Some(2),
            ..Generations::default()
        }),
    ];
    let mut changes = 0;
    for seed in 0..12 {
        let past = past::PgBackRest::new(seed, Timestamp::now()).await;
        for policy in &policies {
            changes += check(Format::PgBackRest, &past.objects, super::STANZA, policy).await;
        }
    }
    assert!(changes > 200, "{changes}");
}
