//! A database inside a cluster.

mod foreign;
mod object;
mod status;

use k8s_openapi::api::core::v1::LocalObjectReference;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    foreign::{FdwSpec, OptionSpec, ServerSpec, UsageSpec, UsageType},
    object::{DatabaseReclaimPolicy, Ensure, ExtensionSpec, SchemaSpec},
    status::{DatabaseObjectStatus, DatabaseStatus},
};
use crate::crd::{definition::Int, resource::resource};

resource! {
    /// A database inside a cluster, with its extensions, schemas and foreign servers.
    pub struct Database {
        spec: DatabaseSpec,
        status: DatabaseStatus,
    }
    "postgresql.cnpg.io" / "v1", "databases",
    column: ("Age", "date", ".metadata.creationTimestamp"),
    column: ("Cluster", "string", ".spec.cluster.name"),
    column: ("PG Name", "string", ".spec.name"),
    column: ("Applied", "boolean", ".status.applied"),
    column: ("Message", "string", ".status.message", "Latest reconciliation message")
}

/// What is wanted of a `Database`.
///
/// The locale settings are those of `CREATE DATABASE` and cannot be changed afterwards.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[schemars(extend("x-kubernetes-validations" = [
    {
        "rule": "!has(self.builtinLocale) || self.localeProvider == 'builtin'",
        "message": "builtinLocale is only available when localeProvider is set to `builtin`",
    },
    {
        "rule": "!has(self.icuLocale) || self.localeProvider == 'icu'",
        "message": "icuLocale is only available when localeProvider is set to `icu`",
    },
    {
        "rule": "!has(self.icuRules) || self.localeProvider == 'icu'",
        "message": "icuRules is only available when localeProvider is set to `icu`",
    },
]))]
#[serde(rename_all = "camelCase")]
pub struct DatabaseSpec {
    /// The cluster; it cannot be changed.
    #[schemars(extend("x-kubernetes-validations" = [
        { "rule": "self == oldSelf", "message": "cluster reference is immutable after creation" },
    ]))]
    pub cluster: LocalObjectReference,
    /// PostgreSQL's name of the database; it cannot be changed.
    #[schemars(extend("x-kubernetes-validations" = [
        { "rule": "self == oldSelf", "message": "name is immutable" },
        { "rule": "self != 'postgres'", "message": "the name postgres is reserved" },
        { "rule": "self != 'template0'", "message": "the name template0 is reserved" },
        { "rule": "self != 'template1'", "message": "the name template1 is reserved" },
    ]))]
    pub name: String,
    /// The role that owns it.
    pub owner: String,
    /// Whether it is to be there. Default: `present`.
    #[schemars(extend("default" = "present"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ensure: Option<Ensure>,
    /// What becomes of it when the resource is deleted. Default: `retain`.
    #[schemars(extend("default" = "retain"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database_reclaim_policy: Option<DatabaseReclaimPolicy>,
    /// The database that it is copied from. Default: `template1`.
    #[schemars(extend("x-kubernetes-validations" = [
        { "rule": "self == oldSelf", "message": "template is immutable" },
    ]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// The encoding of its texts. Default: the template's.
    #[schemars(extend("x-kubernetes-validations" = [
        { "rule": "self == oldSelf", "message": "encoding is immutable" },
    ]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// Order and classes of characters. Default: the template's.
    #[schemars(extend("x-kubernetes-validations" = [
        { "rule": "self == oldSelf", "message": "locale is immutable" },
    ]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// Who provides the locale: `libc`, `icu` (from PostgreSQL 15) or `builtin` (from 17).
    #[schemars(extend("x-kubernetes-validations" = [
        { "rule": "self == oldSelf", "message": "localeProvider is immutable" },
    ]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale_provider: Option<String>,
    /// Order of characters. Default: `locale`.
    #[schemars(extend("x-kubernetes-validations" = [
        { "rule": "self == oldSelf", "message": "localeCollate is immutable" },
    ]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale_collate: Option<String>,
    /// Classes of characters. Default: `locale`.
    #[schemars(extend("x-kubernetes-validations" = [
        { "rule": "self == oldSelf", "message": "localeCType is immutable" },
    ]))]
    #[serde(rename = "localeCType", skip_serializing_if = "Option::is_none")]
    pub locale_ctype: Option<String>,
    /// The locale of the provider `icu`.
    #[schemars(extend("x-kubernetes-validations" = [
        { "rule": "self == oldSelf", "message": "icuLocale is immutable" },
    ]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icu_locale: Option<String>,
    /// Rules of order in addition to those of the locale, for the provider `icu` (from 16).
    #[schemars(extend("x-kubernetes-validations" = [
        { "rule": "self == oldSelf", "message": "icuRules is immutable" },
    ]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icu_rules: Option<String>,
    /// The locale of the provider `builtin`.
    #[schemars(extend("x-kubernetes-validations" = [
        { "rule": "self == oldSelf", "message": "builtinLocale is immutable" },
    ]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub builtin_locale: Option<String>,
    /// The version of the collation, as `pg_upgrade` sets it.
    #[schemars(extend("x-kubernetes-validations" = [
        { "rule": "self == oldSelf", "message": "collationVersion is immutable" },
    ]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collation_version: Option<String>,
    /// Whether every role that may create databases may copy it. Default: `false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_template: Option<bool>,
    /// Whether anybody can connect. Default: `true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_connections: Option<bool>,
    /// How many connections there can be at a time; -1 is any number. Default: -1.
    #[schemars(with = "Option<Int>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_limit: Option<i64>,
    /// The tablespace for what is created in it. Default: the template's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tablespace: Option<String>,
    /// Schemas in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schemas: Option<Vec<SchemaSpec>>,
    /// Extensions in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extensions: Option<Vec<ExtensionSpec>>,
    /// Foreign data wrappers in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fdws: Option<Vec<FdwSpec>>,
    /// Foreign servers in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub servers: Option<Vec<ServerSpec>>,
}

impl DatabaseSpec {
    /// Asks for the database `name` of the role `owner` in `cluster`.
    ///
    /// ```
    /// # use walcast::crd::cnpg::{Database, DatabaseSpec, ExtensionSpec};
    /// let mut spec = DatabaseSpec::new("db", "shop", "shop_owner");
    /// spec.extensions = Some(vec![ExtensionSpec::new("pg_trgm")]);
    /// let database = Database::new("db-shop", spec);
    ///
    /// assert_eq!(database.spec.cluster.name, "db");
    /// ```
    pub fn new(
        cluster: impl Into<String>,
        name: impl Into<String>,
        owner: impl Into<String>,
    ) -> Self {
        Self {
            cluster: LocalObjectReference {
                name: cluster.into(),
            },
            name: name.into(),
            owner: owner.into(),
            ensure: None,
            database_reclaim_policy: None,
            template: None,
            encoding: None,
            locale: None,
            locale_provider: None,
            locale_collate: None,
            locale_ctype: None,
            icu_locale: None,
            icu_rules: None,
            builtin_locale: None,
            collation_version: None,
            is_template: None,
            allow_connections: None,
            connection_limit: None,
            tablespace: None,
            schemas: None,
            extensions: None,
            fdws: None,
            servers: None,
        }
    }

    /// Returns whether it is to be there. Default: `present`.
    pub fn ensure(&self) -> Ensure {
        self.ensure.clone().unwrap_or(Ensure::Present)
    }

    /// Returns what becomes of it when the resource is deleted. Default: `retain`.
    pub fn database_reclaim_policy(&self) -> DatabaseReclaimPolicy {
        self.database_reclaim_policy
            .clone()
            .unwrap_or(DatabaseReclaimPolicy::Retain)
    }
}
