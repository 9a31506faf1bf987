//! Who a tool is to a store.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::crd::core::SecretKeySelector;

/// Credentials of Amazon S3 and of stores that speak its protocol: either keys or a role.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct S3Credentials {
    /// The access key's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_key_id: Option<SecretKeySelector>,
    /// The secret that belongs to the id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_access_key: Option<SecretKeySelector>,
    /// The token that belongs to temporary keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_token: Option<SecretKeySelector>,
    /// The region; the resource has no place for one that is not in a Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<SecretKeySelector>,
    /// Whether the machine's or the pod's role is used in place of keys. Default: no.
    #[serde(rename = "inheritFromIAMRole", skip_serializing_if = "Option::is_none")]
    pub inherit_from_iam_role: Option<bool>,
}

impl S3Credentials {
    /// Names the Secret with the keys, and the keys of its two values.
    pub fn keys(
        secret: impl Into<String>,
        access_key_id: impl Into<String>,
        secret_access_key: impl Into<String>,
    ) -> Self {
        let secret = secret.into();
        Self {
            access_key_id: Some(SecretKeySelector::new(&secret, access_key_id)),
            secret_access_key: Some(SecretKeySelector::new(secret, secret_access_key)),
            ..Self::default()
        }
    }

    /// Uses the machine's or the pod's role.
    pub fn role() -> Self {
        Self {
            inherit_from_iam_role: Some(true),
            ..Self::default()
        }
    }

    /// Names the value with the region.
    #[must_use]
    pub fn with_region(self, region: SecretKeySelector) -> Self {
        Self {
            region: Some(region),
            ..self
        }
    }

    /// Returns whether the machine's or the pod's role is used in place of keys.
    pub fn inherits_from_iam_role(&self) -> bool {
        self.inherit_from_iam_role.unwrap_or(false)
    }
}

/// Credentials of Azure Blob Storage.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AzureCredentials {
    /// A connection string, which has everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_string: Option<SecretKeySelector>,
    /// The storage account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_account: Option<SecretKeySelector>,
    /// The account's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_key: Option<SecretKeySelector>,
    /// A shared access signature for the account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_sas_token: Option<SecretKeySelector>,
    /// Whether the pod's Azure identity is used. Default: no.
    #[serde(rename = "inheritFromAzureAD", skip_serializing_if = "Option::is_none")]
    pub inherit_from_azure_ad: Option<bool>,
    /// Whether Azure's own chain of providers is asked. Default: no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_default_azure_credentials: Option<bool>,
}

/// Credentials of Google Cloud Storage.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GoogleCredentials {
    /// A service account's key file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_credentials: Option<SecretKeySelector>,
    /// Whether the identity of the pod in Google's Kubernetes is used. Default: no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gke_environment: Option<bool>,
}
