//! Metrics of clusters and poolers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::crd::{
    core::{ConfigMapKeySelector, SecretKeySelector},
    open_enum::open_enum,
};

/// Metrics of a cluster.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MonitoringConfiguration {
    /// Whether the operator's own queries are left out. Default: `false`.
    #[schemars(extend("default" = false))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disable_default_queries: Option<bool>,
    /// `ConfigMap`s with more queries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_queries_config_map: Option<Vec<ConfigMapKeySelector>>,
    /// Secrets with more queries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_queries_secret: Option<Vec<SecretKeySelector>>,
    /// For how long the answers of queries are kept, as Go writes durations (`1m30s`); `0` asks
    /// anew each time. Default: 30 seconds.
    #[serde(rename = "metricsQueriesTTL", skip_serializing_if = "Option::is_none")]
    pub metrics_queries_ttl: Option<String>,
    /// TLS of the address that metrics are read from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<MonitoringTls>,
    /// Whether the operator makes a `PodMonitor`. Deprecated upstream. Default: `false`.
    #[schemars(extend("default" = false))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_pod_monitor: Option<bool>,
    /// Relabelling of what is read from. Deprecated upstream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_monitor_relabelings: Option<Vec<RelabelConfig>>,
    /// Relabelling of what was read. Deprecated upstream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_monitor_metric_relabelings: Option<Vec<RelabelConfig>>,
}

/// Metrics of a pooler.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolerMonitoringConfiguration {
    /// TLS of the address that metrics are read from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<MonitoringTls>,
    /// Whether the operator makes a `PodMonitor`. Deprecated upstream. Default: `false`.
    #[schemars(extend("default" = false))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_pod_monitor: Option<bool>,
    /// Relabelling of what is read from. Deprecated upstream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_monitor_relabelings: Option<Vec<RelabelConfig>>,
    /// Relabelling of what was read. Deprecated upstream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_monitor_metric_relabelings: Option<Vec<RelabelConfig>>,
}

/// TLS of the address that metrics are read from.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct MonitoringTls {
    /// Whether there is TLS; a change replaces all pods. Default: `false`.
    #[schemars(extend("default" = false))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// One step of Prometheus' relabelling.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RelabelConfig {
    /// What is done, in either spelling (`LabelMap`, `labelmap`). Default: `replace`.
    #[schemars(extend(
        "default" = "replace",
        "enum" = [
            "replace", "Replace", "keep", "Keep", "drop", "Drop", "hashmod", "HashMod",
            "labelmap", "LabelMap", "labeldrop", "LabelDrop", "labelkeep", "LabelKeep",
            "lowercase", "Lowercase", "uppercase", "Uppercase", "keepequal", "KeepEqual",
            "dropequal", "DropEqual",
        ],
    ))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// The labels whose values are looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_labels: Option<Vec<String>>,
    /// What is put between the values. Default: `;`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub separator: Option<String>,
    /// What the values must match. Default: anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regex: Option<String>,
    /// The divisor, for `hashmod`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modulus: Option<i64>,
    /// What a match is replaced by. Default: `$1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replacement: Option<String>,
    /// The label that is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_label: Option<String>,
}

impl RelabelConfig {
    /// Returns what is done. Default: `replace`.
    ///
    /// ```
    /// # use walcast::crd::cnpg::{RelabelAction, RelabelConfig};
    /// let config = RelabelConfig { action: Some("LabelDrop".to_owned()), ..Default::default() };
    /// assert_eq!(config.action(), RelabelAction::LabelDrop);
    /// assert_eq!(RelabelConfig::default().action(), RelabelAction::Replace);
    /// ```
    pub fn action(&self) -> RelabelAction {
        let Some(written) = &self.action else {
            return RelabelAction::Replace;
        };
        match written.to_ascii_lowercase().as_str().into() {
            RelabelAction::Other(_) => RelabelAction::Other(written.clone()),
            known => known,
        }
    }
}

open_enum! {
    /// What a step of relabelling does.
    pub enum RelabelAction {
        /// Writes the replacement into the target label.
        Replace = "replace",
        /// Keeps only what matches.
        Keep = "keep",
        /// Drops what matches.
        Drop = "drop",
        /// Writes the values' hash modulo the modulus into the target label.
        HashMod = "hashmod",
        /// Renames the labels that match.
        LabelMap = "labelmap",
        /// Drops the labels that match.
        LabelDrop = "labeldrop",
        /// Keeps only the labels that match.
        LabelKeep = "labelkeep",
        /// Writes the values in lower case into the target label.
        Lowercase = "lowercase",
        /// Writes the values in upper case into the target label.
        Uppercase = "uppercase",
        /// Keeps only what has the values in the target label.
        KeepEqual = "keepequal",
        /// Drops what has the values in the target label.
        DropEqual = "dropequal",
    }
}
