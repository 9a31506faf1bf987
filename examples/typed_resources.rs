//! Resources made in Rust, printed as YAML, read back.
//!
//! ```sh
//! cargo run --example typed_resources | kubectl apply --dry-run=server -f -
//! ```
#![expect(clippy::print_stdout, reason = "an example prints")]

use anyhow::{Context as _, ensure};
use serde::de::DeserializeOwned;
use walcast::{
    crd::{
        barman_cloud::{DataCompression, ObjectStore, S3Credentials, WalCompression},
        core::SecretKeySelector,
        pgbackrest::{Compression, RetentionPolicy, S3Repository, Stanza, UriStyle},
    },
    manifest::{Document, decode, documents, emit},
};

fn main() -> anyhow::Result<()> {
    let store = ObjectStore::on_s3(
        "frankfurt",
        "s3://backups-fra/postgres",
        S3Credentials::keys("fra-keys", "id", "secret")
            .with_region(SecretKeySelector::new("fra-keys", "region")),
    )
    .with_endpoint("https://s3.eu-central-1.amazonaws.com")
    .with_wal_compression(WalCompression::Zstd)
    .with_data_compression(DataCompression::Lz4)
    .with_retention("30d".parse()?);

    let near = S3Repository::new("near", "s3.example.org:9000", "us-east-1", "/orders")
        .with_keys("near-keys", "id", "secret")
        .with_uri_style(UriStyle::Path)
        .with_retention(RetentionPolicy::fulls(4));
    let far = S3Repository::new("far", "s3.us-west-2.amazonaws.com", "us-west-2", "/orders")
        .with_keys("far-keys", "id", "secret")
        .with_cipher_pass(SecretKeySelector::new("far-keys", "pass"))
        .with_retention(RetentionPolicy::days(90));
    let stanza = Stanza::named("orders", "orders")
        .with_compression(Compression::Zst)
        .with_s3(near)
        .with_s3(far);

    let documents_of_yaml = [
        emit(&serde_json::to_value(&store)?),
        emit(&serde_json::to_value(&stanza)?),
    ];
    let yaml = documents_of_yaml.join("---\n");
    print!("{yaml}");

    let documents = documents(&yaml);
    let [first, second] = documents.as_slice() else {
        anyhow::bail!("two documents were written");
    };
    ensure!(read::<ObjectStore>(first)? == store, "{first:?}");
    ensure!(read::<Stanza>(second)? == stanza, "{second:?}");
    Ok(())
}

/// Reads a document as a resource; what does not fit would be told with its line and column.
fn read<R: DeserializeOwned>(document: &Document) -> anyhow::Result<R> {
    let decoded = decode::<R>(document.root.as_ref().map_err(Clone::clone)?);
    for error in &decoded.errors {
        println!("# {error}");
    }
    decoded.value.context("the resource cannot be read")
}
