//! Certificates of a cluster.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Secrets with the certificates of a cluster; the operator makes those that are not named.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificatesConfiguration {
    /// The authority that clients check the server against (`ca.crt`, and `ca.key` if the operator
    /// is to make the server's certificate).
    #[serde(rename = "serverCASecret", skip_serializing_if = "Option::is_none")]
    pub server_ca_secret: Option<String>,
    /// The server's certificate and key.
    #[serde(rename = "serverTLSSecret", skip_serializing_if = "Option::is_none")]
    pub server_tls_secret: Option<String>,
    /// The authority that the server checks clients against (`ca.crt`, and `ca.key` if the
    /// operator is to make the standbys' certificate).
    #[serde(rename = "clientCASecret", skip_serializing_if = "Option::is_none")]
    pub client_ca_secret: Option<String>,
    /// The standbys' certificate and key.
    #[serde(
        rename = "replicationTLSSecret",
        skip_serializing_if = "Option::is_none"
    )]
    pub replication_tls_secret: Option<String>,
    /// More names for the server's certificate.
    #[serde(rename = "serverAltDNSNames", skip_serializing_if = "Option::is_none")]
    pub server_alt_dns_names: Option<Vec<String>>,
}

/// The certificates that a cluster uses.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificatesStatus {
    /// The authority that clients check the server against.
    #[serde(rename = "serverCASecret", skip_serializing_if = "Option::is_none")]
    pub server_ca_secret: Option<String>,
    /// The server's certificate and key.
    #[serde(rename = "serverTLSSecret", skip_serializing_if = "Option::is_none")]
    pub server_tls_secret: Option<String>,
    /// The authority that the server checks clients against.
    #[serde(rename = "clientCASecret", skip_serializing_if = "Option::is_none")]
    pub client_ca_secret: Option<String>,
    /// The standbys' certificate and key.
    #[serde(
        rename = "replicationTLSSecret",
        skip_serializing_if = "Option::is_none"
    )]
    pub replication_tls_secret: Option<String>,
    /// More names for the server's certificate.
    #[serde(rename = "serverAltDNSNames", skip_serializing_if = "Option::is_none")]
    pub server_alt_dns_names: Option<Vec<String>>,
    /// When the certificates expire, as Go prints times, by their Secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expirations: Option<BTreeMap<String, String>>,
}
