//! What became of a database.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What became of a `Database`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DatabaseStatus {
    /// Whether the database is as it is wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applied: Option<bool>,
    /// Why it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The generation of the resource that was last looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// What became of its schemas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schemas: Option<Vec<DatabaseObjectStatus>>,
    /// What became of its extensions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extensions: Option<Vec<DatabaseObjectStatus>>,
    /// What became of its foreign data wrappers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fdws: Option<Vec<DatabaseObjectStatus>>,
    /// What became of its foreign servers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub servers: Option<Vec<DatabaseObjectStatus>>,
}

/// What became of something in a database.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct DatabaseObjectStatus {
    /// Its name.
    pub name: String,
    /// Whether it is as it is wanted.
    pub applied: bool,
    /// Why it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}
