//! Logging in by LDAP.

use k8s_openapi::api::core::v1::SecretKeySelector;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::crd::{definition::Int, open_enum::open_enum};

/// Logging in by LDAP.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LdapConfig {
    /// The server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// Its port. Default: that of the scheme.
    #[schemars(with = "Option<Int>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<i64>,
    /// The scheme. Default: `ldap`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheme: Option<LdapScheme>,
    /// Whether the connection turns to TLS. Default: `false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<bool>,
    /// Who logs in is named by prefix and suffix.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bind_as_auth: Option<LdapBindAsAuth>,
    /// Who logs in is looked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bind_search_auth: Option<LdapBindSearchAuth>,
}

open_enum! {
    /// How an LDAP server is talked to.
    pub enum LdapScheme {
        /// In the clear, at first.
        Ldap = "ldap",
        /// By TLS.
        Ldaps = "ldaps",
    }
}

/// What is put around the name of the user.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct LdapBindAsAuth {
    /// Before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// After it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suffix: Option<String>,
}

/// How the user is looked up.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LdapBindSearchAuth {
    /// Below which entry.
    #[serde(rename = "baseDN", skip_serializing_if = "Option::is_none")]
    pub base_dn: Option<String>,
    /// By whom.
    #[serde(rename = "bindDN", skip_serializing_if = "Option::is_none")]
    pub bind_dn: Option<String>,
    /// The password of that one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bind_password: Option<SecretKeySelector>,
    /// The attribute with the name of the user. Default: `uid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search_attribute: Option<String>,
    /// A filter, in place of the attribute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search_filter: Option<String>,
}
