//! `ObjectStore`s: those there are, and those that become of configurations in `Cluster`s.

use std::path::PathBuf;

use serde_json::{Value as Json, json};

use super::super::{
    desk::Desk,
    json::{get, has_placeholder, remove, set, text, without_nulls},
};
use crate::{
    crd::barman_cloud::{BarmanObjectStoreConfiguration, ObjectStore},
    inventory::{Field, Kind, Resource},
    manifest::{Fault, Segment, decode},
};

/// The `ObjectStore`s of all namespaces, with those that are planned.
#[derive(Debug, Default)]
pub(in crate::migrate) struct Stores<'a> {
    known: Vec<Store<'a>>,
}

#[derive(Debug)]
struct Store<'a> {
    name: String,
    namespace: Option<String>,
    folder: PathBuf,
    configuration: Json,
    retention: Option<Json>,
    /// The resource beside which it is to be made; `None` if it is there.
    beside: Option<Resource<'a>>,
}

/// What a store is wanted for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::migrate) enum Use {
    /// To archive to.
    Archive,
    /// To restore from only.
    Source,
}

impl<'a> Stores<'a> {
    pub(in crate::migrate) fn of(desk: &Desk<'a>) -> Self {
        let mut known = Vec::new();
        for resource in desk.of_kind(Kind::ObjectStore) {
            let json = desk.json(&resource);
            let Some(name) = text(json, &["metadata", "name"]) else {
                continue;
            };
            known.push(Store {
                name: name.to_owned(),
                namespace: namespace(json),
                folder: resource.folder().to_owned(),
                configuration: configuration(get(json, &["spec", "configuration"])),
                retention: get(json, &["spec", "retentionPolicy"]).cloned(),
                beside: None,
            });
        }
        Self { known }
    }

    /// Returns the name of the store with a configuration of a `Cluster`: one that is there and
    /// equal, else a new one.
    ///
    /// Retention is the store's own business, so stores of different policies are different
    /// (T64). To restore from, only where it is and who may read it counts.
    pub(in crate::migrate) fn place(
        &mut self,
        desk: &Desk<'a>,
        cluster: &Resource<'a>,
        wanted: &Json,
        retention: Option<&Json>,
        usage: Use,
        name: &str,
    ) -> String {
        let namespace = namespace(desk.json(cluster));
        let wanted = configuration(Some(wanted));
        let is_near = |store: &Store<'_>| {
            let is_certain = store.namespace.is_some() && !has_placeholder(&wanted);
            store.namespace == namespace && (is_certain || store.folder == cluster.folder())
        };
        let is_equal = |store: &&Store<'_>| {
            is_near(store)
                && match usage {
                    Use::Archive => {
                        store.configuration == wanted && store.retention.as_ref() == retention
                    }
                    Use::Source => is_same_place(&store.configuration, &wanted),
                }
        };
        if let Some(found) = self.known.iter().find(is_equal) {
            return found.name.clone();
        }
        let is_taken = |name: &str| {
            let mut known = self.known.iter();
            known.any(|one| {
                one.name == name && (one.namespace == namespace || one.namespace.is_none())
            })
        };
        let mut free = name.to_owned();
        let mut number = 2;
        while is_taken(&free) {
            free = format!("{name}-{number}");
            number += 1;
        }
        self.known.push(Store {
            name: free.clone(),
            namespace,
            folder: cluster.folder().to_owned(),
            configuration: wanted,
            retention: retention.cloned(),
            beside: Some(*cluster),
        });
        free
    }

    /// Returns the new stores, each as a resource with what it is to stand beside.
    pub(in crate::migrate) fn new_ones(&self) -> Vec<(Resource<'a>, Json)> {
        let new = self.known.iter().filter_map(|store| {
            let beside = store.beside?;
            let mut resource = json!({
                "apiVersion": ObjectStore::API_VERSION,
                "kind": ObjectStore::KIND,
                "metadata": {"name": store.name},
                "spec": {"configuration": store.configuration},
            });
            if let Some(namespace) = &store.namespace {
                resource["metadata"]["namespace"] = json!(namespace);
            }
            if let Some(retention) = &store.retention {
                resource["spec"]["retentionPolicy"] = retention.clone();
            }
            Some((beside, resource))
        });
        new.collect()
    }
}

/// Returns the namespace as it is written.
fn namespace(json: &Json) -> Option<String> {
    text(json, &["metadata", "namespace"]).map(ToOwned::to_owned)
}

/// Returns a configuration as an `ObjectStore` may have it: without `serverName`, and with
/// credentials where they belong.
pub(in crate::migrate) fn configuration(of: Option<&Json>) -> Json {
    let mut json = without_nulls(of.cloned().unwrap_or_default());
    remove(&mut json, &["serverName"]);
    mend_credentials(&mut json);
    json
}

/// Moves keys that stand beside `s3Credentials` into it (T28). Returns whether there were some.
pub(in crate::migrate) fn mend_credentials(configuration: &mut Json) -> bool {
    let mut is_mended = false;
    for key in ["accessKeyId", "secretAccessKey", "sessionToken", "region"] {
        if get(configuration, &["s3Credentials", key]).is_some() {
            continue;
        }
        if let Some(value) = remove(configuration, &[key]) {
            set(configuration, &["s3Credentials", key], value);
            is_mended = true;
        }
    }
    is_mended
}

/// Returns whether both lead to the same objects with the same rights, read at the same pace.
fn is_same_place(store: &Json, wanted: &Json) -> bool {
    const PLACE: [&[&str]; 7] = [
        &["destinationPath"],
        &["endpointURL"],
        &["endpointCA"],
        &["s3Credentials"],
        &["azureCredentials"],
        &["googleCredentials"],
        &["wal", "restoreAdditionalCommandArgs"],
    ];
    let pace = get(wanted, &["wal", "maxParallel"]);
    PLACE
        .iter()
        .all(|keys| get(store, keys) == get(wanted, keys))
        && (pace.is_none() || pace == get(store, &["wal", "maxParallel"]))
}

/// Returns a configuration of a `Cluster` as an `ObjectStore` may have it; what it has no field for
/// is lost, and that is said.
pub(in crate::migrate) fn converted(
    desk: &mut Desk<'_>,
    cluster: &Resource<'_>,
    field: Field<'_>,
    written: &Json,
) -> Json {
    let mut json = configuration(Some(written));
    let Some(node) = field.node() else {
        return json;
    };
    for error in decode::<BarmanObjectStoreConfiguration>(node).unknown {
        let is_field = matches!(error.fault, Fault::UnknownField { .. });
        let keys: Option<Vec<&str>> = error
            .path
            .segments()
            .iter()
            .map(|segment| match segment {
                Segment::Key(key) => Some(key.as_str()),
                Segment::Index(_) => None,
            })
            .collect();
        // Keys beside `s3Credentials` were moved there.
        if let Some(keys) = keys.filter(|_| is_field)
            && remove(&mut json, &keys).is_some()
        {
            let text = format!("`{}` is no field of a configuration: it goes", error.path);
            desk.lose(&cluster.title(), text);
        }
    }
    json
}
