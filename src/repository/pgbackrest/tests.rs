use std::io::Write;

use futures_util::TryStreamExt;

use super::*;
use crate::{
    codec::{ContentHasher, Encoder},
    pg::{MajorVersion, SystemId},
    repository::{BackupState, Error},
    secret::Secret,
    store::{Class, Key, MemoryStore, Observed, Operation, Payload, PutOptions, StoreExt},
};

const SEGMENT: &str = "000000010000000A000000FF";
const OLD: ClusterIdentity = ClusterIdentity {
    system_id: SystemId::new(7_712_093_325_075_265_747),
    version: MajorVersion::V15,
};
const NEW: ClusterIdentity = ClusterIdentity {
    system_id: SystemId::new(7_712_093_329_183_664_354),
    version: MajorVersion::V18,
};
const ARCHIVE_INFO: &str = "pg/archive/main/archive.info";
const BACKUP_INFO: &str = "pg/backup/main/backup.info";

fn settings(passphrase: Option<&str>) -> PgBackRestSettings {
    PgBackRestSettings {
        passphrase: passphrase.map(|text| Passphrase::new(Secret::new(text))),
        ..PgBackRestSettings::new("/pg", "main")
    }
}

fn open(store: &MemoryStore, settings: PgBackRestSettings) -> PgBackRestRepository {
    PgBackRestRepository::new(Arc::new(store.clone()), settings, Workers::inline())
}

async fn created(passphrase: Option<&str>) -> (MemoryStore, PgBackRestRepository) {
    let store = MemoryStore::new();
    let repository = open(&store, settings(passphrase));
    create(&repository, OLD).await.unwrap();
    (store, repository)
}

async fn create(
    repository: &PgBackRestRepository,
    identity: ClusterIdentity,
) -> Result<StanzaChange> {
    let secrets = StanzaSecrets::random().unwrap();
    repository.create_stanza(&identity, &secrets).await
}

fn wal(name: &str, content: &[u8], encoding: Encoding, identity: ClusterIdentity) -> WalFile {
    let name = WalFileName::parse(name).unwrap();
    let mut encoder = Encoder::new(encoding, Vec::new()).unwrap();
    encoder.write_all(content).unwrap();
    let mut hasher = ContentHasher::default();
    hasher.update(content);
    WalFile {
        name,
        content: hasher.finish(),
        identity: name.is_segment().then_some(identity),
        encoding,
        payload: Payload::new(encoder.finish().unwrap()),
    }
}

fn plain(name: &str, content: &[u8]) -> WalFile {
    wal(name, content, Encoding::PLAIN, OLD)
}

async fn put(repository: &PgBackRestRepository, wal: &WalFile) -> Result<PutOutcome> {
    repository.put_wal(wal, Expect::Unknown).await
}

async fn keys(store: &MemoryStore) -> Vec<String> {
    let stored = store.list_all("").await.unwrap();
    stored.iter().map(|meta| meta.key.to_string()).collect()
}

async fn bytes(store: &MemoryStore, key: &str) -> Bytes {
    let key = Key::parse(key).unwrap();
    store.get_bytes(&key, 1 << 20).await.unwrap()
}

async fn replace(store: &MemoryStore, key: &str, content: impl Into<Bytes>) {
    let key = Key::parse(key).unwrap();
    let options = PutOptions::default();
    store
        .put_bytes(&key, content.into(), options)
        .await
        .unwrap();
}

async fn remove(store: &MemoryStore, key: &str) {
    store.delete_one(&Key::parse(key).unwrap()).await.unwrap();
}

/// Checks that it is no more than a matter of setting things up, and what it says.
#[track_caller]
fn assert_not_set_up<T: fmt::Debug>(result: Result<T>, said: &str) {
    let error = result.unwrap_err();
    let is_expected = matches!(error, Error::NotSetUp { .. })
        && error.class() == Class::Denied
        && error.hint().is_some()
        && error.to_string() == said;
    assert!(is_expected, "{error}");
}

#[tokio::test]
async fn a_stanza_is_created_once_and_only_for_its_cluster() {
    let (store, repository) = created(None).await;
    assert_eq!(
        keys(&store).await,
        [
            ARCHIVE_INFO,
            "pg/archive/main/archive.info.copy",
            BACKUP_INFO,
            "pg/backup/main/backup.info.copy",
        ]
    );
    assert_eq!(
        bytes(&store, ARCHIVE_INFO).await,
        bytes(&store, "pg/archive/main/archive.info.copy").await
    );

    assert_eq!(create(&repository, OLD).await.unwrap(), StanzaChange::None);
    repository.check(Some(&OLD)).await.unwrap();
    for result in [
        create(&repository, NEW).await.map(|_| ()),
        repository.check(Some(&NEW)).await,
    ] {
        assert_not_set_up(
            result,
            "pg/archive/main/archive.info in pgbackrest:memory/pg/main: the stanza is of the \
             cluster with version 15, system identifier 7712093325075265747, not of that with \
             version 18, system identifier 7712093329183664354",
        );
    }
}

#[tokio::test]
async fn nothing_is_done_without_a_stanza() {
    let store = MemoryStore::new();
    let repository = open(&store, settings(None));
    let said = "pg/archive/main/archive.info in pgbackrest:memory/pg/main: there is no stanza";

    assert_not_set_up(repository.check(None).await, said);
    assert_not_set_up(put(&repository, &plain(SEGMENT, b"x")).await, said);
    let name = WalFileName::parse(SEGMENT).unwrap();
    assert_not_set_up(repository.find_wal(name).await, said);
    let listed: Result<Vec<_>> = repository.list_wal(None).try_collect().await;
    assert_not_set_up(listed, said);
    assert_not_set_up(repository.upgrade_stanza(&OLD).await, said);
    assert_eq!(keys(&store).await, [""; 0]);
}

#[tokio::test]
async fn what_is_missing_of_a_stanza_is_made_again_as_far_as_it_can_be() {
    let (store, repository) = created(None).await;
    for name in [ARCHIVE_INFO, "pg/backup/main/backup.info.copy"] {
        let before = bytes(&store, name).await;
        remove(&store, name).await;
        assert_eq!(create(&repository, OLD).await.unwrap(), StanzaChange::None);
        assert_eq!(bytes(&store, name).await, before);
    }

    remove(&store, BACKUP_INFO).await;
    remove(&store, "pg/backup/main/backup.info.copy").await;
    assert_eq!(
        create(&repository, OLD).await.unwrap(),
        StanzaChange::Created
    );
    repository.check(Some(&OLD)).await.unwrap();

    remove(&store, ARCHIVE_INFO).await;
    remove(&store, "pg/archive/main/archive.info.copy").await;
    assert_not_set_up(
        create(&repository, OLD).await,
        "pg/archive/main/archive.info in pgbackrest:memory/pg/main: it and its copy are missing, \
         the other half of the stanza is there",
    );
    replace(&store, "pg/archive/main/15-1/00000002.history", "x").await;
    remove(&store, BACKUP_INFO).await;
    remove(&store, "pg/backup/main/backup.info.copy").await;
    let error = create(&repository, OLD).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "pgbackrest:memory/pg/main: there are files under pg/archive/main/ but no stanza"
    );
}

#[tokio::test]
async fn wal_goes_where_the_upgraded_stanza_wants_it() {
    let (store, repository) = created(None).await;
    let resident = open(&store, settings(None));
    put(&resident, &plain(SEGMENT, b"old")).await.unwrap();

    let changes = [
        repository.upgrade_stanza(&NEW).await.unwrap(),
        repository.upgrade_stanza(&NEW).await.unwrap(),
    ];
    assert_eq!(changes, [StanzaChange::Upgraded, StanzaChange::None]);
    // Whoever read the stanza before finds out by the first file of the new cluster.
    let new = wal(SEGMENT, b"new", Encoding::PLAIN, NEW);
    assert_eq!(put(&resident, &new).await.unwrap(), PutOutcome::Stored);
    let stale = put(&resident, &plain(SEGMENT, b"old")).await;

    assert_eq!(stale.unwrap_err().class(), Class::Denied);
    let found = resident.find_wal(new.name).await.unwrap();
    assert_eq!(found.len(), 1);
    assert!(found[0].key.as_str().starts_with("pg/archive/main/18-2/"));
    let history = repository.history().await.unwrap();
    let ids = history.entries().iter().map(HistoryEntry::archive_id);
    let ids: Vec<_> = ids.map(|id| id.to_string()).collect();
    assert_eq!(ids, ["15-1", "18-2"]);
}

#[tokio::test]
async fn wal_of_a_cluster_that_came_back_is_found_where_it_was() {
    let (store, repository) = created(None).await;
    let other = "000000010000000A000000FE";
    put(&repository, &plain(SEGMENT, b"first")).await.unwrap();
    repository.upgrade_stanza(&NEW).await.unwrap();
    repository.upgrade_stanza(&OLD).await.unwrap();

    put(&repository, &plain(other, b"third")).await.unwrap();

    let listed: Vec<_> = repository.list_wal(None).try_collect().await.unwrap();
    let keys: Vec<_> = listed.iter().map(|wal| &wal.key.as_str()[16..20]).collect();
    assert_eq!(keys, ["15-3", "15-1"]);
    let fresh = open(&store, settings(None));
    let found = fresh.find_wal(plain(SEGMENT, b"").name).await.unwrap();
    assert_eq!(found.len(), 1);
}

#[tokio::test]
async fn an_interrupted_upgrade_is_noticed_and_finished() {
    let (store, repository) = created(None).await;
    let before = bytes(&store, BACKUP_INFO).await;
    repository.upgrade_stanza(&NEW).await.unwrap();
    replace(&store, BACKUP_INFO, before).await;

    assert_not_set_up(
        repository.check(Some(&NEW)).await,
        "pg/archive/main/archive.info in pgbackrest:memory/pg/main: it and backup.info have other \
         clusters in their histories",
    );
    let change = repository.upgrade_stanza(&NEW).await.unwrap();

    assert_eq!(change, StanzaChange::Upgraded);
    repository.check(Some(&NEW)).await.unwrap();
}

#[tokio::test]
async fn a_damaged_info_file_is_read_from_its_copy_and_both_damaged_are_told() {
    for passphrase in [None, Some("hush")] {
        let (store, _) = created(passphrase).await;
        let whole = bytes(&store, ARCHIVE_INFO).await;

        for damaged in [Bytes::new(), whole.slice(..whole.len() / 2), "x".into()] {
            replace(&store, ARCHIVE_INFO, damaged).await;
            let fresh = open(&store, settings(passphrase));
            fresh.check(Some(&OLD)).await.unwrap();
            put(&fresh, &plain(SEGMENT, b"x")).await.unwrap();
        }

        replace(&store, "pg/archive/main/archive.info.copy", "y").await;
        let error = open(&store, settings(passphrase)).check(None).await;
        assert_eq!(error.unwrap_err().class(), Class::Denied);
    }
}

#[tokio::test]
async fn passphrases_that_do_not_fit_are_told_apart() {
    let (plain_store, _) = created(None).await;
    let (encrypted, _) = created(Some("hush")).await;
    for (store, passphrase, said) in [
        (
            &encrypted,
            None,
            "it is encrypted, and no passphrase is configured",
        ),
        (
            &encrypted,
            Some("other"),
            "it cannot be decrypted: the passphrase is another one, or the file is damaged",
        ),
        (
            &plain_store,
            Some("hush"),
            "it is not encrypted, but a passphrase is configured",
        ),
    ] {
        let result = open(store, settings(passphrase)).check(None).await;
        let place = "pg/archive/main/archive.info in pgbackrest:memory/pg/main";
        assert_not_set_up(result, &format!("{place}: {said}"));
    }
}

#[tokio::test]
async fn a_file_of_a_future_format_is_left_alone() {
    let (store, repository) = created(None).await;
    let text = "[backrest]\nbackrest-format=6\n\n[backrest]\nbackrest-checksum=\"\
                ff7d5e4ba34c5a0ba25dfa3c2c5d9a0f5e5a7f64\"\n";
    let sha1 = crate::codec::Sha1::of(b"{\"backrest\":{\"backrest-format\":6}}");
    let text = text.replace(
        "ff7d5e4ba34c5a0ba25dfa3c2c5d9a0f5e5a7f64",
        &sha1.to_string(),
    );
    for key in [ARCHIVE_INFO, "pg/archive/main/archive.info.copy"] {
        replace(&store, key, text.clone()).await;
    }

    let fresh = open(&store, settings(None));

    assert_not_set_up(
        fresh.check(None).await,
        "pg/archive/main/archive.info in pgbackrest:memory/pg/main: its format is 6, only format \
         5 is known",
    );
    assert!(create(&repository, OLD).await.is_err());
    assert_eq!(bytes(&store, ARCHIVE_INFO).await, text);
}

#[tokio::test]
async fn texts_are_never_compressed() {
    for passphrase in [None, Some("hush")] {
        let (store, repository) = created(passphrase).await;
        let gzip = Encoding::new(Codec::Gzip, None).unwrap();
        let content = b"1\tA/FF000028\tno recovery target specified\n";
        for name in [
            "00000002.history",
            "000000010000000A000000FF.00000028.backup",
        ] {
            let file = wal(name, content, gzip, OLD);

            assert_eq!(put(&repository, &file).await.unwrap(), PutOutcome::Stored);

            let found = repository.find_wal(file.name).await.unwrap();
            assert_eq!(found[0].codec, None);
            let raw = bytes(&store, found[0].key.as_str()).await;
            match passphrase {
                None => assert_eq!(raw, content.as_slice()),
                Some(_) => assert!(raw.starts_with(b"Salted__")),
            }
            let other = wal(name, b"other", gzip, OLD);
            let conflict = PutOutcome::Conflict(found[0].clone());
            assert_eq!(put(&repository, &other).await.unwrap(), conflict);
        }
    }
}

#[tokio::test]
async fn a_segment_costs_a_look_and_a_put() {
    let (store, _) = created(Some("hush")).await;
    let observed = Observed::new(Arc::new(store.clone()));
    let counters = observed.counters();
    let repository = PgBackRestRepository::new(
        Arc::new(observed),
        settings(Some("hush")),
        Workers::inline(),
    );
    put(&repository, &plain(SEGMENT, b"first")).await.unwrap();
    let before = [
        Operation::Get,
        Operation::Head,
        Operation::List,
        Operation::Put,
    ]
    .map(|operation| counters.of(operation).requests);

    for number in 0..8 {
        let name = format!("000000010000000B0000000{number}");
        put(&repository, &plain(&name, b"next")).await.unwrap();
    }

    let after = [
        Operation::Get,
        Operation::Head,
        Operation::List,
        Operation::Put,
    ]
    .map(|operation| counters.of(operation).requests);
    let spent: Vec<_> = after
        .iter()
        .zip(before)
        .map(|(after, before)| after - before)
        .collect();
    assert_eq!(spent, [0, 0, 8, 8]);
}

#[tokio::test]
async fn stanzas_with_the_same_secrets_hold_the_same_bytes() {
    let secrets = StanzaSecrets::random().unwrap();
    let file = plain(SEGMENT, &[7; 10_000]);
    let mut stored = Vec::new();
    for secrets in [&secrets, &secrets, &StanzaSecrets::random().unwrap()] {
        let store = MemoryStore::new();
        let repository = open(&store, settings(Some("hush")));
        repository.create_stanza(&OLD, secrets).await.unwrap();
        put(&repository, &file).await.unwrap();
        let found = repository.find_wal(file.name).await.unwrap();
        stored.push(bytes(&store, found[0].key.as_str()).await);
    }

    assert_eq!(stored[0], stored[1]);
    assert_ne!(stored[0], stored[2]);
    assert!(stored.iter().all(|bytes| bytes.starts_with(b"Salted__")));
}

#[tokio::test]
async fn two_files_of_one_segment_are_found_and_are_a_conflict() {
    let (store, repository) = created(None).await;
    put(&repository, &plain(SEGMENT, b"ours")).await.unwrap();
    let other = plain(SEGMENT, b"other").content.sha1;
    let key = format!("pg/archive/main/15-1/000000010000000A/{SEGMENT}-{other}.gz");
    replace(&store, &key, "other").await;

    let found = repository.find_wal(plain(SEGMENT, b"").name).await.unwrap();
    let outcome = put(&repository, &plain(SEGMENT, b"ours")).await.unwrap();

    assert_eq!(found.len(), 2);
    assert!(matches!(outcome, PutOutcome::Conflict(with) if with.key.as_str() == key));
}

#[tokio::test]
async fn changed_content_under_a_name_is_damaged() {
    let (store, repository) = created(None).await;
    put(&repository, &plain(SEGMENT, b"whole")).await.unwrap();
    let found = repository.find_wal(plain(SEGMENT, b"").name).await.unwrap();
    replace(&store, found[0].key.as_str(), "whols").await;

    let read = repository.read_wal(&found[0], 100).await.unwrap();
    let error = read.try_collect::<Vec<_>>().await.unwrap_err();

    assert!(matches!(error, Error::Damaged { .. }), "{error}");
}

#[tokio::test]
async fn a_stopped_stanza_takes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (store, repository) = created(None).await;
    let mut settings = settings(None);
    settings.lock_folder = Some(folder.path().to_owned());
    let stopped = open(&store, settings);
    put(&stopped, &plain(SEGMENT, b"x")).await.unwrap();

    for name in ["main.stop", "all.stop"] {
        let path = folder.path().join(name);
        std::fs::write(&path, "").unwrap();

        for result in [
            put(&stopped, &plain("00000002.history", b"x"))
                .await
                .map(|_| ()),
            create(&stopped, OLD).await.map(|_| ()),
            stopped.upgrade_stanza(&NEW).await.map(|_| ()),
        ] {
            assert!(matches!(result, Err(Error::Refused { .. })), "{result:?}");
        }
        stopped.check(Some(&OLD)).await.unwrap();
        std::fs::remove_file(path).unwrap();
    }
    assert_eq!(keys(&store).await.len(), 5);
    put(&repository, &plain("00000002.history", b"x"))
        .await
        .unwrap();
}

#[tokio::test]
async fn base_backups_are_listed_and_looked_for() {
    let store = MemoryStore::new();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/pgbackrest/");
    for (key, name) in [
        (ARCHIVE_INFO, "upgraded.archive.info"),
        (BACKUP_INFO, "upgraded.backup.info"),
    ] {
        let content = std::fs::read(format!("{folder}{name}")).unwrap();
        replace(&store, key, content).await;
    }
    let repository = open(&store, settings(None));

    let backups = repository.backups().await.unwrap();

    assert!(backups.damaged.is_empty());
    let [full, _, incremental] = &backups.found[..] else {
        panic!("{backups:?}");
    };
    assert_eq!(full.id, "20261125-130127F");
    assert_eq!(full.state, BackupState::Complete);
    assert_eq!(
        (full.system_id, full.server_version),
        (Some(OLD.system_id), Some(150_000))
    );
    assert_eq!(incremental.start.unwrap().to_string(), "0/6000028");
    assert_eq!(
        incremental.first_segment.unwrap().to_string(),
        "000000010000000000000006"
    );
    assert_eq!(
        (incremental.stored_size, incremental.timeline.unwrap().get()),
        (384, 1)
    );
    let error = repository.open_backup(&full.id).await.unwrap_err();
    assert_eq!(error.class(), Class::Invalid);
    assert!(error.to_string().ends_with("it is missing"), "{error}");
    let error = repository
        .open_backup("20261125-130128F")
        .await
        .unwrap_err();
    assert_eq!(error.class(), Class::Missing, "{error}");
}

#[test]
fn codecs_that_the_tool_lacks_are_refused() {
    for codec in [Codec::Xz, Codec::Snappy] {
        if let Ok(encoding) = Encoding::new(codec, None) {
            let settings = settings(None).with_wal_encoding(encoding);
            assert_eq!(settings, Err(CodecError::Unavailable { codec }));
        }
    }
}
