//! Who archives a cluster's WAL, where to, and where its backups are made.

use super::{
    super::{
        backup::BackupTarget,
        plugin::{BARMAN_CLOUD, BarmanCloudParameters, PgBackRestParameters, PluginConfiguration},
    },
    Cluster,
};
use crate::crd::barman_cloud::{
    BarmanObjectStoreConfiguration, InvalidRetentionPolicy, ObjectStore, RetentionPolicy,
};

/// With the value `enabled`: do not look whether the archive is empty before the first WAL.
const SKIP_EMPTY_ARCHIVE_CHECK: &str = "cnpg.io/skipEmptyWalArchiveCheck";
/// With the value `enabled`: archive nothing.
const SKIP_ARCHIVING: &str = "cnpg.io/skipWalArchiving";

impl Cluster {
    /// Returns the entry of a plugin, on or off: the last one of its name, which is the one that
    /// plugins read their parameters from.
    ///
    /// ```
    /// # use walcast::crd::cnpg::{Cluster, ClusterSpec, PluginConfiguration};
    /// let plugins = vec![
    ///     PluginConfiguration::barman_cloud("old"),
    ///     PluginConfiguration::barman_cloud("new"),
    /// ];
    /// let cluster = Cluster::new("db", ClusterSpec { plugins: Some(plugins), ..ClusterSpec::default() });
    ///
    /// let plugin = cluster.plugin("barman-cloud.cloudnative-pg.io").unwrap();
    /// assert_eq!(plugin.get("barmanObjectName"), Some("new"));
    /// assert_eq!(cluster.plugin("pgbackrest.dalibo.com"), None);
    /// ```
    pub fn plugin(&self, name: &str) -> Option<&PluginConfiguration> {
        self.plugins().iter().rfind(|plugin| plugin.name == name)
    }

    /// Returns the plugins that are used, in their order.
    pub fn enabled_plugins(&self) -> impl DoubleEndedIterator<Item = &PluginConfiguration> {
        self.plugins().iter().filter(|plugin| plugin.is_enabled())
    }

    /// Returns the plugin without which no WAL counts as archived.
    ///
    /// Without one, a plugin that is not there is passed over in silence, and WAL may be lost.
    pub fn wal_archiver(&self) -> Option<&PluginConfiguration> {
        self.enabled_plugins()
            .find(|plugin| plugin.is_wal_archiver())
    }

    /// Returns the plugins that get WAL: all that are used, whether or not one of them is the
    /// archiver. Those that do not archive, or have no container in the pod, are passed over.
    ///
    /// ```
    /// # use walcast::crd::cnpg::{Cluster, ClusterSpec, PluginConfiguration};
    /// let mut fading = PluginConfiguration::barman_cloud("offsite");
    /// fading.is_wal_archiver = Some(false);
    /// let plugins = vec![fading, PluginConfiguration::pgbackrest("db")];
    /// let cluster = Cluster::new("db", ClusterSpec { plugins: Some(plugins), ..ClusterSpec::default() });
    ///
    /// assert_eq!(cluster.wal_archiver().unwrap().name, "pgbackrest.dalibo.com");
    /// assert_eq!(cluster.archiving_plugins().count(), 2);
    /// ```
    pub fn archiving_plugins(&self) -> impl DoubleEndedIterator<Item = &PluginConfiguration> {
        self.enabled_plugins()
    }

    /// Returns the place to which the operator itself archives and backs up; it archives there
    /// only if no plugin is the archiver.
    pub fn in_tree_store(&self) -> Option<&BarmanObjectStoreConfiguration> {
        self.spec.backup.as_ref()?.barman_object_store.as_ref()
    }

    /// Returns whether the operator itself archives WAL.
    pub fn archives_in_tree(&self) -> bool {
        self.in_tree_store().is_some() && self.wal_archiver().is_none()
    }

    /// Returns what the Barman Cloud plugin takes from the cluster; `None` if neither it nor the
    /// source of a recovery or replica uses that plugin.
    ///
    /// ```
    /// # use walcast::crd::cnpg::{Cluster, ClusterSpec, PluginConfiguration};
    /// let plugin = PluginConfiguration::barman_cloud("offsite").parameter("serverName", "db-v2");
    /// let spec = ClusterSpec { plugins: Some(vec![plugin]), ..ClusterSpec::default() };
    /// let cluster = Cluster::new("db", spec);
    ///
    /// let barman = cluster.barman_cloud().unwrap();
    /// assert_eq!((barman.object_store, barman.server_name), (Some("offsite"), "db-v2"));
    /// assert_eq!(barman.recovery, None);
    /// ```
    pub fn barman_cloud(&self) -> Option<BarmanCloudParameters<'_>> {
        BarmanCloudParameters::of(self)
    }

    /// Returns what the pgBackRest plugin takes from the cluster; `None` if neither it nor the
    /// source of a recovery or replica uses that plugin.
    pub fn pgbackrest(&self) -> Option<PgBackRestParameters<'_>> {
        PgBackRestParameters::of(self)
    }

    /// Returns the folder of the cluster in its Barman Cloud store: the plugin's if the plugin is
    /// used, else the operator's own, else the cluster's name, which is the default of both.
    ///
    /// ```
    /// # use walcast::crd::cnpg::{Cluster, ClusterSpec, PluginConfiguration};
    /// let mut cluster = Cluster::new("db", ClusterSpec::default());
    /// assert_eq!(cluster.server_name(), "db");
    ///
    /// let plugin = PluginConfiguration::barman_cloud("offsite").parameter("serverName", "db-v2");
    /// cluster.spec.plugins = Some(vec![plugin]);
    /// assert_eq!(cluster.server_name(), "db-v2");
    /// ```
    pub fn server_name(&self) -> &str {
        if self.uses_barman_cloud() {
            let plugin = self.barman_cloud();
            return plugin.map_or_else(|| self.name(), |plugin| plugin.server_name);
        }
        let written = self
            .in_tree_store()
            .and_then(|store| store.server_name.as_deref());
        written
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| self.name())
    }

    /// Returns on which instance backups are made that do not say so, also by plugins. Default: on
    /// a standby if there is one.
    pub fn backup_target(&self) -> BackupTarget {
        let backup = self.spec.backup.as_ref();
        backup
            .and_then(|backup| backup.target.as_ref())
            .filter(|target| target.is_chosen())
            .cloned()
            .unwrap_or(BackupTarget::PreferStandby)
    }

    /// Returns for how long backups in its Barman Cloud store are kept; `None` is for ever.
    ///
    /// With the plugin it is the policy of its `ObjectStore`, if that is among `stores` and in the
    /// cluster's namespace, and with the operator's own backups it is that of the cluster. What a
    /// cluster says without having such a place means nothing. Repositories of pgBackRest have
    /// policies of their own.
    pub fn retention_policy<'a>(
        &self,
        stores: impl IntoIterator<Item = &'a ObjectStore>,
    ) -> Option<Result<RetentionPolicy, InvalidRetentionPolicy>> {
        if self.uses_barman_cloud() {
            let name = self.barman_cloud()?.object_store?;
            let store = stores.into_iter().find(|store| {
                store.metadata.name.as_deref() == Some(name)
                    && store.metadata.namespace == self.metadata.namespace
            });
            return store?.spec.retention_policy();
        }
        let backup = self.spec.backup.as_ref()?;
        backup.barman_object_store.as_ref()?;
        backup.retention_policy()
    }

    /// Returns whether the first WAL goes into an archive that may not be empty.
    pub fn skips_empty_archive_check(&self) -> bool {
        self.annotation(SKIP_EMPTY_ARCHIVE_CHECK) == Some("enabled")
    }

    /// Returns whether nothing is archived at all.
    pub fn skips_archiving(&self) -> bool {
        self.annotation(SKIP_ARCHIVING) == Some("enabled")
    }

    fn uses_barman_cloud(&self) -> bool {
        let mut used = self.enabled_plugins();
        used.any(|plugin| plugin.name == BARMAN_CLOUD)
    }

    fn plugins(&self) -> &[PluginConfiguration] {
        self.spec.plugins.as_deref().unwrap_or_default()
    }
}
