//! Where clusters archive to.

use std::fmt;

use super::{Cluster, Plugin, System};
use crate::{
    crd::cnpg::{BARMAN_CLOUD, PGBACKREST},
    inventory::{Field, Found, Seen},
    manifest::Node,
};

/// A place that a cluster archives to or is restored from.
#[derive(Debug)]
pub(crate) struct Archive<'a> {
    pub(crate) place: Place,
    /// What says so in the `Cluster`.
    pub(crate) node: &'a Node,
}

/// A folder in a store, by all that tells it from others.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Place {
    pub(crate) store: Store,
    /// The cluster's folder or stanza in it.
    pub(crate) folder: String,
}

/// Where a folder is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Store {
    /// A path in a bucket.
    Bucket {
        /// The host of the store, in lower case; empty for the provider's own.
        host: String,
        /// The bucket, with the scheme if there is one.
        bucket: String,
        /// The path in it, without slashes at its ends.
        path: String,
    },
    /// An `ObjectStore` that is not in the files.
    Resource {
        /// Its namespace; empty if it is not known.
        namespace: String,
        /// Its name.
        name: String,
    },
}

impl<'a> System<'a> {
    /// Returns where a cluster archives to, as far as that is known.
    pub(crate) fn archives(&self, cluster: &Cluster<'a>) -> Vec<Archive<'a>> {
        let mut archives = Vec::new();
        let in_tree = cluster.in_tree();
        let folder = in_tree.get("serverName").name();
        let folder = folder.or_else(|| cluster.name());
        archives.extend(in_object_store(
            in_tree,
            folder,
            in_tree.get("destinationPath"),
        ));
        if let Some(plugin) = cluster.plugin(BARMAN_CLOUD) {
            let folder = cluster.folder(plugin);
            archives.extend(self.of_plugin(plugin, cluster, folder));
        }
        if let Some(plugin) = cluster.plugin(PGBACKREST) {
            archives.extend(self.of_pgbackrest(plugin, cluster));
        }
        archives
    }

    /// Returns the place in the `ObjectStore` that an entry of the Barman Cloud plugin names.
    pub(crate) fn of_plugin(
        &self,
        plugin: &Plugin<'a>,
        cluster: &Cluster<'a>,
        folder: Seen<&str>,
    ) -> Option<Archive<'a>> {
        let reference = plugin.parameter("barmanObjectName");
        match self.store(plugin, &cluster.resource) {
            Found::Here(store) => {
                let configuration = store.spec().get("configuration");
                in_object_store(configuration, folder, reference)
            }
            Found::Elsewhere(_) | Found::Nowhere => {
                let namespace = cluster.resource.namespace().known().unwrap_or_default();
                Some(Archive {
                    place: Place {
                        store: Store::Resource {
                            namespace: namespace.to_owned(),
                            name: reference.name().known()?.to_owned(),
                        },
                        folder: folder.known()?.to_owned(),
                    },
                    node: reference.node()?,
                })
            }
            Found::Unknown => None,
        }
    }

    fn of_pgbackrest(&self, plugin: &Plugin<'a>, cluster: &Cluster<'a>) -> Vec<Archive<'a>> {
        let Some(stanza) = self.stanza(plugin, &cluster.resource) else {
            return Vec::new();
        };
        let (Some(node), Some(folder)) = (plugin.reference().node(), stanza.name().known()) else {
            return Vec::new();
        };
        let archive = |repository: super::Repository<'a>| {
            let field = repository.field;
            let (bucket, endpoint) = if repository.is_azure {
                ("container", "account")
            } else {
                ("bucket", "endpoint")
            };
            let path = field.get("repoPath").name().known()?;
            Some(Archive {
                place: Place {
                    store: Store::Bucket {
                        host: host(field.get(endpoint).name().known()?),
                        bucket: field.get(bucket).name().known()?.to_owned(),
                        path: path.trim_matches('/').to_owned(),
                    },
                    folder: folder.to_owned(),
                },
                node,
            })
        };
        stanza
            .repositories()
            .into_iter()
            .filter_map(archive)
            .collect()
    }
}

/// Returns the place that a configuration of Barman describes.
pub(crate) fn in_object_store<'a>(
    configuration: Field<'a>,
    folder: Seen<&str>,
    said: Field<'a>,
) -> Option<Archive<'a>> {
    let path = configuration.get("destinationPath").name().known()?;
    let host = match configuration.get("endpointURL").name() {
        Seen::Is(url) => host(url),
        Seen::Absent => String::new(),
        Seen::Unknown => return None,
    };
    let (bucket, path) = bucket_and_path(path);
    Some(Archive {
        place: Place {
            store: Store::Bucket {
                host,
                bucket: bucket.to_owned(),
                path: path.trim_matches('/').to_owned(),
            },
            folder: folder.known()?.to_owned(),
        },
        node: said.node()?,
    })
}

/// Returns the part of a `destinationPath` that names the bucket, and the rest.
pub(crate) fn bucket_and_path(path: &str) -> (&str, &str) {
    let start = path.find("://").map_or(0, |at| at + 3);
    match path[start..].find('/') {
        Some(at) => (&path[..start + at], &path[start + at..]),
        None => (path, ""),
    }
}

/// Returns the host and port of an address, in lower case.
pub(crate) fn host(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split('/').next().unwrap_or(rest).to_ascii_lowercase();
    let plain = [":443", ":80"]
        .into_iter()
        .find_map(|port| host.strip_suffix(port));
    plain.unwrap_or(&host).to_owned()
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let folder = &self.folder;
        match &self.store {
            Store::Resource { name, .. } => write!(f, "folder `{folder}` of ObjectStore/{name}"),
            Store::Bucket { host, bucket, path } => {
                let slash = if path.is_empty() { "" } else { "/" };
                write!(f, "{bucket}{slash}{path}/{folder}")?;
                match host.as_str() {
                    "" => Ok(()),
                    host => write!(f, " at {host}"),
                }
            }
        }
    }
}
