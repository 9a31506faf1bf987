//! Real Barman tools read what we archived, and we read what they archived, on S3.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use futures_util::TryStreamExt;
use walcast::{
    codec::{Codec, ContentHasher, Encoder, Encoding},
    pg::WalFileName,
    repository::{
        Expect, PutOutcome, Repository, WalFile,
        barman::{BarmanRepository, BarmanSettings},
        conformance::{self, World},
    },
    secret::Secret,
    store::{
        Payload, Store, StoreExt,
        s3::{Credentials, S3Config, S3Store},
    },
    workers::Workers,
};

use crate::support::{barman::Barman, content::wal_like, s3::S3Server};

const URL: &str = "s3://backups/pg";
const PREFIX: &str = "pg";
const SEGMENT_LEN: usize = 16 << 20;

fn store(server: &S3Server) -> Arc<dyn Store> {
    let options = server.options();
    let credentials = Credentials::Static {
        access_key_id: options.access_key.clone(),
        secret_access_key: Secret::new(options.secret_key.as_str()),
        session_token: None,
    };
    let mut config = S3Config::new(&options.bucket, credentials);
    config.endpoint = Some(server.endpoint());
    Arc::new(S3Store::connect(config).unwrap())
}

fn open(server: &S3Server, prefix: &str, name: &str, encoding: Encoding) -> BarmanRepository {
    let settings = BarmanSettings {
        wal_encoding: encoding,
        ..BarmanSettings::new(prefix, name)
    };
    BarmanRepository::new(store(server), settings, Workers::new())
}

/// A segment that is quiet after its first megabyte, so that slow codecs are done soon.
fn segment() -> Vec<u8> {
    let mut content = wal_like(1 << 20);
    content.resize(SEGMENT_LEN, 0);
    content
}

fn wal(name: &str, content: &[u8], encoding: Encoding) -> WalFile {
    let mut encoder = Encoder::new(encoding, Vec::new()).unwrap();
    encoder.write_all(content).unwrap();
    let mut hasher = ContentHasher::default();
    hasher.update(content);
    WalFile {
        name: WalFileName::parse(name).unwrap(),
        content: hasher.finish(),
        identity: None,
        encoding,
        payload: Payload::new(encoder.finish().unwrap()),
    }
}

fn encodings() -> impl Iterator<Item = Encoding> {
    let codecs = Codec::ALL.into_iter();
    let encodings = codecs.map(|codec| Encoding::new(codec, None).unwrap());
    encodings.chain([Encoding::PLAIN])
}

#[tokio::test]
async fn barman_restores_what_we_archived() {
    let server = S3Server::start();
    let barman = Barman::on(&server);
    let segment = segment();
    // Of a segment and its partial twin Barman may return either, so these are of two segments.
    let files = [
        ("000000010000000A000000FE", segment.as_slice()),
        ("000000010000000A000000FF.partial", &segment),
        (
            "00000002.history",
            b"1\tA/FF000028\tno recovery target specified\n",
        ),
    ];
    for encoding in encodings() {
        let name = format!("ours {encoding}");
        let repository = open(&server, PREFIX, &name, encoding);
        for (file, content) in files {
            let wal = wal(file, content, encoding);
            let outcome = repository.put_wal(&wal, Expect::Absent).await.unwrap();
            assert_eq!(outcome, PutOutcome::Stored);

            let folder = tempfile::tempdir().unwrap();
            let restored = barman.restore(URL, &name, file, folder.path());

            assert!(restored == content, "{file}, {encoding}");
        }
    }
}

#[tokio::test]
async fn we_read_what_barman_archived_and_do_not_store_it_again() {
    let server = S3Server::start();
    let barman = Barman::on(&server);
    let segment = segment();
    let label = b"START WAL LOCATION: A/FF000028 (file 000000010000000A000000FF)\n";
    let files = [
        ("000000010000000A000000FF", segment.as_slice()),
        ("000000010000000A000000FF.00000028.backup", label),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (file, content) in files {
        std::fs::write(folder.path().join(file), content).unwrap();
    }
    for encoding in encodings() {
        let name = format!("theirs {encoding}");
        let option = encoding.codec().map(|codec| format!("--{codec}"));
        // Another one than theirs, so that what is there has another ending.
        let other = Codec::ALL
            .into_iter()
            .find(|codec| Some(*codec) != encoding.codec());
        let other = Encoding::new(other.unwrap(), None).unwrap();
        let repository = open(&server, PREFIX, &name, other);
        for (file, content) in files {
            barman.archive(URL, &name, option.as_deref(), &folder.path().join(file));

            let found = repository
                .find_wal(WalFileName::parse(file).unwrap())
                .await
                .unwrap();
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].codec, encoding.codec());
            let blocks = repository
                .read_wal(&found[0], SEGMENT_LEN as u64)
                .await
                .unwrap();
            let blocks: Vec<_> = blocks.try_collect().await.unwrap();
            assert!(blocks.concat() == content, "{file}, {encoding}");

            let same = wal(file, content, other);
            let again = repository.put_wal(&same, Expect::Unknown).await.unwrap();
            assert_eq!(again, PutOutcome::Present);
            let changed = wal(file, b"something else", other);
            let changed = repository.put_wal(&changed, Expect::Unknown).await.unwrap();
            assert_eq!(changed, PutOutcome::Conflict(found[0].clone()));
        }
        let listed: Vec<_> = repository.list_wal(None).try_collect().await.unwrap();
        assert_eq!(listed.len(), files.len());
    }
}

#[tokio::test]
async fn barman_sees_that_the_archive_is_not_empty() {
    let server = S3Server::start();
    let barman = Barman::on(&server);
    let repository = open(&server, PREFIX, "srv", Encoding::PLAIN);
    barman.check_wal_archive(URL, "srv", 0);

    let wal = wal("000000010000000A000000FF", b"x", Encoding::PLAIN);
    repository.put_wal(&wal, Expect::Absent).await.unwrap();

    barman.check_wal_archive(URL, "srv", 1);
}

#[tokio::test]
async fn keys_are_barman_s_whatever_the_url_and_the_server_are_called() {
    let server = S3Server::start();
    let barman = Barman::on(&server);
    let folder = tempfile::tempdir().unwrap();
    let history = "00000002.history";
    std::fs::write(folder.path().join(history), "1\t0/1\tx\n").unwrap();
    for (url, prefix, name) in [
        ("s3://backups", "", "at the root"),
        ("s3://backups/", "", "root/"),
        ("s3://backups/a/", "a/", "ü/x"),
        ("s3://backups/f g/h%20i", "f g/h%20i", "srv"),
        ("s3://backups/empty", "empty", ""),
    ] {
        barman.archive(url, name, Some("--gzip"), &folder.path().join(history));

        let repository = open(&server, prefix, name, Encoding::PLAIN);
        let found = repository
            .find_wal(WalFileName::parse(history).unwrap())
            .await
            .unwrap();
        assert_eq!(found.len(), 1, "{url} {name}");
    }
    let stored = store(&server).list_all("").await.unwrap();
    let keys: Vec<_> = stored.iter().map(|meta| meta.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "a/ü/x/wals/00000002.history.gz",
            "at the root/wals/00000002.history.gz",
            "empty/wals/00000002.history.gz",
            "f g/h%20i/srv/wals/00000002.history.gz",
            "root/wals/00000002.history.gz",
        ]
    );
}

#[tokio::test]
async fn contract_is_kept_on_s3() {
    for encoding in [Encoding::PLAIN, Encoding::new(Codec::Zstd, None).unwrap()] {
        // Each world has a bucket of its own, as checks look at all that is there.
        let servers = Mutex::new(Vec::new());
        let make = async || {
            let server = S3Server::start();
            let repository = open(&server, PREFIX, "server", encoding);
            let world = World::new(Arc::new(repository), store(&server));
            servers.lock().unwrap().push(server);
            world
        };
        conformance::run(make).await.unwrap();
    }
}
