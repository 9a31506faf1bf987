//! Resources of Dalibo's pgBackRest plugin for CloudNativePG (`pgbackrest.dalibo.com/v1`).
//!
//! Fields and rules are those of the resource definitions of cnpg-plugin-pgbackrest 0.0.3, and of
//! its last commit before the first release for [`Repository`], the kind that [`Stanza`] replaced.
//! Several settings depend on the release that runs, since defaults moved from the definitions to
//! the tool: they take a [`PluginVersion`].
//!
//! The plugin hands a stanza to pgBackRest as environment variables (`internal/utils/envvar.go`
//! there). Its repositories are numbered from 1 in the order of the resource, those in S3 first:
//! see [`Repositories`].

mod azure;
mod legacy;
mod options;
mod plugin_config;
mod repositories;
mod retention;
mod s3;
mod stanza;
mod status;
mod version;

pub use self::{
    azure::{AzureKeyType, AzureRepository, AzureSecretRef},
    legacy::{Repository, RepositoryConfiguration, RepositorySpec, RepositoryStatus},
    options::{ArchiveConfiguration, CompressConfiguration, Compression, LogLevel},
    plugin_config::{ExporterConfiguration, PluginConfig, PluginConfigSpec, StorageConfiguration},
    repositories::{InvalidSelection, NumberedRepository, Repositories, RepositoryRef},
    retention::{BackupType, FullRetention, FullType, Retention, RetentionPolicy, WalRetention},
    s3::{CipherConfiguration, CipherType, S3Repository, S3SecretRef, UriStyle},
    stanza::{Stanza, StanzaConfiguration, StanzaSpec, StanzaStatus},
    status::{Backup, BackupsCount, Bounds, RecoveryWindow},
    version::{InvalidPluginVersion, PluginVersion},
};
