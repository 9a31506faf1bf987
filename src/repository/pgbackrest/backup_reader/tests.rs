use std::{
    collections::BTreeMap,
    io::{Cursor, Read},
};

use flate2::read::GzDecoder;
use futures_util::TryStreamExt;

use super::*;
use crate::{
    repository::{Repository, pgbackrest::PgBackRestSettings},
    secret::Secret,
    store::{MemoryStore, PutOptions, StoreExt},
    workers::Workers,
};

/// Repositories that pgBackRest 2.59.1 wrote, with block-incremental backups, and their passphrase.
const REPOSITORIES: [(&[u8], Option<&str>); 2] = [
    (
        include_bytes!("../../../../tests/fixtures/pgbackrest/repositories/block-lz4.tar.gz"),
        None,
    ),
    (
        include_bytes!("../../../../tests/fixtures/pgbackrest/repositories/block-gz-aes.tar.gz"),
        Some("sample-cipher-pass"),
    ),
];

/// Unpacks a repository into a store.
async fn unpack(
    archive: &[u8],
    passphrase: Option<&str>,
) -> (PgBackRestRepository, Arc<MemoryStore>) {
    let store = Arc::new(MemoryStore::new());
    let mut archive = tar::Archive::new(GzDecoder::new(Cursor::new(archive)));
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_str().unwrap().to_owned();
        let Some(at) = path.find("archive/").or_else(|| path.find("backup/")) else {
            continue;
        };
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        let key = Key::parse(&path[at..]).unwrap();
        let put = store.put_bytes(&key, content.into(), PutOptions::default());
        put.await.unwrap();
    }
    let settings = PgBackRestSettings {
        passphrase: passphrase.map(|text| Passphrase::new(Secret::new(text))),
        ..PgBackRestSettings::new("", "demo")
    };
    let repository =
        PgBackRestRepository::new(Arc::clone(&store) as _, settings, Workers::inline());
    (repository, store)
}

/// Reads a backup to its end: the content of its files, by tree and path.
async fn read(reader: &dyn BackupReader) -> Result<BTreeMap<(Tree, String), Vec<u8>>> {
    let mut files = BTreeMap::new();
    for (tree, _) in reader.trees() {
        let mut events = reader.read(tree).await?;
        let mut open: Option<(String, Vec<u8>)> = None;
        let mut last = None;
        while let Some(event) = events.try_next().await? {
            match event {
                TreeEvent::File(path, _, size) => {
                    assert!(open.is_none(), "a file in a file");
                    let size = usize::try_from(size).unwrap();
                    open = Some((path.to_string(), Vec::with_capacity(size)));
                }
                TreeEvent::Data(bytes) => open.as_mut().unwrap().1.extend_from_slice(&bytes),
                TreeEvent::EndOfFile => {
                    let (path, content) = open.take().unwrap();
                    last = Some(path.clone());
                    files.insert((tree, path), content);
                }
                _ => {}
            }
        }
        if tree == Tree::Data {
            assert_eq!(last.as_deref(), Some("global/pg_control"));
        }
    }
    Ok(files)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_file_of_every_backup_comes_back_as_its_digest_says() {
    for (archive, passphrase) in REPOSITORIES {
        let (repository, _) = unpack(archive, passphrase).await;
        let backups = repository.backups().await.unwrap().found;
        assert!(backups.len() >= 2, "{backups:?}");
        let mut in_blocks = 0;
        for backup in backups {
            let reader = repository.open_base_backup(&backup.id).await.unwrap();
            let manifest = Arc::clone(&reader.manifest);

            let files = read(&reader).await.unwrap();

            assert_eq!(files.len(), manifest.files.len());
            for ((tree, path), content) in &files {
                let name = match tree {
                    Tree::Data => format!("pg_data/{path}"),
                    Tree::Tablespace(oid) => format!("pg_tblspc/{oid}/{path}"),
                };
                let found = manifest.files.binary_search_by(|(one, _)| one.cmp(&name));
                let (_, file) = &manifest.files[found.unwrap()];
                assert_eq!(content.len() as u64, file.size, "{name}");
                in_blocks += usize::from(file.blocks.is_some());
            }
            let odd = (Tree::Data, "odd=na me".to_owned());
            assert!(files.contains_key(&odd));
        }
        assert!(in_blocks > 10);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_that_is_cut_or_damaged_is_no_backup() {
    let (archive, passphrase) = REPOSITORIES[0];
    for damage in [
        (|bytes: &mut Vec<u8>| bytes.truncate(bytes.len() / 2)) as fn(&mut Vec<u8>),
        |bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
        },
    ] {
        let (repository, store) = unpack(archive, passphrase).await;
        let full = repository.backups().await.unwrap().found.remove(0);
        let key = Key::parse(format!("backup/demo/{}/bundle/1", full.id)).unwrap();
        let mut bytes = store.get_bytes(&key, 1 << 30).await.unwrap().to_vec();
        damage(&mut bytes);
        let put = store.put_bytes(&key, bytes.into(), PutOptions::default());
        put.await.unwrap();

        let error = match repository.open_base_backup(&full.id).await {
            Ok(reader) => read(&reader).await.unwrap_err(),
            Err(error) => error,
        };

        assert_eq!(error.class(), Class::Invalid, "{error}");
        assert!(error.to_string().contains("bundle/1"), "{error}");
    }
}

#[tokio::test]
async fn the_copy_of_a_manifest_serves_when_the_first_is_damaged() {
    let (archive, passphrase) = REPOSITORIES[0];
    let (repository, store) = unpack(archive, passphrase).await;
    let full = repository.backups().await.unwrap().found.remove(0);
    let key = Key::parse(format!("backup/demo/{}/backup.manifest", full.id)).unwrap();
    let copy = Key::parse(format!("{key}.copy")).unwrap();
    let cut = store.get_bytes(&key, 1 << 30).await.unwrap().slice(..1000);
    let put = store.put_bytes(&key, cut.clone(), PutOptions::default());
    put.await.unwrap();

    repository.open_base_backup(&full.id).await.unwrap();
    store
        .put_bytes(&copy, cut, PutOptions::default())
        .await
        .unwrap();
    let error = repository.open_base_backup(&full.id).await.unwrap_err();

    assert_eq!(error.class(), Class::Invalid);
    assert!(error.to_string().contains("backup.manifest"), "{error}");
}
