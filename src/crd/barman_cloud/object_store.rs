//! The resource `ObjectStore`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    BarmanObjectStoreConfiguration, DataCompression, InstanceSidecarConfiguration,
    InvalidRetentionPolicy, ObjectStoreStatus, RetentionPolicy, S3Credentials, WalCompression,
};
use crate::crd::resource::resource;

resource! {
    /// A place for the backups of one or several clusters.
    pub struct ObjectStore {
        spec: ObjectStoreSpec,
        status: ObjectStoreStatus,
    }
    "barmancloud.cnpg.io" / "v1", "objectstores"
}

/// What is wanted of an `ObjectStore`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectStoreSpec {
    /// Where it is and how to write to it.
    #[schemars(extend("x-kubernetes-validations" = [{
        "rule": "!has(self.serverName)",
        "fieldPath": ".serverName",
        "reason": "FieldValueForbidden",
        "message": "serverName is a parameter of the plugin in the Cluster",
    }]))]
    pub configuration: BarmanObjectStoreConfiguration,
    /// For how long backups are kept, such as `30d`, `4w` or `3m`. Default: for ever.
    #[schemars(regex(pattern = "^[1-9][0-9]*[dwm]$"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention_policy: Option<String>,
    /// Settings of the plugin's container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_sidecar_configuration: Option<InstanceSidecarConfiguration>,
}

impl ObjectStoreSpec {
    /// Returns for how long backups are kept; `None` is for ever.
    pub fn retention_policy(&self) -> Option<Result<RetentionPolicy, InvalidRetentionPolicy>> {
        self.retention_policy.as_ref().map(|text| text.parse())
    }
}

impl ObjectStore {
    /// Returns a store in a bucket, such as `s3://BUCKET/PREFIX`.
    ///
    /// ```
    /// use walcast::crd::barman_cloud::{ObjectStore, S3Credentials, WalCompression};
    ///
    /// let keys = S3Credentials::keys("fra-keys", "id", "secret");
    /// let store = ObjectStore::on_s3("frankfurt", "s3://backups-fra/postgres", keys)
    ///     .with_endpoint("https://s3.eu-central-1.amazonaws.com")
    ///     .with_wal_compression(WalCompression::Zstd)
    ///     .with_retention("30d".parse()?);
    ///
    /// let json = serde_json::to_value(&store)?;
    /// assert_eq!(json["kind"], "ObjectStore");
    /// assert_eq!(json["spec"]["configuration"]["wal"]["compression"], "zstd");
    /// assert_eq!(serde_json::from_value::<ObjectStore>(json)?, store);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_s3(
        name: impl Into<String>,
        destination_path: impl Into<String>,
        credentials: S3Credentials,
    ) -> Self {
        let mut store = Self::at(name, destination_path.into());
        store.spec.configuration.s3_credentials = Some(credentials);
        store
    }

    /// Returns a store in a folder, by its absolute path. Only walcast can use it.
    ///
    /// ```
    /// # use walcast::crd::barman_cloud::ObjectStore;
    /// let store = ObjectStore::on_folder("local", "/mnt/backup");
    /// assert_eq!(store.spec.configuration.destination_path, "file:///mnt/backup");
    /// ```
    pub fn on_folder(name: impl Into<String>, folder: &str) -> Self {
        Self::at(name, format!("file://{folder}"))
    }

    /// Sets the store's own address, `https://HOST:PORT`.
    #[must_use]
    pub fn with_endpoint(mut self, url: impl Into<String>) -> Self {
        self.spec.configuration.endpoint_url = Some(url.into());
        self
    }

    /// Sets the codec of WAL.
    #[must_use]
    pub fn with_wal_compression(mut self, compression: WalCompression) -> Self {
        let wal = self.spec.configuration.wal.get_or_insert_default();
        wal.compression = Some(compression);
        self
    }

    /// Sets the codec of base backups.
    #[must_use]
    pub fn with_data_compression(mut self, compression: DataCompression) -> Self {
        let data = self.spec.configuration.data.get_or_insert_default();
        data.compression = Some(compression);
        self
    }

    /// Sets for how long backups are kept.
    #[must_use]
    pub fn with_retention(mut self, policy: RetentionPolicy) -> Self {
        self.spec.retention_policy = Some(policy.to_string());
        self
    }

    fn at(name: impl Into<String>, destination_path: String) -> Self {
        let configuration = BarmanObjectStoreConfiguration {
            destination_path,
            ..BarmanObjectStoreConfiguration::default()
        };
        let spec = ObjectStoreSpec {
            configuration,
            ..ObjectStoreSpec::default()
        };
        Self::new(name, spec)
    }
}
