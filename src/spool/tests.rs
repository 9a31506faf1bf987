use std::{io::Read, path::Path, sync::Arc};

use super::*;
use crate::{
    codec::{ContentHasher, Encoding},
    disk::{
        Disk,
        sim::{DiskFault, SimDisk},
    },
    store::Payload,
};

const ROOT: &str = "/spool";

fn ids() -> Vec<DestinationId> {
    ["a", "b"].iter().map(|id| id.parse().unwrap()).collect()
}

fn debt(reason: &str) -> Debt {
    Debt {
        since: Timestamp::UNIX_EPOCH,
        reason: reason.into(),
        parked: None,
    }
}

fn wal(number: u8, content: &[u8]) -> WalFile {
    let mut hasher = ContentHasher::default();
    hasher.update(content);
    WalFile {
        name: format!("0000000100000000000000{number:02X}")
            .parse()
            .unwrap(),
        content: hasher.finish(),
        identity: None,
        encoding: Encoding::PLAIN,
        payload: Payload::new(content.to_vec()),
    }
}

async fn open(disk: &SimDisk) -> Spool {
    open_with(disk, SpoolSettings::default()).await
}

async fn open_with(disk: &SimDisk, settings: SpoolSettings) -> Spool {
    let disk: Arc<SimDisk> = Arc::new(disk.clone());
    Spool::open(disk, ROOT, ids(), settings, Workers::inline())
        .await
        .unwrap()
}

async fn bytes(spool: &Spool, name: WalFileName) -> Option<Vec<u8>> {
    let mut opened = spool.open_bytes(name).await.unwrap()?;
    let mut content = Vec::new();
    opened.reader.read_to_end(&mut content).unwrap();
    Some(content)
}

#[tokio::test]
async fn a_debt_survives_a_power_failure() {
    let disk = SimDisk::new();
    let spool = open(&disk).await;
    assert_eq!(spool.load_state().await, None);
    let wal = wal(1, b"content");
    spool
        .owe(&wal, vec![(ids()[0].clone(), debt("down"))], true)
        .await
        .unwrap();

    disk.power_failure(&mut fastrand::Rng::with_seed(1));

    let spool = open(&disk).await;
    assert_eq!(spool.owed(&ids()[0]).files, 1);
    assert!(!spool.owes(&ids()[1]));
    assert_eq!(
        bytes(&spool, wal.name).await.as_deref(),
        Some(&b"content"[..])
    );
    let entry = spool.entry(wal.name).unwrap();
    assert_eq!(
        (entry.content, entry.owed[&ids()[0]].reason.as_str()),
        (Some(wal.content), "down")
    );
}

#[tokio::test]
async fn a_crash_at_any_operation_leaves_the_debt_whole_or_unrecorded() {
    for power in [false, true] {
        for operations in 0.. {
            let disk = SimDisk::new();
            let spool = open(&disk).await;
            let wal = wal(1, b"content");
            disk.crash_after(operations);
            let owed = spool
                .owe(&wal, vec![(ids()[0].clone(), debt("down"))], true)
                .await;
            let crashed = disk.has_crashed();
            if power {
                disk.power_failure(&mut fastrand::Rng::with_seed(operations));
            } else {
                disk.restart();
            }

            let spool = open(&disk).await;

            match spool.entry(wal.name) {
                Some(_) => {
                    let found = bytes(&spool, wal.name).await;
                    assert_eq!(found.as_deref(), Some(&b"content"[..]), "{operations}");
                }
                None => assert!(owed.is_err(), "lost after {operations} operations"),
            }
            if !crashed {
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_crash_at_any_operation_of_a_payment_loses_no_other_debt() {
    for operations in 0.. {
        let disk = SimDisk::new();
        let spool = open(&disk).await;
        let wal = wal(1, b"content");
        let debts = ids().into_iter().map(|id| (id, debt("down"))).collect();
        spool.owe(&wal, debts, true).await.unwrap();
        disk.crash_after(operations);
        spool.pay(wal.name, &ids()[0]).await;
        let crashed = disk.has_crashed();
        disk.restart();

        let spool = open(&disk).await;

        assert!(spool.owes_file(&ids()[1], wal.name), "{operations}");
        assert_eq!(
            bytes(&spool, wal.name).await.as_deref(),
            Some(&b"content"[..])
        );
        if !crashed {
            assert!(!spool.owes(&ids()[0]));
            break;
        }
    }
}

#[tokio::test]
async fn the_last_payment_empties_the_folder() {
    let disk = SimDisk::new();
    let spool = open(&disk).await;
    let wal = wal(1, b"content");
    spool
        .owe(&wal, vec![(ids()[0].clone(), debt("down"))], true)
        .await
        .unwrap();
    assert_eq!(spool.size(), (1, ByteSize::new(7)));

    spool.pay(wal.name, &ids()[0]).await;

    assert_eq!(spool.size(), (0, ByteSize::new(0)));
    let left = disk.read_dir(Path::new("/spool/queue/00000001")).unwrap();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn a_second_destination_joins_an_entry_and_other_content_is_refused() {
    let disk = SimDisk::new();
    let spool = open(&disk).await;
    let first = wal(1, b"content");
    spool
        .owe(&first, vec![(ids()[0].clone(), debt("down"))], true)
        .await
        .unwrap();
    spool
        .owe(&first, vec![(ids()[1].clone(), debt("late"))], true)
        .await
        .unwrap();
    assert_eq!(spool.entry(first.name).unwrap().owed.len(), 2);

    let other = spool
        .owe(&wal(1, b"other"), vec![(ids()[0].clone(), debt("x"))], true)
        .await;

    assert!(matches!(other, Err(SpoolError::Conflict { name }) if name == first.name));
    assert_eq!(
        bytes(&spool, first.name).await.as_deref(),
        Some(&b"content"[..])
    );
}

#[tokio::test]
async fn an_unwritable_spool_opens_and_refuses_debts_until_it_can_be_written() {
    for fault in [
        DiskFault::Full,
        DiskFault::ReadOnly,
        DiskFault::FailedSync,
        DiskFault::Broken,
    ] {
        let disk = SimDisk::new();
        disk.set_fault(Some(fault));
        let spool = open(&disk).await;
        let wal = wal(1, b"content");
        let debts = || vec![(ids()[0].clone(), debt("down"))];

        let refused = spool.owe(&wal, debts(), true).await;

        assert!(matches!(refused, Err(SpoolError::Io { .. })), "{fault:?}");
        disk.set_fault(None);
        spool.owe(&wal, debts(), true).await.unwrap();
    }
}

#[tokio::test]
async fn a_failed_sync_leaves_no_entry() {
    let disk = SimDisk::new();
    let spool = open(&disk).await;
    disk.set_fault(Some(DiskFault::FailedSync));

    let refused = spool
        .owe(&wal(1, b"x"), vec![(ids()[0].clone(), debt("down"))], true)
        .await;

    assert!(refused.is_err());
    disk.set_fault(None);
    disk.restart();
    assert!(open(&disk).await.entries().is_empty());
}

#[tokio::test]
async fn a_damaged_record_is_owed_by_everybody() {
    let disk = SimDisk::new();
    let name = wal(7, b"").name;
    let spool = open(&disk).await;
    spool
        .owe(&wal(7, b"x"), vec![(ids()[0].clone(), debt("down"))], true)
        .await
        .unwrap();
    disk.place(
        &Path::new("/spool/queue/00000001")
            .join(name.to_string())
            .join("entry.json"),
        b"{",
    );

    let spool = open(&disk).await;

    assert!(ids().iter().all(|id| spool.owes_file(id, name)));
    assert!(spool.open_bytes(name).await.unwrap().is_none());
}

#[tokio::test]
async fn parked_debts_rest_until_their_time() {
    let disk = SimDisk::new();
    let spool = open(&disk).await;
    let (wal, id) = (wal(1, b"content"), ids()[0].clone());
    spool
        .owe(&wal, vec![(id.clone(), debt("down"))], true)
        .await
        .unwrap();
    let until = Timestamp::from_second(1000).unwrap();
    spool.park(wal.name, &id, "conflict".into(), until).await;

    for spool in [spool, open(&disk).await] {
        let next = |at| spool.next_owed(&id, Timestamp::from_second(at).unwrap(), |_| false);
        assert_eq!(next(999), None);
        assert_eq!(next(1000), Some(wal.name));
        assert_eq!(spool.owed(&id).parked, 1);
    }
}

#[tokio::test]
async fn room_ends_at_the_limit_and_before_the_volume_is_full() {
    let disk = SimDisk::new();
    let settings = SpoolSettings {
        max_bytes: ByteSize::new(10),
        keep_free: None,
    };
    let spool = open_with(&disk, settings).await;
    assert!(spool.has_room(10).await);
    spool
        .owe(
            &wal(1, b"content"),
            vec![(ids()[0].clone(), debt("x"))],
            true,
        )
        .await
        .unwrap();
    assert!(spool.has_room(3).await);
    assert!(!spool.has_room(4).await);
    disk.set_fault(Some(DiskFault::Full));
    assert!(!spool.has_room(1).await);
}

#[tokio::test]
async fn old_bytes_are_dropped_and_the_debt_stays() {
    let disk = SimDisk::new();
    let spool = open(&disk).await;
    let wal = wal(1, b"content");
    spool
        .owe(&wal, vec![(ids()[0].clone(), debt("down"))], true)
        .await
        .unwrap();
    let hour = Duration::from_hours(1);
    spool
        .drop_bytes_older_than(hour, Timestamp::from_second(3600).unwrap())
        .await;
    assert!(bytes(&spool, wal.name).await.is_some());

    spool
        .drop_bytes_older_than(hour, Timestamp::from_second(3601).unwrap())
        .await;

    for spool in [spool, open(&disk).await] {
        assert!(spool.owes_file(&ids()[0], wal.name));
        assert!(spool.open_bytes(wal.name).await.unwrap().is_none());
        assert_eq!(spool.owed(&ids()[0]).gaps, 1);
    }
}

#[tokio::test]
async fn a_folder_of_something_newer_is_refused() {
    let disk = SimDisk::new();
    disk.place(Path::new("/spool/format.json"), br#"{"format":2}"#);
    let disk: Arc<SimDisk> = Arc::new(disk);

    let opened = Spool::open(
        disk,
        ROOT,
        ids(),
        SpoolSettings::default(),
        Workers::inline(),
    )
    .await;

    assert!(matches!(opened, Err(SpoolError::Foreign { .. })));
}

#[tokio::test]
async fn state_is_remembered_and_a_damaged_one_is_forgotten() {
    let disk = SimDisk::new();
    let spool = open(&disk).await;
    let state = State {
        last_archived: Some(wal(1, b"").name),
        ..State::default()
    };
    spool.save_state(state.clone()).await;
    assert_eq!(open(&disk).await.load_state().await, Some(state));

    disk.place(Path::new("/spool/state.json"), b"{");

    assert_eq!(open(&disk).await.load_state().await, None);
}

#[tokio::test]
async fn inspecting_sees_what_is_owed_and_changes_nothing() {
    let disk = SimDisk::new();
    let spool = open(&disk).await;
    let [owed, paid] = [wal(1, b"owed"), wal(2, b"paid")];
    for wal in [&owed, &paid] {
        let debts = ids().into_iter().map(|id| (id, debt("down"))).collect();
        spool.owe(wal, debts, true).await.unwrap();
    }
    spool.pay(owed.name, &ids()[1]).await;
    // All is paid, and the removal is missing.
    let folder = format!("{ROOT}/queue/00000001/{}", paid.name);
    for id in ids() {
        disk.place(Path::new(&format!("{folder}/paid.{id}")), b"");
    }

    let inspected = inspect(&disk).await.unwrap();

    assert_eq!(inspected.owed(&ids()[0]).files, 1);
    assert!(!inspected.owes(&ids()[1]));
    assert!(disk.stat(Path::new(&folder)).is_ok());
    let refused = inspected.owe(&wal(3, b"x"), vec![], true).await;
    assert!(matches!(refused, Err(SpoolError::Io { .. })));
}

#[tokio::test]
async fn a_folder_without_a_spool_cannot_be_inspected() {
    let disk = SimDisk::new();

    let inspected = inspect(&disk).await;

    assert!(matches!(inspected, Err(SpoolError::Io { .. })));
    assert!(disk.stat(Path::new(ROOT)).is_err());
}

async fn inspect(disk: &SimDisk) -> Result<Spool, SpoolError> {
    let disk: Arc<SimDisk> = Arc::new(disk.clone());
    Spool::inspect(disk, ROOT, ids(), Workers::inline()).await
}
