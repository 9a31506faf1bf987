//! What answers of services become.

use std::time::Duration;

use walcast::store::{Class, Error, GetOptions, Operation, Store as _, StoreExt as _};

use super::{config, connect, key};
use crate::support::s3::{Action, Answer, Op, Rule, S3Server};

async fn refused(answer: Answer) -> Error {
    let server = S3Server::start();
    server.faults().add(Rule::new(Action::Answer(answer)));
    let get = connect(&server).get(&key("a"), GetOptions::default()).await;
    get.unwrap_err()
}

#[tokio::test]
async fn what_a_person_must_mend_says_how() {
    for (status, code, class, advice) in [
        (403, "AccessDenied", Class::Denied, "s3:ListBucket"),
        (404, "NoSuchBucket", Class::Denied, "Create the bucket"),
        (403, "InvalidAccessKeyId", Class::Denied, "access key id"),
        (
            403,
            "SignatureDoesNotMatch",
            Class::Denied,
            "secret access key",
        ),
        (400, "ExpiredToken", Class::Denied, "Renew"),
        (403, "RequestTimeTooSkewed", Class::Denied, "clock"),
        (403, "QuotaExceeded", Class::Full, "quota"),
        (507, "InsufficientStorage", Class::Full, "quota"),
        (501, "NotImplemented", Class::Invalid, "quirk"),
    ] {
        let error = refused(Answer::error(status, code)).await;

        assert_eq!(error.class(), class, "{error}");
        assert!(error.hint().unwrap().contains(advice), "{error}");
        assert!(error.to_string().contains(code), "{error}");
    }
}

#[tokio::test]
async fn error_names_operation_key_store_and_reason() {
    let error = refused(Answer::error(403, "AccessDenied").with_message("not for you")).await;

    assert_eq!(error.operation(), Operation::Get);
    assert_eq!(error.key(), Some(&key("a")));
    let text = error.to_string();
    assert!(
        text.starts_with("get a in s3://backups at 127.0.0.1:"),
        "{text}"
    );
    assert!(
        text.ends_with(": answered 403 AccessDenied: not for you"),
        "{text}"
    );
}

#[tokio::test]
async fn wrong_region_names_the_right_one() {
    let server = S3Server::start();
    let store = connect(&server);
    for from_header in [true, false] {
        server.faults().clear();
        if from_header {
            server.faults().redirect_to("eu-west-7");
        } else {
            server.faults().refuse_region("eu-west-7");
        }
        let error = store
            .get(&key("a"), GetOptions::default())
            .await
            .unwrap_err();

        assert_eq!(error.class(), Class::Denied);
        assert!(error.to_string().contains("region `eu-west-7`"), "{error}");
        assert!(error.hint().unwrap().contains("region"), "{error}");
    }
}

#[tokio::test]
async fn pause_that_is_asked_for_is_kept() {
    let server = S3Server::start();
    server.faults().slow_down(1, "7");
    let store = connect(&server);

    let error = store.head(&key("a")).await.unwrap_err();

    // A HEAD has no body, so that 503 alone is known.
    assert_eq!(error.class(), Class::Transient);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    assert_eq!(
        store.head(&key("a")).await.unwrap_err().class(),
        Class::Missing
    );
}

#[tokio::test]
async fn overload_is_throttled() {
    let server = S3Server::start();
    server
        .faults()
        .slow_down(2, "Fri, 31 Dec 1999 23:59:59 GMT");
    let store = connect(&server);

    let get = store
        .get(&key("a"), GetOptions::default())
        .await
        .unwrap_err();
    let list = store.list_all("").await.unwrap_err();

    for error in [get, list] {
        assert_eq!(error.class(), Class::Throttled);
        assert_eq!(error.retry_after(), Some(Duration::ZERO));
    }
}

#[tokio::test]
async fn refused_listing_is_no_empty_listing() {
    let server = S3Server::start();
    server
        .faults()
        .add(Rule::error(403, "AccessDenied").on([Op::List]));
    let store = connect(&server);

    assert_eq!(store.list_all("").await.unwrap_err().class(), Class::Denied);
    assert_eq!(
        store.list_level("").await.unwrap_err().class(),
        Class::Denied
    );
}

#[tokio::test]
async fn forbidden_key_is_not_a_missing_key() {
    let server = S3Server::start();
    server
        .faults()
        .add(Rule::error(403, "").on([Op::Head, Op::Get]));
    let store = connect(&server);

    let head = store.head(&key("a")).await.unwrap_err();
    let get = store
        .get(&key("a"), GetOptions::default())
        .await
        .unwrap_err();

    assert_eq!(head.class(), Class::Denied);
    assert_eq!(get.class(), Class::Denied);
}

#[tokio::test]
async fn key_in_a_missing_bucket_is_not_a_missing_key() {
    let server = S3Server::start();
    let mut config = config(&server);
    config.bucket = "absent-bucket".to_owned();
    let store = walcast::store::s3::S3Store::connect(config).unwrap();

    let head = store.head(&key("a")).await.unwrap_err();
    let delete = store.delete(&[key("a")]).await.remove(0);

    assert_eq!(head.class(), Class::Denied, "{head}");
    assert!(head.to_string().contains("absent-bucket"), "{head}");
    assert_eq!(delete.unwrap_err().class(), Class::Denied);
}

#[tokio::test]
async fn bucket_is_looked_for_once() {
    let server = S3Server::start();
    let store = connect(&server);

    for _ in 0..3 {
        assert_eq!(
            store.head(&key("a")).await.unwrap_err().class(),
            Class::Missing
        );
    }

    assert_eq!(server.faults().count(Op::HeadBucket), 1);
}

#[tokio::test]
async fn clock_of_the_service_is_compared() {
    let server = S3Server::start();
    let store = connect(&server);
    assert_eq!(store.clock_skew(), None);

    store.list_all("").await.unwrap();
    assert!(store.clock_skew().unwrap().as_secs().abs() <= 60);

    let date = Action::Date("Fri, 31 Dec 1999 23:59:59 GMT");
    server.faults().add(Rule::new(date));
    store.list_all("").await.unwrap();
    assert!(store.clock_skew().unwrap().as_hours() < -24 * 365);
}
