//! PostgreSQL's settings.

mod extension;
mod ldap;
mod synchronous;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    extension::{ExtensionConfiguration, ExtensionEnvVar},
    ldap::{LdapBindAsAuth, LdapBindSearchAuth, LdapConfig, LdapScheme},
    synchronous::{
        DataDurability, SyncReplicaElectionConstraints, SynchronousMethod,
        SynchronousReplicaConfiguration,
    },
};

/// PostgreSQL's settings.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct PostgresConfiguration {
    /// Settings of `postgresql.conf`; some belong to the operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<BTreeMap<String, String>>,
    /// Libraries that are loaded at start, besides the operator's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shared_preload_libraries: Option<Vec<String>>,
    /// Lines for `pg_hba.conf`, after the operator's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pg_hba: Option<Vec<String>>,
    /// Lines for `pg_ident.conf`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pg_ident: Option<Vec<String>>,
    /// Extensions from images of their own.
    #[schemars(extend(
        "x-kubernetes-list-type" = "map",
        "x-kubernetes-list-map-keys" = ["name"],
    ))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extensions: Option<Vec<ExtensionConfiguration>>,
    /// Which standbys must confirm a commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub synchronous: Option<SynchronousReplicaConfiguration>,
    /// Where those must be, the old way.
    #[serde(
        rename = "syncReplicaElectionConstraint",
        skip_serializing_if = "Option::is_none"
    )]
    pub sync_replica_election_constraint: Option<SyncReplicaElectionConstraints>,
    /// Logging in by LDAP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ldap: Option<LdapConfig>,
    /// Whether `ALTER SYSTEM` works. Default: `false`.
    #[serde(rename = "enableAlterSystem", skip_serializing_if = "Option::is_none")]
    pub enable_alter_system: Option<bool>,
    /// Seconds that a promotion may take. Default: 40000000, more than a year.
    #[serde(rename = "promotionTimeout", skip_serializing_if = "Option::is_none")]
    pub promotion_timeout: Option<i32>,
}

impl PostgresConfiguration {
    /// Returns a setting of `postgresql.conf`.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.as_ref()?.get(name).map(String::as_str)
    }
}
