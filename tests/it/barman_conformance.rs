//! Barman's layout keeps the contract of repositories on every kind of store, with every codec.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use walcast::{
    codec::{Codec, Encoding},
    repository::{
        barman::{ArchiveEncoding, ArchiveLimits, BarmanRepository, BarmanSettings},
        conformance::{self, World},
    },
    store::{
        FsStore, MemoryStore, Operation, Retry, RetryPolicy, Store,
        fault::{Fault, FaultPlan, FaultStore},
    },
    workers::Workers,
};

use crate::support::overwriting::Overwriting;

fn encodings() -> impl Iterator<Item = Encoding> {
    let codecs = Codec::ALL.into_iter().filter(|codec| codec.is_available());
    // The levels do not matter here, and the default one of xz is slow.
    let encodings = codecs.map(|codec| {
        let level = (codec == Codec::Xz).then_some(0);
        Encoding::new(codec, level).unwrap()
    });
    encodings.chain([Encoding::PLAIN])
}

/// A repository on `store`, which keeps its objects in `raw`.
fn world(
    encoding: Encoding,
    store: impl Store,
    raw: &(impl Store + Clone),
    workers: &Workers,
) -> World {
    // Small parts, so that there are several without much to compress.
    let limits = ArchiveLimits::new(16 << 30, 0);
    let settings = BarmanSettings {
        wal_encoding: encoding,
        // xz is for WAL only.
        archives: ArchiveEncoding::new(encoding, limits).unwrap_or_default(),
        ..BarmanSettings::new("some/prefix/", "server")
    };
    let repository = BarmanRepository::new(Arc::new(store), settings, workers.clone());
    World::new(Arc::new(repository), Arc::new(raw.clone()))
}

#[tokio::test]
async fn contract_is_kept_in_memory() {
    for encoding in encodings() {
        let make = async || {
            let store = MemoryStore::new();
            world(encoding, store.clone(), &store, &Workers::inline())
        };
        conformance::run(make).await.unwrap();
    }
}

#[tokio::test]
async fn contract_is_kept_in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (count, workers) = (AtomicU64::new(0), Workers::new());
    for encoding in encodings() {
        let make = async || {
            let number = count.fetch_add(1, Ordering::Relaxed);
            let root = folder.path().join(number.to_string());
            std::fs::create_dir(&root).unwrap();
            let store = FsStore::open(root, workers.clone()).await.unwrap();
            world(encoding, store.clone(), &store, &workers)
        };
        conformance::run(make).await.unwrap();
    }
}

#[tokio::test]
async fn contract_is_kept_where_objects_can_only_be_replaced() {
    for encoding in encodings() {
        let make = async || {
            let raw = MemoryStore::new();
            let store = Overwriting {
                inner: Arc::new(raw.clone()),
                admits_it: true,
            };
            world(encoding, store, &raw, &Workers::inline())
        };
        conformance::run(make).await.unwrap();
    }
}

#[tokio::test]
async fn a_store_that_overwrites_in_secret_is_found_out() {
    let make = async || {
        let raw = MemoryStore::new();
        let store = Overwriting {
            inner: Arc::new(raw.clone()),
            admits_it: false,
        };
        world(Encoding::PLAIN, store, &raw, &Workers::inline())
    };

    let failures = conformance::run(make).await.unwrap_err();

    let failed: Vec<_> = failures
        .iter()
        .map(|failure| failure.claim().name)
        .collect();
    assert_eq!(
        failed,
        [
            "repeated_put_finds_it_present",
            "other_content_is_a_conflict",
            "damaged_object_is_not_replaced"
        ],
        "{failures}"
    );
}

// Time that is paused stands still while a thread decodes a backup: pauses are short instead.
#[tokio::test]
async fn contract_is_kept_though_answers_are_lost() {
    let policy = RetryPolicy {
        attempts: 20,
        first_pause: Duration::from_micros(1),
        max_pause: Duration::from_micros(1),
        total: Duration::from_hours(1),
    };
    for (seed, encoding) in (0..).zip(encodings()) {
        let plan = FaultPlan::new();
        let at = 1000;
        let faults = [
            Fault::LostAnswer,
            Fault::Twice,
            Fault::ResetBody { at },
            Fault::status(503),
        ];
        plan.randomly(seed, 0.4, faults);
        let make = async || {
            let raw = MemoryStore::new();
            let inner = FaultStore::new(Arc::new(raw.clone()), plan.clone());
            let retry = Retry::new(Arc::new(inner), policy, fastrand::Rng::with_seed(seed));
            world(encoding, retry, &raw, &Workers::inline())
        };
        conformance::run(make).await.unwrap();
        for operation in [Operation::Put, Operation::Get, Operation::List] {
            assert!(plan.injected_into(operation) > 10, "{operation}");
        }
    }
}
