//! What resources share: Kubernetes' own types, references to Secrets, and Secrets.

use std::{collections::BTreeMap, fmt};

pub use k8s_openapi::{
    api::core::v1::{EnvVar, ResourceRequirements},
    apimachinery::pkg::{
        api::resource::Quantity,
        apis::meta::v1::{Condition, ObjectMeta, Time},
    },
};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::secret;

/// One value of a Secret in the namespace of the resource that refers to it.
#[derive(Clone, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
pub struct SecretKeySelector {
    /// The name of the Secret.
    pub name: String,
    /// The key of the value.
    pub key: String,
}

impl SecretKeySelector {
    /// Selects the value under `key` of the Secret `name`.
    pub fn new(name: impl Into<String>, key: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            key: key.into(),
        }
    }
}

/// One value of a `ConfigMap` in the namespace of the resource that refers to it.
#[derive(Clone, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
pub struct ConfigMapKeySelector {
    /// The name of the `ConfigMap`.
    pub name: String,
    /// The key of the value.
    pub key: String,
}

/// An object in the namespace of the resource that refers to it.
#[derive(Clone, Debug, Default, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
pub struct LocalObjectReference {
    /// Its name.
    pub name: String,
}

impl LocalObjectReference {
    /// Refers to the object `name`.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into() }
    }
}

/// A Secret (`v1`). Neither serialised nor printed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Secret {
    /// `v1`.
    pub api_version: String,
    /// `Secret`.
    pub kind: String,
    /// Name and namespace.
    pub metadata: ObjectMeta,
    /// Values in base64.
    #[serde(default)]
    pub data: BTreeMap<String, Hidden>,
    /// Values as they are; they win over those in `data`.
    #[serde(default)]
    pub string_data: BTreeMap<String, Hidden>,
    /// What the values are for; walcast does not care.
    #[serde(default)]
    pub r#type: Option<String>,
    /// Whether the API server refuses changes.
    #[serde(default)]
    pub immutable: bool,
}

/// A value of a [`Secret`]: [`secret::Secret`] that can be read from a manifest.
#[derive(Clone, Eq, PartialEq)]
pub struct Hidden(pub secret::Secret);

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(secret::Secret::new(text)))
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
