//! What the pgBackRest plugin of Dalibo (0.0.3) reads from a cluster and from a backup.

use super::{super::cluster::Cluster, PluginConfiguration};

/// The name of Dalibo's pgBackRest plugin.
pub const PGBACKREST: &str = "pgbackrest.dalibo.com";

/// The parameter with the name of the Stanza.
pub(super) const STANZA_REF: &str = "stanzaRef";
/// The parameter with the name of the Repository, before Stanzas.
const REPOSITORY_REF: &str = "repositoryRef";
/// The parameter with the name of the `PluginConfig`.
const PLUGIN_CONFIG_REF: &str = "pluginConfigRef";
/// The parameter of a backup with the number of the repository it goes to.
pub(super) const SELECTED_REPOSITORY: &str = "selectedRepository";
/// The parameter of a backup with how much of the cluster it copies.
pub(super) const BACKUP_TYPE: &str = "backupType";

/// What the pgBackRest plugin takes from a cluster.
///
/// Names are those of resources in the cluster's namespace. Of several entries of the plugin the
/// last one counts, even if it is off. In an external cluster the plugin reads its own parameters
/// without looking whether the entry is its own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PgBackRestParameters<'a> {
    /// The Stanza; without it the plugin does nothing.
    pub stanza: Option<&'a str>,
    /// The Repository, in place of the Stanza, for the plugin before its first release.
    pub repository: Option<&'a str>,
    /// The `PluginConfig`.
    pub plugin_config: Option<&'a str>,
    /// The Stanza from which the cluster was or is to be restored.
    pub recovery_stanza: Option<&'a str>,
    /// The Stanza from which a replica cluster gets its WAL.
    pub replica_stanza: Option<&'a str>,
}

impl<'a> PgBackRestParameters<'a> {
    /// Reads `cluster`; `None` if neither it nor a source of it names the plugin or a Stanza.
    pub(in crate::crd::cnpg) fn of(cluster: &'a Cluster) -> Option<Self> {
        let own = cluster.plugin(PGBACKREST);
        let stanza = |plugin: &'a PluginConfiguration| plugin.filled(STANZA_REF);
        let recovery_stanza = cluster.recovery_plugin().and_then(stanza);
        let replica_stanza = cluster.replica_plugin().and_then(stanza);
        if own.is_none() && recovery_stanza.is_none() && replica_stanza.is_none() {
            return None;
        }
        Some(Self {
            stanza: own.and_then(stanza),
            repository: own.and_then(|plugin| plugin.filled(REPOSITORY_REF)),
            plugin_config: own.and_then(|plugin| plugin.filled(PLUGIN_CONFIG_REF)),
            recovery_stanza,
            replica_stanza,
        })
    }
}
