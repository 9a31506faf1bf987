//! How instances live, are updated and give way to each other.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::crd::open_enum::open_enum;

open_enum! {
    /// Whether updates of the primary wait for a person.
    pub enum PrimaryUpdateStrategy {
        /// They do not.
        Unsupervised = "unsupervised",
        /// They do.
        Supervised = "supervised",
    }
}

open_enum! {
    /// How the primary is updated, once its standbys are.
    pub enum PrimaryUpdateMethod {
        /// A standby takes its place.
        Switchover = "switchover",
        /// It is restarted.
        Restart = "restart",
    }
}

/// The lease that a primary must hold. Times are in seconds.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PrimaryLeaseConfiguration {
    /// For how long it holds; more than `renewDeadlineSeconds`. Default: 15.
    #[schemars(range(min = 1), extend("default" = 15))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease_duration_seconds: Option<i32>,
    /// For how long a primary that cannot renew it goes on. Default: 10.
    #[schemars(range(min = 1), extend("default" = 10))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renew_deadline_seconds: Option<i32>,
    /// How often instances ask for it. Default: 2.
    #[schemars(range(min = 1), extend("default" = 2))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_period_seconds: Option<i32>,
    /// For how long it holds after a primary has let go of it. Default: 1.
    #[schemars(range(min = 1), extend("default" = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub released_lease_duration_seconds: Option<i32>,
}

impl PrimaryLeaseConfiguration {
    /// Returns for how many seconds it holds. Default: 15.
    pub fn lease_duration_seconds(&self) -> i32 {
        self.lease_duration_seconds.unwrap_or(15)
    }

    /// Returns for how many seconds a primary that cannot renew it goes on. Default: 10.
    pub fn renew_deadline_seconds(&self) -> i32 {
        self.renew_deadline_seconds.unwrap_or(10)
    }

    /// Returns the seconds between two attempts to get it. Default: 2.
    pub fn retry_period_seconds(&self) -> i32 {
        self.retry_period_seconds.unwrap_or(2)
    }

    /// Returns for how many seconds it holds after a primary has let go of it. Default: 1.
    pub fn released_lease_duration_seconds(&self) -> i32 {
        self.released_lease_duration_seconds.unwrap_or(1)
    }
}

/// Maintenance of nodes.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeMaintenanceWindow {
    /// Whether nodes are worked on now. Default: `false`.
    #[schemars(extend("default" = false))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_progress: Option<bool>,
    /// Whether an instance waits for its volume to come back; else it is made anew elsewhere.
    /// Default: `true`.
    #[schemars(extend("default" = true))]
    #[serde(rename = "reusePVC", skip_serializing_if = "Option::is_none")]
    pub reuse_pvc: Option<bool>,
}
