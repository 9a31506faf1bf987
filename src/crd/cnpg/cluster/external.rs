//! A cluster elsewhere.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::SecretKeySelector;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::plugin::PluginConfiguration;
use crate::crd::barman_cloud::BarmanObjectStoreConfiguration;

/// A cluster elsewhere: how to connect to it, where its backups are, or both.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExternalCluster {
    /// The name by which other fields refer to it.
    pub name: String,
    /// The plugin that has its backups and WAL. What it is told is not the cluster's own
    /// configuration of that plugin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin: Option<PluginConfiguration>,
    /// The place of its backups and WAL, for the operator's own tools. Deprecated upstream for
    /// the plugin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub barman_object_store: Option<BarmanObjectStoreConfiguration>,
    /// How to connect, as `libpq` names it: `host`, `user`, `dbname`, `sslmode` ….
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_parameters: Option<BTreeMap<String, String>>,
    /// The password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretKeySelector>,
    /// The client's certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssl_cert: Option<SecretKeySelector>,
    /// The client's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssl_key: Option<SecretKeySelector>,
    /// The authority that the server is checked against.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssl_root_cert: Option<SecretKeySelector>,
}

impl ExternalCluster {
    /// Describes the cluster `name` whose backups a plugin has.
    ///
    /// ```
    /// # use walcast::crd::cnpg::{BARMAN_CLOUD, ExternalCluster, PluginConfiguration};
    /// let plugin = PluginConfiguration::new(BARMAN_CLOUD)
    ///     .parameter("barmanObjectName", "offsite")
    ///     .parameter("serverName", "db-v1");
    /// let source = ExternalCluster::by_plugin("origin", plugin);
    ///
    /// assert_eq!(source.name, "origin");
    /// ```
    pub fn by_plugin(name: impl Into<String>, plugin: PluginConfiguration) -> Self {
        Self {
            name: name.into(),
            plugin: Some(plugin),
            ..Self::default()
        }
    }

    /// Returns its folder in [`Self::barman_object_store`]. Default: its name.
    pub fn in_tree_server_name(&self) -> &str {
        let store = self.barman_object_store.as_ref();
        let written = store.and_then(|store| store.server_name.as_deref());
        written
            .filter(|name| !name.is_empty())
            .unwrap_or(&self.name)
    }
}
