//! Which nodes pods run on, and which pods are meant.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::{NodeAffinity, PodAffinity, PodAntiAffinity, Toleration},
    apimachinery::pkg::apis::meta::v1::LabelSelector,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::crd::open_enum::open_enum;

/// Which nodes the pods of a cluster run on.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AffinityConfiguration {
    /// Whether the operator keeps instances apart. Default: `true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_pod_anti_affinity: Option<bool>,
    /// How strictly it does. Default: `preferred`.
    #[schemars(with = "Option<String>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_anti_affinity_type: Option<PodAntiAffinityType>,
    /// The label of nodes whose values are places apart. Default: `kubernetes.io/hostname`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topology_key: Option<String>,
    /// Labels that a node must have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_selector: Option<BTreeMap<String, String>>,
    /// Nodes that are wanted or required, by their labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_affinity: Option<NodeAffinity>,
    /// Taints of nodes that do not matter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tolerations: Option<Vec<Toleration>>,
    /// Pods to be near to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub additional_pod_affinity: Option<PodAffinity>,
    /// Pods to be away from, besides the cluster's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub additional_pod_anti_affinity: Option<PodAntiAffinity>,
}

impl AffinityConfiguration {
    /// Returns whether the operator keeps instances apart.
    pub fn enable_pod_anti_affinity(&self) -> bool {
        self.enable_pod_anti_affinity.unwrap_or(true)
    }
}

open_enum! {
    /// How strictly instances are kept apart.
    pub enum PodAntiAffinityType {
        /// Where there are nodes enough.
        Preferred = "preferred",
        /// In any case: an instance waits for a node of its own.
        Required = "required",
    }
}

/// A name for pods of the cluster's namespace.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
pub struct PodSelectorRef {
    /// The name.
    #[schemars(length(min = 1), regex(pattern = "^[a-z]([a-z0-9_-]*[a-z0-9])?$"))]
    pub name: String,
    /// The pods.
    #[schemars(extend("x-kubernetes-map-type" = "atomic"))]
    pub selector: LabelSelector,
}
