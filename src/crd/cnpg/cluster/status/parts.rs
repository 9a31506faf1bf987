//! Parts of what became of a cluster.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::ExtensionConfiguration;
use crate::crd::definition::Int;

/// What an instance says of itself.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InstanceReportedState {
    /// Whether it is the primary.
    pub is_primary: bool,
    /// Its timeline.
    #[schemars(with = "Option<Int>")]
    #[serde(rename = "timeLineID", skip_serializing_if = "Option::is_none")]
    pub timeline_id: Option<i64>,
    /// Its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
}

/// On which nodes the instances are.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Topology {
    /// The labels of each instance's node that matter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instances: Option<BTreeMap<String, BTreeMap<String, String>>>,
    /// How many nodes there are; 1 means that losing it loses all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes_used: Option<i32>,
    /// Whether all of this could be found out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub successfully_extracted: Option<bool>,
}

/// An image that PostgreSQL runs from.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageInfo {
    /// The image.
    pub image: String,
    /// PostgreSQL's major version.
    #[schemars(with = "Int")]
    pub major_version: i64,
    /// Extensions from images of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extensions: Option<Vec<ExtensionConfiguration>>,
}

/// Whether a cluster is becoming a replica.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SwitchReplicaClusterStatus {
    /// Whether it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_progress: Option<bool>,
}

/// What poolers need.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolerIntegrations {
    /// What those with PgBouncer need.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pg_bouncer_integration: Option<PgBouncerIntegration>,
}

/// What poolers with PgBouncer need.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct PgBouncerIntegration {
    /// Secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secrets: Option<Vec<String>>,
}

/// The pods of a selector.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct PodSelectorRefStatus {
    /// The selector's name.
    pub name: String,
    /// The pods' addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ips: Option<Vec<String>>,
}

/// A processor architecture that the operator has a program for.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AvailableArchitecture {
    /// Go's name of it, such as `amd64`.
    pub go_arch: String,
    /// The hash of the program.
    pub hash: String,
}

/// Versions of the Secrets that are used.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretsResourceVersion {
    /// The role `postgres`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub superuser_secret_version: Option<String>,
    /// The standbys' role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replication_secret_version: Option<String>,
    /// The application's role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_secret_version: Option<String>,
    /// No longer used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_secret_version: Option<String>,
    /// The authority for clients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_ca_secret_version: Option<String>,
    /// The authority for the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_ca_secret_version: Option<String>,
    /// The server's certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_secret_version: Option<String>,
    /// The authority for the store.
    #[serde(rename = "barmanEndpointCA", skip_serializing_if = "Option::is_none")]
    pub barman_endpoint_ca: Option<String>,
    /// Roles that the operator makes, by Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub managed_role_secret_version: Option<BTreeMap<String, String>>,
    /// External clusters, by Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_cluster_secret_version: Option<BTreeMap<String, String>>,
    /// Queries for metrics, by Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<BTreeMap<String, String>>,
}

/// Versions of the `ConfigMap`s that are used.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct ConfigMapResourceVersion {
    /// Queries for metrics, by `ConfigMap`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<BTreeMap<String, String>>,
}
