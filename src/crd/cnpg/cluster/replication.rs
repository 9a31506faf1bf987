//! Replication to standbys and from other clusters.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::crd::definition::Int;

/// Replication slots.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplicationSlotsConfiguration {
    /// Slots of the standbys. Default: there are.
    #[schemars(extend("default" = { "enabled": true }))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub high_availability: Option<HighAvailabilitySlots>,
    /// Slots of others, which standbys keep a copy of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub synchronize_replicas: Option<SynchronizeReplicasConfiguration>,
    /// Seconds after which standbys bring their slots up to date; at least 1. Default: 30.
    #[schemars(with = "Option<Int>", range(min = 1), extend("default" = 30))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update_interval: Option<i64>,
}

impl ReplicationSlotsConfiguration {
    /// Returns whether each standby has a slot. Default: `true`.
    pub fn has_high_availability_slots(&self) -> bool {
        self.high_availability
            .as_ref()
            .is_none_or(HighAvailabilitySlots::is_enabled)
    }

    /// Returns the seconds after which standbys bring their slots up to date. Default: 30.
    pub fn update_interval(&self) -> i64 {
        self.update_interval.unwrap_or(30)
    }
}

/// Slots of the standbys.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HighAvailabilitySlots {
    /// Whether there are. Default: `true`.
    #[schemars(extend("default" = true))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// What their names begin with. Default: `_cnpg_`.
    #[schemars(regex(pattern = "^[0-9a-z_]*$"), extend("default" = "_cnpg_"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slot_prefix: Option<String>,
    /// Whether standbys keep logical slots up to date. Default: `false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub synchronize_logical_decoding: Option<bool>,
}

impl HighAvailabilitySlots {
    /// Returns whether each standby has a slot. Default: `true`.
    pub fn is_enabled(&self) -> bool {
        self.enabled.unwrap_or(true)
    }

    /// Returns what the names of slots begin with. Default: `_cnpg_`.
    pub fn slot_prefix(&self) -> &str {
        self.slot_prefix.as_deref().unwrap_or("_cnpg_")
    }
}

/// Slots that standbys keep a copy of.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SynchronizeReplicasConfiguration {
    /// Whether they do. Default: `true`.
    #[schemars(required, extend("default" = true))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Regular expressions for the names of slots that they do not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude_patterns: Option<Vec<String>>,
}

impl SynchronizeReplicasConfiguration {
    /// Returns whether standbys keep copies. Default: `true`.
    pub fn is_enabled(&self) -> bool {
        self.enabled.unwrap_or(true)
    }
}

/// How a cluster follows another one.
///
/// Either it is said outright (`enabled`), or clusters that know each other say which of them is
/// the primary one (`primary`).
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplicaClusterConfiguration {
    /// The external cluster that it follows.
    #[schemars(length(min = 1))]
    pub source: String,
    /// Whether it follows, if `primary` does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// The external cluster that is itself. Default: that of its name.
    #[serde(rename = "self", skip_serializing_if = "Option::is_none")]
    pub self_name: Option<String>,
    /// The external cluster that all others follow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary: Option<String>,
    /// What the former primary cluster left: without having replayed up to there, this one does
    /// not become primary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub promotion_token: Option<String>,
    /// By how much it is to lag, as Go writes durations (`4h`). Not together with a token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_apply_delay: Option<String>,
}
