//! Kubernetes resources as types.
//!
//! The types have the shape of the resources, with the names and the documentation of walcast.
//! They say what is written, not whether it makes sense: unset stays unset, defaults are methods,
//! and enumerations take values of newer versions. What they have no field for is kept by
//! [`manifest`](crate::manifest), and refused by [`config`](crate::config) where walcast is to run
//! with it.
//!
//! Kubernetes' own types are those of k8s-openapi, which wants one version of Kubernetes for the
//! whole build: programs add its feature `latest` or `v1_XX`, see the [features](crate#features).
//!
//! [`definitions`] has what `kubectl apply` takes. It says what the definitions of the products say
//! (paths, types, limits, defaults, rules; a test compares them), with descriptions of walcast.

pub mod barman_cloud;
pub mod cnpg;
pub mod core;
mod definition;
mod open_enum;
pub mod pgbackrest;
mod resource;

pub use kube_core::{CustomResourceExt, Resource};

pub use self::definition::{CustomResourceDefinition, structural_schema};

/// Returns the definitions of all resources here, always in the same order.
///
/// ```
/// let definitions = walcast::crd::definitions();
/// let names = definitions.iter().map(|one| one.spec.names.kind.as_str());
/// assert!(names.clone().any(|kind| kind == "ObjectStore"));
/// ```
pub fn definitions() -> Vec<CustomResourceDefinition> {
    vec![
        cnpg::Cluster::crd(),
        cnpg::Backup::crd(),
        cnpg::ScheduledBackup::crd(),
        cnpg::Pooler::crd(),
        cnpg::Database::crd(),
        barman_cloud::ObjectStore::crd(),
        pgbackrest::Stanza::crd(),
        pgbackrest::PluginConfig::crd(),
        pgbackrest::Repository::crd(),
    ]
}
