//! Other clusters that a cluster comes from or follows.

use super::{super::plugin::PluginConfiguration, BootstrapRecovery, Cluster, ExternalCluster};

impl Cluster {
    /// Returns an external cluster by its name.
    pub fn external_cluster(&self, name: &str) -> Option<&ExternalCluster> {
        let mut clusters = self.spec.external_clusters.iter().flatten();
        clusters.find(|cluster| cluster.name == name)
    }

    /// Returns how the cluster was or is to be restored.
    pub fn recovery(&self) -> Option<&BootstrapRecovery> {
        self.spec.bootstrap.as_ref()?.recovery.as_ref()
    }

    /// Returns the external cluster that the cluster was or is to be restored from; `None` also if
    /// it is restored from a Backup or from snapshots alone, or if the one it names is not there.
    ///
    /// ```
    /// # use walcast::crd::cnpg::{
    /// #     BARMAN_CLOUD, BootstrapConfiguration, Cluster, ClusterSpec, ExternalCluster,
    /// #     PluginConfiguration,
    /// # };
    /// let plugin = PluginConfiguration::new(BARMAN_CLOUD)
    ///     .parameter("barmanObjectName", "offsite")
    ///     .parameter("serverName", "db-v1");
    /// let cluster = Cluster::new("db", ClusterSpec {
    ///     bootstrap: Some(BootstrapConfiguration::recover_from("origin")),
    ///     external_clusters: Some(vec![ExternalCluster::by_plugin("origin", plugin)]),
    ///     ..ClusterSpec::default()
    /// });
    ///
    /// assert_eq!(cluster.recovery_source().unwrap().name, "origin");
    /// assert_eq!(cluster.recovery_plugin().unwrap().name, BARMAN_CLOUD);
    /// assert_eq!(cluster.recovery_server_name(), Some("db-v1"));
    /// ```
    pub fn recovery_source(&self) -> Option<&ExternalCluster> {
        self.external_cluster(self.recovery()?.source.as_deref()?)
    }

    /// Returns the plugin that has the backups which the cluster was or is to be restored from.
    pub fn recovery_plugin(&self) -> Option<&PluginConfiguration> {
        self.recovery_source()?.plugin.as_ref()
    }

    /// Returns the folder in the Barman Cloud store that the cluster was or is to be restored from.
    ///
    /// The plugin's default is the name of this cluster; that of the operator's own tools is the
    /// name of the external one.
    pub fn recovery_server_name(&self) -> Option<&str> {
        if let Some(source) = self.barman_cloud().and_then(|plugin| plugin.recovery) {
            return Some(source.server_name);
        }
        let source = self.recovery_source()?;
        source.barman_object_store.as_ref()?;
        Some(source.in_tree_server_name())
    }

    /// Returns the external cluster that the cluster follows while it is a replica.
    pub fn replica_source(&self) -> Option<&ExternalCluster> {
        self.external_cluster(&self.spec.replica.as_ref()?.source)
    }

    /// Returns the plugin that has the WAL which the cluster replays while it is a replica.
    pub fn replica_plugin(&self) -> Option<&PluginConfiguration> {
        self.replica_source()?.plugin.as_ref()
    }

    /// Returns whether the cluster follows another one: it says so outright, or another one than
    /// itself is the primary one.
    ///
    /// ```
    /// # use walcast::crd::cnpg::{Cluster, ClusterSpec, ReplicaClusterConfiguration};
    /// let mut replica = ReplicaClusterConfiguration {
    ///     source: "eu".to_owned(),
    ///     primary: Some("eu".to_owned()),
    ///     ..ReplicaClusterConfiguration::default()
    /// };
    /// let spec = ClusterSpec { replica: Some(replica.clone()), ..ClusterSpec::default() };
    /// assert!(Cluster::new("us", spec.clone()).is_replica_cluster());
    /// assert!(!Cluster::new("eu", spec).is_replica_cluster());
    ///
    /// replica.enabled = Some(false);
    /// let spec = ClusterSpec { replica: Some(replica), ..ClusterSpec::default() };
    /// assert!(!Cluster::new("us", spec).is_replica_cluster());
    /// ```
    pub fn is_replica_cluster(&self) -> bool {
        let Some(replica) = &self.spec.replica else {
            return false;
        };
        if let Some(enabled) = replica.enabled {
            return enabled;
        }
        let own = replica.self_name.as_deref();
        let own = own.filter(|name| !name.is_empty());
        let primary = replica.primary.as_deref().unwrap_or_default();
        own.unwrap_or_else(|| self.name()) != primary
    }
}
