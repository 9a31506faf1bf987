//! What became of roles and tablespaces.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What became of the roles that the operator makes.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ManagedRolesStatus {
    /// The roles by how they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_status: Option<BTreeMap<String, Vec<String>>>,
    /// What is in the way, by role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cannot_reconcile: Option<BTreeMap<String, Vec<String>>>,
    /// The passwords, by role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_status: Option<BTreeMap<String, PasswordState>>,
}

/// The password of a role as it was last set.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PasswordState {
    /// The resource version of the Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_version: Option<String>,
    /// The transaction that set it.
    #[serde(rename = "transactionID", skip_serializing_if = "Option::is_none")]
    pub transaction_id: Option<i64>,
}

/// What became of a tablespace.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct TablespaceState {
    /// Its name.
    pub name: String,
    /// How it is: `pending` or `reconciled`.
    pub state: String,
    /// The role that owns it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Why it is not as it is wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
