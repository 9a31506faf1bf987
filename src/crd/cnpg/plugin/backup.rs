//! What a plugin is told of one backup.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    super::backup::BackupTarget,
    pgbackrest::{self, PGBACKREST},
};
use crate::crd::pgbackrest::BackupType;

/// The plugin that makes a backup, and what it is told.
///
/// The Barman Cloud plugin (up to 0.14) does not look at the parameters: it writes to the store
/// that the Cluster names. The pgBackRest plugin reads `selectedRepository` and `backupType`.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct BackupPluginConfiguration {
    /// The name of the plugin, which the Cluster must list as well.
    pub name: String,
    /// What it is told; the operator passes it on unread.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<BTreeMap<String, String>>,
}

impl BackupPluginConfiguration {
    /// Chooses the plugin `name`.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            parameters: None,
        }
    }

    /// Chooses the pgBackRest plugin and one of its repositories, counted from 1 in the order of
    /// the Stanza.
    ///
    /// ```
    /// # use walcast::crd::{cnpg::BackupPluginConfiguration, pgbackrest::BackupType};
    /// let plugin = BackupPluginConfiguration::pgbackrest(2).backup_type(BackupType::Full);
    ///
    /// assert_eq!(plugin.name, "pgbackrest.dalibo.com");
    /// assert_eq!(plugin.get("selectedRepository"), Some("2"));
    /// assert_eq!(plugin.get("backupType"), Some("full"));
    /// ```
    pub fn pgbackrest(repository: u32) -> Self {
        Self::new(PGBACKREST).parameter(pgbackrest::SELECTED_REPOSITORY, repository.to_string())
    }

    /// Sets a parameter.
    #[must_use]
    pub fn parameter(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        let parameters = self.parameters.get_or_insert_default();
        parameters.insert(key.into(), value.into());
        self
    }

    /// Sets how much the pgBackRest plugin copies.
    #[must_use]
    pub fn backup_type(self, backup_type: impl Into<BackupType>) -> Self {
        self.parameter(pgbackrest::BACKUP_TYPE, backup_type.into().as_str())
    }

    /// Returns a parameter.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.parameters.as_ref()?.get(key).map(String::as_str)
    }

    /// Returns which repository the pgBackRest plugin writes to as it is written; what it means
    /// depends on the stanza, see [`Repositories::selected`].
    ///
    /// ```
    /// # use walcast::crd::{
    /// #     cnpg::BackupPluginConfiguration,
    /// #     pgbackrest::{S3Repository, Stanza},
    /// # };
    /// let near = S3Repository::new("near", "s3.example", "auto", "/db");
    /// let far = S3Repository::new("far", "s3.example", "auto", "/db");
    /// let stanza = Stanza::named("db", "db").with_s3(near).with_s3(far);
    /// let plugin = BackupPluginConfiguration::pgbackrest(2);
    ///
    /// let repositories = stanza.spec.stanza_configuration.repositories();
    /// let selected = repositories.selected(plugin.selected_repository())?;
    ///
    /// assert_eq!(selected.number, 2);
    /// # Ok::<(), walcast::crd::pgbackrest::InvalidSelection>(())
    /// ```
    ///
    /// [`Repositories::selected`]: crate::crd::pgbackrest::Repositories::selected
    pub fn selected_repository(&self) -> Option<&str> {
        self.get(pgbackrest::SELECTED_REPOSITORY)
    }

    /// Returns how much the pgBackRest plugin copies. Default: what changed since the last backup
    /// ([`BackupType::Incr`]), which is everything if there is none.
    pub fn effective_backup_type(&self) -> BackupType {
        match self.get(pgbackrest::BACKUP_TYPE) {
            None | Some("") => BackupType::Incr,
            Some(text) => text.into(),
        }
    }

    /// Returns where backups by this plugin have to be made, if it cannot make them anywhere:
    /// pgBackRest wants the primary.
    pub fn required_target(&self) -> Option<BackupTarget> {
        (self.name == PGBACKREST).then_some(BackupTarget::Primary)
    }
}

impl From<&str> for BackupPluginConfiguration {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}
