//! The resource `Stanza`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    ArchiveConfiguration, AzureRepository, BackupsCount, CompressConfiguration, Compression,
    LogLevel, PluginVersion, RecoveryWindow, Repositories, S3Repository,
};
use crate::crd::{core::Condition, definition::Int, resource::resource};

resource! {
    /// A pgBackRest stanza: a cluster's backups in one or several repositories.
    pub struct Stanza {
        spec: StanzaSpec,
        status: StanzaStatus,
    }
    "pgbackrest.dalibo.com" / "v1", "stanzas", metadata: optional
}

/// What is wanted of a `Stanza`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StanzaSpec {
    /// Where the backups are and how to make them.
    pub stanza_configuration: StanzaConfiguration,
}

/// Where the backups of a stanza are and how to make them.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StanzaConfiguration {
    /// The stanza's name, which is a folder in each repository.
    #[schemars(length(min = 1))]
    pub name: String,
    /// Repositories in S3. Their place in the list is their number, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s3_repositories: Option<Vec<S3Repository>>,
    /// Repositories in Azure, numbered after all in S3. Since release 0.0.1b.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub azure_repositories: Option<Vec<AzureRepository>>,
    /// How WAL is archived and fetched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive: Option<ArchiveConfiguration>,
    /// Processes that compress and send, from 1 to 999. Default: 1.
    #[schemars(with = "Option<Int>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process_max: Option<i64>,
    /// What base backups and WAL are compressed with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compress_config: Option<CompressConfiguration>,
    /// Whether a backup begins with a checkpoint at once. Default: depends on the release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_fast: Option<bool>,
    /// Whether backup and restore compare files by checksum. Default: depends on the release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delta: Option<bool>,
    /// What pgBackRest says on the console. Default: `warn`.
    #[schemars(extend("default" = "warn"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_level: Option<LogLevel>,
    /// Further environment variables for pgBackRest; those that the plugin sets win. Since release
    /// 0.0.1b.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_env_var: Option<BTreeMap<String, String>>,
}

impl StanzaConfiguration {
    /// Returns the repositories by their number.
    pub fn repositories(&self) -> Repositories<'_> {
        Repositories {
            s3: self.s3_repositories.as_deref().unwrap_or_default(),
            azure: self.azure_repositories.as_deref().unwrap_or_default(),
        }
    }

    /// Returns how many processes compress and send.
    pub fn process_max(&self) -> i64 {
        self.process_max.unwrap_or(1)
    }

    /// Returns what base backups and WAL are compressed with.
    pub fn compression(&self) -> Compression {
        let configuration = self.compress_config.as_ref();
        configuration.map_or(Compression::Gz, CompressConfiguration::compression)
    }

    /// Returns whether a backup begins with a checkpoint at once when the plugin is of `version`:
    /// it does up to 0.0.2 where nothing is written, and does not since.
    pub fn starts_fast(&self, version: PluginVersion) -> bool {
        self.start_fast.unwrap_or(version < PluginVersion::V0_0_3)
    }

    /// Returns whether files are compared by checksum when the plugin is of `version`: they are up
    /// to 0.0.2 where nothing is written, and are not since.
    pub fn uses_delta(&self, version: PluginVersion) -> bool {
        self.delta.unwrap_or(version < PluginVersion::V0_0_3)
    }

    /// Returns what pgBackRest says on the console.
    pub fn log_level(&self) -> LogLevel {
        self.log_level.clone().unwrap_or(LogLevel::Warn)
    }
}

/// What the plugin last found in the repositories of a `Stanza`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StanzaStatus {
    /// Conditions; no release of the plugin sets one.
    #[schemars(extend(
        "x-kubernetes-list-type" = "map",
        "x-kubernetes-list-map-keys" = ["type"],
    ))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conditions: Option<Vec<Condition>>,
    /// The oldest and the newest backup.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovery_window: Option<RecoveryWindow>,
    /// How many backups there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backups_count: Option<BackupsCount>,
}

impl Stanza {
    /// Returns the resource `name` for the stanza `stanza`, with no repository yet.
    ///
    /// ```
    /// use walcast::crd::pgbackrest::{RetentionPolicy, S3Repository, Stanza};
    ///
    /// let near = S3Repository::new("near", "s3.eu-central-1.amazonaws.com", "eu-central-1", "/pg")
    ///     .with_keys("near-keys", "id", "secret")
    ///     .with_retention(RetentionPolicy::fulls(4));
    /// let far = S3Repository::new("far", "s3.us-west-2.amazonaws.com", "us-west-2", "/pg")
    ///     .with_keys("far-keys", "id", "secret")
    ///     .with_retention(RetentionPolicy::days(90));
    /// let stanza = Stanza::named("backups", "main").with_s3(near).with_s3(far);
    ///
    /// let repositories = stanza.spec.stanza_configuration.repositories();
    /// assert_eq!(repositories.selected(Some("2"))?.repository.repo_path(), "/pg");
    /// # Ok::<(), walcast::crd::pgbackrest::InvalidSelection>(())
    /// ```
    pub fn named(name: impl Into<String>, stanza: impl Into<String>) -> Self {
        let stanza_configuration = StanzaConfiguration {
            name: stanza.into(),
            ..StanzaConfiguration::default()
        };
        Self::new(
            name,
            StanzaSpec {
                stanza_configuration,
            },
        )
    }

    /// Adds a repository in S3, behind those that are there.
    #[must_use]
    pub fn with_s3(mut self, repository: S3Repository) -> Self {
        let configuration = &mut self.spec.stanza_configuration;
        let repositories = configuration.s3_repositories.get_or_insert_default();
        repositories.push(repository);
        self
    }

    /// Adds a repository in Azure, behind those that are there.
    #[must_use]
    pub fn with_azure(mut self, repository: AzureRepository) -> Self {
        let configuration = &mut self.spec.stanza_configuration;
        let repositories = configuration.azure_repositories.get_or_insert_default();
        repositories.push(repository);
        self
    }

    /// Sets what base backups and WAL are compressed with.
    #[must_use]
    pub fn with_compression(mut self, compression: Compression) -> Self {
        let configuration = &mut self.spec.stanza_configuration;
        let compress = configuration.compress_config.get_or_insert_default();
        compress.r#type = Some(compression);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_written_is_on_up_to_release_0_0_2() {
        let silent = StanzaConfiguration::default();
        let early: PluginVersion = "v0.0.2".parse().unwrap();

        assert!(silent.starts_fast(early) && silent.uses_delta(early));
        let late = PluginVersion::V0_0_3;
        assert!(!silent.starts_fast(late) && !silent.uses_delta(late));
        let written = StanzaConfiguration {
            start_fast: Some(true),
            delta: Some(false),
            ..StanzaConfiguration::default()
        };
        assert!(written.starts_fast(late) && !written.uses_delta(early));
    }
}
