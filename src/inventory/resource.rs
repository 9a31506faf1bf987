//! Resources of the kinds that backups depend on.

use std::path::Path;

use super::{Field, File, Seen};
use crate::manifest::Node;

/// A kind of resource that is read.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Kind {
    /// CloudNativePG's.
    Cluster,
    /// CloudNativePG's.
    Backup,
    /// CloudNativePG's.
    ScheduledBackup,
    /// CloudNativePG's.
    Pooler,
    /// CloudNativePG's.
    Database,
    /// The Barman Cloud plugin's.
    ObjectStore,
    /// The pgBackRest plugin's.
    Stanza,
    /// The pgBackRest plugin's, from before its first release.
    Repository,
    /// The pgBackRest plugin's.
    PluginConfig,
    /// Kubernetes' own.
    Secret,
    /// Kubernetes' own.
    Service,
    /// Kubernetes' own.
    Deployment,
    /// The Prometheus operator's.
    PrometheusRule,
}

impl Kind {
    const ALL: [(Self, &'static str, &'static str); 13] = [
        (Self::Cluster, "postgresql.cnpg.io/v1", "Cluster"),
        (Self::Backup, "postgresql.cnpg.io/v1", "Backup"),
        (
            Self::ScheduledBackup,
            "postgresql.cnpg.io/v1",
            "ScheduledBackup",
        ),
        (Self::Pooler, "postgresql.cnpg.io/v1", "Pooler"),
        (Self::Database, "postgresql.cnpg.io/v1", "Database"),
        (Self::ObjectStore, "barmancloud.cnpg.io/v1", "ObjectStore"),
        (Self::Stanza, "pgbackrest.dalibo.com/v1", "Stanza"),
        (Self::Repository, "pgbackrest.dalibo.com/v1", "Repository"),
        (
            Self::PluginConfig,
            "pgbackrest.dalibo.com/v1",
            "PluginConfig",
        ),
        (Self::Secret, "v1", "Secret"),
        (Self::Service, "v1", "Service"),
        (Self::Deployment, "apps/v1", "Deployment"),
        (
            Self::PrometheusRule,
            "monitoring.coreos.com/v1",
            "PrometheusRule",
        ),
    ];

    /// Returns the kind of a resource, whatever its version; `None` for all others.
    pub fn of(api_version: &str, kind: &str) -> Option<Self> {
        let found = Self::ALL
            .iter()
            .find(|(_, known, name)| *name == kind && group(known) == group(api_version));
        found.map(|(found, ..)| *found)
    }

    /// Returns the version that is read.
    pub fn api_version(self) -> &'static str {
        self.row().1
    }

    /// Returns the name.
    pub fn name(self) -> &'static str {
        self.row().2
    }

    fn row(self) -> &'static (Self, &'static str, &'static str) {
        let row = Self::ALL.iter().find(|(kind, ..)| *kind == self);
        row.expect("every kind has a row")
    }
}

fn group(api_version: &str) -> &str {
    api_version
        .split_once('/')
        .map_or("", |(group, _version)| group)
}

/// A resource and where it is written.
#[derive(Clone, Copy, Debug)]
pub struct Resource<'a> {
    /// What it is.
    pub kind: Kind,
    /// The file.
    pub file: &'a File,
    /// The document of the file, from 0.
    pub document: usize,
    /// All of it.
    pub node: &'a Node,
    /// Whether a kustomization of its folder patches resources of its kind: then what is missing
    /// here may be there.
    pub is_patched: bool,
    /// Both are asked for all the time.
    pub(super) name: Seen<&'a str>,
    pub(super) namespace: Seen<&'a str>,
}

impl<'a> Resource<'a> {
    /// Returns its name.
    pub fn name(&self) -> Seen<&'a str> {
        self.name
    }

    /// Returns its namespace. Nothing if it is given on applying.
    pub fn namespace(&self) -> Seen<&'a str> {
        self.namespace
    }

    /// Returns what is wanted.
    pub fn spec(&self) -> Field<'a> {
        self.at(&["spec"])
    }

    /// Returns the field at the end of `keys`.
    pub fn at(&self, keys: &[&str]) -> Field<'a> {
        Field::Is(self.node).at(keys)
    }

    /// Returns an annotation.
    pub fn annotation(&self, name: &str) -> Field<'a> {
        self.at(&["metadata", "annotations"]).get(name)
    }

    /// Returns kind and name: `ObjectStore/minio`.
    pub fn title(&self) -> String {
        let kind = self.kind.name();
        match self.at(&["metadata", "name"]).node().and_then(Node::as_str) {
            Some(name) => format!("{kind}/{name}"),
            None => kind.to_owned(),
        }
    }

    /// Returns whether it is the same document.
    pub fn is(&self, other: &Self) -> bool {
        std::ptr::eq(self.node, other.node)
    }

    /// Returns whether both may be in one namespace: they are, or it is not known of one.
    pub fn may_share_namespace(&self, other: &Self) -> bool {
        match (self.namespace(), other.namespace()) {
            (Seen::Is(one), Seen::Is(other)) => one == other,
            _ => true,
        }
    }

    /// Returns the folder of its file.
    pub fn folder(&self) -> &'a Path {
        self.file.folder()
    }
}
