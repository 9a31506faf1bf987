//! Which standbys must confirm a commit.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::crd::{definition::Int, open_enum::open_enum};

/// Which standbys must confirm a commit.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[schemars(extend("x-kubernetes-validations" = [
    {
        "rule": "self.dataDurability!='preferred' || ((!has(self.standbyNamesPre) || self.standbyNamesPre.size()==0) && (!has(self.standbyNamesPost) || self.standbyNamesPost.size()==0))",
        "message": "dataDurability set to 'preferred' requires empty 'standbyNamesPre' and empty 'standbyNamesPost'",
    },
]))]
#[serde(rename_all = "camelCase")]
pub struct SynchronousReplicaConfiguration {
    /// Whether any of them, or the first of them.
    pub method: SynchronousMethod,
    /// How many; at least 1.
    #[schemars(with = "Int", extend("x-kubernetes-validations" = [
        {
            "rule": "self > 0",
            "message": "The number of synchronous replicas should be greater than zero",
        },
    ]))]
    pub number: i64,
    /// Whether commits wait when there are not enough of them. Default: `required`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_durability: Option<DataDurability>,
    /// Whether a standby takes over only if it can have all commits. Default: `false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failover_quorum: Option<bool>,
    /// How many of the cluster's own standbys are listed at most. Default: all.
    #[schemars(with = "Option<Int>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_standby_names_from_cluster: Option<i64>,
    /// Others that are listed before them, by application name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standby_names_pre: Option<Vec<String>>,
    /// Others that are listed after them, by application name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standby_names_post: Option<Vec<String>>,
}

impl SynchronousReplicaConfiguration {
    /// Makes commits wait for `number` standbys.
    pub fn new(method: SynchronousMethod, number: i64) -> Self {
        Self {
            method,
            number,
            data_durability: None,
            failover_quorum: None,
            max_standby_names_from_cluster: None,
            standby_names_pre: None,
            standby_names_post: None,
        }
    }

    /// Returns whether commits wait when there are not enough standbys. Default: `required`.
    pub fn data_durability(&self) -> DataDurability {
        self.data_durability
            .clone()
            .unwrap_or(DataDurability::Required)
    }
}

open_enum! {
    /// Which of the listed standbys count.
    pub enum SynchronousMethod {
        /// Any.
        Any = "any",
        /// The first that are there.
        First = "first",
    }
}

open_enum! {
    /// What happens to commits when there are not enough standbys.
    pub enum DataDurability {
        /// They wait.
        Required = "required",
        /// They wait for those that are there.
        Preferred = "preferred",
    }
}

/// Where standbys must be that confirm commits, with `minSyncReplicas` and `maxSyncReplicas`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SyncReplicaElectionConstraints {
    /// Whether it matters.
    pub enabled: bool,
    /// Labels of nodes of which one at least must differ from the primary's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_labels_anti_affinity: Option<Vec<String>>,
}
