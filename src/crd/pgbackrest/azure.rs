//! Repositories in Azure.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{RetentionPolicy, UriStyle};
use crate::crd::{core::SecretKeySelector, open_enum::open_enum};

/// A pgBackRest repository in a container of Azure Blob Storage. Since release 0.0.1b.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AzureRepository {
    /// The storage account.
    #[schemars(length(min = 1))]
    pub account: String,
    /// The container.
    #[schemars(length(min = 1))]
    pub container: String,
    /// The service's host. Default: pgBackRest's, which is `blob.core.windows.net`.
    #[schemars(length(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// What the key is. Default: pgBackRest's, which is `shared`.
    #[schemars(length(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_type: Option<AzureKeyType>,
    /// Where the container's name stands in addresses. Default: pgBackRest's, which is `host`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri_style: Option<UriStyle>,
    /// Whether the service's certificate is checked. Default: yes.
    #[serde(rename = "verifyTLS", skip_serializing_if = "Option::is_none")]
    pub verify_tls: Option<bool>,
    /// The folder of the repository in the container; begins with a slash.
    #[schemars(length(min = 1))]
    pub repo_path: String,
    /// What is kept. Default: everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention_policy: Option<RetentionPolicy>,
    /// The key; not with `keyType: auto`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<AzureSecretRef>,
}

impl AzureRepository {
    /// Returns whether the service's certificate is checked.
    pub fn verifies_tls(&self) -> bool {
        self.verify_tls.unwrap_or(true)
    }

    /// Returns what the key is.
    pub fn key_type(&self) -> AzureKeyType {
        self.key_type.clone().unwrap_or(AzureKeyType::Shared)
    }
}

/// Where the key for a container is.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AzureSecretRef {
    /// The key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_reference: Option<SecretKeySelector>,
}

open_enum! {
    /// What an Azure key is.
    pub enum AzureKeyType {
        /// The account's own key.
        Shared = "shared",
        /// A shared access signature.
        Sas = "sas",
        /// None: the machine's or the pod's identity.
        Auto = "auto",
    }
}
