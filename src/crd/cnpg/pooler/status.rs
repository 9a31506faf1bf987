//! What became of a pooler.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::crd::open_enum::open_enum;

/// What became of a `Pooler`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolerStatus {
    /// How it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<PoolerPhase>,
    /// Why it is so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase_reason: Option<String>,
    /// Why the operator refuses it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How many pods there are to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instances: Option<i32>,
    /// The image that runs, or that ran last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The Secrets that it uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secrets: Option<PoolerSecrets>,
}

open_enum! {
    /// How a pooler is.
    pub enum PoolerPhase {
        /// At work.
        Active = "active",
        /// Its clients wait.
        Paused = "paused",
        /// Without pods.
        Inactive = "inactive",
        /// It cannot be made.
        Failed = "failed",
    }
}

/// The Secrets of a pooler.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolerSecrets {
    /// Key and certificate towards PostgreSQL.
    #[serde(rename = "serverTLS", skip_serializing_if = "Option::is_none")]
    pub server_tls: Option<SecretVersion>,
    /// The authority for PostgreSQL's certificate.
    #[serde(rename = "serverCA", skip_serializing_if = "Option::is_none")]
    pub server_ca: Option<SecretVersion>,
    /// Key and certificate towards clients.
    #[serde(rename = "clientTLS", skip_serializing_if = "Option::is_none")]
    pub client_tls: Option<SecretVersion>,
    /// The authority for clients' certificates.
    #[serde(rename = "clientCA", skip_serializing_if = "Option::is_none")]
    pub client_ca: Option<SecretVersion>,
    /// PgBouncer's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pg_bouncer_secrets: Option<PgBouncerSecrets>,
}

/// PgBouncer's own Secrets.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PgBouncerSecrets {
    /// The credentials for the query of passwords.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_query: Option<SecretVersion>,
}

/// A Secret as it was when it was read.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct SecretVersion {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its resource version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}
