//! The resource `Repository`, which became `Stanza` before the plugin's first release.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::{
    ArchiveConfiguration, LogLevel, RecoveryWindow, Repositories, S3Repository, Stanza,
    StanzaConfiguration, StanzaSpec,
};
use crate::crd::{core::Condition, definition::Int, resource::resource};

resource! {
    /// A pgBackRest stanza of the plugin before its first release, which called it so.
    pub struct Repository {
        spec: RepositorySpec,
        status: RepositoryStatus,
    }
    "pgbackrest.dalibo.com" / "v1", "repositories", metadata: optional
}

/// What is wanted of a `Repository`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RepositorySpec {
    /// Where the backups are and how to make them.
    pub repo_configuration: RepositoryConfiguration,
}

/// Where the backups of a `Repository` are and how to make them.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RepositoryConfiguration {
    /// The stanza's name, which is a folder in each repository.
    #[schemars(length(min = 1))]
    pub stanza: String,
    /// Repositories in S3, without encryption. Their place in the list is their number, from 1.
    #[schemars(schema_with = "s3_repositories")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3_repositories: Option<Vec<S3Repository>>,
    /// How WAL is archived and fetched.
    #[schemars(schema_with = "archive")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive: Option<ArchiveConfiguration>,
    /// Processes that compress and send, from 1 to 999. Default: 1.
    #[schemars(with = "Option<Int>", extend("default" = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process_max: Option<i64>,
}

impl RepositoryConfiguration {
    /// Returns the repositories by their number.
    pub fn repositories(&self) -> Repositories<'_> {
        Repositories {
            s3: self.s3_repositories.as_deref().unwrap_or_default(),
            azure: &[],
        }
    }
}

/// What the plugin last found in the repositories of a `Repository`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RepositoryStatus {
    /// Conditions; the plugin never set one.
    #[schemars(extend(
        "x-kubernetes-list-type" = "map",
        "x-kubernetes-list-map-keys" = ["type"],
    ))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conditions: Option<Vec<Condition>>,
    /// The oldest and the newest backup.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovery_window: Option<RecoveryWindow>,
}

impl Repository {
    /// Returns the stanza that behaves alike in every release, with the metadata of this resource.
    ///
    /// What the plugin did without being asked is written out: checksums, immediate checkpoints,
    /// its log level, the check of certificates. The stanza keeps its name, without which its
    /// backups would not be found. References to it (`repositoryRef` of clusters) become
    /// `stanzaRef`.
    pub fn to_stanza(&self) -> Stanza {
        let old = &self.spec.repo_configuration;
        let mut s3_repositories = old.s3_repositories.clone();
        for repository in s3_repositories.iter_mut().flatten() {
            repository.verify_tls.get_or_insert(true);
        }
        let stanza_configuration = StanzaConfiguration {
            name: old.stanza.clone(),
            s3_repositories,
            archive: old.archive.clone(),
            process_max: old.process_max,
            start_fast: Some(true),
            delta: Some(true),
            log_level: Some(LogLevel::Info),
            ..StanzaConfiguration::default()
        };
        Stanza {
            metadata: self.metadata.clone(),
            spec: StanzaSpec {
                stanza_configuration,
            },
            status: None,
        }
    }
}

/// Certificates were checked unless it was said otherwise, and nothing was encrypted.
fn s3_repositories(generator: &mut SchemaGenerator) -> Schema {
    let mut repository = S3Repository::json_schema(generator);
    if let Some(properties) = repository.pointer_mut("/properties") {
        properties["verifyTLS"]["default"] = true.into();
        properties.as_object_mut().map(|p| p.remove("cipherConfig"));
    }
    json_schema!({ "type": "array", "items": repository })
}

fn archive(generator: &mut SchemaGenerator) -> Schema {
    let mut archive = ArchiveConfiguration::json_schema(generator);
    if let Some(properties) = archive.pointer_mut("/properties") {
        properties["async"]["default"] = false.into();
    }
    archive
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_stanza_says_what_went_without_saying() {
        let old: Repository = serde_json::from_value(json!({
            "apiVersion": "pgbackrest.dalibo.com/v1",
            "kind": "Repository",
            "metadata": { "name": "backups", "namespace": "db" },
            "spec": { "repoConfiguration": {
                "stanza": "main",
                "archive": { "async": true },
                "processMax": 4,
                "s3Repositories": [
                    { "bucket": "a", "endpoint": "e", "region": "r", "repoPath": "/p" },
                    { "bucket": "b", "endpoint": "e", "region": "r", "repoPath": "/p", "verifyTLS": false },
                ],
            } },
        }))
        .unwrap();

        let new = serde_json::to_value(old.to_stanza()).unwrap();

        let expected = json!({
            "apiVersion": "pgbackrest.dalibo.com/v1",
            "kind": "Stanza",
            "metadata": { "name": "backups", "namespace": "db" },
            "spec": { "stanzaConfiguration": {
                "name": "main",
                "archive": { "async": true },
                "processMax": 4,
                "startFast": true,
                "delta": true,
                "logLevel": "info",
                "s3Repositories": [
                    { "bucket": "a", "endpoint": "e", "region": "r", "repoPath": "/p", "verifyTLS": true },
                    { "bucket": "b", "endpoint": "e", "region": "r", "repoPath": "/p", "verifyTLS": false },
                ],
            } },
        });
        assert_eq!(new, expected);
    }
}
