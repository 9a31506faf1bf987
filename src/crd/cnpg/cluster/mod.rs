//! A PostgreSQL cluster.

mod affinity;
mod archiving;
mod backup;
mod bootstrap;
mod certificates;
mod defaults;
mod external;
mod image;
mod lifecycle;
mod managed;
mod postgresql;
mod probes;
mod replication;
mod sources;
mod status;
mod storage;
#[cfg(test)]
mod tests;

use k8s_openapi::api::core::v1::{
    EnvFromSource, EnvVar, EphemeralVolumeSource, PodSecurityContext, ProjectedVolumeSource,
    ResourceRequirements, SeccompProfile, SecurityContext, TopologySpreadConstraint,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    affinity::{AffinityConfiguration, PodAntiAffinityType, PodSelectorRef},
    backup::{BackupConfiguration, SnapshotOwnerReference, VolumeSnapshotConfiguration},
    bootstrap::{
        BackupSource, BootstrapConfiguration, BootstrapInitDb, BootstrapPgBaseBackup,
        BootstrapRecovery, DataSource, Import, ImportSource, ImportType, InvalidTargetTimeline,
        RecoveryTarget, SqlRefs, TargetTimeline,
    },
    certificates::{CertificatesConfiguration, CertificatesStatus},
    external::ExternalCluster,
    image::ImageCatalogRef,
    lifecycle::{
        NodeMaintenanceWindow, PrimaryLeaseConfiguration, PrimaryUpdateMethod,
        PrimaryUpdateStrategy,
    },
    managed::{
        ManagedConfiguration, ManagedService, ManagedServices, RoleConfiguration,
        ServiceSelectorType, ServiceUpdateStrategy,
    },
    postgresql::{
        DataDurability, ExtensionConfiguration, ExtensionEnvVar, LdapBindAsAuth,
        LdapBindSearchAuth, LdapConfig, LdapScheme, PostgresConfiguration,
        SyncReplicaElectionConstraints, SynchronousMethod, SynchronousReplicaConfiguration,
    },
    probes::{
        IsolationCheckConfiguration, LivenessProbe, ProbeStrategy, ProbeWithStrategy,
        ProbesConfiguration,
    },
    replication::{
        HighAvailabilitySlots, ReplicaClusterConfiguration, ReplicationSlotsConfiguration,
        SynchronizeReplicasConfiguration,
    },
    status::{
        AvailableArchitecture, ClusterStatus, ConfigMapResourceVersion, ImageInfo,
        InstanceReportedState, ManagedRolesStatus, PasswordState, PgBouncerIntegration,
        PluginStatus, PodSelectorRefStatus, PoolerIntegrations, SecretsResourceVersion,
        SwitchReplicaClusterStatus, TablespaceState, Topology,
    },
    storage::{
        EphemeralVolumesSizeLimit, StorageConfiguration, TablespaceConfiguration, TablespaceOwner,
    },
};
use super::{
    metadata::{InheritedMetadata, ServiceAccountTemplate},
    monitoring::MonitoringConfiguration,
    plugin::PluginConfiguration,
};
use crate::crd::{
    barman_cloud::LogLevel, core::LocalObjectReference, definition::Int, resource::resource,
};

resource! {
    /// A PostgreSQL cluster: a primary and its standbys.
    pub struct Cluster {
        spec: ClusterSpec,
        status: ClusterStatus,
    }
    "postgresql.cnpg.io" / "v1", "clusters",
    scale: (".spec.instances", ".status.instances", ".status.selector"),
    column: ("Age", "date", ".metadata.creationTimestamp"),
    column: ("Instances", "integer", ".status.instances", "Number of instances"),
    column: ("Ready", "integer", ".status.readyInstances", "Number of ready instances"),
    column: ("Status", "string", ".status.phase", "Cluster current status"),
    column: ("Primary", "string", ".status.currentPrimary", "Primary pod")
}

impl Cluster {
    /// Returns its name; empty if it has none yet.
    pub fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }

    /// Returns the value of an annotation.
    fn annotation(&self, key: &str) -> Option<&str> {
        self.metadata
            .annotations
            .as_ref()?
            .get(key)
            .map(String::as_str)
    }
}

/// What is wanted of a `Cluster`. Delays and deadlines are in seconds.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[schemars(extend("x-kubernetes-validations" = [
    {
        "rule": "!(has(self.imageCatalogRef) && has(self.imageName))",
        "message": "imageName and imageCatalogRef are mutually exclusive",
    },
]))]
#[serde(rename_all = "camelCase")]
pub struct ClusterSpec {
    /// What it is for, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Labels and annotations of all its objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inherited_metadata: Option<InheritedMetadata>,
    /// How many instances there are, the primary included; at least 1. Default: 1.
    #[schemars(with = "Option<Int>", required, range(min = 1), extend("default" = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instances: Option<i64>,
    /// The image, with a tag, a digest or both. Default: the operator's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_name: Option<String>,
    /// The image by PostgreSQL's major version, in place of `imageName`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_catalog_ref: Option<ImageCatalogRef>,
    /// When the image is pulled: `Always`, `Never` or `IfNotPresent`. Default: `IfNotPresent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_pull_policy: Option<String>,
    /// Secrets for pulling the image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_pull_secrets: Option<Vec<LocalObjectReference>>,
    /// The user that PostgreSQL runs as in the image. Default: 26.
    #[schemars(extend("default" = 26))]
    #[serde(rename = "postgresUID", skip_serializing_if = "Option::is_none")]
    pub postgres_uid: Option<i64>,
    /// The group that PostgreSQL runs as in the image. Default: 26.
    #[schemars(extend("default" = 26))]
    #[serde(rename = "postgresGID", skip_serializing_if = "Option::is_none")]
    pub postgres_gid: Option<i64>,

    /// How it comes into being. Default: an empty one by `initdb`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bootstrap: Option<BootstrapConfiguration>,
    /// Clusters elsewhere that others of its fields name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_clusters: Option<Vec<ExternalCluster>>,
    /// How it follows another cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replica: Option<ReplicaClusterConfiguration>,
    /// Plugins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugins: Option<Vec<PluginConfiguration>>,
    /// How it is backed up without plugins, and where in any case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup: Option<BackupConfiguration>,

    /// PostgreSQL's settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postgresql: Option<PostgresConfiguration>,
    /// How few standbys must confirm a commit, the old way; see `postgresql.synchronous`.
    /// Default: 0.
    #[schemars(with = "Option<Int>", range(min = 0), extend("default" = 0))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_sync_replicas: Option<i64>,
    /// How many standbys must confirm a commit while they are ready, the old way. Default: 0.
    #[schemars(with = "Option<Int>", range(min = 0), extend("default" = 0))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_sync_replicas: Option<i64>,
    /// Replication slots. Default: one for each standby.
    #[schemars(extend("default" = { "highAvailability": { "enabled": true } }))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replication_slots: Option<ReplicationSlotsConfiguration>,
    /// Roles and services that the operator makes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub managed: Option<ManagedConfiguration>,
    /// Whether the role `postgres` has a password. Default: `false`.
    #[schemars(extend("default" = false))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_superuser_access: Option<bool>,
    /// The password of the role `postgres`. Default: one that the operator draws.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub superuser_secret: Option<LocalObjectReference>,
    /// Certificates. Default: the operator's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificates: Option<CertificatesConfiguration>,
    /// Pods that lines of `pg_hba` refer to as `${podselector:NAME}`.
    #[schemars(extend(
        "x-kubernetes-list-type" = "map",
        "x-kubernetes-list-map-keys" = ["name"],
    ))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_selector_refs: Option<Vec<PodSelectorRef>>,

    /// The volume for data, and for WAL unless that has its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage: Option<StorageConfiguration>,
    /// The volume for WAL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wal_storage: Option<StorageConfiguration>,
    /// Tablespaces, each on a volume of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tablespaces: Option<Vec<TablespaceConfiguration>>,
    /// Where temporary files are. Default: on the node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ephemeral_volume_source: Option<EphemeralVolumeSource>,
    /// How large temporary volumes get.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ephemeral_volumes_size_limit: Option<EphemeralVolumesSizeLimit>,
    /// Files that are mounted below `/projected`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub projected_volume_template: Option<ProjectedVolumeSource>,

    /// Where pods run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affinity: Option<AffinityConfiguration>,
    /// How pods are spread over the nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topology_spread_constraints: Option<Vec<TopologySpreadConstraint>>,
    /// What each pod gets of a node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<ResourceRequirements>,
    /// The priority of the pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority_class_name: Option<String>,
    /// Who puts pods on nodes. Default: Kubernetes' own scheduler.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduler_name: Option<String>,
    /// Environment of the containers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<Vec<EnvVar>>,
    /// Environment of the containers, by whole `ConfigMap`s and Secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env_from: Option<Vec<EnvFromSource>>,
    /// Rights of the pods, in place of the operator's choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_security_context: Option<PodSecurityContext>,
    /// Rights of the containers, in place of the operator's choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_context: Option<SecurityContext>,
    /// System calls that are allowed. Default: what the container runtime allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seccomp_profile: Option<SeccompProfile>,
    /// A service account that is there; it cannot be changed. The plugins do not know of it.
    /// Default: one with the name of the cluster, made by the operator.
    #[schemars(
        length(max = 253),
        regex(pattern = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"),
        extend("x-kubernetes-validations" = [
            { "rule": "self == oldSelf", "message": "serviceAccountName is immutable" },
        ])
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
    /// What the operator's service account is made from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_account_template: Option<ServiceAccountTemplate>,

    /// How long PostgreSQL may take to start. Default: 3600.
    #[schemars(extend("default" = 3600))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_delay: Option<i32>,
    /// How long PostgreSQL may take to stop. Default: 1800.
    #[schemars(extend("default" = 1800))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_delay: Option<i32>,
    /// How much of `stopDelay` clients have to leave by themselves. Default: 180.
    #[schemars(extend("default" = 180))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smart_shutdown_timeout: Option<i32>,
    /// How long the primary may take to stop when another instance is to be primary. Default:
    /// 3600.
    #[schemars(extend("default" = 3600))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub switchover_delay: Option<i32>,
    /// How long a primary may be unwell before another instance takes over. Default: 0.
    #[schemars(extend("default" = 0))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failover_delay: Option<i32>,
    /// How long the liveness probe may fail, if `probes` does not say. Default: 30.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub liveness_probe_timeout: Option<i32>,
    /// Probes of the pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probes: Option<ProbesConfiguration>,
    /// The lease that a primary must hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary_lease: Option<PrimaryLeaseConfiguration>,
    /// Whether updates of the primary wait for a person. Default: `unsupervised`.
    #[schemars(extend("default" = "unsupervised"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary_update_strategy: Option<PrimaryUpdateStrategy>,
    /// How the primary is updated. Default: `restart`.
    #[schemars(extend("default" = "restart"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary_update_method: Option<PrimaryUpdateMethod>,
    /// Maintenance of nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_maintenance_window: Option<NodeMaintenanceWindow>,
    /// Whether `PodDisruptionBudget`s protect the instances. Default: `true`.
    #[schemars(extend("default" = true))]
    #[serde(rename = "enablePDB", skip_serializing_if = "Option::is_none")]
    pub enable_pdb: Option<bool>,
    /// Metrics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monitoring: Option<MonitoringConfiguration>,
    /// How much instances log. Default: `info`.
    #[schemars(extend("default" = "info"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_level: Option<LogLevel>,
}
