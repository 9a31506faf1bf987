//! Repositories in S3.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{PluginVersion, RetentionPolicy};
use crate::crd::{core::SecretKeySelector, open_enum::open_enum};

/// A pgBackRest repository in a bucket.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct S3Repository {
    /// The bucket.
    #[schemars(length(min = 1))]
    pub bucket: String,
    /// The store's address: a host, a host with a port, or a URL. Without a scheme it is `https`.
    #[schemars(length(min = 1))]
    pub endpoint: String,
    /// The region, as plain text.
    #[schemars(length(min = 1))]
    pub region: String,
    /// The folder of the repository in the bucket; begins with a slash.
    #[schemars(length(min = 1))]
    pub repo_path: String,
    /// Where the bucket's name stands in addresses. Default: pgBackRest's, which is `host`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri_style: Option<UriStyle>,
    /// Whether the store's certificate is checked. Default: depends on the plugin's release.
    #[serde(rename = "verifyTLS", skip_serializing_if = "Option::is_none")]
    pub verify_tls: Option<bool>,
    /// Keys for the bucket; without them the pod's role is used. Needed before release 0.0.2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<S3SecretRef>,
    /// What is kept. Default: everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention_policy: Option<RetentionPolicy>,
    /// How the repository is encrypted by pgBackRest; cannot be changed once it is there.
    /// Default: not at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cipher_config: Option<CipherConfiguration>,
}

impl S3Repository {
    /// Describes a repository whose store's certificate is checked, whatever the release.
    pub fn new(
        bucket: impl Into<String>,
        endpoint: impl Into<String>,
        region: impl Into<String>,
        repo_path: impl Into<String>,
    ) -> Self {
        Self {
            bucket: bucket.into(),
            endpoint: endpoint.into(),
            region: region.into(),
            repo_path: repo_path.into(),
            verify_tls: Some(true),
            ..Self::default()
        }
    }

    /// Names the Secret with the keys, and the keys of its two values.
    #[must_use]
    pub fn with_keys(
        self,
        secret: impl Into<String>,
        access_key_id: impl Into<String>,
        secret_access_key: impl Into<String>,
    ) -> Self {
        let secret = secret.into();
        let secret_ref = S3SecretRef {
            access_key_id: Some(SecretKeySelector::new(&secret, access_key_id)),
            secret_access_key: Some(SecretKeySelector::new(secret, secret_access_key)),
        };
        Self {
            secret_ref: Some(secret_ref),
            ..self
        }
    }

    /// Sets where the bucket's name stands in addresses; self-hosted stores mostly want the path.
    #[must_use]
    pub fn with_uri_style(self, style: UriStyle) -> Self {
        Self {
            uri_style: Some(style),
            ..self
        }
    }

    /// Sets what is kept.
    #[must_use]
    pub fn with_retention(self, policy: RetentionPolicy) -> Self {
        Self {
            retention_policy: Some(policy),
            ..self
        }
    }

    /// Encrypts the repository with the pass phrase that the Secret has.
    #[must_use]
    pub fn with_cipher_pass(self, pass: SecretKeySelector) -> Self {
        let cipher = CipherConfiguration {
            r#type: Some(CipherType::Aes256Cbc),
            encryption_pass: Some(pass),
        };
        Self {
            cipher_config: Some(cipher),
            ..self
        }
    }

    /// Returns whether the store's certificate is checked when the plugin is of `version`.
    ///
    /// Up to 0.0.2 the resource definition says yes where nothing is written. Since 0.0.3 it says
    /// nothing, and the plugin tells pgBackRest no (commit `eef10bf` there, `api/v1`).
    ///
    /// ```
    /// # use walcast::crd::pgbackrest::{PluginVersion, S3Repository};
    /// let silent = S3Repository { verify_tls: None, ..S3Repository::default() };
    /// assert!(silent.verifies_tls("v0.0.2".parse()?));
    /// assert!(!silent.verifies_tls(PluginVersion::V0_0_3));
    /// # Ok::<(), walcast::crd::pgbackrest::InvalidPluginVersion>(())
    /// ```
    pub fn verifies_tls(&self, version: PluginVersion) -> bool {
        self.verify_tls.unwrap_or(version < PluginVersion::V0_0_3)
    }

    /// Returns where the bucket's name stands in addresses.
    pub fn uri_style(&self) -> UriStyle {
        self.uri_style.clone().unwrap_or(UriStyle::Host)
    }

    /// Returns where the pass phrase is, if the repository is encrypted and says so.
    pub fn cipher_pass(&self) -> Option<&SecretKeySelector> {
        self.cipher_config.as_ref()?.encryption_pass.as_ref()
    }
}

/// Where the keys for a bucket are: both of them, or none.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct S3SecretRef {
    /// The access key's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_key_id: Option<SecretKeySelector>,
    /// The secret that belongs to the id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_access_key: Option<SecretKeySelector>,
}

/// How pgBackRest encrypts a repository.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CipherConfiguration {
    /// The cipher. Default: `aes-256-cbc`.
    #[schemars(extend("default" = "aes-256-cbc"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<CipherType>,
    /// The pass phrase; the plugin fails without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption_pass: Option<SecretKeySelector>,
}

open_enum! {
    /// A cipher by pgBackRest's name.
    pub enum CipherType {
        /// AES with keys of 256 bits in CBC mode.
        Aes256Cbc = "aes-256-cbc",
    }
}

open_enum! {
    /// Where the name of a bucket or container stands in addresses.
    pub enum UriStyle {
        /// Before the host: `https://BUCKET.HOST/KEY`.
        Host = "host",
        /// In the path: `https://HOST/BUCKET/KEY`.
        Path = "path",
    }
}
