//! Kubernetes resources that walcast reads.
//!
//! The types have the shape of the resources, with the names and the documentation of walcast.
//! They say what is written, not whether it makes sense: that is for [`config`](crate::config).
//! A field that the resource definition does not have is refused where serde sees it.

pub mod barman_cloud;
pub mod core;
