//! The real pgBackRest reads what we archived, and we read what it archived, in a folder and on S3.

use std::{io::Write, sync::Arc};

use futures_util::TryStreamExt;
use walcast::{
    codec::{Codec, ContentHasher, Encoder, Encoding, cipher::Passphrase},
    pg::{MajorVersion, SystemId, WalFileName},
    repository::{
        ClusterIdentity, Error, Expect, PutOutcome, Repository, WalFile,
        pgbackrest::{
            HistoryEntry, PgBackRestRepository, PgBackRestSettings, StanzaChange, StanzaSecrets,
        },
    },
    secret::Secret,
    store::{
        FsStore, Payload, Store, StoreExt,
        s3::{Addressing, Credentials, S3Config, S3Store},
    },
    workers::Workers,
};

use crate::support::{
    pgbackrest::{PgBackRest, STANZA, SYSTEM_ID},
    s3::{Options, S3Server},
    wal::segment,
};

const SEGMENT: &str = "000000010000000000000005";
const NEXT: &str = "000000010000000000000006";
const PARTIAL: &str = "000000010000000000000006.partial";
const LABEL: &str = "000000010000000000000005.00000028.backup";
const HISTORY: &str = "00000002.history";
const IDENTITY: ClusterIdentity = ClusterIdentity {
    system_id: SystemId::new(SYSTEM_ID),
    version: MajorVersion::V15,
};
const OTHER: ClusterIdentity = ClusterIdentity {
    system_id: SystemId::new(1),
    version: MajorVersion::V17,
};
const PASSPHRASES: [Option<&str>; 2] = [None, Some("made up")];

/// One file of each kind.
fn files() -> [(&'static str, Vec<u8>); 4] {
    [
        (SEGMENT, segment(5, SYSTEM_ID)),
        (PARTIAL, segment(6, SYSTEM_ID)),
        (LABEL, b"START WAL LOCATION: 0/500028\n".to_vec()),
        (
            HISTORY,
            b"1\t0/600028\tno recovery target specified\n".to_vec(),
        ),
    ]
}

fn encodings() -> impl Iterator<Item = Encoding> {
    let codecs = Codec::ALL.into_iter();
    let codecs = codecs.filter(|codec| codec.pgbackrest_name().is_some());
    let encodings = codecs.map(|codec| Encoding::new(codec, None).unwrap());
    encodings.chain([Encoding::PLAIN])
}

/// What the tool calls it.
fn compress_type(encoding: Encoding) -> &'static str {
    let codec = encoding.codec();
    codec.map_or("none", |codec| codec.pgbackrest_name().unwrap())
}

fn wal(name: &str, content: &[u8], encoding: Encoding) -> WalFile {
    let mut encoder = Encoder::new(encoding, Vec::new()).unwrap();
    encoder.write_all(content).unwrap();
    let mut hasher = ContentHasher::default();
    hasher.update(content);
    let name = WalFileName::parse(name).unwrap();
    WalFile {
        name,
        content: hasher.finish(),
        identity: name.is_segment().then_some(IDENTITY),
        encoding,
        payload: Payload::new(encoder.finish().unwrap()),
    }
}

async fn put(repository: &dyn Repository, name: &str, content: &[u8]) -> PutOutcome {
    let wal = wal(name, content, repository.wal_encoding());
    repository.put_wal(&wal, Expect::Unknown).await.unwrap()
}

async fn read(repository: &dyn Repository, name: &str) -> Vec<u8> {
    let found = repository.find_wal(WalFileName::parse(name).unwrap()).await;
    let found = found.unwrap();
    assert_eq!(found.len(), 1, "{name}");
    let blocks = repository.read_wal(&found[0], 16 << 20).await.unwrap();
    blocks.try_collect::<Vec<_>>().await.unwrap().concat()
}

/// A repository that both work on.
struct Shared {
    pgbackrest: PgBackRest,
    ours: PgBackRestRepository,
    store: Arc<dyn Store>,
}

impl Shared {
    fn new(
        pgbackrest: PgBackRest,
        store: Arc<dyn Store>,
        path: &str,
        encoding: Encoding,
        passphrase: Option<&str>,
    ) -> Self {
        let settings = PgBackRestSettings::new(path, STANZA);
        let mut settings = settings.with_wal_encoding(encoding).unwrap();
        settings.passphrase = passphrase.map(|text| Passphrase::new(Secret::new(text)));
        settings.lock_folder = Some(pgbackrest.locks());
        let ours = PgBackRestRepository::new(Arc::clone(&store), settings, Workers::new());
        let pgbackrest = pgbackrest
            .with_passphrase(passphrase)
            .with("COMPRESS_TYPE", compress_type(encoding));
        Self {
            pgbackrest,
            ours,
            store,
        }
    }

    async fn in_folder(root: &tempfile::TempDir, encoding: Encoding, pass: Option<&str>) -> Self {
        let store = FsStore::open(root.path(), Workers::new()).await.unwrap();
        let pgbackrest = PgBackRest::on_folder(&root.path().join("repo"));
        Self::new(pgbackrest, Arc::new(store), "repo", encoding, pass)
    }

    fn in_bucket(server: &S3Server, path: &str, encoding: Encoding, pass: Option<&str>) -> Self {
        let pgbackrest = PgBackRest::on_bucket(server, path);
        Self::new(pgbackrest, bucket(server), path, encoding, pass)
    }

    async fn create(&self) -> StanzaChange {
        let secrets = StanzaSecrets::random().unwrap();
        self.ours.create_stanza(&IDENTITY, &secrets).await.unwrap()
    }

    /// What we made and archived, the tool takes for its own.
    async fn assert_that_it_reads_ours(&self) {
        assert_eq!(self.create().await, StanzaChange::Created);
        for (name, content) in files() {
            assert_eq!(put(&self.ours, name, &content).await, PutOutcome::Stored);
        }

        for (name, content) in files() {
            assert!(self.pgbackrest.get(name) == Some(content), "{name}");
        }
        assert_eq!(self.pgbackrest.get(NEXT), None);
        let said = self.pgbackrest.verify();
        let is_content = said.contains("status: ok") && said.contains("total valid WAL: 1");
        assert!(is_content, "{said}");
        let info = self.pgbackrest.info();
        // The second is that of a stanza without backups.
        assert_eq!(info["status"]["code"], 2, "{info}");
        assert_eq!(info["archive"][0]["id"], "15-1");
        assert_eq!(info["archive"][0]["max"], SEGMENT);
        self.pgbackrest.create_stanza();
        self.pgbackrest.push(SEGMENT, &segment(5, SYSTEM_ID));
        self.pgbackrest.push(NEXT, &segment(6, SYSTEM_ID));
        assert!(read(&self.ours, NEXT).await == segment(6, SYSTEM_ID));
        let listed: Vec<_> = self.ours.list_wal(None).try_collect().await.unwrap();
        assert_eq!(listed.len(), 5);
    }

    /// What the tool made and archived, we take for our own.
    async fn assert_that_we_read_its(&self) {
        self.pgbackrest.create_stanza();
        for (name, content) in files() {
            self.pgbackrest.push(name, &content);
        }

        assert_eq!(self.create().await, StanzaChange::None);
        self.ours.check(Some(&IDENTITY)).await.unwrap();
        let before = self.store.list_all("").await.unwrap();
        for (name, content) in files() {
            assert!(read(&self.ours, name).await == content, "{name}");
            assert_eq!(put(&self.ours, name, &content).await, PutOutcome::Present);
            let other = put(&self.ours, name, &segment(9, SYSTEM_ID)).await;
            assert!(matches!(other, PutOutcome::Conflict(_)), "{name}");
        }
        assert_eq!(self.store.list_all("").await.unwrap(), before);
    }
}

fn bucket(server: &S3Server) -> Arc<dyn Store> {
    let options = server.options();
    let credentials = Credentials::Static {
        access_key_id: options.access_key.clone(),
        secret_access_key: Secret::new(options.secret_key.as_str()),
        session_token: None,
    };
    let mut config = S3Config::new(&options.bucket, credentials);
    config.endpoint = Some(server.endpoint());
    config.addressing = Addressing::Path;
    config.ca_bundle = server.ca().map(|ca| ca.as_bytes().to_vec());
    Arc::new(S3Store::connect(config).unwrap())
}

fn with_tls() -> S3Server {
    S3Server::start_with(Options {
        tls: true,
        ..Options::default()
    })
}

#[tokio::test]
async fn pgbackrest_reads_what_we_archived_in_a_folder() {
    for encoding in encodings() {
        for passphrase in PASSPHRASES {
            let root = tempfile::tempdir().unwrap();
            let shared = Shared::in_folder(&root, encoding, passphrase).await;
            shared.assert_that_it_reads_ours().await;
        }
    }
}

#[tokio::test]
async fn we_read_what_pgbackrest_archived_in_a_folder() {
    for encoding in encodings() {
        for passphrase in PASSPHRASES {
            let root = tempfile::tempdir().unwrap();
            let shared = Shared::in_folder(&root, encoding, passphrase).await;
            shared.assert_that_we_read_its().await;
        }
    }
}

#[tokio::test]
async fn both_read_what_the_other_archived_on_s3() {
    let server = with_tls();
    for encoding in encodings() {
        for passphrase in PASSPHRASES {
            let kind = compress_type(encoding);
            let cipher = if passphrase.is_some() { "aes" } else { "plain" };
            let path = |whose| format!("/{whose}/{kind}-{cipher}");

            let ours = Shared::in_bucket(&server, &path("ours"), encoding, passphrase);
            ours.assert_that_it_reads_ours().await;
            let theirs = Shared::in_bucket(&server, &path("theirs"), encoding, passphrase);
            theirs.assert_that_we_read_its().await;
        }
    }
}

#[tokio::test]
async fn upgrades_are_understood_both_ways() {
    for passphrase in PASSPHRASES {
        let root = tempfile::tempdir().unwrap();
        let shared = Shared::in_folder(&root, Encoding::PLAIN, passphrase).await;
        shared.create().await;
        let upgrade = ["--no-online", "stanza-upgrade"];

        let ours = shared.ours.upgrade_stanza(&OTHER).await.unwrap();
        assert_eq!(ours, StanzaChange::Upgraded);
        // Its data directory is that of the first cluster.
        shared.pgbackrest.write(SEGMENT, &segment(5, SYSTEM_ID));
        let path = shared.pgbackrest.path(SEGMENT);
        shared
            .pgbackrest
            .fail(&["archive-push", path.to_str().unwrap()], 103);
        shared.pgbackrest.succeed(&upgrade);

        let history = shared.ours.history().await.unwrap();
        let ids = history.entries().iter().map(HistoryEntry::archive_id);
        let ids: Vec<_> = ids.map(|id| id.to_string()).collect();
        assert_eq!(ids, ["15-1", "17-2", "15-3"]);
        shared.ours.check(Some(&IDENTITY)).await.unwrap();
        let segment = segment(5, SYSTEM_ID);
        assert_eq!(
            put(&shared.ours, SEGMENT, &segment).await,
            PutOutcome::Stored
        );
        assert!(shared.pgbackrest.get(SEGMENT) == Some(segment));
    }
}

#[tokio::test]
async fn a_stanza_that_pgbackrest_stopped_takes_nothing() {
    let root = tempfile::tempdir().unwrap();
    let shared = Shared::in_folder(&root, Encoding::PLAIN, None).await;
    shared.create().await;
    let content = segment(5, SYSTEM_ID);

    let file = wal(SEGMENT, &content, Encoding::PLAIN);
    shared.pgbackrest.succeed(&["stop"]);
    let refused = shared.ours.put_wal(&file, Expect::Unknown).await;
    shared.pgbackrest.succeed(&["start"]);

    assert!(matches!(refused, Err(Error::Refused { .. })), "{refused:?}");
    assert_eq!(
        put(&shared.ours, SEGMENT, &content).await,
        PutOutcome::Stored
    );
}
