//! The plugin's container beside PostgreSQL.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::crd::{
    core::{EnvVar, ResourceRequirements},
    definition::Int,
    open_enum::open_enum,
};

/// Settings of the plugin's container in each pod of a cluster.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InstanceSidecarConfiguration {
    /// Environment variables, of Barman's programs as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<Vec<EnvVar>>,
    /// Seconds between two looks for backups that need not be kept. Default: 1800; 0 means 300.
    #[schemars(with = "Option<Int>", extend("default" = 1800))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention_policy_interval_seconds: Option<i64>,
    /// What the container may use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<ResourceRequirements>,
    /// Arguments of the plugin's program; none may set the log level.
    #[schemars(extend("x-kubernetes-validations" = [{
        "rule": "!self.exists(a, a.startsWith('--log-level'))",
        "reason": "FieldValueForbidden",
        "message": "the log level has a field of its own, logLevel",
    }]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub additional_container_args: Option<Vec<String>>,
    /// What the container logs. Default: `info`.
    #[schemars(extend("default" = "info"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_level: Option<LogLevel>,
}

impl InstanceSidecarConfiguration {
    /// Returns how many seconds are between two looks for backups that need not be kept.
    pub fn retention_policy_interval_seconds(&self) -> i64 {
        match self.retention_policy_interval_seconds {
            None => 1800,
            Some(0) => 300,
            Some(seconds) => seconds,
        }
    }

    /// Returns what the container logs.
    pub fn log_level(&self) -> LogLevel {
        self.log_level.clone().unwrap_or(LogLevel::Info)
    }
}

open_enum! {
    /// What a container of CloudNativePG or of its Barman Cloud plugin logs.
    pub enum LogLevel {
        /// Failures.
        Error = "error",
        /// And what is odd.
        Warning = "warning",
        /// And what is done.
        Info = "info",
        /// And how it is done.
        Debug = "debug",
        /// And everything else.
        Trace = "trace",
    }
}
