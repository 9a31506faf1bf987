//! Kubernetes resources as types.
//!
//! The types have the shape of the resources, with the names and the documentation of walcast.
//! They say what is written, not whether it makes sense: unset stays unset, defaults are methods,
//! and enumerations take values of newer versions. What they have no field for is kept by
//! [`manifest`](crate::manifest), and refused by [`config`](crate::config) where walcast is to run
//! with it.
//!
//! Kubernetes' own types are those of k8s-openapi, which wants one version of Kubernetes for the
//! whole build: programs add its feature `latest` or `v1_XX`, as for any user of that crate.

pub mod barman_cloud;
pub mod core;
mod definition;
mod open_enum;
mod resource;

pub use self::definition::{CustomResourceDefinition, structural_schema};
