//! What became of a cluster.

mod managed;
mod parts;
mod plugin;

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    managed::{ManagedRolesStatus, PasswordState, TablespaceState},
    parts::{
        AvailableArchitecture, ConfigMapResourceVersion, ImageInfo, InstanceReportedState,
        PgBouncerIntegration, PodSelectorRefStatus, PoolerIntegrations, SecretsResourceVersion,
        SwitchReplicaClusterStatus, Topology,
    },
    plugin::PluginStatus,
};
use super::CertificatesStatus;
use crate::{
    crd::definition::Int,
    pg::{InvalidSystemId, InvalidTimeline, SystemId, TimelineId},
};

/// What became of a `Cluster`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterStatus {
    /// How it is, in the operator's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// Why it is so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase_reason: Option<String>,
    /// What holds: `Ready`, `ContinuousArchiving`, `LastBackupSucceeded`, ….
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conditions: Option<Vec<Condition>>,

    /// How many instances have volumes.
    #[schemars(with = "Option<Int>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instances: Option<i64>,
    /// How many instances are ready.
    #[schemars(with = "Option<Int>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready_instances: Option<i64>,
    /// The selector of the instances' pods, as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
    /// The instances.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_names: Option<Vec<String>>,
    /// The instances' pods by how they are: `healthy`, `replicating`, `failed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instances_status: Option<BTreeMap<String, Vec<String>>>,
    /// What the instances say of themselves, by their names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instances_reported_state: Option<BTreeMap<String, InstanceReportedState>>,
    /// The number of the newest instance. No longer used.
    #[schemars(with = "Option<Int>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latest_generated_node: Option<i64>,
    /// On which nodes the instances are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topology: Option<Topology>,

    /// The primary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_primary: Option<String>,
    /// Since when it is primary (RFC 3339 with microseconds).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_primary_timestamp: Option<String>,
    /// Since when the primary is unwell (RFC 3339 with microseconds).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_primary_failing_since_timestamp: Option<String>,
    /// The instance that is to be primary; `pending` while none is chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_primary: Option<String>,
    /// Since when it is to be primary (RFC 3339 with microseconds).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_primary_timestamp: Option<String>,
    /// The timeline.
    #[serde(rename = "timelineID", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Int>")]
    pub timeline_id: Option<i64>,
    /// PostgreSQL's identifier of the cluster.
    #[serde(rename = "systemID", skip_serializing_if = "Option::is_none")]
    pub system_id: Option<String>,
    /// What the new primary cluster needs when this one has become a replica of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub demotion_token: Option<String>,
    /// The last token by which this cluster became primary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_promotion_token: Option<String>,
    /// Whether the cluster is becoming a replica.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub switch_replica_cluster_status: Option<SwitchReplicaClusterStatus>,

    /// From when on the operator's own backups allow to recover (RFC 3339). Backups by plugins do
    /// not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_recoverability_point: Option<String>,
    /// The same by method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_recoverability_point_by_method: Option<BTreeMap<String, Time>>,
    /// When the operator's own last backup ended well (RFC 3339). Backups by plugins do not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_successful_backup: Option<String>,
    /// The same by method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_successful_backup_by_method: Option<BTreeMap<String, Time>>,
    /// When a backup last failed, by whatever method (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_failed_backup: Option<String>,
    /// The plugins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin_status: Option<Vec<PluginStatus>>,

    /// The image of the instances.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The image that last ran on the data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pg_data_image_info: Option<ImageInfo>,
    /// The image of another major version that the data is being upgraded to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_pg_data_image_info: Option<ImageInfo>,

    /// The service that leads to the primary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub write_service: Option<String>,
    /// The service that leads to all instances.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_service: Option<String>,
    /// What poolers need.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pooler_integrations: Option<PoolerIntegrations>,
    /// The pods of the selectors that `pg_hba` refers to.
    #[schemars(extend(
        "x-kubernetes-list-type" = "map",
        "x-kubernetes-list-map-keys" = ["name"],
    ))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_selector_refs: Option<Vec<PodSelectorRefStatus>>,
    /// Certificates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificates: Option<CertificatesStatus>,
    /// Roles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub managed_roles_status: Option<ManagedRolesStatus>,
    /// Tablespaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tablespaces_status: Option<Vec<TablespaceState>>,

    /// How many claims were made, ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pvc_count: Option<i32>,
    /// How many Jobs were made, ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_count: Option<i32>,
    /// Claims that a pod uses.
    #[serde(rename = "healthyPVC", skip_serializing_if = "Option::is_none")]
    pub healthy_pvc: Option<Vec<String>>,
    /// Claims that no pod uses.
    #[serde(rename = "danglingPVC", skip_serializing_if = "Option::is_none")]
    pub dangling_pvc: Option<Vec<String>>,
    /// Claims that are being filled.
    #[serde(rename = "initializingPVC", skip_serializing_if = "Option::is_none")]
    pub initializing_pvc: Option<Vec<String>>,
    /// Claims that are growing.
    #[serde(rename = "resizingPVC", skip_serializing_if = "Option::is_none")]
    pub resizing_pvc: Option<Vec<String>>,
    /// Claims whose instance lacks another one.
    #[serde(rename = "unusablePVC", skip_serializing_if = "Option::is_none")]
    pub unusable_pvc: Option<Vec<String>>,

    /// Versions of the Secrets that are used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secrets_resource_version: Option<SecretsResourceVersion>,
    /// Versions of the `ConfigMap`s that are used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_map_resource_version: Option<ConfigMapResourceVersion>,
    /// Processor architectures that the operator has a program for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub available_architectures: Option<Vec<AvailableArchitecture>>,
    /// The commit that the operator was built from.
    #[serde(
        rename = "cloudNativePGCommitHash",
        skip_serializing_if = "Option::is_none"
    )]
    pub cloud_native_pg_commit_hash: Option<String>,
    /// The hash of the operator's program.
    #[serde(
        rename = "cloudNativePGOperatorHash",
        skip_serializing_if = "Option::is_none"
    )]
    pub cloud_native_pg_operator_hash: Option<String>,
    /// The SHA-256 of the operator's public key, by which instances know it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator_certificate_fingerprint: Option<String>,
    /// Whether instances change to a new operator without a restart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub online_update_enabled: Option<bool>,
}

impl ClusterStatus {
    /// The [`phase`](Self::phase) of a cluster that is as it is wanted.
    pub const HEALTHY: &str = "Cluster in healthy state";

    /// Returns a condition by its type, such as `ContinuousArchiving`.
    pub fn condition(&self, r#type: &str) -> Option<&Condition> {
        let mut conditions = self.conditions.iter().flatten();
        conditions.find(|condition| condition.type_ == r#type)
    }

    /// Returns PostgreSQL's identifier of the cluster.
    pub fn system_id(&self) -> Option<Result<SystemId, InvalidSystemId>> {
        self.system_id.as_deref().map(str::parse)
    }

    /// Returns the timeline.
    pub fn timeline(&self) -> Option<Result<TimelineId, InvalidTimeline>> {
        let number = self.timeline_id?;
        Some(TimelineId::new(u32::try_from(number).unwrap_or(0)))
    }
}
