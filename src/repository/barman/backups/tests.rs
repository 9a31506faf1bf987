use std::sync::Arc;

use super::*;
use crate::{
    repository::{Repository, barman::BarmanSettings},
    store::{
        MemoryStore, Operation, PutOptions, Store,
        fault::{Fault, FaultPlan, FaultStore},
    },
    workers::Workers,
};

const PLAIN: &str = include_str!("../../../../tests/fixtures/barman/backup-info/plain.backup.info");
const FAILED: &str =
    include_str!("../../../../tests/fixtures/barman/backup-info/failed.backup.info");
const STARTED: &str =
    include_str!("../../../../tests/fixtures/barman/backup-info/started.backup.info");

async fn store(objects: &[(&str, &str)]) -> MemoryStore {
    let store = MemoryStore::new();
    for (key, content) in objects {
        let key = Key::parse(*key).unwrap();
        let content = bytes::Bytes::from((*content).to_owned());
        store
            .put_bytes(&key, content, PutOptions::default())
            .await
            .unwrap();
    }
    store
}

fn repository(store: impl Store, prefix: &str) -> BarmanRepository {
    let settings = BarmanSettings::new(prefix, "srv");
    BarmanRepository::new(Arc::new(store), settings, Workers::inline())
}

#[tokio::test]
async fn backups_are_listed_in_order_with_what_is_known_of_them() {
    let store = store(&[
        ("pg/srv/base/20261122T125024/backup.info", FAILED),
        ("pg/srv/base/20261122T124808/backup.info", PLAIN),
        ("pg/srv/base/20261122T124808/data.tar", "12345"),
        ("pg/srv/base/20261122T124808/16384.tar.gz", "123"),
        ("pg/srv/base/20261122T124808/annotations/keep", "standalone"),
        ("pg/srv/base/20261122T125100/backup.info", STARTED),
        ("pg/srv/base/20261122T130000/data.tar", "no backup.info"),
        ("pg/srv/base/nightly/backup.info", PLAIN),
        ("pg/srv/base/README", "foreign"),
    ])
    .await;

    let backups = repository(store, "pg").backups().await.unwrap();

    assert!(backups.damaged.is_empty());
    let [plain, failed, started] = &backups.found[..] else {
        panic!("{:?}", backups.found);
    };
    assert_eq!(plain.id, "20261122T124808");
    assert_eq!(plain.name.as_deref(), Some("backup-20261122125001"));
    assert_eq!(
        (plain.state.clone(), plain.stored_size),
        (BackupState::Complete, 8)
    );
    assert_eq!(plain.keep, Some(Keep::Standalone));
    assert!(plain.began < plain.ended && plain.start < plain.stop);
    assert_eq!(plain.first_segment, plain.last_segment);
    assert_eq!(plain.server_version, Some(150_020));
    assert!(matches!(
        &failed.state,
        BackupState::Failed { reason: Some(_) }
    ));
    assert_eq!((failed.keep, failed.ended), (None, None));
    assert_eq!(started.state, BackupState::Unfinished);
}

#[tokio::test]
async fn a_damaged_record_is_told_and_hides_no_other() {
    let store = store(&[
        ("srv/base/20261122T124808/backup.info", PLAIN),
        ("srv/base/20261122T124815/backup.info", "version=fifteen"),
    ])
    .await;

    let backups = repository(store, "").backups().await.unwrap();

    assert_eq!(backups.found.len(), 1);
    let [damaged] = &backups.damaged[..] else {
        panic!("{:?}", backups.damaged);
    };
    assert_eq!(damaged.id, "20261122T124815");
    assert_eq!(
        damaged.error.to_string(),
        "srv/base/20261122T124815/backup.info in barman:memory/srv: line 1 of backup.info: \
         version is `fifteen`: invalid digit found in string"
    );
}

#[tokio::test]
async fn annotations_are_found_at_both_places() {
    let store = store(&[
        ("a/srv/base/20261122T124808/backup.info", PLAIN),
        ("a//srv/base/20261122T124808/annotations/keep", ""),
        ("a/srv/base/20261122T124808/annotations/keep", "standalone"),
        ("a/srv/base/20261122T124815/backup.info", PLAIN),
        (
            "a/srv/base/20261122T124815/annotations/keep",
            "standalone\n",
        ),
        ("a/srv/base/20261122T124827/backup.info", PLAIN),
        ("a//srv/base/20261122T124827/annotations/keep", "standalone"),
    ])
    .await;

    let backups = repository(store, "a/").backups().await.unwrap();

    let keeps: Vec<_> = backups.found.iter().map(|backup| backup.keep).collect();
    let [full, standalone] = [Keep::Full, Keep::Standalone].map(Some);
    assert_eq!(keeps, [full, full, standalone]);
}

#[tokio::test]
async fn the_archives_are_those_that_the_tools_would_take() {
    let folder = "srv/base/20261122T124808";
    let objects = [
        "backup.info",
        "data.tar",
        "data.tar.gz",
        "data_0002.tar.bz2",
        "16385_0001.tar",
        "data.tar.unknown",
    ]
    .map(|name| format!("{folder}/{name}"));
    let objects = objects.each_ref().map(|key| (key.as_str(), PLAIN));
    let store = store(&objects).await;

    let (backups, _) = repository(store, "").barman_backups().await.unwrap();

    let names = backups[0]
        .archives
        .iter()
        .map(|archive| archive.name.file_name(archive.codec));
    let names: Vec<_> = names.collect();
    assert_eq!(
        names,
        ["data.tar.gz", "data_0002.tar.bz2", "16385_0001.tar"]
    );
    let missing: Vec<_> = backups[0]
        .missing_archives()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(missing, ["data_0001.tar", "16384.tar", "16385.tar"]);
}

#[tokio::test]
async fn a_store_that_fails_gives_no_partial_list() {
    let plan = FaultPlan::new();
    plan.script(
        Operation::Get,
        |key| key.contains("T124815"),
        1,
        Fault::status(503),
    );
    let store = store(&[
        ("srv/base/20261122T124808/backup.info", PLAIN),
        ("srv/base/20261122T124815/backup.info", PLAIN),
    ])
    .await;

    let error = repository(FaultStore::new(Arc::new(store), plan), "")
        .backups()
        .await;

    assert_eq!(error.unwrap_err().class(), Class::Throttled);
}

#[tokio::test]
async fn a_backup_that_was_removed_meanwhile_is_none() {
    let plan = FaultPlan::new();
    plan.script(
        Operation::Get,
        |key| key.contains("T124815"),
        1,
        Fault::status(404),
    );
    let store = store(&[("srv/base/20261122T124815/backup.info", PLAIN)]).await;

    let backups = repository(FaultStore::new(Arc::new(store), plan), "")
        .backups()
        .await;

    let backups = backups.unwrap();
    assert!(backups.found.is_empty() && backups.damaged.is_empty());
}
