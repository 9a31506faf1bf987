//! Probes of the pods.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::crd::{definition::Int, open_enum::open_enum};

/// Probes of the pods.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct ProbesConfiguration {
    /// Whether the instance has started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub startup: Option<ProbeWithStrategy>,
    /// Whether the instance is alive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub liveness: Option<LivenessProbe>,
    /// Whether the instance takes connections.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub readiness: Option<ProbeWithStrategy>,
}

/// A probe that asks PostgreSQL.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProbeWithStrategy {
    /// What is asked. Default: `pg_isready`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<ProbeStrategy>,
    /// By how many bytes a standby may lag, for `streaming`. Default: any number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum_lag: Option<Quantity>,
    /// Seconds from the container's start to the first probe. Default: 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initial_delay_seconds: Option<i32>,
    /// Seconds from probe to probe; at least 1. Default: 10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period_seconds: Option<i32>,
    /// Seconds that a probe may take; at least 1. Default: the operator's choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<i32>,
    /// Successes in a row after which it holds again; at least 1. Default: 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success_threshold: Option<i32>,
    /// Failures in a row after which it does not hold; at least 1. Default: the operator's choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_threshold: Option<i32>,
    /// Seconds for the container to stop when it failed. Default: the pod's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub termination_grace_period_seconds: Option<i64>,
}

impl ProbeWithStrategy {
    /// Returns what is asked. Default: `pg_isready`.
    pub fn r#type(&self) -> ProbeStrategy {
        self.r#type.clone().unwrap_or(ProbeStrategy::PgIsReady)
    }
}

open_enum! {
    /// What a probe asks.
    pub enum ProbeStrategy {
        /// Whether PostgreSQL takes connections.
        PgIsReady = "pg_isready",
        /// Whether the standby receives WAL.
        Streaming = "streaming",
        /// Whether PostgreSQL answers a query.
        Query = "query",
    }
}

/// Whether an instance is alive.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LivenessProbe {
    /// Whether a primary that reaches nobody counts as dead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub isolation_check: Option<IsolationCheckConfiguration>,
    /// Seconds from the container's start to the first probe. Default: 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initial_delay_seconds: Option<i32>,
    /// Seconds from probe to probe; at least 1. Default: 10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period_seconds: Option<i32>,
    /// Seconds that a probe may take; at least 1. Default: the operator's choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<i32>,
    /// Successes in a row after which it holds again; 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success_threshold: Option<i32>,
    /// Failures in a row after which it does not hold; at least 1. Default: the operator's choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_threshold: Option<i32>,
    /// Seconds for the container to stop when it failed. Default: the pod's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub termination_grace_period_seconds: Option<i64>,
}

/// Whether a primary that reaches neither the API server nor its standbys counts as dead. Times
/// are in milliseconds.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IsolationCheckConfiguration {
    /// Whether it does. Default: `true`.
    #[schemars(extend("default" = true))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// How long a request may take. Default: 1000.
    #[schemars(with = "Option<Int>", extend("default" = 1000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_timeout: Option<i64>,
    /// How long a connection may take. Default: 1000.
    #[schemars(with = "Option<Int>", extend("default" = 1000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_timeout: Option<i64>,
}

impl IsolationCheckConfiguration {
    /// Returns whether an isolated primary counts as dead. Default: `true`.
    pub fn is_enabled(&self) -> bool {
        self.enabled.unwrap_or(true)
    }
}
