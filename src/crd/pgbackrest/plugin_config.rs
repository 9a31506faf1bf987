//! The resource `PluginConfig`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    byte_size::{ByteSize, InvalidByteSize},
    crd::{core::ResourceRequirements, definition::Int, resource::resource},
};

resource! {
    /// Settings of the plugin's containers and volumes in the pods of a cluster. Since release
    /// 0.0.1b.
    pub struct PluginConfig {
        spec: PluginConfigSpec,
    }
    "pgbackrest.dalibo.com" / "v1", "pluginconfigs", metadata: optional
}

/// What is wanted of a `PluginConfig`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PluginConfigSpec {
    /// What the plugin's container may use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources_requirement: Option<ResourceRequirements>,
    /// The volume for WAL that waits to be sent. With `archive.async` and more than one process the
    /// plugin fails without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_config: Option<StorageConfiguration>,
    /// A container that exports metrics; it is there whenever this is, even if not enabled. Since
    /// release 0.0.2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exporter_config: Option<ExporterConfiguration>,
}

/// The volume for WAL that waits to be sent.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StorageConfiguration {
    /// The class of the volume. Default: the class that is called `default`.
    #[schemars(required, length(min = 1), extend("default" = "default"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_class: Option<String>,
    /// Its size in `Mi` or `Gi`. Default: that of the cluster's WAL volume, else `1Gi`.
    #[schemars(regex(pattern = "^[0-9]+?[M|G]i$"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<String>,
}

impl StorageConfiguration {
    /// Returns the class of the volume.
    pub fn storage_class(&self) -> &str {
        self.storage_class.as_deref().unwrap_or("default")
    }

    /// Returns the size of the volume; `None` is that of the cluster's WAL volume, else 1 GiB.
    pub fn size(&self) -> Option<Result<ByteSize, InvalidByteSize>> {
        self.size.as_ref().map(|text| text.parse())
    }
}

/// A container that exports metrics of pgBackRest.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExporterConfiguration {
    /// Whether metrics are exported. Default: no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Seconds between two looks at the repositories. Default: 600.
    #[schemars(with = "Option<Int>", required, extend("default" = 600))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collect_interval: Option<i64>,
    /// What the container may use. Since release 0.0.3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources_requirement: Option<ResourceRequirements>,
}

impl ExporterConfiguration {
    /// Returns how many seconds are between two looks at the repositories.
    pub fn collect_interval(&self) -> i64 {
        self.collect_interval.unwrap_or(600)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_volume_has_a_size_in_bytes() {
        let sized = |size: Option<&str>| {
            let storage = StorageConfiguration {
                size: size.map(ToOwned::to_owned),
                ..StorageConfiguration::default()
            };
            storage.size()
        };

        assert_eq!(sized(Some("10Gi")), Some(Ok(ByteSize::gib(10))));
        assert_eq!(sized(None), None);
        // The pattern of the definition lets it through.
        assert!(sized(Some("10|i")).unwrap().is_err());
    }
}
