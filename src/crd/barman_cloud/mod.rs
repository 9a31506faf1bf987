//! Resources of the Barman Cloud plugin for CloudNativePG (`barmancloud.cnpg.io/v1`).
//!
//! Fields and rules are those of the resource definition of plugin-barman-cloud 0.14. CloudNativePG
//! itself has the same configuration in a `Cluster` (`spec.backup.barmanObjectStore`).

mod configuration;
mod credentials;
mod object_store;
mod retention;
mod sidecar;
mod status;

pub use self::{
    configuration::{
        BarmanObjectStoreConfiguration, DataBackupConfiguration, DataCompression, Encryption,
        WalBackupConfiguration, WalCompression,
    },
    credentials::{AzureCredentials, GoogleCredentials, S3Credentials},
    object_store::{ObjectStore, ObjectStoreSpec},
    retention::{InvalidRetentionPolicy, RetentionPolicy, RetentionUnit},
    sidecar::{InstanceSidecarConfiguration, LogLevel},
    status::{ObjectStoreStatus, RecoveryWindow},
};
