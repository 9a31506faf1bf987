//! Where backups go and in which form.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use super::{AzureCredentials, GoogleCredentials, S3Credentials};
use crate::crd::core::SecretKeySelector;

/// The configuration that an `ObjectStore` and a `Cluster` of CloudNativePG share.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct BarmanObjectStoreConfiguration {
    /// The place as a URL: `s3://BUCKET/PREFIX`, or `file:///FOLDER` for walcast alone.
    pub destination_path: String,
    /// The store's own address, `https://HOST:PORT`; `None` is Amazon's.
    #[serde(
        default,
        rename = "endpointURL",
        skip_serializing_if = "Option::is_none"
    )]
    pub endpoint_url: Option<String>,
    /// Certificates (PEM) that the endpoint's certificate is checked against.
    #[serde(
        default,
        rename = "endpointCA",
        skip_serializing_if = "Option::is_none"
    )]
    pub endpoint_ca: Option<SecretKeySelector>,
    /// The folder of the cluster below the place. The `ObjectStore` resource forbids it: there it
    /// is a parameter of the cluster's plugin entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// Credentials of a place in S3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3_credentials: Option<S3Credentials>,
    /// Credentials of a place in Azure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub azure_credentials: Option<AzureCredentials>,
    /// Credentials of a place in Google's cloud.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub google_credentials: Option<GoogleCredentials>,
    /// How WAL is archived; `None` is the same as an empty one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wal: Option<WalBackupConfiguration>,
    /// How base backups are taken; `None` is the same as an empty one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<DataBackupConfiguration>,
    /// Tags of the objects with WAL and base backups.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Tags of timeline history files in place of `tags`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub history_tags: BTreeMap<String, String>,
}

/// How WAL is archived and fetched.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct WalBackupConfiguration {
    /// The codec; `None` stores WAL as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compression: Option<WalCompression>,
    /// What the store encrypts with; `None` leaves it to the bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Encryption>,
    /// Segments that are sent or fetched at a time; at least 1, which is also the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_parallel: Option<i64>,
    /// Arguments for `barman-cloud-wal-archive`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub archive_additional_command_args: Vec<String>,
    /// Arguments for `barman-cloud-wal-restore`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restore_additional_command_args: Vec<String>,
}

/// How base backups are taken and restored.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct DataBackupConfiguration {
    /// The codec; `None` stores the archives as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compression: Option<DataCompression>,
    /// What the store encrypts with; `None` leaves it to the bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Encryption>,
    /// Parts that are uploaded at a time; at least 1, Barman's default is 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jobs: Option<i32>,
    /// Whether PostgreSQL makes the first checkpoint as fast as it can.
    #[serde(default)]
    pub immediate_checkpoint: bool,
    /// Arguments for `barman-cloud-backup`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub additional_command_args: Vec<String>,
    /// Arguments for `barman-cloud-restore`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restore_additional_command_args: Vec<String>,
}

/// A codec for WAL, by Barman's name.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum WalCompression {
    /// bzip2.
    Bzip2,
    /// gzip.
    Gzip,
    /// LZ4 frames.
    Lz4,
    /// Framed snappy.
    Snappy,
    /// xz.
    Xz,
    /// Zstandard.
    Zstd,
}

/// A codec for base backups, by Barman's name.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DataCompression {
    /// bzip2.
    Bzip2,
    /// gzip.
    Gzip,
    /// LZ4 frames.
    Lz4,
    /// Framed snappy.
    Snappy,
}

/// Encryption by the store, with keys of its own.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub enum Encryption {
    /// With keys that S3 manages (`SSE-S3`).
    #[serde(rename = "AES256")]
    Aes256,
    /// With the bucket's key of AWS KMS (`SSE-KMS`).
    #[serde(rename = "aws:kms")]
    AwsKms,
}

impl Encryption {
    /// Returns the value of the `x-amz-server-side-encryption` header.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aes256 => "AES256",
            Self::AwsKms => "aws:kms",
        }
    }
}

impl fmt::Display for Encryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
