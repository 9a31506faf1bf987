//! PgBouncer in front of a cluster.

mod pgbouncer;
mod status;

use k8s_openapi::api::apps::v1::DeploymentStrategy;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    pgbouncer::{PgBouncerSpec, PoolMode, PoolerImageCatalogRef},
    status::{PgBouncerSecrets, PoolerPhase, PoolerSecrets, PoolerStatus, SecretVersion},
};
use super::{
    metadata::{PodTemplateSpec, ServiceTemplateSpec},
    monitoring::PoolerMonitoringConfiguration,
};
use crate::crd::{core::LocalObjectReference, open_enum::open_enum, resource::resource};

resource! {
    /// PgBouncer in front of a cluster.
    pub struct Pooler {
        spec: PoolerSpec,
        status: PoolerStatus,
    }
    "postgresql.cnpg.io" / "v1", "poolers",
    scale: (".spec.instances", ".status.instances"),
    column: ("Age", "date", ".metadata.creationTimestamp"),
    column: ("Cluster", "string", ".spec.cluster.name"),
    column: ("Type", "string", ".spec.type"),
    column: ("Phase", "string", ".status.phase")
}

/// What is wanted of a `Pooler`.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolerSpec {
    /// The cluster; it cannot be changed, and must not have the name of the pooler.
    #[schemars(extend("x-kubernetes-validations" = [
        { "rule": "self == oldSelf", "message": "cluster reference is immutable after creation" },
    ]))]
    pub cluster: LocalObjectReference,
    /// Which of the cluster's instances it leads to. Default: `rw`.
    #[schemars(extend("default" = "rw"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<PoolerType>,
    /// How many pods there are; 0 is none. Default: 1.
    #[schemars(extend("default" = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instances: Option<i32>,
    /// PgBouncer's settings.
    pub pgbouncer: PgBouncerSpec,
    /// What the pods are made from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<PodTemplateSpec>,
    /// How pods are replaced by new ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment_strategy: Option<DeploymentStrategy>,
    /// What the Service is made from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_template: Option<ServiceTemplateSpec>,
    /// A service account that is there. Default: one with the name of the pooler, made by the
    /// operator.
    #[schemars(
        length(max = 253),
        regex(pattern = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"),
        extend("x-kubernetes-validations" = [
            { "rule": "self == oldSelf", "message": "serviceAccountName is immutable" },
        ])
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
    /// Metrics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monitoring: Option<PoolerMonitoringConfiguration>,
}

impl PoolerSpec {
    /// Asks for one PgBouncer in front of the primary of `cluster`.
    ///
    /// ```
    /// # use walcast::crd::cnpg::{PgBouncerSpec, PoolMode, Pooler, PoolerSpec, PoolerType};
    /// let mut spec = PoolerSpec::new("db", PgBouncerSpec::default());
    /// spec.pgbouncer.pool_mode = Some(PoolMode::Transaction);
    /// let pooler = Pooler::new("db-pool", spec);
    ///
    /// assert_eq!((pooler.spec.instances(), pooler.spec.r#type()), (1, PoolerType::ReadWrite));
    /// ```
    pub fn new(cluster: impl Into<String>, pgbouncer: PgBouncerSpec) -> Self {
        Self {
            cluster: LocalObjectReference::new(cluster),
            r#type: None,
            instances: None,
            pgbouncer,
            template: None,
            deployment_strategy: None,
            service_template: None,
            service_account_name: None,
            monitoring: None,
        }
    }

    /// Returns which of the cluster's instances it leads to. Default: `rw`.
    pub fn r#type(&self) -> PoolerType {
        self.r#type.clone().unwrap_or(PoolerType::ReadWrite)
    }

    /// Returns how many pods there are. Default: 1.
    pub fn instances(&self) -> i32 {
        self.instances.unwrap_or(1)
    }
}

open_enum! {
    /// Which instances of a cluster a pooler leads to.
    pub enum PoolerType {
        /// To the primary.
        ReadWrite = "rw",
        /// To standbys.
        ReadOnly = "ro",
        /// To all.
        Read = "r",
    }
}
