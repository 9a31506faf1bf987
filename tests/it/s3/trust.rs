//! Whom the client trusts, and what it keeps to itself.

use walcast::store::{
    Class, GetOptions, Store as _,
    s3::{InvalidS3Config, S3Config, S3Store},
};

use super::{config, key, keys};
use crate::support::s3::{Action, Answer, Options, Rule, S3Server};

fn tls() -> S3Server {
    S3Server::start_with(Options {
        tls: true,
        ..Options::default()
    })
}

#[tokio::test]
async fn unknown_authority_is_denied_with_advice() {
    let (server, stranger) = (tls(), tls());
    let mut config = config(&server);
    config.ca_bundle = stranger.ca().map(|ca| ca.as_bytes().to_vec());
    let store = S3Store::connect(config).unwrap();

    let error = store.head(&key("a")).await.unwrap_err();

    assert_eq!(error.class(), Class::Denied, "{error}");
    assert!(error.to_string().contains("not trusted"), "{error}");
    assert!(error.hint().unwrap().contains("CA bundle"));
}

#[tokio::test]
async fn one_of_several_authorities_suffices() {
    let (server, stranger) = (tls(), tls());
    let mut config = config(&server);
    let bundle = [stranger.ca().unwrap(), server.ca().unwrap()].concat();
    config.ca_bundle = Some(bundle.into_bytes());
    let store = S3Store::connect(config).unwrap();

    let error = store.head(&key("a")).await.unwrap_err();

    assert_eq!(error.class(), Class::Missing, "{error}");
}

#[tokio::test]
async fn plain_text_to_a_tls_port_is_no_success() {
    let server = tls();
    let mut config = config(&server);
    config.endpoint = Some(server.endpoint().replace("https", "http"));
    let store = S3Store::connect(config).unwrap();

    assert!(store.head(&key("a")).await.is_err());
}

#[tokio::test]
async fn secrets_are_in_no_text() {
    let server = S3Server::start();
    let mut config = config(&server);
    config.credentials = keys("walcast-key", "wrong-but-secret", Some("token-of-secret"));
    let store = S3Store::connect(config.clone()).unwrap();

    let error = store
        .get(&key("a"), GetOptions::default())
        .await
        .unwrap_err();

    assert_eq!(error.class(), Class::Denied, "{error}");
    let texts = [
        format!("{config:?}"),
        format!("{store:?} {store}"),
        format!("{error:?} {error} {:?}", error.hint()),
    ];
    for text in texts {
        for secret in ["wrong-but-secret", "token-of-secret", "Signature="] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

#[tokio::test]
async fn token_is_sent_unless_it_is_empty() {
    let server = S3Server::start();
    let refusal = Action::Answer(Answer::error(400, "InvalidToken"));
    let rule = Rule::new(refusal).with_any_header(["x-amz-security-token"]);
    server.faults().add(rule);
    let Options {
        access_key,
        secret_key,
        ..
    } = server.options().clone();

    for (token, code) in [
        (None, "NoSuchKey"),
        (Some(""), "NoSuchKey"),
        (Some("token"), "InvalidToken"),
    ] {
        let mut config = config(&server);
        config.credentials = keys(&access_key, &secret_key, token);
        let store = S3Store::connect(config).unwrap();
        let get = store.get(&key("a"), GetOptions::default()).await;

        assert!(get.unwrap_err().to_string().contains(code), "{token:?}");
    }
}

#[test]
fn configuration_that_cannot_work_is_refused_at_once() {
    let mut config = S3Config::new("bucket", keys("a", "b", None));
    config.ca_bundle = Some(b"not PEM".to_vec());

    let error = S3Store::connect(config).unwrap_err();

    assert!(matches!(error, InvalidS3Config::CaBundle(_)));
    assert!(error.hint().contains("PEM"));
}
