//! The contract of stores, kept on services of many kinds.

use std::{sync::Arc, time::Duration};

use walcast::store::{
    Retry, RetryPolicy, Store, conformance,
    s3::{ListApi, QuirkOverrides, S3Store, Support},
};

use super::{config, connect};
use crate::support::s3::{Action, Op, Options, Rule, S3Server};

async fn check(store: &dyn Store) {
    conformance::run(store, "conformance/").await.unwrap();
}

fn connect_with(server: &S3Server, quirks: QuirkOverrides) -> S3Store {
    let mut config = config(server);
    config.quirks = quirks;
    S3Store::connect(config).unwrap()
}

#[tokio::test]
async fn plain_service() {
    let server = S3Server::start();

    check(&connect(&server)).await;
}

#[tokio::test]
async fn service_known_to_obey_conditions() {
    let server = S3Server::start();
    let quirks = QuirkOverrides {
        create_if_absent: Some(Support::Yes),
        create_on_complete: Some(Support::Yes),
        checksums: Some(true),
        ..QuirkOverrides::default()
    };

    check(&connect_with(&server, quirks)).await;
}

#[tokio::test]
async fn service_that_obeys_conditions_on_put_alone() {
    let server = S3Server::start();
    let quirks = QuirkOverrides {
        create_if_absent: Some(Support::Yes),
        create_on_complete: Some(Support::No),
        ..QuirkOverrides::default()
    };

    check(&connect_with(&server, quirks)).await;
}

#[tokio::test]
async fn service_over_tls_with_a_private_authority() {
    let server = S3Server::start_with(Options {
        tls: true,
        ..Options::default()
    });

    check(&connect(&server)).await;
}

#[tokio::test]
async fn service_that_refuses_conditions_and_checksums_as_b2() {
    let server = S3Server::start();
    server.faults().refuse_conditions();
    server.faults().refuse_checksums();

    check(&connect(&server)).await;

    assert!(server.faults().count(Op::DeleteMany) > 0);
}

#[tokio::test]
async fn service_that_ignores_conditions_as_garage() {
    let server = S3Server::start();
    server.faults().ignore_conditions();

    check(&connect(&server)).await;
}

#[tokio::test]
async fn service_that_demands_equal_parts_as_r2() {
    let server = S3Server::start();
    server.faults().demand_equal_parts();

    check(&connect(&server)).await;
}

#[tokio::test]
async fn service_with_pages_of_two_keys() {
    let server = S3Server::start();
    server.faults().page_by(2);

    check(&connect(&server)).await;
}

#[tokio::test]
async fn service_with_the_first_list_call_alone() {
    let server = S3Server::start();
    server.faults().page_by(3);
    let quirks = QuirkOverrides {
        list: Some(ListApi::V1),
        ..QuirkOverrides::default()
    };

    check(&connect_with(&server, quirks)).await;
}

#[tokio::test]
async fn service_without_batch_delete_as_gcs() {
    let server = S3Server::start();
    server.faults().behave_as_gcs();

    check(&connect(&server)).await;
}

#[tokio::test]
async fn service_that_lists_no_uploads() {
    let server = S3Server::start();
    let refusal = Rule::error(501, "NotImplemented").on([Op::ListUploads]);
    server.faults().add(refusal);

    check(&connect(&server)).await;
}

#[tokio::test]
async fn service_that_sheds_load() {
    let server = S3Server::start();
    for (status, code) in [
        (503, "SlowDown"),
        (429, ""),
        (408, "RequestCanceled"),
        (500, ""),
    ] {
        server.faults().add(Rule::error(status, code).times(25));
    }

    check(&patient(connect(&server), 101)).await;
}

#[tokio::test]
async fn service_that_loses_answers() {
    let server = S3Server::start();
    // An answer to a put is not among them: a create that is repeated meets its own object.
    for operation in [
        Op::PutPart,
        Op::Complete,
        Op::Abort,
        Op::Head,
        Op::List,
        Op::DeleteMany,
    ] {
        let loss = Rule::new(Action::LoseAnswer).on([operation]).times(10);
        server.faults().add(loss);
    }

    check(&patient(connect(&server), 11)).await;
}

/// Retries at once, in real time.
fn patient(store: S3Store, attempts: u32) -> Retry {
    let policy = RetryPolicy {
        attempts,
        first_pause: Duration::from_millis(1),
        max_pause: Duration::from_millis(1),
        ..RetryPolicy::default()
    };
    Retry::new(Arc::new(store), policy, fastrand::Rng::with_seed(1))
}
