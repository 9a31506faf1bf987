//! What is refused: nothing is overwritten, and the error tells the place.

use std::fs::{self, File as LocalFile};

use rustix::fs::{FlockOperation, flock};

use super::*;
use crate::store::{Class, PutOptions, StoreExt as _};

fn plain() -> PgBackRestSettings {
    PgBackRestSettings {
        passphrase: None,
        ..settings()
    }
}

/// A repository with a full backup and one of changes, and what they are called.
async fn two_backups() -> (PgBackRestRepository, Arc<MemoryStore>, String, String) {
    let (repository, store) = repository(plain()).await;
    let files: [File<'_>; 1] = [("base/5/a", b"a", 10)];
    let (full, _) = back_up(&repository, &start(BackupKind::Full, 100), &events(&files)).await;
    let kind = BackupKind::Incremental;
    let (incr, _) = back_up(&repository, &start(kind, 200), &events(&files)).await;
    (repository, store, full, incr)
}

/// Writes another manifest in place of the one of a backup.
async fn replace(repository: &PgBackRestRepository, store: &MemoryStore, manifest: &Manifest) {
    let mut text = Vec::new();
    manifest.write(&mut text).unwrap();
    for name in ["backup.manifest", "backup.manifest.copy"] {
        let key = repository.backup_key(&manifest.label, name).unwrap();
        let put = store.put_bytes(&key, text.clone().into(), PutOptions::default());
        put.await.unwrap();
    }
}

async fn try_to_read(repository: &PgBackRestRepository, label: &str) -> Result<()> {
    let reader = repository.open_base_backup(label).await?;
    for (tree, _) in reader.trees() {
        let events: Vec<_> = reader.read(tree).await?.try_collect().await?;
        drop(events);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_that_lead_out_are_damage() {
    let (repository, store, full, _) = two_backups().await;
    let sound = manifest(&repository, &full).await;
    try_to_read(&repository, &full).await.unwrap();

    for name in [
        "pg_data/../../etc/passwd",
        "pg_data//etc/passwd",
        "pg_data/base/./../../x",
        "pg_tblspc/1/../../x",
        "pg_tblspc/../x",
        "/etc/passwd",
    ] {
        let mut tricky = sound.clone();
        let (_, file) = tricky.files.last().unwrap().clone();
        tricky.tablespaces.push(crate::pg::Tablespace {
            name: "space".to_owned(),
            oid: crate::pg::Oid::new(1).unwrap(),
            location: "/space".to_owned(),
        });
        tricky.files.push((name.to_owned(), file));
        tricky.files.sort_by(|one, other| one.0.cmp(&other.0));
        replace(&repository, &store, &tricky).await;

        let error = try_to_read(&repository, &full).await.unwrap_err();

        assert_eq!(error.class(), Class::Invalid, "{name}: {error}");
        let text = error.to_string();
        assert!(
            text.contains("backup.manifest") || text.contains(&full),
            "{text}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_needs_one_that_is_gone_is_damaged() {
    let (repository, store, full, incr) = two_backups().await;
    let sound = manifest(&repository, &incr).await;
    let mut astray = sound.clone();
    for (_, file) in &mut astray.files {
        file.reference = file
            .reference
            .as_ref()
            .map(|_| Arc::from("20200101-000000F"));
    }
    replace(&repository, &store, &astray).await;
    let error = try_to_read(&repository, &incr).await.unwrap_err();
    assert_eq!(error.class(), Class::Invalid);
    assert!(
        error.to_string().contains("which is none of its backups"),
        "{error}"
    );

    replace(&repository, &store, &sound).await;
    try_to_read(&repository, &incr).await.unwrap();
    let key = repository.backup_key(&full, "bundle/1").unwrap();
    assert!(store.delete(std::slice::from_ref(&key)).await[0].is_ok());

    let error = try_to_read(&repository, &incr).await.unwrap_err();

    assert_eq!(error.class(), Class::Invalid);
    assert!(error.to_string().contains(key.as_str()), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_begins_while_the_stanza_is_stopped_or_the_tool_works_on_it() {
    let locks = tempfile::tempdir().unwrap();
    let (repository, store) = repository(PgBackRestSettings {
        lock_folder: Some(locks.path().to_owned()),
        ..plain()
    })
    .await;
    let before: Vec<_> = store.list("", None).try_collect().await.unwrap();
    let refused = async || {
        let start = start(BackupKind::Full, 0);
        let begun = repository.begin(&start, &Taker::of_backup()).await;
        begun.unwrap_err().to_string()
    };

    fs::write(locks.path().join("main.stop"), "").unwrap();
    assert!(refused().await.contains("the stanza was stopped"));
    fs::remove_file(locks.path().join("main.stop")).unwrap();

    let lock = LocalFile::create(locks.path().join("main-backup.lock")).unwrap();
    flock(&lock, FlockOperation::LockExclusive).unwrap();
    assert!(refused().await.contains("pgbackrest works on the backups"));
    let after: Vec<_> = store.list("", None).try_collect().await.unwrap();
    assert_eq!(before, after);
    drop(lock);

    begin(&repository).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_taken_over_completes_nothing() {
    let (repository, _) = repository(plain()).await;
    let first = begin(&repository).await;
    let files = events(&[("base/5/a", b"a", 10)]);
    let (_, contents) = encode(&first, &files);
    let unfinished = repository.find_unfinished().await.unwrap();
    assert!(repository.remove(&unfinished[0]).await.unwrap());
    let second = begin(&repository).await;

    let error = first.finish(&end(0), &contents).await.unwrap_err();
    first.give_up("too late").await.unwrap();

    assert!(error.to_string().contains("taken over"), "{error}");
    let left = repository.find_unfinished().await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].taker, second.taker);
    assert!(repository.backup_entries().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_complete_that_lacks_an_object() {
    let (repository, _) = repository(plain()).await;
    let writer = begin(&repository).await;
    let (objects, contents) = encode(&writer, &events(&[("base/5/a", b"a", 10)]));
    let (name, content) = &objects.whole[0];
    let part = Payload::new(content.clone());
    writer.put_part(name, 0, part).await.unwrap();

    let error = writer.finish(&end(0), &contents).await.unwrap_err();

    assert!(error.to_string().contains(name.as_str()), "{error}");
    assert!(repository.backup_entries().await.unwrap().is_empty());
}
