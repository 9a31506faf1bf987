//! Writing objects to services that refuse, forget, and lose answers.

use std::{fs::File, io::Write as _};

use walcast::{
    budget::Budget,
    byte_size::ByteSize,
    codec::Sha256,
    store::{
        Class, Payload, PutMode, PutOptions, Store, StoreExt as _, Tags, UploadOptions,
        s3::{QuirkOverrides, S3Store, ServerSideEncryption, Support},
    },
    workers::Workers,
};

use super::{config, connect, key};
use crate::support::s3::{Action, Answer, Op, Rule, S3Server};

const MIB: usize = 1 << 20;

fn content(size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size];
    fastrand::Rng::with_seed(size as u64).fill(&mut bytes);
    bytes
}

/// A store that sends 6 MiB and more in parts of 5 MiB.
fn connect_small(server: &S3Server) -> S3Store {
    let mut config = config(server);
    config.multipart_threshold = ByteSize::mib(6);
    config.part_size = ByteSize::mib(5);
    S3Store::connect(config).unwrap()
}

async fn put(store: &dyn Store, bytes: Vec<u8>, options: PutOptions) -> walcast::store::Result<()> {
    store.put(&key("a"), Payload::new(bytes), options).await
}

async fn check_content(store: &dyn Store, bytes: &[u8]) {
    let read = store.get_bytes(&key("a"), 64 << 20).await.unwrap();
    assert!(read == bytes, "{} bytes were read", read.len());
}

#[tokio::test]
async fn refused_condition_is_left_out_from_then_on() {
    let server = S3Server::start();
    server.faults().refuse_conditions();
    let store = connect(&server);

    for _ in 0..3 {
        put(&store, b"x".to_vec(), PutOptions::create())
            .await
            .unwrap();
    }

    assert!(!store.capabilities().create_if_absent);
    assert_eq!(server.faults().count(Op::Put), 4);
}

#[tokio::test]
async fn obeyed_condition_proves_the_capability() {
    let server = S3Server::start();
    let store = connect(&server);
    assert!(!store.capabilities().create_if_absent);

    put(&store, b"first".to_vec(), PutOptions::create())
        .await
        .unwrap();
    let second = put(&store, b"second".to_vec(), PutOptions::create()).await;

    assert_eq!(second.unwrap_err().class(), Class::Conflict);
    assert!(store.capabilities().create_if_absent);
    check_content(&store, b"first").await;
}

#[tokio::test]
async fn ignored_condition_is_never_taken_for_a_capability() {
    let server = S3Server::start();
    server.faults().ignore_conditions();
    let store = connect(&server);

    for _ in 0..2 {
        put(&store, b"x".to_vec(), PutOptions::create())
            .await
            .unwrap();
    }

    assert!(!store.capabilities().create_if_absent);
}

#[tokio::test]
async fn conflicting_request_may_be_tried_again() {
    let server = S3Server::start();
    let conflict = Rule::error(409, "ConditionalRequestConflict").times(1);
    server.faults().add(conflict);
    let store = connect(&server);

    let first = put(&store, b"x".to_vec(), PutOptions::create()).await;
    assert_eq!(first.unwrap_err().class(), Class::Transient);

    put(&store, b"x".to_vec(), PutOptions::create())
        .await
        .unwrap();
}

#[tokio::test]
async fn create_after_a_lost_answer_meets_its_own_object() {
    let server = S3Server::start();
    server
        .faults()
        .add(Rule::new(Action::LoseAnswer).on([Op::Put]).times(1));
    let store = connect(&server);

    let first = put(&store, b"x".to_vec(), PutOptions::create()).await;
    let second = put(&store, b"x".to_vec(), PutOptions::create()).await;

    assert_eq!(first.unwrap_err().class(), Class::Transient);
    assert_eq!(second.unwrap_err().class(), Class::Conflict);
    check_content(&store, b"x").await;
}

#[tokio::test]
async fn known_hash_is_what_signs_the_body() {
    let server = S3Server::start();
    let store = connect(&server);
    let payload = Payload::hashed(b"bytes".as_slice().into(), Sha256::of(b"other bytes"));

    let put = store.put(&key("a"), payload, PutOptions::default()).await;

    assert!(put.is_err());
    assert_eq!(
        store.head(&key("a")).await.unwrap_err().class(),
        Class::Missing
    );
}

#[tokio::test]
async fn large_payload_goes_in_equal_parts() {
    let server = S3Server::start();
    server.faults().demand_equal_parts();
    let store = connect_small(&server);
    let bytes = content(11 * MIB);

    put(&store, bytes.clone(), PutOptions::default())
        .await
        .unwrap();

    assert_eq!(server.faults().count(Op::PutPart), 3);
    assert_eq!(server.faults().count(Op::Put), 0);
    check_content(&store, &bytes).await;
}

#[tokio::test]
async fn payload_in_a_file_is_sent_from_the_file() {
    let server = S3Server::start();
    let store = connect_small(&server);
    let budget = Budget::new(ByteSize::mib(5));
    for (size, parts) in [(3 * MIB, 0), (11 * MIB, 3)] {
        server.faults().forget();
        let bytes = content(size);
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        let payload = payload_of(file, &bytes, &budget);

        store
            .put(&key("a"), payload, PutOptions::default())
            .await
            .unwrap();

        assert_eq!(server.faults().count(Op::PutPart), parts);
        check_content(&store, &bytes).await;
    }
}

fn payload_of(file: File, bytes: &[u8], budget: &Budget) -> Payload {
    let (len, sha256) = (bytes.len() as u64, Sha256::of(bytes));
    Payload::file(file, len, sha256, budget.clone(), Workers::new())
}

#[tokio::test]
async fn failed_part_aborts_the_upload() {
    let server = S3Server::start();
    server
        .faults()
        .add(Rule::error(403, "QuotaExceeded").on([Op::PutPart]));
    let store = connect_small(&server);

    let put = put(&store, content(11 * MIB), PutOptions::default()).await;

    assert_eq!(put.unwrap_err().class(), Class::Full);
    assert_eq!(store.unfinished_uploads("").await.unwrap(), []);
}

#[tokio::test]
async fn create_in_parts_replaces_nothing() {
    let server = S3Server::start();
    let store = connect_small(&server);
    put(&store, b"first".to_vec(), PutOptions::default())
        .await
        .unwrap();

    let second = put(&store, content(6 * MIB), PutOptions::create()).await;

    assert_eq!(second.unwrap_err().class(), Class::Conflict);
    check_content(&store, b"first").await;
    assert_eq!(store.unfinished_uploads("").await.unwrap(), []);
}

async fn begin_with_one_part(store: &S3Store, mode: PutMode) -> Box<dyn walcast::store::Upload> {
    let options = UploadOptions {
        part_size: 5 << 20,
        put: PutOptions {
            mode,
            ..PutOptions::default()
        },
    };
    let upload = store.begin_upload(&key("a"), options).await.unwrap();
    upload
        .put_part(0, Payload::new(b"part".to_vec()))
        .await
        .unwrap();
    upload
}

#[tokio::test]
async fn error_in_an_answer_of_200_is_an_error() {
    let server = S3Server::start();
    server.faults().fail_complete_with_200();
    let store = connect(&server);
    let upload = begin_with_one_part(&store, PutMode::Overwrite).await;

    let first = upload.complete(1).await;
    assert_eq!(first.unwrap_err().class(), Class::Transient);
    assert_eq!(
        store.head(&key("a")).await.unwrap_err().class(),
        Class::Missing
    );

    upload.complete(1).await.unwrap();
    check_content(&store, b"part").await;
}

#[tokio::test]
async fn completion_whose_answer_was_lost_is_found_out() {
    let server = S3Server::start();
    server
        .faults()
        .add(Rule::new(Action::LoseAnswer).on([Op::Complete]).times(1));
    let store = connect(&server);
    let upload = begin_with_one_part(&store, PutMode::Overwrite).await;

    assert_eq!(
        upload.complete(1).await.unwrap_err().class(),
        Class::Transient
    );

    upload.complete(1).await.unwrap();
    check_content(&store, b"part").await;
}

#[tokio::test]
async fn vanished_upload_is_not_taken_for_an_older_object() {
    let server = S3Server::start();
    let store = connect(&server);
    put(&store, b"four".to_vec(), PutOptions::default())
        .await
        .unwrap();
    let upload = begin_with_one_part(&store, PutMode::Overwrite).await;
    let unfinished = store.unfinished_uploads("").await.unwrap();
    store.abort_unfinished(&unfinished[0]).await.unwrap();

    assert!(upload.complete(1).await.is_err());
    check_content(&store, b"four").await;
}

#[tokio::test]
async fn deletion_is_one_request_with_an_md5_and_without_a_crc() {
    let server = S3Server::start();
    server.faults().refuse_checksums();
    let store = connect(&server);
    put(&store, b"x".to_vec(), PutOptions::default())
        .await
        .unwrap();

    let results = store.delete(&[key("a"), key("b")]).await;

    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert_eq!(server.faults().count(Op::DeleteMany), 1);
    assert_eq!(server.faults().count(Op::Delete), 0);
}

#[tokio::test]
async fn batch_that_is_refused_is_deleted_singly_from_then_on() {
    for (status, code) in [
        (400, "MissingContentMD5"),
        (501, "NotImplemented"),
        (400, "InvalidRequest"),
        (405, "MethodNotAllowed"),
    ] {
        let server = S3Server::start();
        server
            .faults()
            .add(Rule::error(status, code).on([Op::DeleteMany]));
        let store = connect(&server);

        for _ in 0..2 {
            let results = store.delete(&[key("a"), key("b")]).await;
            assert!(results.iter().all(Result::is_ok), "{results:?}");
        }

        assert_eq!(server.faults().count(Op::DeleteMany), 1, "{code}");
        assert_eq!(server.faults().count(Op::Delete), 4, "{code}");
    }
}

#[tokio::test]
async fn batch_that_fails_for_another_reason_is_not_split() {
    let server = S3Server::start();
    server
        .faults()
        .add(Rule::error(403, "AccessDenied").on([Op::DeleteMany]));
    let store = connect(&server);

    for result in store.delete(&[key("a"), key("b")]).await {
        assert_eq!(result.unwrap_err().class(), Class::Denied);
    }
    assert_eq!(server.faults().count(Op::Delete), 0);
}

fn tagged() -> PutOptions {
    let tag = ("kind".to_owned(), "wal".to_owned());
    PutOptions::default().with_tags(Tags::from_iter([tag]))
}

#[tokio::test]
async fn tags_are_sent_only_where_there_are_some_and_a_service_has_them() {
    let server = S3Server::start();
    server.faults().refuse_tags();
    let mut config = config(&server);
    let store = S3Store::connect(config.clone()).unwrap();
    config.quirks.tags = Some(false);
    let without_tags = S3Store::connect(config).unwrap();

    put(&store, b"x".to_vec(), PutOptions::default())
        .await
        .unwrap();
    put(&without_tags, b"x".to_vec(), tagged()).await.unwrap();
    let refused = put(&store, b"x".to_vec(), tagged()).await.unwrap_err();

    assert_eq!(refused.class(), Class::Invalid);
    assert!(refused.to_string().contains("x-amz-tagging"), "{refused}");
}

#[tokio::test]
async fn headers_are_sent_only_when_configured() {
    const OPTIONAL: [&str; 8] = [
        "x-amz-server-side-encryption",
        "x-amz-storage-class",
        "x-amz-tagging",
        "x-amz-acl",
        "x-amz-checksum-sha256",
        "content-encoding",
        "accept-encoding",
        "expect",
    ];
    let server = S3Server::start();
    let refusal = Action::Answer(Answer::error(400, "InvalidRequest"));
    server
        .faults()
        .add(Rule::new(refusal).with_any_header(OPTIONAL));
    let config = config(&server);

    put(
        &S3Store::connect(config.clone()).unwrap(),
        b"x".to_vec(),
        PutOptions::default(),
    )
    .await
    .unwrap();

    let mut encrypted = config.clone();
    encrypted.encryption = Some(ServerSideEncryption::Kms { key_id: None });
    let mut classed = config.clone();
    classed.storage_class = Some("STANDARD_IA".to_owned());
    let mut checked = config;
    checked.quirks = QuirkOverrides {
        checksums: Some(true),
        create_if_absent: Some(Support::No),
        ..QuirkOverrides::default()
    };
    for config in [encrypted, classed, checked] {
        let store = S3Store::connect(config).unwrap();
        let put = put(&store, b"x".to_vec(), PutOptions::default()).await;
        assert_eq!(put.unwrap_err().class(), Class::Invalid);
    }
}
