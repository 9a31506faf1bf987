//! Where backups go and in which form.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AzureCredentials, GoogleCredentials, S3Credentials};
use crate::crd::{core::SecretKeySelector, definition::Int, open_enum::open_enum};

/// The configuration that an `ObjectStore` and a `Cluster` of CloudNativePG share.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BarmanObjectStoreConfiguration {
    /// The place as a URL: `s3://BUCKET/PREFIX`, or `file:///FOLDER` for walcast alone.
    #[schemars(length(min = 1))]
    pub destination_path: String,
    /// The store's own address, `https://HOST:PORT`. Default: Amazon's.
    #[serde(rename = "endpointURL", skip_serializing_if = "Option::is_none")]
    pub endpoint_url: Option<String>,
    /// Certificates (PEM) that the endpoint's certificate is checked against.
    #[serde(rename = "endpointCA", skip_serializing_if = "Option::is_none")]
    pub endpoint_ca: Option<SecretKeySelector>,
    /// The folder of the cluster below the place. The `ObjectStore` resource forbids it: there it
    /// is a parameter of the cluster's plugin entry. Default: the name of the `Cluster`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// Credentials of a place in S3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s3_credentials: Option<S3Credentials>,
    /// Credentials of a place in Azure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub azure_credentials: Option<AzureCredentials>,
    /// Credentials of a place in Google's cloud.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub google_credentials: Option<GoogleCredentials>,
    /// How WAL is archived and fetched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wal: Option<WalBackupConfiguration>,
    /// How base backups are taken and restored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<DataBackupConfiguration>,
    /// Tags of the objects with WAL and base backups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeMap<String, String>>,
    /// Tags of timeline history files in place of `tags`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history_tags: Option<BTreeMap<String, String>>,
}

/// How WAL is archived and fetched.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WalBackupConfiguration {
    /// The codec. Default: WAL is stored as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compression: Option<WalCompression>,
    /// What the store encrypts with. Default: the bucket's own choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Encryption>,
    /// Segments that are sent or fetched at a time, at least 1. Default: 1.
    #[schemars(with = "Option<Int>", range(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_parallel: Option<i64>,
    /// Arguments for `barman-cloud-wal-archive`, one word each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive_additional_command_args: Option<Vec<String>>,
    /// Arguments for `barman-cloud-wal-restore`, one word each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restore_additional_command_args: Option<Vec<String>>,
}

impl WalBackupConfiguration {
    /// Returns how many segments are sent or fetched at a time.
    pub fn max_parallel(&self) -> i64 {
        self.max_parallel.unwrap_or(1)
    }
}

/// How base backups are taken and restored.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DataBackupConfiguration {
    /// The codec. Default: the archives are stored as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compression: Option<DataCompression>,
    /// What the store encrypts with. Default: the bucket's own choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Encryption>,
    /// Parts that are uploaded at a time, at least 1. Default: Barman's, which is 2.
    #[schemars(range(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jobs: Option<i32>,
    /// Whether PostgreSQL makes the first checkpoint as fast as it can. Default: no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub immediate_checkpoint: Option<bool>,
    /// Arguments for `barman-cloud-backup`, one word each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub additional_command_args: Option<Vec<String>>,
    /// Arguments for `barman-cloud-restore`, one word each; of an `ObjectStore` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restore_additional_command_args: Option<Vec<String>>,
}

impl DataBackupConfiguration {
    /// Returns how many parts are uploaded at a time.
    pub fn jobs(&self) -> i32 {
        self.jobs.unwrap_or(2)
    }

    /// Returns whether PostgreSQL makes the first checkpoint as fast as it can.
    pub fn immediate_checkpoint(&self) -> bool {
        self.immediate_checkpoint.unwrap_or(false)
    }
}

open_enum! {
    /// A codec for WAL, by Barman's name.
    pub enum WalCompression {
        /// bzip2.
        Bzip2 = "bzip2",
        /// gzip.
        Gzip = "gzip",
        /// LZ4 frames.
        Lz4 = "lz4",
        /// Framed snappy.
        Snappy = "snappy",
        /// xz.
        Xz = "xz",
        /// Zstandard.
        Zstd = "zstd",
    }
}

open_enum! {
    /// A codec for base backups, by Barman's name.
    pub enum DataCompression {
        /// bzip2.
        Bzip2 = "bzip2",
        /// gzip.
        Gzip = "gzip",
        /// LZ4 frames.
        Lz4 = "lz4",
        /// Framed snappy.
        Snappy = "snappy",
    }
}

open_enum! {
    /// Encryption by the store, with keys of its own: a value of the header
    /// `x-amz-server-side-encryption`.
    pub enum Encryption {
        /// With keys that S3 manages (`SSE-S3`).
        Aes256 = "AES256",
        /// With the bucket's key of AWS KMS (`SSE-KMS`).
        AwsKms = "aws:kms",
    }
}
