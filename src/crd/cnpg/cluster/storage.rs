//! Volumes.

use k8s_openapi::{
    api::core::v1::PersistentVolumeClaimSpec, apimachinery::pkg::api::resource::Quantity,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The volume of each instance.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StorageConfiguration {
    /// Its size, which can only grow. Required unless the template has it.
    #[schemars(with = "Option<String>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<Quantity>,
    /// Its class; it wins over the template's. Default: Kubernetes' default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_class: Option<String>,
    /// Whether volumes in use grow with `size`. Default: `true`.
    #[schemars(extend("default" = true))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resize_in_use_volumes: Option<bool>,
    /// What the claim is made from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pvc_template: Option<PersistentVolumeClaimSpec>,
}

impl StorageConfiguration {
    /// Asks for a volume of this size, such as `20Gi`.
    pub fn sized(size: impl Into<String>) -> Self {
        Self {
            size: Some(Quantity(size.into())),
            ..Self::default()
        }
    }

    /// Returns its size: its own, else the template's.
    pub fn effective_size(&self) -> Option<&Quantity> {
        if let Some(size) = self.size.as_ref().filter(|size| !size.0.is_empty()) {
            return Some(size);
        }
        let resources = self.pvc_template.as_ref()?.resources.as_ref()?;
        resources.requests.as_ref()?.get("storage")
    }

    /// Returns whether volumes in use grow. Default: `true`.
    pub fn resize_in_use_volumes(&self) -> bool {
        self.resize_in_use_volumes.unwrap_or(true)
    }
}

/// A tablespace.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct TablespaceConfiguration {
    /// Its name.
    pub name: String,
    /// Its volume.
    pub storage: StorageConfiguration,
    /// Who owns it. Default: the role `postgres`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<TablespaceOwner>,
    /// Whether PostgreSQL puts temporary files there. Default: `false`.
    #[schemars(extend("default" = false))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temporary: Option<bool>,
}

/// Who owns a tablespace.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct TablespaceOwner {
    /// The role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// How large temporary volumes get.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EphemeralVolumesSizeLimit {
    /// Shared memory. Default: no limit but the pod's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shm: Option<Quantity>,
    /// Temporary files. Default: no limit but the node's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temporary_data: Option<Quantity>,
}
