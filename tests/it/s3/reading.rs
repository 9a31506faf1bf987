//! Reading objects from services that fail in the middle.

use std::{sync::Arc, time::Duration};

use futures_util::TryStreamExt as _;
use walcast::store::{
    Class, GetOptions, Payload, PutOptions, Retry, RetryPolicy, Store, StoreExt as _,
};

use super::{connect, key};
use crate::support::s3::{Action, Op, Rule, S3Server};

async fn put(store: &dyn Store, bytes: &[u8]) {
    let payload = Payload::new(bytes.to_vec());
    store
        .put(&key("a"), payload, PutOptions::default())
        .await
        .unwrap();
}

#[tokio::test]
async fn broken_body_is_an_error_and_not_a_short_object() {
    let server = S3Server::start();
    let store = connect(&server);
    put(&store, &vec![7; 100_000]).await;
    server
        .faults()
        .add(Rule::new(Action::Truncate).on([Op::Get]));

    let object = store.get(&key("a"), GetOptions::default()).await.unwrap();
    assert_eq!(object.meta.size, 100_000);
    let read = object.body.try_collect::<Vec<_>>().await;

    assert_eq!(read.unwrap_err().class(), Class::Transient);
}

#[tokio::test]
async fn broken_body_is_resumed() {
    let server = S3Server::start();
    let store = connect(&server);
    let bytes = (0..=u8::MAX).cycle().take(100_000).collect::<Vec<_>>();
    put(&store, &bytes).await;
    server
        .faults()
        .add(Rule::new(Action::Truncate).on([Op::Get]).times(2));
    let policy = RetryPolicy {
        first_pause: Duration::ZERO,
        ..RetryPolicy::default()
    };

    let store = Retry::new(Arc::new(store), policy, fastrand::Rng::with_seed(1));
    let read = store.get_bytes(&key("a"), 1 << 20).await.unwrap();

    assert_eq!(read, bytes);
    assert_eq!(server.faults().count(Op::Get), 3);
}

#[tokio::test]
async fn silent_service_is_given_up() {
    let server = S3Server::start();
    server.faults().add(Rule::new(Action::Hang));
    let store = connect(&server);
    let faults = server.faults().clone();

    let get = async {
        let get = store.get(&key("a"), GetOptions::default()).await;
        get.unwrap_err()
    };
    let pause = async {
        faults.arrived(Op::Get).await;
        // Nothing happens from here on, so that time leaps to the end of the client's patience.
        tokio::time::pause();
    };
    let (error, ()) = tokio::join!(get, pause);

    assert_eq!(error.class(), Class::Transient);
    assert!(
        error.to_string().ends_with("no answer within 30 s"),
        "{error}"
    );
    faults.clear();
}

#[tokio::test]
async fn refused_connection_is_transient() {
    let server = S3Server::start();
    let store = connect(&server);
    put(&store, b"x").await;

    server.faults().refuse(true).await;
    let cut = store.head(&key("a")).await.unwrap_err();
    let refused = connect(&server).head(&key("a")).await.unwrap_err();
    server.faults().refuse(false).await;

    assert_eq!(cut.class(), Class::Transient);
    assert_eq!(refused.class(), Class::Transient);
    assert!(refused.to_string().contains("refused"), "{refused}");
    assert_eq!(store.head(&key("a")).await.unwrap().size, 1);
}

#[tokio::test]
async fn slow_first_byte_is_waited_for() {
    let server = S3Server::start();
    let store = connect(&server);
    put(&store, b"x").await;
    let pause = Action::Delay(Duration::from_millis(50));
    server.faults().add(Rule::new(pause).on([Op::Head]));

    assert_eq!(store.head(&key("a")).await.unwrap().size, 1);
}

#[tokio::test]
async fn closed_connection_is_transient() {
    let server = S3Server::start();
    let store = connect(&server);
    server.faults().add(Rule::new(Action::Close));

    let error = store.list_all("").await.unwrap_err();

    assert_eq!(error.class(), Class::Transient, "{error}");
}

#[tokio::test]
async fn folders_made_by_a_console_are_not_objects() {
    let server = S3Server::start();
    let store = connect(&server);
    put(&store, b"x").await;
    let marker = key("folder/");
    let empty = Payload::new(Vec::new());
    store
        .put(&marker, empty, PutOptions::default())
        .await
        .unwrap();

    let listed = store.list_all("").await.unwrap();

    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].key, key("a"));
}
