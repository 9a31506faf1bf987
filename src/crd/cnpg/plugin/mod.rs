//! Plugins of a cluster (CNPG-I), and what two of them read from it.

mod backup;
mod barman_cloud;
mod pgbackrest;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    backup::BackupPluginConfiguration,
    barman_cloud::{BARMAN_CLOUD, BarmanCloudParameters, BarmanCloudSource},
    pgbackrest::{PGBACKREST, PgBackRestParameters},
};

/// A plugin and what it is told.
///
/// Values are texts, also where they look like numbers. What a plugin does not know it ignores.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct PluginConfiguration {
    /// The name under which the operator knows the plugin.
    pub name: String,
    /// Whether the plugin is used at all. Default: `true`.
    #[schemars(extend("default" = true))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Whether WAL counts as archived only with this plugin: at most one, and none beside
    /// `spec.backup.barmanObjectStore`. Means nothing in an external cluster. Default: `false`.
    #[schemars(extend("default" = false))]
    #[serde(rename = "isWALArchiver", skip_serializing_if = "Option::is_none")]
    pub is_wal_archiver: Option<bool>,
    /// What the plugin is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<BTreeMap<String, String>>,
}

impl PluginConfiguration {
    /// Uses the plugin `name`.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            enabled: None,
            is_wal_archiver: None,
            parameters: None,
        }
    }

    /// Archives and backs up by the Barman Cloud plugin to an `ObjectStore`.
    ///
    /// ```
    /// # use walcast::crd::cnpg::PluginConfiguration;
    /// let plugin = PluginConfiguration::barman_cloud("offsite").parameter("serverName", "db-v2");
    ///
    /// assert_eq!(plugin.name, "barman-cloud.cloudnative-pg.io");
    /// assert_eq!(plugin.get("barmanObjectName"), Some("offsite"));
    /// assert!(plugin.is_enabled() && plugin.is_wal_archiver());
    /// ```
    pub fn barman_cloud(object_store: impl Into<String>) -> Self {
        Self::new(BARMAN_CLOUD)
            .parameter(barman_cloud::OBJECT_NAME, object_store)
            .wal_archiver()
    }

    /// Archives and backs up by the pgBackRest plugin to a `Stanza`.
    pub fn pgbackrest(stanza: impl Into<String>) -> Self {
        Self::new(PGBACKREST)
            .parameter(pgbackrest::STANZA_REF, stanza)
            .wal_archiver()
    }

    /// Sets a parameter.
    #[must_use]
    pub fn parameter(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        let parameters = self.parameters.get_or_insert_default();
        parameters.insert(key.into(), value.into());
        self
    }

    /// Makes WAL count as archived only with this plugin.
    #[must_use]
    pub fn wal_archiver(mut self) -> Self {
        self.is_wal_archiver = Some(true);
        self
    }

    /// Returns a parameter.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.parameters.as_ref()?.get(key).map(String::as_str)
    }

    /// Returns whether the plugin is used.
    pub fn is_enabled(&self) -> bool {
        self.enabled.unwrap_or(true)
    }

    /// Returns whether WAL counts as archived only with this plugin.
    pub fn is_wal_archiver(&self) -> bool {
        self.is_wal_archiver.unwrap_or(false)
    }

    /// Returns a parameter that is there and not empty, the one that counts for most plugins.
    pub(super) fn filled(&self, key: &str) -> Option<&str> {
        self.get(key).filter(|value| !value.is_empty())
    }
}
