//! Images by PostgreSQL's version.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::crd::definition::Int;

/// The image of a major version, as a catalog has it.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[schemars(extend(
    "x-kubernetes-map-type" = "atomic",
    "x-kubernetes-validations" = [
        {
            "rule": "self.kind == 'ImageCatalog' || self.kind == 'ClusterImageCatalog'",
            "message": "Only image catalogs are supported",
        },
        {
            "rule": "self.apiGroup == 'postgresql.cnpg.io'",
            "message": "Only image catalogs are supported",
        },
    ],
))]
#[serde(rename_all = "camelCase")]
pub struct ImageCatalogRef {
    /// `postgresql.cnpg.io`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_group: Option<String>,
    /// `ImageCatalog` or `ClusterImageCatalog`.
    pub kind: String,
    /// The catalog.
    pub name: String,
    /// PostgreSQL's major version.
    #[schemars(with = "Int")]
    pub major: i64,
}
