//! PgBouncer's settings.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::crd::{core::LocalObjectReference, open_enum::open_enum};

/// PgBouncer's settings.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[schemars(extend("x-kubernetes-validations" = [
    {
        "rule": "!(has(self.image) && has(self.imageCatalogRef))",
        "message": "image and imageCatalogRef are mutually exclusive",
    },
]))]
#[serde(rename_all = "camelCase")]
pub struct PgBouncerSpec {
    /// For how long a client keeps a connection to PostgreSQL. Default: `session`.
    #[schemars(extend("default" = "session"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool_mode: Option<PoolMode>,
    /// Settings of `pgbouncer.ini`; the operator takes only those that it knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<BTreeMap<String, String>>,
    /// Lines for the end of `pg_hba.conf`.
    #[serde(rename = "pg_hba", skip_serializing_if = "Option::is_none")]
    pub pg_hba: Option<Vec<String>>,
    /// Whether clients wait (`PAUSE`). Default: `false`.
    #[schemars(extend("default" = false))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,
    /// The image. Default: the operator's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The image as an entry of a catalog, in place of `image`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_catalog_ref: Option<PoolerImageCatalogRef>,
    /// The query for a user's password. Goes with `authQuerySecret`; with both the operator does
    /// not make a role for PgBouncer in the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_query: Option<String>,
    /// The credentials of the role that makes the query. Deprecated upstream for `serverTLSSecret`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_query_secret: Option<LocalObjectReference>,
    /// Key and certificate towards PostgreSQL.
    #[serde(rename = "serverTLSSecret", skip_serializing_if = "Option::is_none")]
    pub server_tls_secret: Option<LocalObjectReference>,
    /// The authority that PostgreSQL's certificate is checked against.
    #[serde(rename = "serverCASecret", skip_serializing_if = "Option::is_none")]
    pub server_ca_secret: Option<LocalObjectReference>,
    /// Key and certificate towards clients.
    #[serde(rename = "clientTLSSecret", skip_serializing_if = "Option::is_none")]
    pub client_tls_secret: Option<LocalObjectReference>,
    /// The authority that clients' certificates are checked against.
    #[serde(rename = "clientCASecret", skip_serializing_if = "Option::is_none")]
    pub client_ca_secret: Option<LocalObjectReference>,
}

impl PgBouncerSpec {
    /// Returns for how long a client keeps a connection. Default: `session`.
    pub fn pool_mode(&self) -> PoolMode {
        self.pool_mode.clone().unwrap_or(PoolMode::Session)
    }

    /// Returns whether clients wait.
    pub fn is_paused(&self) -> bool {
        self.paused.unwrap_or(false)
    }
}

open_enum! {
    /// For how long a client keeps a connection to PostgreSQL.
    pub enum PoolMode {
        /// Until it disconnects.
        Session = "session",
        /// Until its transaction ends.
        Transaction = "transaction",
    }
}

/// An entry of a catalog of images that is not PostgreSQL.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[schemars(extend(
    "x-kubernetes-map-type" = "atomic",
    "x-kubernetes-validations" = [
        {
            "rule": "self.kind == 'ImageCatalog' || self.kind == 'ClusterImageCatalog'",
            "message": "Only ImageCatalog and ClusterImageCatalog are supported",
        },
        {
            "rule": "self.apiGroup == 'postgresql.cnpg.io'",
            "message": "apiGroup must be postgresql.cnpg.io",
        },
    ],
))]
#[serde(rename_all = "camelCase")]
pub struct PoolerImageCatalogRef {
    /// `postgresql.cnpg.io`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_group: Option<String>,
    /// `ImageCatalog` or `ClusterImageCatalog`.
    pub kind: String,
    /// The catalog.
    pub name: String,
    /// The entry.
    #[schemars(length(max = 63), regex(pattern = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub key: String,
}
