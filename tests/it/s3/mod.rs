//! The S3 store against a service on a loopback socket.

mod answers;
mod conformance;
mod reading;
mod trust;
mod writing;

use walcast::{
    secret::Secret,
    store::{
        Key,
        s3::{Credentials, S3Config, S3Store},
    },
};

use crate::support::s3::{Options, S3Server};

/// Describes the bucket of `server`.
fn config(server: &S3Server) -> S3Config {
    let Options {
        bucket,
        access_key,
        secret_key,
        ..
    } = server.options().clone();
    let mut config = S3Config::new(bucket, keys(&access_key, &secret_key, None));
    config.endpoint = Some(server.endpoint());
    config.ca_bundle = server.ca().map(|ca| ca.as_bytes().to_vec());
    config
}

fn keys(access_key: &str, secret_key: &str, token: Option<&str>) -> Credentials {
    Credentials::Static {
        access_key_id: access_key.to_owned(),
        secret_access_key: Secret::new(secret_key),
        session_token: token.map(Secret::new),
    }
}

fn connect(server: &S3Server) -> S3Store {
    S3Store::connect(config(server)).unwrap()
}

fn key(text: &str) -> Key {
    Key::parse(text).unwrap()
}
