//! What the real tools stored is understood.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt;
use walcast::{
    codec::{Codec, Encoding, Sha256Hasher},
    pg::WalFileName,
    repository::{
        Error, Repository, Result,
        barman::{BarmanRepository, BarmanSettings, WalKeys},
    },
    store::{Key, MemoryStore, PutOptions, StoreExt},
    workers::Workers,
};

const KEYS: &str = include_str!("../fixtures/barman/keys.txt");
const SEGMENT_LEN: u64 = 16 << 20;

fn open(store: &MemoryStore) -> BarmanRepository {
    let settings = BarmanSettings {
        wal_encoding: Encoding::new(Codec::Gzip, None).unwrap(),
        ..BarmanSettings::new("pg", "cluster-example")
    };
    BarmanRepository::new(Arc::new(store.clone()), settings, Workers::inline())
}

async fn put(store: &MemoryStore, key: &Key, bytes: &'static [u8]) {
    let bytes = Bytes::from_static(bytes);
    store
        .put_bytes(key, bytes, PutOptions::default())
        .await
        .unwrap();
}

#[test]
fn keys_of_the_tools_are_ours() {
    let keys = WalKeys::new("pg", "cluster-example");
    for line in KEYS.lines() {
        let key = Key::parse(line).unwrap();
        let (name, codec) = keys.parse(&key).unwrap();

        assert_eq!(codec, Some(Codec::Gzip), "{line}");
        assert!(line.ends_with(&format!("/{name}.gz")), "{line}");
        assert_eq!(keys.key(name, codec).unwrap(), key);
    }
}

#[tokio::test]
async fn an_archive_of_the_tools_is_listed_completely_and_in_order() {
    let store = MemoryStore::new();
    for line in KEYS.lines() {
        put(&store, &Key::parse(line).unwrap(), b"x").await;
    }

    let listed: Vec<WalFileName> = open(&store)
        .list_wal(None)
        .map_ok(|wal| wal.name)
        .try_collect()
        .await
        .unwrap();

    assert_eq!(listed.len(), KEYS.lines().count());
    assert!(listed.is_sorted());
    let promotion: Vec<_> = listed
        .iter()
        .map(ToString::to_string)
        .skip(34)
        .take(4)
        .collect();
    assert_eq!(
        promotion,
        [
            "000000010000000000000018",
            "000000010000000000000018.partial",
            "00000002.history",
            "000000020000000000000018"
        ]
    );
}

#[tokio::test]
async fn objects_of_the_tools_are_read() {
    const SEGMENT: &str = "5b3bb3c850b193e8b8bb7fedad5ce6cfdde537715a7094459182e62a8d169a23";
    const PARTIAL: &str = "03017691d71726fc66180e88d846073cb2feb4fa64584b04c5292653dee8e560";
    const LABEL: &str = "3dd8c7749f2cc575fd332b2338c7753d4e5c7ad03a3ae71eea589da2c130ade1";
    const HISTORY: &str = "d2139416f627a075e3d45acbb36a070b189bad88d77a4fa74379ba7e634e0c79";
    const SNAPPY: &str = "3ec234564f72498bac5763eb8d80cff57ab97389d63cf64c773ba3bae97efd40";
    macro_rules! object {
        ($folder:literal, $file:literal, $sha256:ident) => {
            (
                $file,
                &include_bytes!(concat!("../fixtures/", $folder, "/", $file))[..],
                $sha256,
            )
        };
    }
    let keys = WalKeys::new("pg", "cluster-example");
    for (file, bytes, sha256) in [
        object!("codec", "000000010000000000000005.gz", SEGMENT),
        object!("codec", "000000010000000000000005.bz2", SEGMENT),
        object!("codec", "000000010000000000000005.xz", SEGMENT),
        object!("codec", "000000010000000000000005.zst", SEGMENT),
        object!("codec", "000000010000000000000005.lz4", SEGMENT),
        object!("barman", "000000010000000000000018.partial.gz", PARTIAL),
        object!(
            "barman",
            "000000010000000000000006.00000028.backup.gz",
            LABEL
        ),
        object!("codec", "00000002.history.gz", HISTORY),
        object!("codec", "00000002.history.snappy", SNAPPY),
    ] {
        let (name, extension) = file.rsplit_once('.').unwrap();
        let codec = Codec::from_barman_extension(extension).unwrap();
        let name = WalFileName::parse(name).unwrap();
        let store = MemoryStore::new();
        put(&store, &keys.key(name, Some(codec)).unwrap(), bytes).await;
        // Without its ending the content tells the codec.
        let bare = WalFileName::parse("00000009.history").unwrap();
        put(&store, &keys.key(bare, None).unwrap(), bytes).await;

        for name in [name, bare] {
            let read = read(&open(&store), name).await;
            if codec.is_available() {
                assert_eq!(read.unwrap(), sha256, "{file} as {name}");
            } else {
                assert!(matches!(read, Err(Error::Codec { .. })), "{file}: {read:?}");
            }
        }
    }
}

async fn read(repository: &BarmanRepository, name: WalFileName) -> Result<String> {
    let found = repository.find_wal(name).await?;
    let blocks = repository.read_wal(&found[0], SEGMENT_LEN).await?;
    let hashing = blocks.try_fold(Sha256Hasher::default(), async |mut hasher, block| {
        hasher.update(&block);
        Ok(hasher)
    });
    Ok(hashing.await?.finish().to_string())
}
