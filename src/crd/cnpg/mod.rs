//! Resources of CloudNativePG (`postgresql.cnpg.io/v1`).
//!
//! Fields and rules are those of the resource definitions of CloudNativePG 1.30. Beside the fields
//! there are methods for what follows from several of them: who archives, under which name, to
//! which place, from which source.
//!
//! ```
//! use walcast::crd::cnpg::{
//!     BackupTarget, Cluster, ClusterSpec, PluginConfiguration, ScheduledBackup, StorageConfiguration,
//! };
//!
//! let cluster = Cluster::new("db", ClusterSpec {
//!     instances: Some(3),
//!     storage: Some(StorageConfiguration::sized("20Gi")),
//!     plugins: Some(vec![PluginConfiguration::barman_cloud("offsite")]),
//!     ..ClusterSpec::default()
//! });
//! let archiver = cluster.wal_archiver().ok_or("nobody archives")?;
//! let nightly = ScheduledBackup::for_plugin("db-nightly", "db", archiver.name.as_str(), "0 0 3 * * *");
//!
//! assert_eq!(archiver.get("barmanObjectName"), Some("offsite"));
//! assert_eq!(cluster.server_name(), "db");
//! assert_eq!(nightly.spec.effective_target(&cluster), BackupTarget::PreferStandby);
//! # Ok::<(), &str>(())
//! ```

mod backup;
mod cluster;
mod database;
mod metadata;
mod monitoring;
mod plugin;
mod pooler;
mod scheduled_backup;
#[cfg(test)]
mod tests;

pub use self::{
    backup::{
        Backup, BackupMethod, BackupPhase, BackupSnapshotStatus, BackupSpec, BackupStatus,
        BackupTarget, InstanceId, OnlineConfiguration, SnapshotElement, SnapshotElementType,
    },
    cluster::*,
    database::{
        Database, DatabaseObjectStatus, DatabaseReclaimPolicy, DatabaseSpec, DatabaseStatus,
        Ensure, ExtensionSpec, FdwSpec, OptionSpec, SchemaSpec, ServerSpec, UsageSpec, UsageType,
    },
    metadata::{
        InheritedMetadata, Metadata, PodTemplateSpec, ServiceAccountTemplate, ServiceTemplateSpec,
    },
    monitoring::{
        MonitoringConfiguration, MonitoringTls, PoolerMonitoringConfiguration, RelabelAction,
        RelabelConfig,
    },
    plugin::{
        BARMAN_CLOUD, BackupPluginConfiguration, BarmanCloudParameters, BarmanCloudSource,
        PGBACKREST, PgBackRestParameters, PluginConfiguration,
    },
    pooler::{
        PgBouncerSecrets, PgBouncerSpec, PoolMode, Pooler, PoolerImageCatalogRef, PoolerPhase,
        PoolerSecrets, PoolerSpec, PoolerStatus, PoolerType, SecretVersion,
    },
    scheduled_backup::{
        BackupOwnerReference, ScheduledBackup, ScheduledBackupSpec, ScheduledBackupStatus,
    },
};
