//! pgBackRest's layout keeps the contract of repositories on every kind of store, with every codec
//! that it has, encrypted or not.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use walcast::{
    codec::{Codec, Encoding, cipher::Passphrase},
    repository::{
        conformance::{self, IDENTITY, World},
        pgbackrest::{PgBackRestRepository, PgBackRestSettings, StanzaSecrets},
    },
    secret::Secret,
    store::{
        FsStore, MemoryStore, Operation, Retry, RetryPolicy, Store,
        fault::{Fault, FaultPlan, FaultStore},
    },
    workers::Workers,
};

use crate::support::overwriting::Overwriting;

/// Every codec, encrypted in bundles, and plain without.
fn all_settings() -> impl Iterator<Item = PgBackRestSettings> {
    let codecs = Codec::ALL.into_iter();
    let codecs = codecs.filter(|codec| codec.pgbackrest_name().is_some());
    let encodings = codecs.map(|codec| Encoding::new(codec, None).unwrap());
    encodings.chain([Encoding::PLAIN]).flat_map(|encoding| {
        let settings = PgBackRestSettings::new("/some/path/", "main");
        let plain = settings.with_wal_encoding(encoding).unwrap();
        let mut encrypted = plain.clone();
        encrypted.passphrase = Some(Passphrase::new(Secret::new("hush")));
        let single = |mut settings: PgBackRestSettings| {
            settings.bundles = None;
            settings
        };
        [single(plain), encrypted]
    })
}

/// A new stanza on `store`, which keeps its objects in `raw`.
async fn world(
    settings: &PgBackRestSettings,
    store: impl Store,
    raw: &(impl Store + Clone),
    workers: &Workers,
) -> World {
    let raw = Arc::new(raw.clone());
    let open = |store| PgBackRestRepository::new(store, settings.clone(), workers.clone());
    let secrets = StanzaSecrets::random().unwrap();
    let created = open(raw.clone()).create_stanza(&IDENTITY, &secrets).await;
    created.unwrap();
    World::new(Arc::new(open(Arc::new(store))), raw)
}

#[tokio::test]
async fn contract_is_kept_in_memory() {
    for settings in all_settings() {
        let make = async || {
            let store = MemoryStore::new();
            world(&settings, store.clone(), &store, &Workers::inline()).await
        };
        conformance::run(make).await.unwrap();
    }
}

#[tokio::test]
async fn contract_is_kept_in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (count, workers) = (AtomicU64::new(0), Workers::new());
    for settings in all_settings() {
        let make = async || {
            let number = count.fetch_add(1, Ordering::Relaxed);
            let root = folder.path().join(number.to_string());
            std::fs::create_dir(&root).unwrap();
            let store = FsStore::open(root, workers.clone()).await.unwrap();
            world(&settings, store.clone(), &store, &workers).await
        };
        conformance::run(make).await.unwrap();
    }
}

#[tokio::test]
async fn contract_is_kept_where_objects_can_only_be_replaced() {
    for settings in all_settings() {
        let make = async || {
            let raw = MemoryStore::new();
            let store = Overwriting {
                inner: Arc::new(raw.clone()),
                admits_it: true,
            };
            world(&settings, store, &raw, &Workers::inline()).await
        };
        conformance::run(make).await.unwrap();
    }
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
    for (seed, settings) in (0..).zip(all_settings()) {
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
            world(&settings, retry, &raw, &Workers::inline()).await
        };
        conformance::run(make).await.unwrap();
        for operation in [Operation::Put, Operation::Get, Operation::List] {
            assert!(plan.injected_into(operation) > 10, "{operation}");
        }
    }
}
