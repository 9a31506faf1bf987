//! Roles and services that the operator makes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::{database::Ensure, metadata::ServiceTemplateSpec};
use crate::crd::{core::LocalObjectReference, open_enum::open_enum};

/// Roles and services that the operator makes.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct ManagedConfiguration {
    /// Roles in PostgreSQL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<RoleConfiguration>>,
    /// Services in Kubernetes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub services: Option<ManagedServices>,
}

/// A role in PostgreSQL, with the attributes of `CREATE ROLE`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleConfiguration {
    /// Its name.
    pub name: String,
    /// What it is for, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Whether it is to be there. Default: `present`.
    #[schemars(extend("default" = "present"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ensure: Option<Ensure>,
    /// Its password, as a Secret of the type `kubernetes.io/basic-auth`. Default: left alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_secret: Option<LocalObjectReference>,
    /// Whether its password is taken away. Default: `false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disable_password: Option<bool>,
    /// Until when its password holds (RFC 3339). Default: for ever.
    #[schemars(extend("format" = "date-time"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<String>,
    /// How many connections it can have at a time; -1 is any number. Default: -1.
    #[schemars(extend("default" = -1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_limit: Option<i64>,
    /// The roles that it is a member of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_roles: Option<Vec<String>>,
    /// Whether it may what those may. Default: `true`.
    #[schemars(extend("default" = true))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inherit: Option<bool>,
    /// Whether it can log in. Default: `false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login: Option<bool>,
    /// Whether it may do everything. Default: `false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub superuser: Option<bool>,
    /// Whether it can replicate. Default: `false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replication: Option<bool>,
    /// Whether it can create databases. Default: `false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub createdb: Option<bool>,
    /// Whether it can create roles. Default: `false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub createrole: Option<bool>,
    /// Whether row-level security does not hold for it. Default: `false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bypassrls: Option<bool>,
}

impl RoleConfiguration {
    /// Asks for the role `name`.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// Returns whether it is to be there. Default: `present`.
    pub fn ensure(&self) -> Ensure {
        self.ensure.clone().unwrap_or(Ensure::Present)
    }

    /// Returns how many connections it can have at a time; -1 is any number. Default: -1.
    pub fn connection_limit(&self) -> i64 {
        self.connection_limit.unwrap_or(-1)
    }

    /// Returns whether it may what the roles may that it is a member of. Default: `true`.
    pub fn inherit(&self) -> bool {
        self.inherit.unwrap_or(true)
    }

    /// Returns until when its password holds.
    pub fn valid_until(&self) -> Option<Result<jiff::Timestamp, jiff::Error>> {
        self.valid_until.as_deref().map(str::parse)
    }
}

/// Services in Kubernetes.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ManagedServices {
    /// Those of the operator that are not made; `rw` cannot be one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_default_services: Option<Vec<ServiceSelectorType>>,
    /// More of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub additional: Option<Vec<ManagedService>>,
}

/// A service in addition to the operator's own.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ManagedService {
    /// Which instances it leads to.
    pub selector_type: ServiceSelectorType,
    /// How changes are made. Default: `patch`.
    #[schemars(extend("default" = "patch"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update_strategy: Option<ServiceUpdateStrategy>,
    /// What it is made from.
    pub service_template: ServiceTemplateSpec,
}

impl ManagedService {
    /// Returns how changes are made. Default: `patch`.
    pub fn update_strategy(&self) -> ServiceUpdateStrategy {
        self.update_strategy
            .clone()
            .unwrap_or(ServiceUpdateStrategy::Patch)
    }
}

open_enum! {
    /// Which instances a service leads to.
    pub enum ServiceSelectorType {
        /// To the primary.
        ReadWrite = "rw",
        /// To all.
        Read = "r",
        /// To standbys.
        ReadOnly = "ro",
    }
}

open_enum! {
    /// How a service is changed.
    pub enum ServiceUpdateStrategy {
        /// Only what differs, so that what others have added stays.
        Patch = "patch",
        /// It is deleted and made anew.
        Replace = "replace",
    }
}
