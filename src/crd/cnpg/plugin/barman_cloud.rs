//! What the Barman Cloud plugin (0.14) reads from a cluster.

use super::{super::cluster::Cluster, PluginConfiguration};

/// The name of the Barman Cloud plugin.
pub const BARMAN_CLOUD: &str = "barman-cloud.cloudnative-pg.io";

/// The parameter with the name of the `ObjectStore`.
pub(super) const OBJECT_NAME: &str = "barmanObjectName";
/// The parameter with the folder below the store's path.
const SERVER_NAME: &str = "serverName";

/// What the Barman Cloud plugin takes from a cluster.
///
/// Each pair is an `ObjectStore` in the cluster's namespace and the folder in it; without a store
/// there is nothing to do. Of several entries of the plugin the last one names the store, even if
/// it is off, and the last one that is on and has a `serverName` names the folder: that is how the
/// plugin reads them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BarmanCloudParameters<'a> {
    /// Where WAL and backups go; without it the plugin does neither.
    pub object_store: Option<&'a str>,
    /// The folder there. Default: the cluster's name.
    pub server_name: &'a str,
    /// From where the cluster was or is to be restored.
    pub recovery: Option<BarmanCloudSource<'a>>,
    /// From where a replica cluster gets its WAL.
    pub replica: Option<BarmanCloudSource<'a>>,
}

/// A place from which the Barman Cloud plugin restores.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BarmanCloudSource<'a> {
    /// The `ObjectStore`.
    pub object_store: Option<&'a str>,
    /// The folder there. Default: the name of the cluster that is restored, not that of the
    /// cluster that was backed up.
    pub server_name: &'a str,
}

impl<'a> BarmanCloudParameters<'a> {
    /// Reads `cluster`; `None` if neither it nor a source of it uses the plugin.
    pub(in crate::crd::cnpg) fn of(cluster: &'a Cluster) -> Option<Self> {
        let own = cluster.plugin(BARMAN_CLOUD);
        let recovery = source(cluster, cluster.recovery_plugin());
        let replica = source(cluster, cluster.replica_plugin());
        if own.is_none() && recovery.is_none() && replica.is_none() {
            return None;
        }
        let named = cluster
            .enabled_plugins()
            .filter(|plugin| plugin.name == BARMAN_CLOUD)
            .filter_map(|plugin| plugin.get(SERVER_NAME))
            .next_back();
        Some(Self {
            object_store: own.and_then(|plugin| plugin.filled(OBJECT_NAME)),
            server_name: named.unwrap_or_else(|| cluster.name()),
            recovery,
            replica,
        })
    }
}

fn source<'a>(
    cluster: &'a Cluster,
    plugin: Option<&'a PluginConfiguration>,
) -> Option<BarmanCloudSource<'a>> {
    let plugin = plugin.filter(|plugin| plugin.name == BARMAN_CLOUD)?;
    let server_name = plugin.filled(SERVER_NAME);
    Some(BarmanCloudSource {
        object_store: plugin.filled(OBJECT_NAME),
        server_name: server_name.unwrap_or_else(|| cluster.name()),
    })
}
