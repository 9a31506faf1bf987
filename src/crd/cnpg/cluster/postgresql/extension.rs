//! Extensions from images of their own.

use k8s_openapi::api::core::v1::ImageVolumeSource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An extension from an image of its own. Folders are those in the image.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct ExtensionConfiguration {
    /// Its name.
    #[schemars(
        length(min = 1, max = 59),
        regex(pattern = "^[a-z0-9]([-a-z0-9_]*[a-z0-9])?$")
    )]
    pub name: String,
    /// The image. Default: that of a catalog.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageVolumeSource>,
    /// Folders for `extension_control_path`. Default: `/share`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extension_control_path: Option<Vec<String>>,
    /// Folders for `dynamic_library_path`. Default: `/lib`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dynamic_library_path: Option<Vec<String>>,
    /// Folders for `LD_LIBRARY_PATH`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ld_library_path: Option<Vec<String>>,
    /// Folders for `PATH`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bin_path: Option<Vec<String>>,
    /// PostgreSQL's environment; a change needs a restart by hand.
    #[schemars(extend(
        "x-kubernetes-list-type" = "map",
        "x-kubernetes-list-map-keys" = ["name"],
    ))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<Vec<ExtensionEnvVar>>,
}

/// A variable of PostgreSQL's environment.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct ExtensionEnvVar {
    /// Its name.
    #[schemars(length(min = 1), regex(pattern = "^[a-zA-Z_][a-zA-Z0-9_]*$"))]
    pub name: String,
    /// Its value; `${image_root}` in it is the folder of the image.
    #[schemars(length(min = 1))]
    pub value: String,
}
