//! Who walcast is to a store.

use serde::{Deserialize, Serialize};

use crate::crd::core::SecretKeySelector;

/// Credentials of Amazon S3 and of stores that speak its protocol: either keys or a role.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct S3Credentials {
    /// The access key's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_key_id: Option<SecretKeySelector>,
    /// The secret that belongs to the id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_access_key: Option<SecretKeySelector>,
    /// The token that belongs to temporary keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_token: Option<SecretKeySelector>,
    /// The region; the resource has no place for one that is not in a Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<SecretKeySelector>,
    /// Whether the machine's or the pod's role is used in place of keys.
    #[serde(default, rename = "inheritFromIAMRole")]
    pub inherit_from_iam_role: bool,
}

/// Credentials of Azure Blob Storage; read so that they can be named, not supported.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct AzureCredentials {
    /// A connection string, which has everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection_string: Option<SecretKeySelector>,
    /// The storage account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_account: Option<SecretKeySelector>,
    /// The account's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_key: Option<SecretKeySelector>,
    /// A shared access signature for the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_sas_token: Option<SecretKeySelector>,
    /// Whether the pod's Azure identity is used.
    #[serde(default, rename = "inheritFromAzureAD")]
    pub inherit_from_azure_ad: bool,
    /// Whether Azure's own chain of providers is asked.
    #[serde(default)]
    pub use_default_azure_credentials: bool,
}

/// Credentials of Google Cloud Storage; read so that they can be named, not supported.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct GoogleCredentials {
    /// A service account's key file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_credentials: Option<SecretKeySelector>,
    /// Whether the identity of the pod in Google's Kubernetes is used.
    #[serde(default)]
    pub gke_environment: bool,
}
