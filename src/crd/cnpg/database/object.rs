//! What is in a database.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::crd::open_enum::open_enum;

open_enum! {
    /// Whether something is to be there.
    pub enum Ensure {
        /// It is made if it is not there.
        Present = "present",
        /// It is removed if it is there.
        Absent = "absent",
    }
}

open_enum! {
    /// What becomes of a database when its resource is deleted.
    pub enum DatabaseReclaimPolicy {
        /// It is dropped, with what is in it.
        Delete = "delete",
        /// It stays.
        Retain = "retain",
    }
}

/// A schema in a database.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct SchemaSpec {
    /// Its name.
    pub name: String,
    /// Whether it is to be there. Default: `present`.
    #[schemars(extend("default" = "present"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ensure: Option<Ensure>,
    /// The role that owns it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}

impl SchemaSpec {
    /// Asks for the schema `name`.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ensure: None,
            owner: None,
        }
    }
}

/// An extension in a database.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct ExtensionSpec {
    /// Its name.
    pub name: String,
    /// Whether it is to be there. Default: `present`.
    #[schemars(extend("default" = "present"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ensure: Option<Ensure>,
    /// Its version. Default: the one that its control file names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The schema for its objects. Default: the one that its control file names, else the first of
    /// the search path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
}

impl ExtensionSpec {
    /// Asks for the extension `name`.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ensure: None,
            version: None,
            schema: None,
        }
    }
}
