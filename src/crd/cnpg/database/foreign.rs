//! Foreign data in a database.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Ensure;
use crate::crd::open_enum::open_enum;

/// A foreign data wrapper.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct FdwSpec {
    /// Its name.
    pub name: String,
    /// Whether it is to be there. Default: `present`.
    #[schemars(extend("default" = "present"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ensure: Option<Ensure>,
    /// The function that does the work. Default: that of the extension.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handler: Option<String>,
    /// The function that checks options. Default: that of the extension.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validator: Option<String>,
    /// The role that owns it; a superuser.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Its options.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<Vec<OptionSpec>>,
    /// Who may use it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Vec<UsageSpec>>,
}

/// A foreign server.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct ServerSpec {
    /// Its name.
    pub name: String,
    /// The foreign data wrapper.
    #[schemars(extend("x-kubernetes-validations" = [
        { "rule": "self != ''", "message": "fdw is required" },
    ]))]
    pub fdw: String,
    /// Whether it is to be there. Default: `present`.
    #[schemars(extend("default" = "present"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ensure: Option<Ensure>,
    /// Its options.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<Vec<OptionSpec>>,
    /// Who may use it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Vec<UsageSpec>>,
}

/// An option of a foreign data wrapper or server.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct OptionSpec {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Whether it is to be there. Default: `present`.
    #[schemars(extend("default" = "present"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ensure: Option<Ensure>,
}

/// Whether a role may use a foreign data wrapper or server.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct UsageSpec {
    /// The role.
    #[schemars(extend("x-kubernetes-validations" = [
        { "rule": "self != ''", "message": "name is required" },
    ]))]
    pub name: String,
    /// Whether it may. Default: `grant`.
    #[schemars(extend("default" = "grant"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<UsageType>,
}

open_enum! {
    /// Whether use is allowed.
    pub enum UsageType {
        /// It is.
        Grant = "grant",
        /// It no longer is.
        Revoke = "revoke",
    }
}
