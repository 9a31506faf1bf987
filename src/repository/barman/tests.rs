use std::collections::BTreeMap;

use bytes::Bytes;
use futures_util::TryStreamExt;

use super::*;
use crate::{
    codec::{Codec, ContentHasher},
    store::{
        Capabilities, Class, Key, Level, MemoryStore, ObjectMeta, Operation, Payload, PutMode,
        PutOptions, StoreExt, UnfinishedUpload, Upload, UploadOptions,
    },
};

const SEGMENT: &str = "000000010000000A000000FF";
const KEY: &str = "pg/srv/wals/000000010000000A/000000010000000A000000FF";

/// Counts requests, and replaces objects if it is told to.
#[derive(Clone, Debug)]
struct Counting {
    inner: MemoryStore,
    create_if_absent: bool,
    requests: Arc<std::sync::Mutex<Vec<Operation>>>,
}

impl Counting {
    fn new(create_if_absent: bool) -> Self {
        Self {
            inner: MemoryStore::new(),
            create_if_absent,
            requests: Arc::default(),
        }
    }

    fn count(&self, operation: Operation) {
        self.requests.lock().unwrap().push(operation);
    }

    /// Returns the requests since the last call.
    fn requests(&self) -> Vec<Operation> {
        std::mem::take(&mut self.requests.lock().unwrap())
    }

    fn repository(&self, encoding: Encoding) -> BarmanRepository {
        let settings = BarmanSettings {
            wal_encoding: encoding,
            ..BarmanSettings::new("pg", "srv")
        };
        BarmanRepository::new(Arc::new(self.clone()), settings, Workers::inline())
    }

    async fn put_raw(&self, key: &str, bytes: impl Into<Bytes> + Send) {
        let key = Key::parse(key).unwrap();
        self.inner
            .put_bytes(&key, bytes.into(), PutOptions::default())
            .await
            .unwrap();
    }

    fn contents(&self) -> BTreeMap<String, Bytes> {
        let contents = self.inner.contents().into_iter();
        contents
            .map(|(key, bytes)| (key.to_string(), bytes))
            .collect()
    }
}

impl fmt::Display for Counting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("memory")
    }
}

#[async_trait]
impl Store for Counting {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            create_if_absent: self.create_if_absent,
            ..self.inner.capabilities()
        }
    }

    async fn put(
        &self,
        key: &Key,
        payload: Payload,
        mut options: PutOptions,
    ) -> crate::store::Result<()> {
        self.count(Operation::Put);
        if !self.create_if_absent {
            options.mode = PutMode::Overwrite;
        }
        self.inner.put(key, payload, options).await
    }

    async fn begin_upload(
        &self,
        key: &Key,
        options: UploadOptions,
    ) -> crate::store::Result<Box<dyn Upload>> {
        self.inner.begin_upload(key, options).await
    }

    async fn get(&self, key: &Key, options: GetOptions) -> crate::store::Result<Object> {
        self.count(Operation::Get);
        self.inner.get(key, options).await
    }

    async fn head(&self, key: &Key) -> crate::store::Result<ObjectMeta> {
        self.count(Operation::Head);
        self.inner.head(key).await
    }

    fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
    ) -> BoxStream<'static, crate::store::Result<ObjectMeta>> {
        self.count(Operation::List);
        self.inner.list(prefix, after)
    }

    async fn list_level(&self, prefix: &str) -> crate::store::Result<Level> {
        self.count(Operation::List);
        self.inner.list_level(prefix).await
    }

    async fn delete(&self, keys: &[Key]) -> Vec<crate::store::Result<()>> {
        self.inner.delete(keys).await
    }

    async fn unfinished_uploads(
        &self,
        prefix: &str,
    ) -> crate::store::Result<Vec<UnfinishedUpload>> {
        self.inner.unfinished_uploads(prefix).await
    }

    async fn abort_unfinished(&self, upload: &UnfinishedUpload) -> crate::store::Result<()> {
        self.inner.abort_unfinished(upload).await
    }
}

fn plain(name: &str, content: &'static str) -> WalFile {
    let mut hasher = ContentHasher::default();
    hasher.update(content.as_bytes());
    WalFile {
        name: WalFileName::parse(name).unwrap(),
        content: hasher.finish(),
        identity: None,
        encoding: Encoding::PLAIN,
        payload: Payload::new(content.as_bytes()),
    }
}

fn gzip() -> Encoding {
    Encoding::new(Codec::Gzip, None).unwrap()
}

async fn list(repository: &BarmanRepository, from: Option<&str>) -> Vec<String> {
    let from = from.map(|name| WalFileName::parse(name).unwrap());
    let keys = repository.list_wal(from).map_ok(|wal| wal.key.to_string());
    keys.try_collect().await.unwrap()
}

#[tokio::test]
async fn a_new_file_costs_one_request_and_a_doubtful_one_two() {
    let store = Counting::new(true);
    let repository = store.repository(Encoding::PLAIN);

    let absent = repository
        .put_wal(&plain(SEGMENT, "a"), Expect::Absent)
        .await
        .unwrap();
    assert_eq!(
        (absent, store.requests()),
        (PutOutcome::Stored, vec![Operation::Put])
    );

    let other = plain("000000010000000A00000100", "b");
    let unknown = repository.put_wal(&other, Expect::Unknown).await.unwrap();
    let expected = vec![Operation::List, Operation::Put];
    assert_eq!((unknown, store.requests()), (PutOutcome::Stored, expected));

    let again = repository
        .put_wal(&plain(SEGMENT, "a"), Expect::Unknown)
        .await
        .unwrap();
    let expected = vec![Operation::List, Operation::Get];
    assert_eq!((again, store.requests()), (PutOutcome::Present, expected));
}

#[tokio::test]
async fn a_store_that_replaces_is_looked_into_once_per_folder() {
    let store = Counting::new(false);
    store.put_raw(&format!("{KEY}.gz"), "not gzip").await;
    store
        .put_raw(
            "pg/srv/wals/000000010000000A/000000010000000A00000001",
            "other",
        )
        .await;
    let repository = store.repository(Encoding::PLAIN);
    let put = async |name, content| {
        repository
            .put_wal(&plain(name, content), Expect::Absent)
            .await
    };

    put("000000010000000A00000002", "a").await.unwrap();
    put("000000010000000A00000003", "b").await.unwrap();
    assert_eq!(
        store.requests(),
        [Operation::List, Operation::Put, Operation::Put]
    );

    let conflict = put("000000010000000A00000001", "mine").await.unwrap();
    assert!(matches!(conflict, PutOutcome::Conflict(_)), "{conflict:?}");
    assert_eq!(
        put(SEGMENT, "mine").await.unwrap_err().class(),
        Class::Invalid
    );
    let conflict = put("000000010000000A00000002", "changed").await.unwrap();
    assert!(matches!(conflict, PutOutcome::Conflict(_)), "{conflict:?}");
    assert_eq!(
        put("000000010000000A00000002", "a").await.unwrap(),
        PutOutcome::Present
    );

    store.requests();
    for expected in [PutOutcome::Stored, PutOutcome::Present] {
        assert_eq!(put("0000000A.history", "a").await.unwrap(), expected);
    }
    put("000000010000000B00000000", "c").await.unwrap();
    let (list, get, put) = (Operation::List, Operation::Get, Operation::Put);
    assert_eq!(store.requests(), [list, put, list, get, list, put]);
}

#[tokio::test]
async fn a_file_is_not_stored_under_a_second_ending() {
    let store = Counting::new(true);
    store.put_raw(KEY, "a").await;
    let repository = store.repository(gzip());
    let mut wal = plain(SEGMENT, "a");
    wal.encoding = gzip();

    let outcome = repository.put_wal(&wal, Expect::Unknown).await.unwrap();

    assert_eq!(outcome, PutOutcome::Present);
    assert_eq!(store.contents().keys().collect::<Vec<_>>(), [KEY]);
}

#[tokio::test]
async fn the_codec_asked_for_comes_first_and_both_are_compared() {
    let store = Counting::new(true);
    let gz = format!("{KEY}.gz");
    store.put_raw(KEY, "a").await;
    store.put_raw(&gz, "neither gzip nor the same").await;
    store.put_raw(&format!("{KEY}.partial"), "half").await;
    for (encoding, expected) in [(Encoding::PLAIN, [KEY, &gz]), (gzip(), [&gz, KEY])] {
        let found = store
            .repository(encoding)
            .find_wal(SEGMENT.parse().unwrap())
            .await
            .unwrap();
        assert_eq!(
            found.iter().map(|wal| wal.key.as_str()).collect::<Vec<_>>(),
            expected
        );
    }

    let repository = store.repository(Encoding::PLAIN);
    let error = repository
        .put_wal(&plain(SEGMENT, "a"), Expect::Unknown)
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{gz} in barman:memory/pg/srv: the gzip data is damaged: invalid gzip header")
    );
    let conflict = repository
        .put_wal(&plain(SEGMENT, "b"), Expect::Unknown)
        .await
        .unwrap();
    assert!(matches!(conflict, PutOutcome::Conflict(with) if with.key.as_str() == KEY));
}

#[tokio::test]
async fn history_files_have_tags_of_their_own_if_there_are_any() {
    let tags = |value: &str| Tags::from_iter([("kind".to_owned(), value.to_owned())]);
    let store = MemoryStore::new();
    for (prefix, history_tags) in [("own", tags("history")), ("same", Tags::default())] {
        let settings = BarmanSettings {
            tags: tags("wal"),
            history_tags: history_tags.clone(),
            ..BarmanSettings::new(prefix, "srv")
        };
        let repository =
            BarmanRepository::new(Arc::new(store.clone()), settings, Workers::inline());
        for name in [SEGMENT, "00000002.history"] {
            repository
                .put_wal(&plain(name, "a"), Expect::Absent)
                .await
                .unwrap();
        }
    }

    for (key, expected) in [
        (
            "own/srv/wals/000000010000000A/000000010000000A000000FF",
            "wal",
        ),
        ("own/srv/wals/00000002.history", "history"),
        ("same/srv/wals/00000002.history", "wal"),
    ] {
        assert_eq!(
            store.tags(&Key::parse(key).unwrap()),
            Some(tags(expected)),
            "{key}"
        );
    }
}

#[tokio::test]
async fn a_listing_passes_foreign_objects_by_and_keeps_doubles_together() {
    let store = Counting::new(true);
    let mine = [
        "pg/srv/wals/000000010000000A/000000010000000A00000001.gz",
        "pg/srv/wals/000000010000000A/000000010000000A00000001",
        "pg/srv/wals/000000010000000A/000000010000000A00000001.partial.zst",
        "pg/srv/wals/00000002.history.gz",
        "pg/srv/wals/00000002.history",
        "pg/srv/wals/000000020000000A/000000020000000A00000001.snappy",
    ];
    let foreign = [
        "pg/srv/wals/000000010000000A/000000010000000A00000001.tmp",
        "pg/srv/wals/000000010000000A/000000010000000a00000002.gz",
        "pg/srv/wals/000000010000000A/000000010000000B00000002.gz",
        "pg/srv/wals/000000010000000a/000000010000000A00000003.gz",
        "pg/srv/wals/000000010000000A/deep/000000010000000A00000004.gz",
        "pg/srv/wals/000000010000000A00000005.gz",
        "pg/srv/wals/README",
        "pg/srv/base/20261122T124808/backup.info",
        "pg/other/wals/00000003.history",
    ];
    for key in mine.iter().chain(&foreign) {
        store.put_raw(key, "x").await;
    }
    let repository = store.repository(gzip());

    assert_eq!(list(&repository, None).await, mine);
    store.requests();
    assert_eq!(list(&repository, Some("00000002.history")).await, mine[3..]);
    assert_eq!(store.requests(), [Operation::List; 2]);
}

#[tokio::test]
async fn a_listing_ends_at_the_first_error() {
    use crate::store::fault::{Fault, FaultPlan, FaultStore};
    let store = Counting::new(true);
    for folder in ["000000010000000A", "000000010000000B"] {
        store
            .put_raw(&format!("pg/srv/wals/{folder}/{folder}00000001"), "x")
            .await;
    }
    let plan = FaultPlan::new();
    plan.script(
        Operation::List,
        |prefix| prefix.ends_with("0A/"),
        1,
        Fault::status(503),
    );
    let faulty = FaultStore::new(Arc::new(store), plan);
    let settings = BarmanSettings::new("pg", "srv");
    let repository = BarmanRepository::new(Arc::new(faulty), settings, Workers::inline());

    let listed: Vec<_> = futures_util::StreamExt::collect(repository.list_wal(None)).await;

    assert!(matches!(&listed[..], [Err(error)] if error.class() == Class::Throttled));
}

#[tokio::test]
async fn a_name_that_cannot_be_a_key_is_an_error() {
    let settings = BarmanSettings::new("", "/srv");
    let repository =
        BarmanRepository::new(Arc::new(MemoryStore::new()), settings, Workers::inline());

    let error = repository
        .put_wal(&plain(SEGMENT, "a"), Expect::Absent)
        .await
        .unwrap_err();

    assert_eq!(error.class(), Class::Invalid);
    assert!(matches!(error, crate::repository::Error::Key { .. }));
}

#[tokio::test]
async fn a_refusal_whose_reason_has_vanished_may_be_tried_again() {
    use crate::store::fault::{Fault, FaultPlan, FaultStore};
    let plan = FaultPlan::new();
    plan.script(Operation::Put, |_| true, 1, Fault::status(412));
    let faulty = FaultStore::new(Arc::new(MemoryStore::new()), plan);
    let settings = BarmanSettings::new("pg", "srv");
    let repository = BarmanRepository::new(Arc::new(faulty), settings, Workers::inline());
    let wal = plain(SEGMENT, "a");

    let error = repository.put_wal(&wal, Expect::Absent).await.unwrap_err();

    assert_eq!(error.class(), Class::Transient);
    assert_eq!(
        repository.put_wal(&wal, Expect::Absent).await.unwrap(),
        PutOutcome::Stored
    );
}
