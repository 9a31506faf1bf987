//! The S3 store against a service on a loopback socket.

mod conformance;

use walcast::{
    secret::Secret,
    store::s3::{Credentials, S3Config, S3Store},
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
    let credentials = Credentials::Static {
        access_key_id: access_key,
        secret_access_key: Secret::new(secret_key),
        session_token: None,
    };
    let mut config = S3Config::new(bucket, credentials);
    config.endpoint = Some(server.endpoint());
    config.ca_bundle = server.ca().map(|ca| ca.as_bytes().to_vec());
    config
}

fn connect(server: &S3Server) -> S3Store {
    S3Store::connect(config(server)).unwrap()
}
