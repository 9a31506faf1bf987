//! What holds where a cluster says nothing.

use super::{
    ClusterSpec, PrimaryUpdateMethod, PrimaryUpdateStrategy, ReplicationSlotsConfiguration,
};
use crate::crd::barman_cloud::LogLevel;

/// The user and group of PostgreSQL in the images of CloudNativePG.
const POSTGRES_ID: i64 = 26;

impl ClusterSpec {
    /// Returns how many instances there are, the primary included. Default: 1.
    pub fn instances(&self) -> i64 {
        self.instances.unwrap_or(1)
    }

    /// Returns the user that PostgreSQL runs as. Default: 26.
    pub fn postgres_uid(&self) -> i64 {
        self.postgres_uid.unwrap_or(POSTGRES_ID)
    }

    /// Returns the group that PostgreSQL runs as. Default: 26.
    pub fn postgres_gid(&self) -> i64 {
        self.postgres_gid.unwrap_or(POSTGRES_ID)
    }

    /// Returns how few standbys must confirm a commit, the old way. Default: 0.
    pub fn min_sync_replicas(&self) -> i64 {
        self.min_sync_replicas.unwrap_or(0)
    }

    /// Returns how many standbys must confirm a commit while they are ready, the old way.
    /// Default: 0.
    pub fn max_sync_replicas(&self) -> i64 {
        self.max_sync_replicas.unwrap_or(0)
    }

    /// Returns whether each standby has a replication slot. Default: `true`.
    pub fn has_high_availability_slots(&self) -> bool {
        self.replication_slots
            .as_ref()
            .is_none_or(ReplicationSlotsConfiguration::has_high_availability_slots)
    }

    /// Returns whether the role `postgres` has a password. Default: `false`.
    pub fn enable_superuser_access(&self) -> bool {
        self.enable_superuser_access.unwrap_or(false)
    }

    /// Returns how many seconds PostgreSQL may take to start. Default: 3600.
    pub fn start_delay(&self) -> i32 {
        self.start_delay.unwrap_or(3600)
    }

    /// Returns how many seconds PostgreSQL may take to stop. Default: 1800.
    pub fn stop_delay(&self) -> i32 {
        self.stop_delay.unwrap_or(1800)
    }

    /// Returns how many of these seconds clients have to leave by themselves. Default: 180.
    pub fn smart_shutdown_timeout(&self) -> i32 {
        self.smart_shutdown_timeout.unwrap_or(180)
    }

    /// Returns how many seconds the primary may take to make way for another. Default: 3600.
    pub fn switchover_delay(&self) -> i32 {
        self.switchover_delay.unwrap_or(3600)
    }

    /// Returns for how many seconds a primary may be unwell. Default: 0.
    pub fn failover_delay(&self) -> i32 {
        self.failover_delay.unwrap_or(0)
    }

    /// Returns whether updates of the primary wait for a person. Default: `unsupervised`.
    pub fn primary_update_strategy(&self) -> PrimaryUpdateStrategy {
        self.primary_update_strategy
            .clone()
            .unwrap_or(PrimaryUpdateStrategy::Unsupervised)
    }

    /// Returns how the primary is updated. Default: `restart`.
    pub fn primary_update_method(&self) -> PrimaryUpdateMethod {
        self.primary_update_method
            .clone()
            .unwrap_or(PrimaryUpdateMethod::Restart)
    }

    /// Returns whether `PodDisruptionBudget`s protect the instances. Default: `true`.
    pub fn enable_pdb(&self) -> bool {
        self.enable_pdb.unwrap_or(true)
    }

    /// Returns how much instances log. Default: `info`.
    pub fn log_level(&self) -> LogLevel {
        self.log_level.clone().unwrap_or(LogLevel::Info)
    }
}
