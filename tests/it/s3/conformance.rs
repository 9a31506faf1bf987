//! The contract of stores, kept on services of many kinds.

use walcast::store::{
    conformance,
    s3::{ListApi, S3Quirks, Support},
};

use super::{config, connect};
use crate::support::s3::S3Server;

#[tokio::test]
async fn plain_service() {
    let server = S3Server::start();
    conformance::run(&connect(&server), "p/").await.unwrap();
}
