use std::sync::Arc;

use bytes::Bytes;
use jiff::tz::Offset;

use super::*;
use crate::{
    pg::{BackedUpServer, Lsn, SystemId, TimelineId},
    repository::{
        Annotations, BackupContents, BackupEnd, BackupKind, BackupStart, BackupState, BackupWriter,
        Error, ObjectName, Repository, Taker, barman::BarmanSettings,
    },
    store::{MemoryStore, Payload, PutOptions, Store, StoreExt},
    workers::Workers,
};

const ID: &str = "20261125T010000";

fn start() -> BackupStart {
    let mut annotations = Annotations::default();
    annotations.insert("team", "payments").unwrap();
    BackupStart {
        id: Some(ID.to_owned()),
        kind: BackupKind::Full,
        by_checksum: false,
        name: None,
        annotations,
        server: BackedUpServer {
            system_id: SystemId::new(7),
            version: 150_000,
            segment_size: crate::pg::SegmentSize::default(),
            data_directory: "/data".to_owned(),
            config_file: None,
            hba_file: None,
            ident_file: None,
            included_files: Vec::new(),
            tablespaces: Vec::new(),
            databases: Vec::new(),
            data_checksums: false,
            summarize_wal: None,
            cluster_size: 0,
        },
        began: Timestamp::UNIX_EPOCH,
        offset: Offset::UTC,
        timeline: TimelineId::new(1).unwrap(),
        start: Lsn::new(0x200_0028),
    }
}

fn end() -> BackupEnd {
    BackupEnd {
        ended: Timestamp::UNIX_EPOCH,
        offset: Offset::UTC,
        timeline: TimelineId::new(1).unwrap(),
        stop: Lsn::new(0x200_0100),
        label: "label\n".to_owned(),
        tablespace_map: String::new(),
        notes: Vec::new(),
        wal_was_found: true,
    }
}

fn repository() -> (BarmanRepository, Arc<MemoryStore>) {
    let store = Arc::new(MemoryStore::new());
    let settings = BarmanSettings::new("pg", "srv");
    let repository = BarmanRepository::new(Arc::clone(&store) as _, settings, Workers::inline());
    (repository, store)
}

/// Begins a backup with a whole archive and the first part of another one.
async fn begun(repository: &BarmanRepository, taker: &Taker) -> Box<dyn BackupWriter> {
    let writer = repository.begin_backup(&start(), taker).await.unwrap();
    let part = || Payload::new(vec![1; 100]);
    let (whole, half) = (
        ObjectName::of_test("data.tar"),
        ObjectName::of_test("9.tar"),
    );
    writer.put_part(&whole, 0, part()).await.unwrap();
    writer.complete(&whole, 1).await.unwrap();
    writer.put_part(&half, 0, part()).await.unwrap();
    writer
}

async fn is_empty(store: &MemoryStore) -> bool {
    let objects: Vec<_> = store.list("", None).try_collect().await.unwrap();
    objects.is_empty() && store.unfinished_uploads("").await.unwrap().is_empty()
}

#[tokio::test]
async fn what_a_killed_backup_left_is_found_and_removed_without_a_trace() {
    let (repository, store) = repository();
    let taker = Taker::of_backup();
    drop(begun(&repository, &taker).await);

    let found = repository.unfinished_backups().await.unwrap();

    let [left] = &found[..] else {
        panic!("{found:?}");
    };
    assert_eq!((&*left.id, &left.taker), (ID, &taker));
    assert_eq!(left.data_directory.as_deref(), Some("/data"));
    assert!(!left.is_abandoned(left.touched));
    assert!(left.is_abandoned(left.touched + UnfinishedBackup::ABANDONED));
    assert!(repository.remove_unfinished(left).await.unwrap());
    assert!(is_empty(&store).await);
    assert!(!repository.remove_unfinished(left).await.unwrap());
}

#[tokio::test]
async fn what_has_ended_or_is_kept_or_is_not_ours_is_left_alone() {
    let (repository, store) = repository();
    let writer = begun(&repository, &Taker::of_backup()).await;
    let left = repository.unfinished_backups().await.unwrap().remove(0);
    let stranger = UnfinishedBackup {
        taker: Taker::of_backup(),
        ..left.clone()
    };
    assert!(!repository.remove_unfinished(&stranger).await.unwrap());

    let keep = Key::parse(format!("pg/srv/base/{ID}/annotations/keep")).unwrap();
    let put = store.put_bytes(&keep, Bytes::from("full"), PutOptions::default());
    put.await.unwrap();
    assert_eq!(repository.unfinished_backups().await.unwrap(), []);
    assert!(!repository.remove_unfinished(&left).await.unwrap());
    store.delete(&[keep]).await.remove(0).unwrap();

    writer
        .complete(&ObjectName::of_test("9.tar"), 1)
        .await
        .unwrap();
    writer
        .finish(&end(), &BackupContents::BARMAN)
        .await
        .unwrap();
    assert_eq!(repository.unfinished_backups().await.unwrap(), []);
    assert!(!repository.remove_unfinished(&left).await.unwrap());
    let backup = repository.backups().await.unwrap().found.remove(0);
    assert_eq!(backup.state, BackupState::Complete);
    assert_eq!(backup.annotations, start().annotations);
}

#[tokio::test]
async fn a_copy_takes_the_place_of_one_that_was_left_and_the_first_does_no_harm() {
    let (repository, store) = repository();
    let first = begun(&repository, &Taker::of_copy()).await;
    let second = begun(&repository, &Taker::of_copy()).await;

    let refused = first
        .finish(&end(), &BackupContents::BARMAN)
        .await
        .unwrap_err();
    first.give_up("too late").await.unwrap();

    assert!(
        matches!(refused, Error::Refused { .. } | Error::Store(_)),
        "{refused}"
    );
    second
        .complete(&ObjectName::of_test("9.tar"), 1)
        .await
        .unwrap();
    second
        .finish(&end(), &BackupContents::BARMAN)
        .await
        .unwrap();
    let backup = repository.backups().await.unwrap().found.remove(0);
    assert_eq!(backup.state, BackupState::Complete);
    assert_eq!(backup.stored_size, 200);
    assert_eq!(store.unfinished_uploads("").await.unwrap(), []);
}

#[tokio::test]
async fn what_another_machine_writes_is_nobodys_to_replace() {
    let (repository, _) = repository();
    let mut other = Taker::of_backup();
    other.host.push_str("-2");
    let _first = begun(&repository, &other).await;
    for taker in [Taker::of_backup(), Taker::of_copy()] {
        let refused = repository.begin_backup(&start(), &taker).await.unwrap_err();
        assert!(
            refused.to_string().contains("is there already"),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn nothing_is_complete_that_lacks_an_archive() {
    let (repository, store) = repository();
    let writer = begun(&repository, &Taker::of_backup()).await;
    writer
        .complete(&ObjectName::of_test("9.tar"), 1)
        .await
        .unwrap();
    let archive = Key::parse(format!("pg/srv/base/{ID}/9.tar")).unwrap();
    let cut = store.put_bytes(&archive, Bytes::from("1"), PutOptions::default());
    cut.await.unwrap();

    let error = writer
        .finish(&end(), &BackupContents::BARMAN)
        .await
        .unwrap_err();

    assert!(error.to_string().contains("it has 1 bytes"), "{error}");
    let backup = repository.backups().await.unwrap().found.remove(0);
    assert_eq!(backup.state, BackupState::Unfinished);
}
